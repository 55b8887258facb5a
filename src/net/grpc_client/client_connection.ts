import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../self/clock.ts'
import { networkErrorName } from '../network_error.ts'
import type { GrpcOutcome } from './grpc_outcome.ts'
import { type CallHost, UnaryCall, type UnaryRequest } from './unary_call.ts'

export interface KeepAlive {
  /** After so long without a sign of life the peer is probed. */
  readonly time_ms: number
  /** It is gone if it does not answer a probe in this time. */
  readonly timeout_ms: number
  /** Also while there is no call. */
  readonly isAlways: boolean
}

export interface ClientConnectionOptions {
  readonly isTls: boolean
  readonly clock: Clock
  readonly keepalive: KeepAlive | undefined
  /** The peer speaks HTTP/2: calls may begin. */
  onReady(): void
  /** More calls may run than before. */
  onRoom(): void
  /** No more calls may begin: it is closed, or will be when its calls have ended. */
  onLeaving(): void
  /** The peer finds that it is probed too often. */
  onTooManyPings(): void
}

/** A call that got no answer in its time makes one doubt; a peer that answers this is only slow. */
const DOUBT_MS = 10_000
/** Answers are small, and a window is what a peer can make us hold for each call. */
const WINDOW_BYTES = 65_535
const HEADER_BYTES_MAX = 64 * 1024
/** What is sent is in memory already, and counted by those who hold it. */
const SESSION_MEMORY_MB = 4096

/** One HTTP/2 connection to a gRPC server. */
export class ClientConnection implements CallHost {
  readonly session: ClientHttp2Session
  /** Calls that have not ended. */
  calls = 0
  /** Something has come for a call: the peer is a gRPC server that works. */
  isProven = false
  readonly #options: ClientConnectionOptions
  readonly #socket: Socket
  #calls_max = Number.POSITIVE_INFINITY
  #isReady = false
  #isLeaving = false
  #reason = 'the connection was closed'
  /** The last stream that a peer which goes away has looked at. */
  #lastStream = Number.POSITIVE_INFINITY
  #heard_ms: number
  #timer: Timer | undefined
  #probe: Timer | undefined

  /** The socket is connected. */
  constructor(socket: Socket, options: ClientConnectionOptions) {
    this.#options = options
    this.#socket = socket
    this.#heard_ms = options.clock.monotonic_ms()
    this.session = connect(options.isTls ? 'https://peer' : 'http://peer', {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES, maxHeaderListSize: HEADER_BYTES_MAX },
    })
    this.session.on('remoteSettings', ({ maxConcurrentStreams }) => this.#limited(maxConcurrentStreams))
    this.session.on('goaway', (code, lastStream, data) => this.#goneAway(code, lastStream, data))
    this.session.on('error', (error: Error) => this.#failed(error))
    this.session.on('close', () => this.#end())
    socket.on('close', () => this.#end())
  }

  /** May a call begin? */
  get isOpen(): boolean {
    return this.#isReady && !this.#isLeaving && !this.session.closed && !this.#socket.destroyed
  }

  /** Fewer calls than the peer lets run at a time? */
  get hasRoom(): boolean {
    return this.calls < this.#calls_max
  }

  get reason(): string {
    return this.#reason
  }

  /** Begins a call. Throws what Node has against its head. */
  call(request: UnaryRequest, done: (outcome: GrpcOutcome) => void): UnaryCall {
    const call = new UnaryCall(this, request, done)
    this.calls++
    return call
  }

  heard(): void {
    this.#heard_ms = this.#options.clock.monotonic_ms()
    this.isProven = true
  }

  closed(): void {
    const wasFull = !this.hasRoom
    this.calls--
    if (wasFull) this.#options.onRoom()
  }

  lostReason(stream: number | undefined): { readonly text: string; readonly isUnseen: boolean } | undefined {
    const isGone = this.session.destroyed || this.#socket.destroyed || (this.session.closed && stream === undefined)
    return isGone ? { text: this.#reason, isUnseen: stream === undefined || stream > this.#lastStream } : undefined
  }

  /** A call that began at `began_ms` (monotonic) got no answer in its time: is there anybody? */
  doubt(began_ms: number): void {
    if (this.#heard_ms <= began_ms) this.#ping(DOUBT_MS)
  }

  /** Takes no more calls, and closes when those that there are have ended. */
  leave(): void {
    this.session.close()
    this.#leave()
  }

  /** Closes at once; calls under way end with UNAVAILABLE. */
  destroy(reason: string): void {
    this.#reason = reason
    this.session.destroy()
    this.#end()
  }

  /** The peer has said what it allows; it may do so again and again. */
  #limited(calls_max = Number.POSITIVE_INFINITY): void {
    this.#calls_max = calls_max
    if (this.#isReady) this.#options.onRoom()
    else this.#ready()
  }

  #ready(): void {
    if (this.#isLeaving) return
    this.#isReady = true
    const { keepalive, onReady } = this.#options
    if (keepalive !== undefined) this.#watch(keepalive, keepalive.time_ms)
    onReady()
  }

  #watch(keepalive: KeepAlive, wait_ms: number): void {
    const { clock } = this.#options
    this.#timer = clock.after(wait_ms, () => {
      const silent_ms = clock.monotonic_ms() - this.#heard_ms
      const isDue = silent_ms >= keepalive.time_ms
      if (isDue && (keepalive.isAlways || this.calls > 0)) this.#ping(keepalive.timeout_ms)
      this.#watch(keepalive, isDue ? keepalive.time_ms : keepalive.time_ms - silent_ms)
    })
  }

  #ping(timeout_ms: number): void {
    if (this.#probe !== undefined || this.session.destroyed) return
    this.#probe = this.#options.clock.after(timeout_ms, () => this.destroy('no answer to a ping'))
    this.session.ping((error) => {
      this.#probe?.cancel()
      this.#probe = undefined
      if (error === null) this.#heard_ms = this.#options.clock.monotonic_ms()
    })
  }

  #goneAway(code: number, lastStream: number, data: Uint8Array | undefined): void {
    this.#lastStream = lastStream
    this.#reason = `GOAWAY ${code}`
    const isCalm = code === constants.NGHTTP2_ENHANCE_YOUR_CALM
    if (isCalm && Buffer.from(data ?? []).toString('latin1') === 'too_many_pings') this.#options.onTooManyPings()
    this.#leave()
  }

  #failed(error: Error): void {
    if (this.#lastStream === Number.POSITIVE_INFINITY) this.#reason = networkErrorName(error) ?? this.#reason
  }

  #leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#options.onLeaving()
  }

  #end(): void {
    this.#timer?.cancel()
    this.#probe?.cancel()
    this.#leave()
  }
}
