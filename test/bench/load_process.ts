/**
 * The process beside the subject under test: makes the load, receives what comes out, counts both. Driven by messages from
 * `main.ts` (see `LoadRequest`); pinned to the other core.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { zstdCompressSync } from 'node:zlib'
import { addChecksum, type Checksum } from './checksum.ts'
import { GrpcClient, serveGrpc } from './grpc.ts'
import { HttpClient, serveHttp } from './http.ts'
import { Random } from './random.ts'
import { tallySpans } from './request_tally.ts'
import { SHAPES } from './shapes.ts'
import { type Body, encodeBodies, renewBody } from './trace_bodies.ts'

export type Transport = 'http' | 'grpc'

export type LoadRequest =
  /** Opens the sinks. */
  | { kind: 'listen' }
  /** Encodes the requests of a shape. */
  | { kind: 'prepare'; shape: string; seed: number }
  /** Begins to send: `in_flight` requests at a time, at most `rate` spans a second and `limit` spans in all (0: no limit). */
  | { kind: 'start'; transport: Transport; port: number; in_flight: number; rate: number; limit: number }
  /** Waits until the limit is reached and everything is answered. */
  | { kind: 'finish' }
  /** Sends nothing more and waits for the answers. */
  | { kind: 'stop' }
  | { kind: 'count' }
  | { kind: 'reset' }

export interface LoadAnswer {
  listen: { http_port: number; grpc_port: number }
  prepare: { spans: number; span_bytes: number; modelCalls: number; zstd_ratio: number }
  start: null
  finish: null
  stop: null
  count: Counts
  reset: null
}

export interface Counts {
  /** What the subject answered with success. */
  sent: Tally
  /** What came out of the subject. */
  received: Tally
  /** Requests that the subject refused or whose connection broke. */
  refused: number
  /** Spans sent that no sampling may drop. */
  mustKeepSpans: number
  /** Processor time of this process, seconds. */
  cpu_s: number
  /** Requests whose framing the sink could not follow, and the first reason. */
  unreadable: number
  unreadableBecause: string
}

export interface Tally extends Checksum {
  spans: number
  bytes: number
}

// Node 24 reclaims short-lived buffers slowly without it.
try {
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=8')
} catch {}

const emptyTally = (): Tally => ({ spans: 0, bytes: 0, low: 0, high: 0 })
const emptyCounts = () => ({
  sent: emptyTally(),
  received: emptyTally(),
  refused: 0,
  mustKeepSpans: 0,
  unreadable: 0,
  unreadableBecause: '',
})

let counts = emptyCounts()
let bodies: Body[] = []
let generator: Generator | undefined

class Generator {
  readonly #clients: (HttpClient | GrpcClient)[]
  readonly #random = new Random(process.pid)
  readonly #busy = new Set<Body>()
  readonly #begun_ms = performance.now()
  readonly #rate: number
  readonly #limit: number
  #next = 0
  #issued = 0
  #underWay = 0
  #stopped = false
  #onIdle: (() => void) | undefined

