/** The `api` extension: what the daemon is doing and what it has stored, as JSON over HTTP. */
import { isIP } from 'node:net'
import type { Extension, ExtensionFactory, Host } from '../../component.ts'
import { parseEndpoint } from '../../config/schema/units.ts'
import type { HttpHead } from '../../net/http/http_exchange.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'
import type { Route } from '../../net/http/http_options.ts'
import { HttpServer } from '../../net/http/http_server.ts'
import { JSON_HEADERS } from './api_answer.ts'
import { type ApiConfig, schema } from './config.ts'
import { routesOf } from './routes.ts'

export const api: ExtensionFactory<ApiConfig> = {
  kind: 'extension',
  type: 'api',
  summary: 'Shows pipelines, component states, the ledger and stored traces and logs as JSON.',
  schema,
  create: (config, host) => new Api(config, host),
}

const LIMITS = { max_request_body_size: 4096, request_timeout_ms: 10_000, max_connections: 100 }

export class Api implements Extension {
  /** The port that it got. */
  port: number | undefined
  readonly #config: ApiConfig
  readonly #host: Host
  #server: HttpServer | undefined

  constructor(config: ApiConfig, host: Host) {
    this.#config = config
    this.#host = host
  }

  async start(): Promise<void> {
    const { host, port } = parseEndpoint(this.#config.endpoint)!
    this.#server = new HttpServer({
      host,
      port,
      ...LIMITS,
      routes: routesOf(this.#host, (route) => (isLoopback(host) ? guarded(route) : route)),
      fail: (_head, status, message) => ({
        contentType: JSON_HEADERS['content-type'],
        body: `${JSON.stringify({ error: { status, message } })}\n`,
      }),
      onError: (error) => this.#host.log.error({ err: error }, 'a bug: an API request failed'),
    })
    this.port = await this.#server.listen()
    this.#host.log.info({ port: this.port }, 'listening for API requests')
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#server?.drain(deadline)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** A page whose name was made to resolve to this machine (DNS rebinding) still sends that name: it gets nothing. */
function guarded(route: Route): Route {
  return {
    ...route,
    before: ({ headers }: HttpHead) => {
      const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
      if (name === '' || name === 'localhost' || isIP(name) > 0) return undefined
      throw new HttpFailure(403, 'this address is only answered under localhost or an IP address')
    },
  }
}
