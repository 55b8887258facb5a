/** Hostile behaviour on the wire: each opens what it needs, does its worst and lets go. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  FLAG,
  FRAME,
  frame,
  frameHead,
  literalHeader,
  PREFACE,
  SETTING,
  settings,
  windowUpdate,
} from '../bench/frames.ts'
import type { Ports } from './contained_daemon.ts'

export interface Attack {
  readonly name: string
  /** One go; `times` of them run in parallel with others of their kind. */
  run(ports: Ports): Promise<void>
}

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
/** So long a connection is held open by those that wait. */
const HOLD_ms = 300

export const ATTACKS: readonly Attack[] = [
  http('C04 headers that never end', ['POST /v1/traces HTTP/1.1\r\nHost: a\r\nX-A: '], HOLD_ms),
  http('C04 a body that comes byte by byte', [head('Content-Length: 1000000'), 'a', 'a', 'a'], 50),
  http('C04 a body that never comes', [head('Content-Length: 60000000')], HOLD_ms),
  http('A23 a large body broken off', [head('Content-Length: 60000000'), Buffer.alloc(8 * 1024 * 1024)], 0),
  http(
    'A23 a chunked body broken off',
    [head('Transfer-Encoding: chunked'), '100000\r\n', Buffer.alloc(512 * 1024)],
    0,
  ),
  http('J header of 1 MiB', [`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(1024 * 1024)}\r\n\r\n`], 0),
  http('J ten thousand headers', [`GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(10_000)}\r\n`], 0),
  http('B10 a path that is no URL', ['GET // HTTP/1.1\r\nHost: a\r\n\r\nGET http:// HTTP/1.1\r\nHost: a\r\n\r\n'], 0),
  http('B10 percent escapes that are none', ['GET /%zz%ff HTTP/1.1\r\nHost: a\r\n\r\n'], 0),
  http('HTTP/1.1 without Host', ['POST /v1/traces HTTP/1.1\r\nContent-Length: 0\r\n\r\n'], 0),
  http('two lengths that differ', [head('Content-Length: 5\r\nContent-Length: 6'), 'aaaaaa'], 0),
  http('a length and chunks', [head('Content-Length: 5\r\nTransfer-Encoding: chunked'), '0\r\n\r\n'], 0),
  http('a negative length', [head('Content-Length: -1')], 0),
  http('a length beyond all numbers', [head('Content-Length: 99999999999999999999')], 0),
  http('a chunk size beyond all numbers', [head('Transfer-Encoding: chunked'), 'ffffffffffffffffff\r\n'], 0),
  http('gzip that is none', [head('Content-Encoding: gzip\r\nContent-Length: 4'), 'abcd'], 0),
  http('thirty encodings', [head(`Content-Encoding: ${'gzip, '.repeat(30)}gzip\r\nContent-Length: 4`), 'abcd'], 0),
  http('a TLS handshake that never ends', [clientHello()], HOLD_ms),
  http('B08 noise', [Buffer.alloc(65_536, 0xa5)], 0),
  http('C04 an idle connection', [], HOLD_ms),
  http('pipelined requests without end', ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000)], 50),

  grpc('C05 rapid reset', () =>
    streams(500, (id) => [headers(id), frame(FRAME.reset, 0, id, Buffer.from([0, 0, 0, 8]))]),
  ),
  grpc('C05 streams that never end', () => streams(2000, (id) => [headers(id)]), HOLD_ms),
  grpc('C05 a CONTINUATION flood', () => [
    frame(FRAME.headers, 0, 1, REQUEST),
    ...times(300, () => frame(FRAME.continuation, 0, 1, literalHeader('a', 'b'.repeat(100)))),
  ]),
  grpc('C05 empty CONTINUATION frames', () => [
    frame(FRAME.headers, 0, 1, REQUEST),
    ...times(20_000, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(0))),
  ]),
  grpc('C05 a settings flood', () => times(5000, () => settings([[SETTING.initialWindowSize, 65_535]]))),
  grpc('C05 a ping flood', () => times(5000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  grpc('C05 empty DATA frames', () => [headers(1), ...times(20_000, () => frame(FRAME.data, 0, 1, Buffer.alloc(0)))]),
  grpc('B08 a window beyond its limit', () => [headers(1), windowUpdate(1, 0x7fff_ffff), windowUpdate(1, 0x7fff_ffff)]),
  grpc('B08 HPACK that is none', () => [frame(FRAME.headers, FLAG.endHeaders, 1, Buffer.alloc(200, 0xff))]),
  grpc('B08 a stream of even number', () => [frame(FRAME.headers, FLAG.endHeaders, 2, REQUEST)]),
  grpc('B08 a frame beyond the limit', () => [
    headers(1),
    frameHead(FRAME.data, 0, 1, 0xff_ffff),
    Buffer.alloc(100_000),
  ]),
  grpc('B08 DATA on a stream that is not open', () => [frame(FRAME.data, 0, 77, Buffer.alloc(10))]),
  grpc('a message shorter than it says', () => [headers(1), data(1, message(1_000_000, Buffer.alloc(10)))]),
  grpc('a message longer than it says', () => [headers(1), data(1, message(1, Buffer.alloc(1000)))]),
  grpc('a message that says 4 GiB', () => [headers(1), data(1, message(0xffff_ffff, Buffer.alloc(10)))]),
  grpc('a compressed message that is none', () => [
    headers(1),
    data(1, Buffer.concat([Buffer.from([1, 0, 0, 0, 4]), Buffer.from('abcd')])),
  ]),
  grpc('a header of 8 MiB', () => [
    frame(FRAME.headers, 0, 1, REQUEST),
    ...times(600, () => frame(FRAME.continuation, 0, 1, literalText('a', 'b'.repeat(14_000)))),
  ]),
  grpc('A23 a message broken off', () => [
    headers(1),
    frame(FRAME.data, 0, 1, message(60_000_000, Buffer.alloc(16_000))),
  ]),
  grpc('C04 an idle connection', () => [], HOLD_ms),
  grpc('C04 half a preface', () => [], HOLD_ms, PREFACE.subarray(0, 10)),
]

type Piece = string | Buffer

function http(name: string, pieces: readonly Piece[], pause_ms: number): Attack {
  return {
    name: `HTTP: ${name}`,
    run: ({ http: port }) => converse(port, pieces, pause_ms),
  }
}

function grpc(name: string, frames: () => readonly Buffer[], pause_ms = 0, preface: Buffer = PREFACE): Attack {
  // Made once: who makes megabytes of frames meanwhile measures honest senders that wait for this process.
  let bytes: Buffer | undefined
  return {
    name: `gRPC: ${name}`,
    run: ({ grpc: port }) => {
      bytes ??= Buffer.concat(frames())
      return converse(port, [preface, settings([]), bytes], pause_ms)
    },
  }
}

/** Writes the pieces with a pause after each, listens for a moment and cuts the connection. */
async function converse(port: number, pieces: readonly Piece[], pause_ms: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // What the daemon does with the connection is its affair: a cut one is a good answer.
  socket.on('error', () => {})
  socket.resume()
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})
  for (const piece of pieces) {
    await written(socket, piece)
    if (pause_ms > 0) await sleep(pause_ms)
  }
  if (pieces.length === 0) await sleep(pause_ms)
  await Promise.race([once(socket, 'close').catch(() => {}), sleep(100)])
  socket.destroy()
}

