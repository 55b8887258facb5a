import type { Clock } from '../../self/clock.ts'
import type { ByteBudget } from '../budget.ts'
import type { ServerTlsFiles } from '../server_tls.ts'
import type { CorsOptions } from './cors.ts'
import type { HttpAnswer, HttpHead, HttpRequest } from './http_exchange.ts'

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
  tls?: ServerTlsFiles
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
