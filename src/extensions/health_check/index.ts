/** The `health_check` extension: tells Kubernetes and load balancers whether the daemon is ready. */
import type { Extension, ExtensionFactory, Host } from '../../component.ts'
import { parseEndpoint } from '../../config/schema/units.ts'
import type { HttpAnswer } from '../../net/http/http_exchange.ts'
import { HttpServer } from '../../net/http/http_server.ts'
import { serverTlsFiles } from '../../net/server_tls.ts'
import { type HealthCheckConfig, schema } from './config.ts'

export const healthCheck: ExtensionFactory<HealthCheckConfig> = {
  kind: 'extension',
  type: 'health_check',
  summary: 'Answers health probes over HTTP: 200 while data is taken, 503 while starting and stopping.',
  schema,
  create: (config, host) => new HealthCheck(config, host),
}

const JSON_TYPE = 'application/json'
/** Probes are short and have no body. */
const LIMITS = { max_request_body_size: 4096, request_timeout_ms: 10_000, max_connections: 100 }

export class HealthCheck implements Extension {
  /** The port that it got. */
  port: number | undefined
  readonly #config: HealthCheckConfig
  readonly #host: Host
  #server: HttpServer | undefined

  constructor(config: HealthCheckConfig, host: Host) {
    this.#config = config
    this.#host = host
  }

  async start(): Promise<void> {
    const { endpoint, path, tls } = this.#config
    const { host, port } = parseEndpoint(endpoint)!
    this.#server = new HttpServer({
      host,
      port,
      ...LIMITS,
      ...(tls && { tls: serverTlsFiles(tls) }),
      routes: new Map([[path, { methods: ['GET', 'HEAD'], handler: async () => this.#answer() }]]),
      onError: (error) => this.#host.log.error({ err: error }, 'a bug: a health probe failed'),
    })
    this.port = await this.#server.listen()
    this.#host.log.info({ port: this.port }, 'listening for health probes')
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#server?.drain(deadline)
  }

  #answer(): HttpAnswer {
    const { daemon, clock } = this.#host
    const isReady = daemon.ready()
    const { healthy = '', unhealthy = '' } = this.#config.response_body ?? {}
    const text = isReady ? healthy : unhealthy
    const status = isReady ? 200 : 503
    if (text !== '') return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text }
    const body = {
      status: isReady ? 'Server available' : 'Server not available',
      upSince: new Date(daemon.startedAt_ms).toISOString(),
      uptime: durationText(clock.now_ms() - daemon.startedAt_ms),
    }
    return { status, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body) }
  }
}

/** As Go writes durations, since that is what readers of this answer expect: `49.013s`, `1m2.5s`, `26h0m3s`. */
export function durationText(duration_ms: number): string {
  const seconds = Math.max(0, duration_ms) / 1000
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const rest = `${Number((seconds % 60).toFixed(3))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
