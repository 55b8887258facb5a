import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock, type Timer } from '../../self/clock.ts'
import { ByteBudget, Share } from '../budget.ts'
import { EMPTY } from '../incoming.ts'
import { listen } from '../listen.ts'
import { watchTls } from '../tls.ts'
import { AcceptedSockets, closeFollows } from './accepted_sockets.ts'
import { Cors } from './cors.ts'
import { isTooSlow, readBody } from './http_body.ts'
import { Exchange, type HttpAnswer } from './http_exchange.ts'
import { HttpFailure } from './http_failure.ts'
import type { HttpServerOptions, Route } from './http_options.ts'
import { HttpReplies } from './http_replies.ts'
import { nodeServer } from './node_http.ts'
import { Pipelined } from './pipelined.ts'

const MIB = 1 << 20
const SWEEP_MS = 1_000
const CLOSE = { connection: 'close' }

/**
 * HTTP/1.1 with whole bodies: every limit, decompression and error is dealt with before and after the handler. The way of a
 * request: `#receive`, `#route`, `#collect` (its body), `#handle`, and an answer or an error by `HttpReplies`; at the end,
 * however it came, `#closed`.
 */
export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  readonly #connections: AcceptedSockets
  readonly #replies: HttpReplies
  readonly #budget: ByteBudget
  readonly #clock: Clock
  readonly #cors: Cors | undefined
  /** Requests that have no answer yet. */
  readonly #open = new Set<Exchange>()
  readonly #pipelined = new Pipelined()
  #draining = false
  #timers: Timer[] = []

  /** Throws TlsError. */
  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#budget = options.budget ?? new ByteBudget(options.max_in_flight_bytes ?? 512 * MIB)
    this.#clock = options.clock ?? systemClock
    this.#cors = options.cors === undefined ? undefined : new Cors(options.cors)
    this.#replies = new HttpReplies(options, this.#cors)
    this.#server = nodeServer(options)
    this.#connections = new AcceptedSockets(this.#server, options)
    this.#attach()
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
    const { host, port, tls, onError } = this.#options
    const bound = await listen(this.#server, port, host, (error) => onError?.(error))
    this.#timers.push(this.#clock.every(SWEEP_MS, () => this.#sweep()))
    if (tls?.reload_interval_ms !== undefined) {
      const reload = { interval_ms: tls.reload_interval_ms, onError: (error: Error) => onError?.(error) }
      this.#timers.push(watchTls(this.#server as TlsServer, tls, reload))
    }
    return bound
  }

  /**
   * Takes no more connections, answers what has arrived (with `Connection: close`) and resolves when that is done.
   * At the deadline what is left is cut off. Resolves with the number of requests that got no answer.
   */
  async drain(deadline: AbortSignal): Promise<number> {
    this.#draining = this.#replies.areLast = true
    for (const timer of this.#timers) timer.cancel()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#connections.closeIdle()
    this.#connections.closeSilent()
    let left = 0
    const force = () => {
      left = this.#open.size
      for (const exchange of this.#open) exchange.abort()
      this.#connections.closeAll()
    }
    if (deadline.aborted) force()
    deadline.addEventListener('abort', force, { once: true })
    await closed
    deadline.removeEventListener('abort', force)
    return left
  }

  #attach(): void {
    const server = this.#server
    server.on('connection', (socket: Socket) => this.#connections.add(socket))
    server.on('request', (request, response) => this.#receive(request, response, false))
    server.on('checkContinue', (request, response) => this.#receive(request, response, true))
    server.on('checkExpectation', (request, response) => this.#receive(request, response, false, 417))
    // Without a listener Node hangs up on CONNECT without a word.
    server.on('connect', (_request, socket) => this.#replies.lastWords(socket, 405))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#clientError(error, socket))
  }

  /** `waits`: for the word to send its body. `status`: of the error that it is to get. */
  #receive(request: IncomingMessage, response: ServerResponse, waits: boolean, status?: number): void {
    if (!this.#pipelined.admit(request.socket)) return this.#options.onRefused?.('pipelined')
    const share = new Share(this.#budget)
    const exchange = new Exchange(request, response, { waits, share, began_ms: this.#clock.monotonic_ms() })
    this.#open.add(exchange)
    request.on('error', closeFollows)
    response.on('error', closeFollows)
    response.on('close', () => this.#closed(exchange))
    try {
      if (status !== undefined) throw new HttpFailure(status, 'the Expect header is not supported')
      // RFC 9112, section 3.2. Node's own answer would have no body.
      if (request.httpVersionMinor > 0 && request.headers.host === undefined)
        throw new HttpFailure(400, 'the Host header is missing', CLOSE)
      this.#route(exchange)
    } catch (error) {
      this.#replies.refuse(exchange, error)
    }
  }

  #route(exchange: Exchange): void {
    const route = this.#options.routes.get(exchange.path) ?? this.#options.fallback
    if (route === undefined) throw new HttpFailure(404, 'there is nothing at this path')
    if (!route.methods.includes(exchange.method)) {
      if (this.#cors !== undefined && isPreflight(exchange)) return this.#replies.preflight(exchange, this.#cors, route)
      const allow = route.methods.join(', ')
      throw new HttpFailure(405, `method ${exchange.method} is not allowed here, use ${allow}`, { allow })
    }
    const early = route.before?.(exchange)
    const proceed = (answer: HttpAnswer | undefined) =>
      answer === undefined ? this.#collect(exchange, route) : this.#replies.answer(exchange, answer)
    if (!(early instanceof Promise)) return proceed(early)
    early.then(proceed).catch((error) => this.#replies.refuse(exchange, error))
  }

  /** Reads the body within the limits, then calls the handler. */
  #collect(exchange: Exchange, route: Route): void {
    const limit_bytes = Math.min(this.#options.max_request_body_size ?? 64 * MIB, this.#budget.size_bytes)
    const done = (body: Buffer) => {
      exchange.body = body
      this.#handle(exchange, route)
    }
    readBody(exchange, limit_bytes, done, (error) => this.#replies.refuse(exchange, error))
  }

  /** What the handler works on stays in the budget until it has settled, also if the client goes away. */
  #handle(exchange: Exchange, route: Route): void {
    const { share } = exchange
    share.enter()
    try {
      route.handler(exchange).then(
        (answer) => {
          share.leave()
          this.#replies.answer(exchange, answer)
        },
        (error) => {
          share.leave()
          this.#replies.refuse(exchange, error)
        },
      )
    } catch (error) {
      share.leave()
      this.#replies.refuse(exchange, error)
    }
  }

  #closed(exchange: Exchange): void {
    this.#open.delete(exchange)
    exchange.share.end()
    exchange.upload = undefined
    exchange.body = EMPTY
    if (!exchange.response.writableFinished) exchange.abort()
    if (this.#draining) setImmediate(() => this.#connections.closeIdle())
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
      this.#replies.refuse(exchange, new HttpFailure(408, 'the body came too slowly while memory is short', CLOSE))
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
    this.#replies.lastWords(socket, CLIENT_ERRORS.get(error.code ?? '') ?? 400)
  }
}

const CLIENT_ERRORS = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

function isPreflight(exchange: Exchange): boolean {
  return exchange.method === 'OPTIONS' && exchange.headers['access-control-request-method'] !== undefined
}
