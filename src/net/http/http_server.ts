import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock, TIMER_MAX_MS, type Timer } from '../../self/clock.ts'
import { ByteBudget, Share } from '../budget.ts'
import { farewell } from '../farewell.ts'
import { EMPTY } from '../incoming.ts'
import { listen } from '../listen.ts'
import { serverTls, type TlsFiles, watchTls } from '../tls.ts'
import { Cors, type CorsOptions } from './cors.ts'
import { isTooSlow, readBody } from './http_body.ts'
import { Exchange, type HttpAnswer, type HttpHead, type HttpRequest } from './http_exchange.ts'
import { HttpFailure, httpFailureOf, httpReasonOf } from './http_failure.ts'
import { linger } from './linger.ts'
import { createServer, STATUS_CODES } from './node_http.ts'
import { Pipelined } from './pipelined.ts'

export interface Route {
  /** Upper case. */
  methods: readonly string[]
  /** Resolves with the answer. May throw HttpFailure or Refusal; anything else is answered with 500. */
  handler(request: HttpRequest): Promise<HttpAnswer>
  /** May answer before the body is read: overload, authentication, content type, draining. May throw as the handler may. */
  before?(head: HttpHead): HttpAnswer | undefined | Promise<HttpAnswer | undefined>
}

/** Finds the route of a path: a map, or what knows paths with parameters in them. */
export type Routes = Pick<ReadonlyMap<string, Route>, 'get'>

export interface HttpServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  tls?: TlsFiles & { reload_interval_ms?: number }
  /** By path, without query, not decoded. */
  routes: Routes
  /** For every path that has no route. */
  fallback?: Route
  /** Limit of a body as it arrives and of what it holds after decompression. Default 64 MiB, or the budget; over it 413. */
  max_request_body_size?: number
  /** Default 10 s. */
  read_header_timeout_ms?: number
  /** How long a request may take to arrive as a whole. Default 60 s. */
  request_timeout_ms?: number
  /** How long an idle connection is kept. Default 65 s, a little more than the usual clients'. */
  idle_timeout_ms?: number
  /** Default true. */
  keep_alive?: boolean
  /** Default 10 000. Beyond it idle connections are closed, and if there is none, the new one. */
  max_connections?: number
  /** A connection was taken up. */
  onConnected?(): void
  /** A connection was sent away because of `max_connections`. */
  onCrowded?(): void
  /** A request got an error for an answer. The reason is a word for counters. */
  onRefused?(reason: string): void
  /** Bytes of bodies in memory at once; over it 503. Default 512 MiB. */
  max_in_flight_bytes?: number
  /** A budget shared with other servers, instead of `max_in_flight_bytes`. */
  budget?: ByteBudget
  cors?: CorsOptions
  clock?: Clock
  /** Renders the body of every error that the server answers itself. `head` is missing where no request could be read. */
  fail?(head: HttpHead | undefined, status: number, message: string): { contentType: string; body: Buffer | string }
  /** An exception that nobody expected. The request has been answered with 500, the process lives. */
  onError?(error: unknown): void
}

const MIB = 1 << 20
const SWEEP_MS = 1_000
const CLOSE = { connection: 'close' }

