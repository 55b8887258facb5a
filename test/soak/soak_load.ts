/**
 * The load, a process of its own beside the daemon. Open loop: requests are due at a rate, whatever becomes of those
 * before them, and one that is refused is not sent again. Closed loop, to find out what the daemon takes: so many at a
 * time, each sent when the one before it was answered, and after a refusal when the daemon said.
 */
import { connect } from 'node:net'
import { setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Random } from '../bench/random.ts'
import { type Body, renewBody } from '../bench/trace_bodies.ts'
import { Connection, type HttpAnswer } from './connection.ts'
import { GrpcProbe } from './grpc_probe.ts'
import { requestsOf } from './load_requests.ts'

export interface LoadSetting {
  readonly http_port: number
  readonly grpc_port: number
  readonly shape: string
  /** Requests a second; 0: closed loop. */
  readonly rate: number
  /** Connections at most. */
  readonly connections: number
  readonly duration_ms: number
}

/** What became of everything that was sent. */
export interface Sent {
  /** Requests that were due. */
  due: number
  /** Not sent, because all connections waited for answers. */
  unsent: number
  taken: number
  takenSpans: number
  takenCalls: number
  takenBytes: number
  /** With 429 or 503 and Retry-After; UNAVAILABLE with RetryInfo. */
  refused: number
  /** Any other answer, by what it was. */
  wrong: Record<string, number>
  /** No answer: the connection broke before, perhaps after the daemon had taken it. */
  unknown: number
  unknownSpans: number
  unknownCalls: number
  /** Of those taken, milliseconds. */
  p50_ms: number
  p99_ms: number
  bytesOffered: number
  spansOffered: number
}

const TICK_ms = 4
const TIMEOUT_ms = 30_000
/** Of a hundred requests so many go by gRPC. */
const GRPC_PERCENT = 2

// The backends of the test share its core, and have to answer.
try {
  setPriority(10)
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=8')
} catch {}

class Load {
  readonly sent: Sent = {
    due: 0,
    unsent: 0,
    taken: 0,
    takenSpans: 0,
    takenCalls: 0,
    takenBytes: 0,
    refused: 0,
    wrong: {},
    unknown: 0,
    unknownSpans: 0,
    unknownCalls: 0,
    p50_ms: 0,
    p99_ms: 0,
    bytesOffered: 0,
    spansOffered: 0,
  }
  readonly #setting: LoadSetting
  readonly #bodies: Body[]
  readonly #busy = new Set<Body>()
  readonly #random = new Random(process.pid)
  readonly #idle: Connection[] = []
  readonly #grpc: GrpcProbe
  readonly #latencies = new Uint32Array(TIMEOUT_ms + 1)
  #open = 0
  #underWay = 0
  #next = 0

  constructor(setting: LoadSetting) {
    this.#setting = setting
    this.#bodies = requestsOf(setting.shape, 1)
    this.#grpc = new GrpcProbe(setting.grpc_port)
  }

  async run(): Promise<Sent> {
    const begun_ms = performance.now()
    const { rate, duration_ms, connections } = this.#setting
    if (rate === 0) for (let i = 0; i < connections; i++) this.#again(begun_ms + duration_ms)
    else await this.#tick(begun_ms)
    while (performance.now() < begun_ms + duration_ms || this.#underWay > 0) await wait(50)
    this.#grpc.close()
    this.sent.p50_ms = this.#quantile(0.5)
    this.sent.p99_ms = this.#quantile(0.99)
    return this.sent
  }

  /** What is due since the last tick; what could not be sent is not made up for later. */
  async #tick(begun_ms: number): Promise<void> {
    const { rate, duration_ms } = this.#setting
    for (let now_ms = begun_ms; now_ms < begun_ms + duration_ms; now_ms = performance.now()) {
      const due = Math.floor(((now_ms - begun_ms) / 1000) * rate)
      for (; this.sent.due < due; this.sent.due++) this.#send(() => {})
      await wait(TICK_ms)
    }
  }

  #again(end_ms: number): void {
    if (performance.now() >= end_ms) return
    this.sent.due++
    this.#send((wait_ms) => setTimeout(() => this.#again(end_ms), wait_ms))
  }

  /** `done` gets how long to wait before the next, in a closed loop. */
  #send(done: (wait_ms: number) => void): void {
    const body = this.#takeBody()
    const byGrpc = this.#next % 100 < GRPC_PERCENT
    const connection = byGrpc ? undefined : this.#connection()
    if (body === undefined || (connection === undefined && !byGrpc)) {
      if (body !== undefined) this.#busy.delete(body)
      this.sent.unsent++
      return done(10)
    }
    renewBody(body, this.#random, Date.now(), { low: 0, high: 0 })
    this.sent.bytesOffered += body.bytes.length
    this.sent.spansOffered += body.spans
    this.#underWay++
    const begun_ms = performance.now()
    const settle = (answer: HttpAnswer) => {
      this.#underWay--
      this.#busy.delete(body)
      this.#book(body, answer, performance.now() - begun_ms)
      done(answer.retry_ms)
    }
    if (connection === undefined) this.#grpc.send(body.bytes, settle)
    else connection.send(body.bytes, settle)
  }

  #takeBody(): Body | undefined {
    for (let i = 0; i < this.#bodies.length; i++) {
      const body = this.#bodies[this.#next++ % this.#bodies.length]!
      if (this.#busy.has(body)) continue
      this.#busy.add(body)
      return body
    }
    return undefined
  }

  #connection(): Connection | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined || this.#open >= this.#setting.connections) return idle
    this.#open++
    const socket = connect({ port: this.#setting.http_port, host: '127.0.0.1', noDelay: true })
    return new Connection(socket, TIMEOUT_ms, {
      idle: (connection) => this.#idle.push(connection),
      closed: (connection) => {
        this.#open--
        const at = this.#idle.indexOf(connection)
        if (at >= 0) this.#idle.splice(at, 1)
      },
    })
  }

  #book(body: Body, { kind, what }: HttpAnswer, took_ms: number): void {
    const { sent } = this
    if (kind === 'taken') {
      sent.taken++
      sent.takenSpans += body.spans
      sent.takenCalls += body.modelCalls
      sent.takenBytes += body.bytes.length
      this.#latencies[Math.min(TIMEOUT_ms, Math.round(took_ms))]!++
    } else if (kind === 'refused') sent.refused++
    else if (kind === 'unknown') {
      sent.unknown++
      sent.unknownSpans += body.spans
      sent.unknownCalls += body.modelCalls
    } else sent.wrong[what] = (sent.wrong[what] ?? 0) + 1
  }

  #quantile(share: number): number {
    let left = this.sent.taken * share
    return this.#latencies.findIndex((count) => (left -= count) <= 0)
  }
}

function wait(wait_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait_ms))
}

process.on('message', async (setting: LoadSetting) => process.send!(await new Load(setting).run()))
