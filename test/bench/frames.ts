import type { Socket } from 'node:net'

/** HTTP/2 framing (RFC 9113, section 4) by hand: no header state, no priorities, flow control by the caller. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
}
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 }
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const SETTING = { headerTableSize: 1, initialWindowSize: 4, maxFrameSize: 5 }

export interface FrameEvents {
  /** A piece of a DATA frame's payload; `last` on the piece that ends the frame. */
  onData(stream: number, chunk: Buffer, start: number, end: number, last: boolean, flags: number): void
  onFrame(type: number, flags: number, stream: number, payload: Buffer): void
}

/** Cuts what arrives into frames; DATA payloads are passed on in pieces, without a copy. */
export class FrameReader {
  readonly #events: FrameEvents
  readonly #head = Buffer.alloc(9)
  #headFilled = 0
  #left = 0
  #payload: Buffer[] = []
  #skip: number

  /** `skip`: bytes before the first frame (a server skips the client's preface). */
  constructor(events: FrameEvents, skip = 0) {
    this.#events = events
    this.#skip = skip
  }

  push(chunk: Buffer): void {
    let at = Math.min(this.#skip, chunk.length)
    this.#skip -= at
    while (at < chunk.length) {
      if (this.#headFilled < 9) {
        this.#head[this.#headFilled++] = chunk[at++]!
        if (this.#headFilled < 9) continue
        this.#left = this.#head.readUIntBE(0, 3)
        if (this.#left > 0) continue
      }
      const end = Math.min(chunk.length, at + this.#left)
      this.#left -= end - at
      this.#pass(chunk, at, end)
      at = end
    }
  }

  #pass(chunk: Buffer, start: number, end: number): void {
    const type = this.#head[3]!
    const flags = this.#head[4]!
    const stream = this.#head.readUInt32BE(5) & 0x7fff_ffff
    const last = this.#left === 0
    if (last) this.#headFilled = 0
    if (type === FRAME.data) {
      if ((flags & FLAG.padded) !== 0) throw new Error('padded DATA frames are not supported')
      return this.#events.onData(stream, chunk, start, end, last, flags)
    }
    if (!last || this.#payload.length > 0) this.#payload.push(Buffer.from(chunk.subarray(start, end)))
    if (!last) return
    const payload = this.#payload.length > 0 ? Buffer.concat(this.#payload) : chunk.subarray(start, end)
    this.#payload = []
    this.#events.onFrame(type, flags, stream, payload)
  }
}

/** Header of a frame with `length` bytes of payload. */
export function frameHead(type: number, flags: number, stream: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return head
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  return Buffer.concat([frameHead(type, flags, stream, payload.length), payload])
}

export function settings(pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6)
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6)
    payload.writeUInt32BE(value, i * 6 + 2)
  })
  return frame(FRAME.settings, 0, 0, payload)
}

export function windowUpdate(stream: number, by: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(by)
  return frame(FRAME.windowUpdate, 0, stream, payload)
}

/** Answers SETTINGS and PING; true if the frame was one of them. */
export function acknowledge(socket: Socket, type: number, flags: number, payload: Buffer): boolean {
  if (type !== FRAME.settings && type !== FRAME.ping) return false
  if ((flags & FLAG.ack) === 0) {
    socket.write(frame(type, FLAG.ack, 0, type === FRAME.ping ? Buffer.from(payload) : Buffer.alloc(0)))
  }
  return true
}

/** HPACK literal without indexing, name and value as plain text, values below 127 bytes (RFC 7541, section 6.2.2). */
export function literalHeader(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ])
}
