import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import { type Clock, systemClock, type Timer } from '../../self/clock.ts'
import { ByteBudget, OVERLOAD, Share } from '../budget.ts'
import { isTooSlow, unpack } from '../http/http_body.ts'
import { EMPTY } from '../incoming.ts'
import { listen } from '../listen.ts'
import type { ServerTlsFiles } from '../server_tls.ts'
import { serverTls, watchTls } from '../tls.ts'
import { Call, type GrpcHead, type GrpcRequest } from './grpc_call.ts'
import { Connection, type ConnectionLimits } from './grpc_connection.ts'
import { frame, GrpcMessageReader } from './grpc_message.ts'
import { GrpcCode, GrpcStatus, grpcReasonOf, percentEncode, statusOf } from './grpc_status.ts'

export interface Method {
  /** Resolves with the response message's bytes. May throw GrpcStatus or Refusal; anything else is answered with INTERNAL. */
  handler(request: GrpcRequest): Promise<Buffer>
  /** May refuse before the message is read, by returning or throwing: overload, authentication, draining. */
  before?(head: GrpcHead): GrpcStatus | undefined | Promise<GrpcStatus | undefined>
}

export interface GrpcServerOptions extends ConnectionLimits {
  host: string
  /** 0: any free one. */
  port: number
  tls?: ServerTlsFiles
  /** By path: `/package.Service/Method`. */
  methods: ReadonlyMap<string, Method>
  /** Limit of a message as it arrives and after decompression. Default 64 MiB, or the budget; over it RESOURCE_EXHAUSTED. */
  max_recv_msg_size?: number
  /** Calls at once on one connection. Default 200. */
  max_concurrent_streams?: number
  /** Default 16 KiB. */
  max_header_list_size?: number
  /** Default 10 000. Beyond it those that have been idle longest are closed, and if there is none, the new one. */
  max_connections?: number
  /** A connection was taken up. */
  onConnected?(): void
  /** A connection was sent away because of `max_connections`. */
  onCrowded?(): void
  /** A call got an error for an answer. The reason is a word for counters. */
  onRefused?(reason: string): void
  /** How long a message may take to arrive. Default 60 s. */
  request_timeout_ms?: number
  /** Bytes of messages in memory at once; over it UNAVAILABLE. Default 512 MiB. */
  max_in_flight_bytes?: number
  /** A budget shared with other servers, instead of `max_in_flight_bytes`. */
  budget?: ByteBudget
  clock?: Clock
  /** An exception that nobody expected. The call has been answered with INTERNAL, the process lives. */
  onError?(error: unknown): void
}

const MIB = 1 << 20
/** The settings frame raises only the window of a stream; the connection's has to be raised besides, or it is the limit. */
const STREAM_WINDOW_BYTES = 16 * MIB
const CONNECTION_WINDOW_BYTES = 64 * MIB
const FRAME_BYTES = 1 * MIB
const SWEEP_MS = 1_000

/** Unary gRPC over HTTP/2, plain (prior knowledge) or TLS. Messages are bytes: serialising is the handlers' business. */
export class GrpcServer {
  readonly #options: GrpcServerOptions
  readonly #server: Http2Server | Http2SecureServer
  readonly #clock: Clock
  readonly #budget: ByteBudget
  readonly #open = new Set<Call>()
  readonly #connections = new Map<ServerHttp2Session, Connection>()
  readonly #sockets = new Set<Socket>()
  #draining = false
  #timers: Timer[] = []

  /** Throws TlsError. */
  constructor(options: GrpcServerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#budget = options.budget ?? new ByteBudget(options.max_in_flight_bytes ?? 512 * MIB)
    this.#server = this.#build()
  }

  /** Calls that have no answer yet. */
  get in_flight(): number {
    return this.#open.size
  }

  /** True from the call of `drain`. */
  get draining(): boolean {
    return this.#draining
  }

