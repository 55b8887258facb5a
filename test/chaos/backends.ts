/** A Tempo and a Loki on loopback that behave as they are told, and count what they took. */
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { uncompress } from 'snappyjs'
import { tallySpans } from '../bench/request_tally.ts'

/** `dead`: nobody listens; `hang`: takes everything and never answers; `reset`: cuts the connection in the middle. */
export type Mood = 'well' | 'dead' | 'hang' | 'refuse' | 'reject' | 'slow' | 'reset'

const SLOW_ms = 2000

export interface Backend {
  readonly port: number
  /** What it has taken: spans, or summaries of model calls. */
  readonly items: number
  /** Of these, what came in requests whose sender did not wait for the answer: it will send them again. */
  readonly unheard: number
  /** Requests that came, however they were answered. */
  readonly requests: number
  become(mood: Mood): Promise<void>
  close(): Promise<void>
}

/** What a backend does with a request, by mood. */
interface Answer {
  /** Tells how many items are in it. */
  take(body: Buffer): number
  /** Calls `lost` if nobody gets the answer. */
  onLost(lost: () => void): void
  accept(): void
  refuse(status: 'later' | 'never'): void
  reset(): void
}

abstract class Moody {
  port = 0
  items = 0
  unheard = 0
  requests = 0
  protected mood: Mood = 'well'
  readonly #hung: (() => void)[] = []

  /** Begins to listen, again on the same port. */
  protected abstract listen(port: number): Promise<number>
  protected abstract silence(): Promise<void>

  async become(mood: Mood): Promise<void> {
    const before = this.mood
    this.mood = mood
    if (mood === 'dead' && before !== 'dead') await this.silence()
    if (mood !== 'dead' && (before === 'dead' || this.port === 0)) this.port = await this.listen(this.port)
    // What hung is cut: whoever waits for it asks again.
    if (before === 'hang') for (const cut of this.#hung.splice(0)) cut()
  }

  async close(): Promise<void> {
    if (this.mood !== 'dead') await this.silence()
    this.mood = 'dead'
  }

  protected answer(body: Buffer, by: Answer): void {
    this.requests++
    if (this.mood === 'hang') return void this.#hung.push(() => by.reset())
    if (this.mood === 'reset' || this.mood === 'dead') return by.reset()
    if (this.mood === 'refuse') return by.refuse('later')
    if (this.mood === 'reject') return by.refuse('never')
    const items = by.take(body)
    this.items += items
    by.onLost(() => {
      this.unheard += items
    })
    if (this.mood === 'slow') setTimeout(() => by.accept(), SLOW_ms).unref()
    else by.accept()
  }
}

/** Counts spans of OTLP over gRPC. */
class FakeTempo extends Moody implements Backend {
  #server: Http2Server | undefined
  readonly #sockets = new Set<Socket>()

  protected listen(port: number): Promise<number> {
    const server = createHttp2({ settings: { initialWindowSize: 4 * 1024 * 1024 } })
    this.#server = server
    server.on('session', (session) => session.on('error', () => {}))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('stream', (stream) => this.#read(stream))
    return listening(server, port)
  }

  protected silence(): Promise<void> {
    this.#cut()
    return closed(this.#server)
  }

  /** All connections, without a word of HTTP/2. */
  #cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #read(stream: ServerHttp2Stream): void {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const whole = Buffer.concat(chunks)
      // A call that was given up in the middle ends as well.
      if (whole.length < 5 || whole.length < 5 + whole.readUInt32BE(1)) return
      this.answer(whole, {
        take: spansIn,
        onLost: (lost) => stream.on('close', () => stream.rstCode !== 0 && lost()),
        accept: () => respond(stream, 0),
        refuse: (when) => respond(stream, when === 'later' ? 14 : 3),
        reset: () => this.#cut(),
      })
    })
  }
}

/** Of a message of gRPC: a flag, the length, and the request, compressed if the flag says so. */
function spansIn(message: Buffer): number {
  const body = message[0] === 1 ? unpacked(message.subarray(5)) : message.subarray(5)
  const tally = { spans: 0, bytes: 0, low: 0, high: 0 }
  tallySpans(body, 0, body.length, tally)
  return tally.spans
}

function respond(stream: ServerHttp2Stream, status: number): void {
  if (stream.destroyed) return
  const trailers = { 'grpc-status': String(status) }
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  if (status !== 0) return stream.respond({ ...head, ...trailers }, { endStream: true })
  stream.respond(head, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(Buffer.alloc(5))
}

function unpacked(bytes: Buffer): Buffer {
  return bytes.readUInt32LE(0) === 0xfd2fb528 ? zstdDecompressSync(bytes) : gunzipSync(bytes)
}

/** The value of a line's metadata `event_name`. */
const SUMMARY = Buffer.from('sluice.gen_ai.summary')

/** Counts the lines that tell of a model call. */
class FakeLoki extends Moody implements Backend {
  #server: HttpServer | undefined

  protected listen(port: number): Promise<number> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('error', () => {})
      response.on('error', () => {})
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => this.answer(Buffer.concat(chunks), this.#by(response)))
    })
    server.on('clientError', (_, socket) => socket.destroy())
    this.#server = server
    return listening(server, port)
  }

  protected silence(): Promise<void> {
    this.#server?.closeAllConnections()
    return closed(this.#server)
  }

  #by(response: ServerResponse): Answer {
    const end = (status: number) => response.writeHead(status).end()
    return {
      take: summariesIn,
      onLost: (lost) => response.on('close', () => response.writableFinished || lost()),
      accept: () => end(204),
      refuse: (when) => end(when === 'later' ? 503 : 400),
      reset: () => response.destroy(),
    }
  }
}

function summariesIn(body: Buffer): number {
  const push = uncompress(body)
  let count = 0
  for (let at = 0; (at = push.indexOf(SUMMARY, at)) >= 0; at += SUMMARY.length) count++
  return count
}

export async function fakeTempo(mood: Mood = 'well'): Promise<Backend> {
  return begun(new FakeTempo(), mood)
}

export async function fakeLoki(mood: Mood = 'well'): Promise<Backend> {
  return begun(new FakeLoki(), mood)
}

/** Listens first, also if it is to be dead, so that it has a port. */
async function begun<B extends Moody>(backend: B, mood: Mood): Promise<B> {
  await backend.become('well')
  await backend.become(mood)
  return backend
}

interface Listening {
  listen(port: number, host: string, done: () => void): unknown
  address(): AddressInfo | string | null
  once(event: 'error', listener: (error: Error) => void): unknown
}

function listening(server: Listening, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closed(server: { close(done: () => void): unknown } | undefined): Promise<void> {
  return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
}