/** Gives up after two seconds: who does not read, is not written to. */
async function written(socket: Socket, piece: Piece): Promise<void> {
  if (socket.destroyed) return
  const done = new Promise<void>((resolve) => socket.write(piece, () => resolve()))
  await Promise.race([done, sleep(2000, undefined, { ref: false })])
}

function head(more: string): string {
  return `POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n${more}\r\n\r\n`
}

/** The beginning of a TLS 1.2 ClientHello: a record of 512 bytes of which ten come. */
function clientHello(): Buffer {
  return Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4])
}

const REQUEST = Buffer.concat([
  Buffer.from([0x83, 0x86]), // :method POST, :scheme http
  literalHeader(':path', EXPORT),
  literalHeader(':authority', 'a'),
  literalHeader('content-type', 'application/grpc'),
  literalHeader('te', 'trailers'),
])

function headers(stream: number): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders, stream, REQUEST)
}

function data(stream: number, payload: Buffer): Buffer {
  return frame(FRAME.data, FLAG.endStream, stream, payload)
}

function message(length: number, body: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, body])
}

/** As `literalHeader`, for values of any length below 2^14 + 127 (RFC 7541, section 5.1). */
function literalText(name: string, value: string): Buffer {
  const rest = value.length - 127
  const length = Buffer.from([127, (rest & 127) | 128, rest >> 7])
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), length, Buffer.from(value)])
}

function streams(count: number, of: (id: number) => readonly Buffer[]): Buffer[] {
  return times(count, (i) => Buffer.concat(of(2 * i + 1)))
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}
