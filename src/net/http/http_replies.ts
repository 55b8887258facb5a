import type { Duplex } from 'node:stream'
import { farewell } from '../farewell.ts'
import type { Cors } from './cors.ts'
import type { Exchange, HttpAnswer, HttpHead } from './http_exchange.ts'
import { HttpFailure, httpFailureOf, httpReasonOf } from './http_failure.ts'
import { STATUS_CODES } from './http_module.ts'
import type { HttpServerOptions, Route } from './http_options.ts'
import { linger } from './linger.ts'

/** Writes the answers of a server, those that are errors too. Nothing here throws. */
export class HttpReplies {
  readonly #options: HttpServerOptions
  readonly #cors: Cors | undefined
  /** From now on every answer is the last on its connection. */
  areLast = false

  constructor(options: HttpServerOptions, cors: Cors | undefined) {
    this.#options = options
    this.#cors = cors
    this.areLast = options.keep_alive === false
  }

  /** Sends the answer, unless there is one already. One that cannot be sent becomes a 500. */
  answer(exchange: Exchange, answer: HttpAnswer): void {
    const { response, request } = exchange
    if (exchange.answered || response.destroyed) return
    try {
      const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
      const headers: Record<string, string | number> = { ...answer.headers, 'content-length': body.length }
      if (this.#cors !== undefined) Object.assign(headers, this.#cors.headers(exchange.headers.origin))
      const isOversized = answer.status === 413 && !request.complete
      if (isOversized || this.areLast || (exchange.waits && !exchange.told)) headers['connection'] = 'close'
      response.writeHead(answer.status, headers)
      exchange.answered = true
      if (isOversized) linger(exchange, body)
      else response.end(body)
    } catch (error) {
      if (exchange.answered || exchange.refused) response.destroy()
      else this.refuse(exchange, error)
    }
  }

  /** Answers a browser that asks which requests it may send. */
  preflight(exchange: Exchange, cors: Cors, route: Route): void {
    const headers = { ...cors.preflight(exchange.headers, route.methods), 'content-length': '0' }
    exchange.answered = true
    exchange.response.writeHead(204, headers).end()
  }

  /** Answers with the error, whatever it is. */
  refuse(exchange: Exchange, error: unknown): void {
    if (exchange.answered) return
    exchange.refused = true
    this.#options.onRefused?.(httpReasonOf(error))
    const failure = httpFailureOf(error) ?? this.#unexpected(error)
    try {
      const { contentType, body } = this.#failureBody(exchange, failure.status, failure.message)
      const headers = { ...failure.headers, 'content-type': contentType }
      this.answer(exchange, { status: failure.status, headers, body })
    } catch (wrong) {
      this.#unexpected(wrong)
      exchange.response.destroy()
    }
  }

  /** Answers on a connection on which no request is under way, and closes it. */
  lastWords(socket: Duplex, status: number): void {
    try {
      const { contentType, body } = this.#failureBody(undefined, status, STATUS_CODES[status]!)
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n`
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`)
      farewell(socket, body)
    } catch (wrong) {
      this.#options.onError?.(wrong)
      socket.destroy()
    }
  }

  #unexpected(error: unknown): HttpFailure {
    this.#options.onError?.(error)
    return new HttpFailure(500, 'internal error')
  }

  #failureBody(
    head: HttpHead | undefined,
    status: number,
    message: string,
  ): { contentType: string; body: Buffer | string } {
    return (
      this.#options.fail?.(head, status, message) ?? { contentType: 'text/plain; charset=utf-8', body: `${message}\n` }
    )
  }
}