/** HTTP/1.1 with whole bodies: every limit, decompression and error is dealt with before and after the handler. */
export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  readonly #budget: ByteBudget
  readonly #clock: Clock
  readonly #cors: Cors | undefined
  readonly #open = new Set<Exchange>()
  readonly #sockets = new Set<Socket>()
  readonly #pipelined = new Pipelined()
  #draining = false
  #timers: Timer[] = []

  /** Throws TlsError. */
  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#budget = options.budget ?? new ByteBudget(options.max_in_flight_bytes ?? 512 * MIB)
    this.#clock = options.clock ?? systemClock
    this.#cors = options.cors === undefined ? undefined : new Cors(options.cors)
    this.#server = this.#build()
  }

  /** Requests that have no answer yet. */
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
   * Takes no more connections, answers what has arrived (with `Connection: close`) and resolves when that is done.
   * At the deadline what is left is cut off. Resolves with the number of requests that got no answer.
   */
  async drain(deadline: AbortSignal): Promise<number> {
    this.#draining = true
    for (const timer of this.#timers) timer.cancel()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#closeIdle()
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    let left = 0
    const force = () => {
      left = this.#open.size
      for (const exchange of this.#open) exchange.abort()
      for (const socket of this.#sockets) socket.destroy()
      this.#server.closeAllConnections()
    }
    if (deadline.aborted) force()
    deadline.addEventListener('abort', force, { once: true })
    await closed
    deadline.removeEventListener('abort', force)
    return left
  }

  #build(): Server {
    const {
      tls,
      read_header_timeout_ms = 10_000,
      request_timeout_ms = 60_000,
      idle_timeout_ms = 65_000,
    } = this.#options
    const header_timeout_ms = nodeWait(read_header_timeout_ms)
    const options: ServerOptions = {
      // 0 is no limit, to Node as well: that of the whole request does not take away that of its headers.
      headersTimeout: Math.min(
        header_timeout_ms,
        request_timeout_ms === 0 ? TIMER_MAX_MS : nodeWait(request_timeout_ms),
      ),
      requestTimeout: nodeWait(request_timeout_ms),
      keepAliveTimeout: nodeWait(idle_timeout_ms),
      connectionsCheckingInterval: Math.min(5_000, Math.max(50, read_header_timeout_ms / 4)),
      noDelay: true,
      requireHostHeader: false,
    }
    const server =
      tls === undefined
        ? createServer(options)
        : createTlsServer({ ...options, ...serverTls(tls), handshakeTimeout: header_timeout_ms })
    server.on('connection', (socket: Socket) => this.#connected(socket))
    server.on('request', (request, response) => this.#receive(request, response, false))
    server.on('checkContinue', (request, response) => this.#receive(request, response, true))
    server.on('checkExpectation', (request, response) => this.#receive(request, response, false, 417))
    // Without a listener Node hangs up on CONNECT without a word.
    server.on('connect', (_request, socket) => this.#lastWords(socket, 405))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#clientError(error, socket))
    return server
  }

  #watch(): void {
    const { tls } = this.#options
    this.#timers.push(this.#clock.every(SWEEP_MS, () => this.#sweep()))
    if (tls?.reload_interval_ms === undefined) return
    const onError = (error: Error) => this.#options.onError?.(error)
    this.#timers.push(watchTls(this.#server as TlsServer, tls, { interval_ms: tls.reload_interval_ms, onError }))
  }

  /** Bodies that hardly get on may not keep others out. */
  #sweep(): void {
    if (!this.#budget.isShort) return
    const now_ms = this.#clock.monotonic_ms()
    for (const exchange of this.#open) {
      const { upload, began_ms, share } = exchange
      if (upload === undefined || !isTooSlow(upload.size_bytes, now_ms - began_ms)) continue
      exchange.upload = undefined
      share.give(share.taken_bytes)
      this.#refuse(exchange, new HttpFailure(408, 'the body came too slowly while memory is short', CLOSE))
    }
  }

  #connected(socket: Socket): void {
    const { max_connections = 10_000, onConnected, onCrowded } = this.#options
    onConnected?.()
    // Idle ones make room, before somebody is sent away.
    if (this.#sockets.size >= max_connections) {
      this.#closeIdle()
      for (const other of this.#sockets) if (other.destroyed) this.#sockets.delete(other)
    }
    if (this.#sockets.size >= max_connections) {
      onCrowded?.()
      return void socket.destroy()
    }
    this.#sockets.add(socket)
    socket.on('error', ignore)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #receive(request: IncomingMessage, response: ServerResponse, waits: boolean, status?: number): void {
    if (!this.#pipelined.admit(request.socket)) return this.#options.onRefused?.('pipelined')
    const share = new Share(this.#budget)
    const exchange = new Exchange(request, response, { waits, share, began_ms: this.#clock.monotonic_ms() })
    this.#open.add(exchange)
    request.on('error', ignore)
    response.on('error', ignore)
    response.on('close', () => this.#closed(exchange))
    try {
      if (status !== undefined) throw new HttpFailure(status, 'the Expect header is not supported')
      // RFC 9112, section 3.2. Node's own answer would have no body.
      if (request.httpVersionMinor > 0 && request.headers.host === undefined)
        throw new HttpFailure(400, 'the Host header is missing', { connection: 'close' })
      this.#route(exchange)
    } catch (error) {
      this.#refuse(exchange, error)
    }
  }

  #closed(exchange: Exchange): void {
    this.#open.delete(exchange)
    exchange.share.end()
    exchange.upload = undefined
    exchange.body = EMPTY
    if (!exchange.response.writableFinished) exchange.abort()
    if (this.#draining) setImmediate(() => this.#closeIdle())
  }

  #closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  #route(exchange: Exchange): void {
    const route = this.#options.routes.get(exchange.path) ?? this.#options.fallback
    if (route === undefined) throw new HttpFailure(404, 'there is nothing at this path')
    if (!route.methods.includes(exchange.method)) {
      if (this.#cors !== undefined && isPreflight(exchange)) return this.#preflight(exchange, this.#cors, route)
      const allow = route.methods.join(', ')
      throw new HttpFailure(405, `method ${exchange.method} is not allowed here, use ${allow}`, { allow })
    }
    const early = route.before?.(exchange)
    if (early === undefined) return this.#collect(exchange, route)
    if (!(early instanceof Promise)) return this.#answer(exchange, early)
    const proceed = (answer: HttpAnswer | undefined) =>
      answer === undefined ? this.#collect(exchange, route) : this.#answer(exchange, answer)
    early.then(proceed).catch((error) => this.#refuse(exchange, error))
  }

  #preflight(exchange: Exchange, cors: Cors, route: Route): void {
    const headers = { ...cors.preflight(exchange.headers, route.methods), 'content-length': '0' }
    exchange.answered = true
    exchange.response.writeHead(204, headers).end()
  }

  /** Reads the body within the limits, then calls the handler. */
  #collect(exchange: Exchange, route: Route): void {
    const limit_bytes = Math.min(this.#options.max_request_body_size ?? 64 * MIB, this.#budget.size_bytes)
    const done = (body: Buffer) => {
      exchange.body = body
      this.#handle(exchange, route)
    }
    readBody(exchange, limit_bytes, done, (error) => this.#refuse(exchange, error))
  }

  /** What the handler works on stays in the budget until it has settled, also if the client goes away. */
  #handle(exchange: Exchange, route: Route): void {
    const { share } = exchange
    share.enter()
    try {
      route.handler(exchange).then(
        (answer) => {
          share.leave()
          this.#answer(exchange, answer)
        },
        (error) => {
          share.leave()
          this.#refuse(exchange, error)
        },
      )
    } catch (error) {
      share.leave()
      this.#refuse(exchange, error)
    }
  }

  /** Answers with the error, whatever it is. Never throws. */
  #refuse(exchange: Exchange, error: unknown): void {
    if (exchange.answered) return
    exchange.refused = true
    this.#options.onRefused?.(httpReasonOf(error))
    const failure = httpFailureOf(error) ?? this.#unexpected(error)
    try {
      const { contentType, body } = this.#fail(exchange, failure.status, failure.message)
      const headers = { ...failure.headers, 'content-type': contentType }
      this.#answer(exchange, { status: failure.status, headers, body })
    } catch (wrong) {
      this.#unexpected(wrong)
      exchange.response.destroy()
    }
  }

  #unexpected(error: unknown): HttpFailure {
    this.#options.onError?.(error)
    return new HttpFailure(500, 'internal error')
  }

  #fail(head: HttpHead | undefined, status: number, message: string): { contentType: string; body: Buffer | string } {
    return (
      this.#options.fail?.(head, status, message) ?? { contentType: 'text/plain; charset=utf-8', body: `${message}\n` }
    )
  }

  /** Never throws: an answer that cannot be sent becomes a 500. */
  #answer(exchange: Exchange, answer: HttpAnswer): void {
    const { response, request } = exchange
    if (exchange.answered || response.destroyed) return
    try {
      const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
      const headers: Record<string, string | number> = { ...answer.headers, 'content-length': body.length }
      if (this.#cors !== undefined) Object.assign(headers, this.#cors.headers(exchange.headers.origin))
      const oversized = answer.status === 413 && !request.complete
      if (oversized || this.#draining || this.#options.keep_alive === false || (exchange.waits && !exchange.told)) {
        headers['connection'] = 'close'
      }
      response.writeHead(answer.status, headers)
      exchange.answered = true
      if (oversized) linger(exchange, body)
      else response.end(body)
    } catch (error) {
      if (exchange.answered || exchange.refused) response.destroy()
      else this.#refuse(exchange, error)
    }
  }

  /** What could not be read as a request, or not in time. */
  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    for (const exchange of this.#open) {
      if (exchange.request.socket !== socket) continue
      exchange.abort()
      // An answer to another request is due on this connection: a raw one would be taken for it.
      if (exchange.answered || exchange.request.complete) return void socket.destroy()
      exchange.answered = true
    }
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    this.#lastWords(socket, CLIENT_ERRORS.get(error.code ?? '') ?? 400)
  }

  /** Answers on a connection on which no request is under way, and closes it. Never throws. */
  #lastWords(socket: Duplex, status: number): void {
    try {
      const { contentType, body } = this.#fail(undefined, status, STATUS_CODES[status]!)
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n`
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`)
      farewell(socket, body as Buffer)
    } catch (wrong) {
      this.#options.onError?.(wrong)
      socket.destroy()
    }
  }
}

const CLIENT_ERRORS = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

/** As Node's servers want it: whole milliseconds that its timers can do, with the second that they add to some. */
function nodeWait(wait_ms: number): number {
  return Math.min(Math.ceil(wait_ms), TIMER_MAX_MS - 1000)
}

function isPreflight(exchange: Exchange): boolean {
  return exchange.method === 'OPTIONS' && exchange.headers['access-control-request-method'] !== undefined
}

function ignore(): void {
  // The connection is gone; 'close' follows, and that is where it is dealt with.
}
