/** The connections of an exporter that sends by HTTP/1.1: kept alive, with TLS, directly or through a proxy. */
import type { Agent, Dispatcher, ProxyAgent } from 'undici'
import type { Host } from '../../component.ts'
import type { TlsClient } from '../../config/schema/blocks.ts'
import { networkErrorName } from '../../net/network_error.ts'
import { type ProxyServer, proxyFor } from '../../net/proxy.ts'
import type { Timer } from '../../self/clock.ts'
import { type Retryable, retryable } from '../sender.ts'
import { type ClientTlsOptions, fingerprintOf, readClientTls, watchClientTls } from './client_tls.ts'

export interface HttpConnectionsOptions {
  readonly tls: TlsClient
  /** Undefined: as the environment says. */
  readonly proxy_url: string | undefined
  /** Most connections to an origin; 0: no limit. */
  readonly max_conns_per_host: number
  readonly idle_conn_timeout_ms: number
  /** A new connection for every request. */
  readonly disable_keep_alives?: boolean
  /** Default: no limit. */
  readonly response_bytes_max?: number
}

/** Loaded with the first client that starts: a config may have some that no pipeline uses. */
type Undici = typeof import('undici')

export class HttpConnections {
  readonly #options: HttpConnectionsOptions
  readonly #host: Host
  /** By origin; undefined in it: no proxy. */
  readonly #proxies = new Map<string, ProxyServer | undefined>()
  #undici: Undici | undefined
  #direct: Agent | undefined
  #proxied = new Map<string, ProxyAgent>()
  #tls: ClientTlsOptions | undefined
  #fingerprint = ''
  #reload: Timer | undefined

  /** `urls`: all that requests go to. Throws ProxyError. */
  constructor(options: HttpConnectionsOptions, urls: readonly URL[], host: Host) {
    this.#options = options
    this.#host = host
    for (const url of urls) this.#proxies.set(url.origin, proxyOf(url, options.proxy_url))
  }

  /** Reads the TLS files, again at every `reload_interval`; connects to nothing yet. Throws TlsError. */
  async start(): Promise<void> {
    const undici = (this.#undici ??= await import('undici'))
    this.#open(undici)
    this.#reload ??= watchClientTls(this.#options.tls, this.#host, () => this.#open(undici))
  }

  /** Rejects with errors of the network and of undici; see `networkFailure`. */
  async request(request: Dispatcher.RequestOptions & { readonly origin: string }): Promise<Dispatcher.ResponseData> {
    if (this.#direct === undefined) await this.start()
    return this.#dispatcher(request.origin).request(request)
  }

  async close(): Promise<void> {
    this.#reload?.cancel()
    await Promise.all([this.#direct?.destroy(), ...[...this.#proxied.values()].map((agent) => agent.destroy())])
  }

  /** Makes the pool, or a new one if the TLS files have changed; requests under way end on the old one. */
  #open({ Agent }: Undici): void {
    const tls = readClientTls(this.#options.tls)
    const fingerprint = fingerprintOf(tls)
    if (this.#direct !== undefined && fingerprint === this.#fingerprint) return
    void this.#direct?.close()
    for (const agent of this.#proxied.values()) void agent.close()
    this.#fingerprint = fingerprint
    this.#tls = tls
    this.#direct = new Agent({ ...this.#pool(), connect: { ...tls, timeout: 0 } })
    this.#proxied = new Map()
  }

  #dispatcher(origin: string): Dispatcher {
    const proxy = this.#proxies.get(origin)
    if (proxy === undefined) return this.#direct!
    const known = this.#proxied.get(origin)
    if (known !== undefined) return known
    const agent = this.#through(proxy)
    this.#proxied.set(origin, agent)
    return agent
  }

  /** https goes through by CONNECT, http by a request with the whole URL, as proxies expect it. */
  #through(proxy: ProxyServer): ProxyAgent {
    const { servername: _, ...proxyTls } = this.#tls!
    const { Pool, ProxyAgent } = this.#undici!
    const host = proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host
    return new ProxyAgent({
      // Requests with the whole URL go by a pool that would not have these.
      factory: (origin, options) => new Pool(origin, { ...options, ...this.#pool() }),
      uri: `${proxy.isTls ? 'https' : 'http'}://${host}:${proxy.port}`,
      ...(proxy.authorization !== undefined && { token: proxy.authorization }),
      proxyTunnel: false,
      connectTimeout: 0,
      requestTls: this.#tls!,
      proxyTls,
    })
  }

  #pool(): Agent.Options {
    const { max_conns_per_host, idle_conn_timeout_ms, disable_keep_alives, response_bytes_max } = this.#options
    const keepAlive_ms = Math.max(1, idle_conn_timeout_ms)
    return {
      connections: max_conns_per_host === 0 ? null : max_conns_per_host,
      // 0 pipelined requests is how undici spells "no keep-alive".
      pipelining: disable_keep_alives === true ? 0 : 1,
      keepAliveTimeout: keepAlive_ms,
      keepAliveMaxTimeout: keepAlive_ms,
      // The limits of time are the attempt's.
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(response_bytes_max !== undefined && { maxResponseSize: response_bytes_max }),
    }
  }
}

function proxyOf(url: URL, proxy_url: string | undefined): ProxyServer | undefined {
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port)
  return proxyFor({ scheme, host: url.hostname.replace(/^\[|\]$/g, ''), port }, proxy_url, process.env)
}

/** What undici says of a proxy's refusal. */
const PROXY_STATUS = /^Proxy (?:response|Authentication Required) \((\d{3})\)/

/** What a request's error means: worth another attempt. Throws what is a bug. */
export function networkFailure(error: unknown): Retryable {
  const status = error instanceof Error ? PROXY_STATUS.exec(error.message)?.[1] : undefined
  if (status !== undefined) return retryable(`the proxy answers HTTP ${status}`)
  if ((error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG') throw error
  return retryable(networkErrorName(error) ?? 'network error')
}
