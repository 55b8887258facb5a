import type { Socket } from 'node:net'
import {
  acknowledge,
  FLAG,
  FRAME,
  FrameReader,
  frame,
  frameHead,
  literalHeader,
  PREFACE,
  SETTING,
  settings,
  windowUpdate,
} from './frames.ts'

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const WINDOW_BYTES = 16 * 1024 * 1024

interface Flight {
  readonly body: Buffer
  readonly done: (taken: boolean) => void
  sent: number
  window: number
}

/** Unary gRPC calls of the OTLP trace service, several at a time on one connection, within the server's windows. */
export class GrpcClient {
  readonly #socket: Socket
  readonly #request: Buffer
  readonly #flights = new Map<number, Flight>()
  #waiting: number[] = []
  #nextStream = 1
  #window = 65_535
  #streamWindow = 65_535
  #frameSize = 16_384

  constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#request = Buffer.concat([
      Buffer.from([0x83, 0x86]), // :method POST, :scheme http
      literalHeader(':path', EXPORT_PATH),
      literalHeader(':authority', host),
      literalHeader('content-type', 'application/grpc'),
      literalHeader('te', 'trailers'),
    ])
    // Without a header table every header block can be read alone.
    socket.write(Buffer.concat([PREFACE, settings([[SETTING.headerTableSize, 0]]), windowUpdate(0, 0x3fff_0000)]))
    const reader = new FrameReader({
      onData: () => {},
      onFrame: (type, flags, stream, payload) => this.#onFrame(type, flags, stream, payload),
    })
    socket.on('data', (chunk) => reader.push(chunk))
    socket.on('close', () => {
      for (const stream of [...this.#flights.keys()]) this.#settle(stream, false)
    })
  }

  /** `done` tells whether the answer was status 0. */
  send(body: Buffer, done: (taken: boolean) => void): void {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#flights.set(stream, { body, done, sent: -5, window: this.#streamWindow })
    if (this.#socket.destroyed) return this.#settle(stream, false)
    this.#socket.cork()
    this.#socket.write(frame(FRAME.headers, FLAG.endHeaders, stream, this.#request))
    this.#waiting.push(stream)
    this.#pump()
    this.#socket.uncork()
  }

  close(): void {
    this.#socket.destroy()
  }

  #pump(): void {
    this.#waiting = this.#waiting.filter((stream) => {
      const flight = this.#flights.get(stream)
      if (flight === undefined) return false
      while (flight.sent < flight.body.length && this.#sendPiece(stream, flight));
      return flight.sent < flight.body.length
    })
  }

  /** One DATA frame; the first begins with the five bytes of the gRPC message's prefix. */
  #sendPiece(stream: number, flight: Flight): boolean {
    const size = Math.min(flight.body.length - flight.sent, this.#frameSize, this.#window, flight.window)
    if (size <= (flight.sent < 0 ? 5 : 0)) return false
    const flags = flight.sent + size === flight.body.length ? FLAG.endStream : 0
    this.#socket.write(frameHead(FRAME.data, flags, stream, size))
    let from = flight.sent
    if (from < 0) {
      const prefix = Buffer.alloc(5)
      prefix.writeUInt32BE(flight.body.length, 1)
      this.#socket.write(prefix)
      from = 0
    }
    flight.sent += size
    flight.window -= size
    this.#window -= size
    this.#socket.write(flight.body.subarray(from, flight.sent))
    return true
  }

  #onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FRAME.settings && (flags & FLAG.ack) === 0) this.#onSettings(payload)
    if (acknowledge(this.#socket, type, flags, payload)) return
    if (type === FRAME.windowUpdate) this.#onWindow(stream, payload.readUInt32BE(0))
    else if (type === FRAME.reset) this.#settle(stream, false)
    else if (type === FRAME.goaway) this.#socket.destroy()
    else if (type === FRAME.headers && (flags & FLAG.endStream) !== 0) this.#settle(stream, isStatusOk(payload))
  }

  #onSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2)
      const id = payload.readUInt16BE(at)
      if (id === SETTING.maxFrameSize) this.#frameSize = value
      if (id !== SETTING.initialWindowSize) continue
      for (const flight of this.#flights.values()) flight.window += value - this.#streamWindow
      this.#streamWindow = value
    }
    this.#pumpCorked()
  }

  #onWindow(stream: number, by: number): void {
    const flight = this.#flights.get(stream)
    if (stream === 0) this.#window += by
    else if (flight !== undefined) flight.window += by
    this.#pumpCorked()
  }

  #pumpCorked(): void {
    this.#socket.cork()
    this.#pump()
    this.#socket.uncork()
  }

  #settle(stream: number, taken: boolean): void {
    const flight = this.#flights.get(stream)
    this.#flights.delete(stream)
    flight?.done(taken)
  }
}

/** `grpc-status` as plain text and Huffman-coded (RFC 7541, appendix B). */
const STATUS_NAMES = [Buffer.from('grpc-status'), Buffer.from('9acac8b21234da8f', 'hex')]

function isStatusOk(block: Buffer): boolean {
  for (const name of STATUS_NAMES) {
    const at = block.indexOf(name)
    if (at < 0) continue
    const value = block.readUInt16BE(at + name.length)
    return value === 0x0130 || value === 0x8107
  }
  return false
}

/** Answers every call on a connection with an empty message and status 0. Request headers are not looked at. */
export function serveGrpc(socket: Socket, onBody: (body: Buffer) => void): void {
  const bodies = new Map<number, { bytes: Buffer; filled: number }>()
  const pool: Buffer[] = []
  let consumed = 0
  socket.write(
    Buffer.concat([
      settings([
        [SETTING.headerTableSize, 0],
        [SETTING.initialWindowSize, WINDOW_BYTES],
        [SETTING.maxFrameSize, 1024 * 1024],
      ]),
      windowUpdate(0, WINDOW_BYTES * 4),
    ]),
  )
  const finish = (stream: number) => {
    const body = bodies.get(stream)
    bodies.delete(stream)
    if (body === undefined) throw new Error(`stream ${stream} ended without a message`)
    onBody(body.bytes.subarray(5, body.filled))
    pool.push(body.bytes)
    socket.write(answer(stream))
  }
  const reader = new FrameReader(
    {
      onData(stream, chunk, start, end, last, flags) {
        const body = bodies.get(stream) ?? { bytes: pool.pop() ?? Buffer.allocUnsafe(2 * 1024 * 1024), filled: 0 }
        bodies.set(stream, body)
        if (body.filled + end - start > body.bytes.length)
          body.bytes = Buffer.concat([body.bytes], body.bytes.length * 2)
        chunk.copy(body.bytes, body.filled, start, end)
        body.filled += end - start
        consumed += end - start
        if (consumed > WINDOW_BYTES) {
          socket.write(windowUpdate(0, consumed))
          consumed = 0
        }
        if (last && (flags & FLAG.endStream) !== 0) finish(stream)
      },
      onFrame(type, flags, stream, payload) {
        if (acknowledge(socket, type, flags, payload)) return
        if (type === FRAME.reset) bodies.delete(stream)
      },
    },
    PREFACE.length,
  )
  socket.on('data', (chunk) => reader.push(chunk))
}

function answer(stream: number): Buffer {
  return Buffer.concat([
    frame(
      FRAME.headers,
      FLAG.endHeaders,
      stream,
      Buffer.concat([Buffer.from([0x88]), literalHeader('content-type', 'application/grpc')]),
    ),
    frame(FRAME.data, 0, stream, Buffer.alloc(5)),
    frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, literalHeader('grpc-status', '0')),
  ])
}
