import type { ServerHttp2Session } from 'node:http2'
import { address } from '../http/http_exchange.ts'

export interface ConnectionLimits {
  /** How long a new connection may take to say something. Default 10 s. */
  read_header_timeout_ms?: number
  /** A connection older than this is asked to go (with up to 10 % more, so that not all go at once). Default never. */
  max_connection_age_ms?: number
  /** How long after that its calls may still take. Default without end. */
  max_connection_age_grace_ms?: number
  /** A connection without calls for this long is closed. Default never. */
  max_connection_idle_ms?: number
}

/** One client's connection: when it began, what it does, when it has to go. Times are monotonic milliseconds. */
export class Connection {
  readonly session: ServerHttp2Session
  readonly peer: string
  calls = 0
  idle_since_ms: number
  readonly #began_ms: number
  readonly #limits: ConnectionLimits
  readonly #age_limit_ms: number
  /** The client's settings have come: it speaks HTTP/2. */
  #speaks = false
  /** When GOAWAY was sent. */
  #leaving_since_ms: number | undefined

  constructor(session: ServerHttp2Session, limits: ConnectionLimits, now_ms: number) {
    const { remoteAddress, remotePort } = session.socket
    this.session = session
    this.peer = remoteAddress === undefined ? '' : address(remoteAddress, remotePort)
    this.#began_ms = now_ms
    this.idle_since_ms = now_ms
    this.#limits = limits
    this.#age_limit_ms = (limits.max_connection_age_ms ?? Number.POSITIVE_INFINITY) * (1 + Math.random() / 10)
    session.once('remoteSettings', () => {
      this.#speaks = true
    })
  }

  /** Sends GOAWAY: the session closes itself after its last call. */
  dismiss(now_ms: number): void {
    if (this.#leaving_since_ms !== undefined) return
    this.#leaving_since_ms = now_ms
    if (this.#speaks) this.session.close()
    else this.session.destroy()
  }

  /** Dismisses or closes the connection if its time is up. */
  sweep(now_ms: number): void {
    const {
      read_header_timeout_ms = 10_000,
      max_connection_idle_ms: idle_ms = Number.POSITIVE_INFINITY,
      max_connection_age_grace_ms: grace_ms = Number.POSITIVE_INFINITY,
    } = this.#limits
    const silent = !this.#speaks && now_ms - this.#began_ms > read_header_timeout_ms
    const overdue = this.#leaving_since_ms !== undefined && now_ms - this.#leaving_since_ms > grace_ms
    if (silent || overdue) return this.session.destroy()
    const idle = this.calls === 0 && now_ms - this.idle_since_ms > idle_ms
    if (idle || now_ms - this.#began_ms > this.#age_limit_ms) this.dismiss(now_ms)
  }
}