  /** Resolves with the port. Rejects with the system's error (EADDRINUSE …). */
  async listen(): Promise<number> {
    const { host, port, onError } = this.#options
    const bound = await listen(this.#server, port, host, (error) => onError?.(error))
    this.#watch()
    return bound
  }

  /**
   * Takes no more connections, sends GOAWAY on those that there are, lets their calls end and resolves when that is
   * done. At the deadline what is left is cut off. Resolves with the number of calls that got no answer.
   */
  async drain(deadline: AbortSignal): Promise<number> {
    this.#draining = true
    for (const timer of this.#timers) timer.cancel()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections.values()) connection.dismiss(this.#clock.monotonic_ms())
    let left = 0
    const force = () => {
      left = this.#open.size
      for (const call of this.#open) call.abort()
      for (const { session } of this.#connections.values()) session.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }
    if (deadline.aborted) force()
    deadline.addEventListener('abort', force, { once: true })
    await closed
    deadline.removeEventListener('abort', force)
    return left
  }

  #build(): Http2Server | Http2SecureServer {
    const { tls, read_header_timeout_ms = 10_000, max_header_list_size = 16_384 } = this.#options
    const options: ServerOptions = {
      settings: {
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxFrameSize: FRAME_BYTES,
        maxConcurrentStreams: this.#options.max_concurrent_streams ?? 200,
        maxHeaderListSize: max_header_list_size,
        enablePush: false,
      },
      maxSessionMemory: 64,
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
      unknownProtocolTimeout: read_header_timeout_ms,
      ...{ streamResetBurst: 200, streamResetRate: 100 },
    }
    const server =
      tls === undefined
        ? createServer(options)
        : createSecureServer({ ...options, ...serverTls(tls), handshakeTimeout: read_header_timeout_ms })
    server.on('connection', (socket: Socket) => this.#connected(socket))
    server.on('secureConnection', (socket: Socket) => socket.on('error', ignore))
    server.on('session', (session) => this.#begin(session))
    server.on('sessionError', ignore)
    server.on('stream', (stream, headers) => this.#receive(stream, headers))
    return server
  }

  #watch(): void {
    const { tls } = this.#options
    this.#timers.push(this.#clock.every(SWEEP_MS, () => this.#sweep()))
    if (tls?.reload_interval_ms === undefined) return
    const onError = (error: Error) => this.#options.onError?.(error)
    const reload = { interval_ms: tls.reload_interval_ms, clock: this.#clock, onError }
    this.#timers.push(watchTls(this.#server as Http2SecureServer, tls, reload))
  }

  #connected(socket: Socket): void {
    const { max_connections = 10_000, onConnected, onCrowded } = this.#options
    onConnected?.()
    // Those that have been idle longest make room, before somebody is sent away.
    if (this.#sockets.size >= max_connections && !this.#closeIdlest(max_connections)) {
      onCrowded?.()
      return void socket.destroy()
    }
    this.#sockets.add(socket)
    socket.setKeepAlive(true, 60_000)
    socket.on('error', ignore)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  /** Those idle longest, a hundredth of all at a time, so that a flood of connections does not sort them at each one. */
  #closeIdlest(max_connections: number): boolean {
    const idle = [...this.#connections.values()].filter(({ calls }) => calls === 0)
    idle.sort((one, other) => one.idle_since_ms - other.idle_since_ms)
    for (const { session } of idle.slice(0, Math.ceil(max_connections / 100))) {
      this.#connections.delete(session)
      session.destroy()
    }
    return idle.length > 0
  }

  #begin(session: ServerHttp2Session): void {
    const connection = new Connection(session, this.#options, this.#clock.monotonic_ms())
    this.#connections.set(session, connection)
    session.once('close', () => this.#connections.delete(session))
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    if (this.#draining) connection.dismiss(this.#clock.monotonic_ms())
  }

  #receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', ignore)
    const connection = stream.session && this.#connections.get(stream.session as ServerHttp2Session)
    if (connection === undefined) return void stream.close(constants.NGHTTP2_REFUSED_STREAM)
    const call = new Call(stream, headers, connection.peer, this.#clock.monotonic_ms(), new Share(this.#budget))
    this.#open.add(call)
    connection.calls++
    stream.on('close', () => this.#closed(call, connection))
    try {
      this.#route(call)
    } catch (error) {
      this.#refuse(call, error)
    }
  }

  #closed(call: Call, connection: Connection): void {
    this.#open.delete(call)
    call.share.end()
    call.body = EMPTY
    if (--connection.calls === 0) connection.idle_since_ms = this.#clock.monotonic_ms()
    if (!call.answered) call.abort()
    call.answered = true
  }

  #route(call: Call): void {
    const status = httpStatus(call.metadata)
    if (status !== undefined) return this.#end(call, { ':status': status })
    const method = this.#options.methods.get(call.path)
    if (method === undefined) throw new GrpcStatus(GrpcCode.UNIMPLEMENTED, 'there is no such method here')
    const refusal = method.before?.(call)
    if (refusal === undefined) return this.#collect(call, method)
    if (!(refusal instanceof Promise)) throw refusal
    const proceed = (late: GrpcStatus | undefined) =>
      late === undefined ? this.#collect(call, method) : this.#refuse(call, late)
    refusal.then(proceed).catch((error) => this.#refuse(call, error))
  }

  /** Reads the message within the limits, then calls the handler. */
  #collect(call: Call, method: Method): void {
    const reader = new GrpcMessageReader(this.#limit())
    call.stream.on('data', (chunk: Buffer) => {
      if (call.answered) return
      try {
        this.#take(call, chunk.length)
        reader.add(chunk)
      } catch (error) {
        this.#refuse(call, error)
      }
    })
    call.stream.on('end', () => {
      if (call.answered) return
      call.received = true
      try {
        this.#unpack(call, reader, method)
      } catch (error) {
        this.#refuse(call, error)
      }
    })
  }

  #unpack(call: Call, reader: GrpcMessageReader, method: Method): void {
    const { message, encoding } = reader.end(call.metadata['grpc-encoding'] as string | undefined)
    if (encoding === 'identity') return this.#handle(call, message, method)
    const done = (body: Buffer) => {
      if (!call.answered) this.#handle(call, body, method)
    }
    unpack(message, encoding, this.#limit(), call.share, done, (error) => this.#refuse(call, error))
  }

  #limit(): number {
    return Math.min(this.#options.max_recv_msg_size ?? 64 * MIB, this.#budget.size_bytes)
  }

  #take(call: Call, bytes: number): void {
    call.received_bytes += bytes
    if (!call.share.take(bytes)) throw OVERLOAD
  }

  /** What the handler works on stays in the budget until it has settled, also if the client goes away. */
  #handle(call: Call, message: Buffer, method: Method): void {
    const { share } = call
    call.body = message
    share.enter()
    method.handler(call).then(
      (response) => {
        share.leave()
        this.#answer(call, response)
      },
      (error) => {
        share.leave()
        this.#refuse(call, error)
      },
    )
  }

  #answer(call: Call, response: Buffer): void {
    const { stream } = call
    if (call.answered || stream.destroyed || stream.closed) return
    call.answered = true
    try {
      stream.respond(RESPONSE_HEADERS, WAIT_FOR_TRAILERS)
      stream.once('wantTrailers', () => stream.sendTrailers(OK_TRAILERS))
      stream.end(frame(response))
    } catch (error) {
      this.#options.onError?.(error)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
  }

  /** Ends the call with the error's status, whatever it is. Never throws. */
  #refuse(call: Call, error: unknown): void {
    if (call.answered) return
    this.#options.onRefused?.(grpcReasonOf(error))
    const status = statusOf(error) ?? this.#unexpected(error)
    this.#end(call, {
      ...RESPONSE_HEADERS,
      'grpc-status': status.code,
      'grpc-message': percentEncode(status.message),
      ...(status.details !== undefined && {
        'grpc-status-details-bin': status.details.toString('base64').replace(/=+$/, ''),
      }),
    })
  }

  #unexpected(error: unknown): GrpcStatus {
    this.#options.onError?.(error)
    return new GrpcStatus(GrpcCode.INTERNAL, 'internal error')
  }

  /** Answers with headers alone; what the client is still sending is not wanted. */
  #end(call: Call, headers: Record<string, string | number>): void {
    const { stream } = call
    call.answered = true
    if (stream.destroyed || stream.closed) return
    try {
      stream.respond(headers, { endStream: true })
      stream.resume()
      if (!call.received && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
    } catch (error) {
      this.#options.onError?.(error)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
  }

  /** What has taken too long: one timer for all instead of several for each call. */
  #sweep(): void {
    const now_ms = this.#clock.monotonic_ms()
    const { request_timeout_ms = 60_000 } = this.#options
    for (const call of this.#open) {
      const age_ms = now_ms - call.began_ms
      const isPushed = this.#budget.isShort && isTooSlow(call.received_bytes, age_ms)
      const slow = !call.received && (isPushed || age_ms > request_timeout_ms)
      const late = call.deadline_ms !== undefined && now_ms > call.deadline_ms
      if (!slow && !late) continue
      call.abort()
      if (slow) call.share.give(call.share.taken_bytes)
      this.#refuse(
        call,
        new GrpcStatus(GrpcCode.DEADLINE_EXCEEDED, slow ? 'the message took too long' : 'the deadline has passed'),
      )
    }
    for (const connection of this.#connections.values()) connection.sweep(now_ms)
  }
}

/** The HTTP status for what is no gRPC call at all. */
function httpStatus(headers: IncomingHttpHeaders): number | undefined {
  const type = headers['content-type'] ?? ''
  if (type !== 'application/grpc' && !/^application\/grpc(\+proto)?\s*(;|$)/i.test(type)) return 415
  return headers[':method'] === 'POST' ? undefined : 405
}

const RESPONSE_HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'identity,gzip,deflate,zstd',
}
const OK_TRAILERS = { 'grpc-status': '0' }
const WAIT_FOR_TRAILERS = { waitForTrailers: true }

function ignore(): void {
  // The stream or connection is gone; 'close' follows, and that is where it is dealt with.
}
