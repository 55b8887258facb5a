import type { Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { TIMER_MAX_MS } from '../../self/clock.ts'
import { serverTls } from '../tls.ts'
import { createServer } from './http_module.ts'
import type { HttpServerOptions } from './http_options.ts'

/** Node's server, plain or with TLS, with our limits of time; without listeners. Throws TlsError. */
export function nodeServer(given: HttpServerOptions): Server {
  const { tls, read_header_timeout_ms = 10_000, request_timeout_ms = 60_000, idle_timeout_ms = 65_000 } = given
  const header_timeout_ms = nodeWait(read_header_timeout_ms)
  const options: ServerOptions = {
    // 0 is no limit, to Node as well: that of the whole request does not take away that of its headers.
    headersTimeout: Math.min(header_timeout_ms, request_timeout_ms === 0 ? TIMER_MAX_MS : nodeWait(request_timeout_ms)),
    requestTimeout: nodeWait(request_timeout_ms),
    keepAliveTimeout: nodeWait(idle_timeout_ms),
    connectionsCheckingInterval: Math.min(5_000, Math.max(50, read_header_timeout_ms / 4)),
    noDelay: true,
    requireHostHeader: false,
  }
  if (tls === undefined) return createServer(options)
  return createTlsServer({ ...options, ...serverTls(tls), handshakeTimeout: header_timeout_ms })
}

/** As Node's servers want it: whole milliseconds that its timers can do, with the second that they add to some. */
function nodeWait(wait_ms: number): number {
  return Math.min(Math.ceil(wait_ms), TIMER_MAX_MS - 1000)
}