  constructor(clients: (HttpClient | GrpcClient)[], rate: number, limit: number) {
    this.#clients = clients
    this.#rate = rate
    this.#limit = limit
    for (const client of clients) this.#sendNext(client)
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#checkIdle()
    })
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.finish()
  }

  close(): void {
    this.#stopped = true
    for (const client of new Set(this.#clients)) client.close()
  }

  #sendNext(client: HttpClient | GrpcClient): void {
    if (this.#stopped || (this.#limit > 0 && this.#issued >= this.#limit)) return this.#checkIdle()
    const early_ms = this.#rate > 0 ? (this.#issued / this.#rate) * 1000 - (performance.now() - this.#begun_ms) : 0
    if (early_ms > 1) return void setTimeout(() => this.#sendNext(client), early_ms)
    const body = this.#takeBody()
    const sum: Checksum = { low: 0, high: 0 }
    renewBody(body, this.#random, Date.now(), sum)
    this.#issued += body.spans
    this.#underWay++
    client.send(body.bytes, (taken) => {
      this.#underWay--
      this.#busy.delete(body)
      this.#book(body, sum, taken)
      if (taken) this.#sendNext(client)
      else setTimeout(() => this.#sendNext(client), 50)
    })
  }

  #takeBody(): Body {
    for (;;) {
      const body = bodies[this.#next++ % bodies.length]!
      if (this.#busy.has(body)) continue
      this.#busy.add(body)
      return body
    }
  }

  #book(body: Body, sum: Checksum, taken: boolean): void {
    if (!taken) {
      counts.refused++
      this.#issued -= body.spans
      return
    }
    counts.sent.spans += body.spans
    counts.sent.bytes += body.bytes.length
    counts.mustKeepSpans += body.mustKeepSpans
    addChecksum(counts.sent, sum)
  }

  #checkIdle(): void {
    if (this.#underWay > 0) return
    this.#onIdle?.()
    this.#onIdle = undefined
  }
}

const GRPC_CONNECTIONS = 2

async function startGenerator(request: LoadRequest & { kind: 'start' }): Promise<void> {
  const host = `127.0.0.1:${request.port}`
  const connections = request.transport === 'grpc' ? Math.min(GRPC_CONNECTIONS, request.in_flight) : request.in_flight
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(request.port)))
  const open_clients = sockets.map((socket) =>
    request.transport === 'grpc' ? new GrpcClient(socket, host) : new HttpClient(socket, host),
  )
  const clients = Array.from({ length: request.in_flight }, (_, i) => open_clients[i % connections]!)
  generator = new Generator(clients, request.rate, request.limit)
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.on('error', reject)
  })
}

function receive(body: Buffer): void {
  counts.received.bytes += body.length
  try {
    tallySpans(body, 0, body.length, counts.received)
  } catch (error) {
    if (counts.unreadable++ === 0) counts.unreadableBecause = String(error)
  }
}

function listen(serve: (socket: Socket, onBody: (body: Buffer) => void) => void): Promise<number> {
  const server: Server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket, receive)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

function prepare(name: string, seed: number): LoadAnswer['prepare'] {
  const shape = SHAPES.find((one) => one.name === name)!
  bodies = encodeBodies(shape, seed)
  const bytes = bodies.reduce((sum, body) => sum + body.bytes.length, 0)
  const spans = bodies.reduce((sum, body) => sum + body.spans, 0)
  const modelCalls = bodies.reduce((sum, body) => sum + body.modelCalls, 0)
  renewBody(bodies[0]!, new Random(seed), Date.now(), { low: 0, high: 0 })
  const zstd_ratio = bodies[0]!.bytes.length / zstdCompressSync(bodies[0]!.bytes).length
  return { spans, span_bytes: bytes / spans, modelCalls: modelCalls / spans, zstd_ratio }
}

/** How long a subject may leave requests unanswered, milliseconds; then the connections are cut and they count as refused. */
const PATIENCE_MS = { finish: 120_000, stop: 10_000 }

async function answer(request: LoadRequest): Promise<LoadAnswer[LoadRequest['kind']]> {
  switch (request.kind) {
    case 'listen':
      return { http_port: await listen(serveHttp), grpc_port: await listen(serveGrpc) }
    case 'prepare':
      return prepare(request.shape, request.seed)
    case 'start':
      await startGenerator(request)
      return null
    case 'finish':
    case 'stop':
      await Promise.race([generator?.[request.kind](), sleep(PATIENCE_MS[request.kind])])
      generator?.close()
      generator = undefined
      return null
    case 'count': {
      const cpu = process.cpuUsage()
      return structuredClone({ ...counts, cpu_s: (cpu.user + cpu.system) / 1e6 })
    }
    case 'reset':
      counts = emptyCounts()
      return null
  }
}

process.on('message', (request: LoadRequest) => {
  answer(request).then(
    (value) => process.send!({ value }),
    (error) => process.send!({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
