/** Push requests over kept-alive connections. */
import type { Batches, Context, Host, Signal } from '../../component.ts'
import { HttpConnections, networkFailure } from '../../sending/connections/http_connections.ts'
import { PackedBodies } from '../../sending/packed_bodies.ts'
import type { Sender, SendResult } from '../../sending/sender.ts'
import { isTenant, type LokiConfig, PUSH_PATH } from './config.ts'
import { LabelSets, StreamsInUse } from './label_sets.ts'
import { LokiCounts } from './loki_counts.ts'
import { PushConverter } from './push.ts'
import type { PushAnswer } from './push_answer.ts'
import { PushRequests } from './push_requests.ts'

/** Of an answer's text no more is read. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024
export class LokiClient {
  readonly #config: LokiConfig
  readonly #host: Host
  readonly #url: URL
  readonly #converter: PushConverter
  readonly #counts: LokiCounts
  /** Records without a time keep the one of the first attempt, so that Loki knows the lines again. */
  readonly #prepared = new PackedBodies<PushRequests | undefined>()
  readonly #connections: HttpConnections

  /** Throws ProxyError. */
  constructor(config: LokiConfig, host: Host) {
    this.#config = config
    this.#host = host
    this.#url = urlOf(config.endpoint)
    const { tls, proxy_url, max_conns_per_host, idle_conn_timeout } = config
    const options = { tls, proxy_url, max_conns_per_host, idle_conn_timeout_ms: idle_conn_timeout }
    this.#connections = new HttpConnections(options, [this.#url], host)
    this.#counts = new LokiCounts(host)
    const streams = new StreamsInUse(config.streams_max, config.streams_idle, host.clock)
    const limits = {
      line_bytes_max: config.line_size_bytes_max,
      label_value_bytes_max: config.label_value_bytes_max,
      request_bytes_max: config.max_request_size,
      metadata: { entries_max: config.metadata_entries_max, size_bytes_max: config.metadata_size_bytes_max },
    }
    this.#converter = new PushConverter(limits, new LabelSets(config.labels), streams)
  }

  /** Reads the TLS files; connects to nothing yet. Throws TlsError. */
  start(): Promise<void> {
    return this.#connections.start()
  }

  /** For logs, the only signal that Loki takes. */
  sender<S extends Signal>(_signal: S): Sender<S> {
    const send = (batch: Batches['logs'], context: Context, abort: AbortSignal) => this.#send(batch, context, abort)
    return { send } as unknown as Sender<S>
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  async #send(batch: Batches['logs'], context: Context, abort: AbortSignal): Promise<SendResult> {
    const tenant = this.#tenant(context)
    if (tenant !== undefined && !isTenant(tenant)) {
      return { outcome: 'permanent', reason: 'permanent_error', message: 'the tenant has characters that Loki refuses' }
    }
    const headers = this.#headers(tenant)
    const prepare = () => this.#prepare(batch)
    return this.#prepared.attempt(batch, prepare, async (requests) => {
      if (requests !== undefined) return this.#push(requests, (body) => this.#post(body, headers, abort))
      const { max_request_size } = this.#config
      return {
        outcome: 'too_large',
        message: `the request is over max_request_size ${max_request_size}, or has too many different keys`,
      }
    })
  }

  #tenant({ tenant, metadata }: Context): string | undefined {
    const { tenant_id, tenant_from, tenant_metadata_key } = this.#config
    const given = tenant_from === 'context' ? tenant : metadata.get(tenant_metadata_key)
    return tenant_from === undefined || given === undefined || given === '' ? tenant_id : given
  }

  /** Undefined if the request would be too large. */
  #prepare(batch: Batches['logs']): PushRequests | undefined {
    const now_ms = this.#host.clock.now_ms()
    const push = this.#converter.convert(batch, now_ms)
    if (push === undefined) return undefined
    this.#counts.lost(push.losses)
    return new PushRequests(push, now_ms, this.#config.late_after)
  }

  async #push(requests: PushRequests, post: (body: Buffer) => Promise<PushAnswer>): Promise<SendResult> {
    try {
      const result = await requests.send(post, this.#host.clock)
      if (requests.refused.size > 0 && result.outcome !== 'retryable') this.#counts.refused(requests.refused)
      return result
    } catch (error) {
      return networkFailure(error)
    }
  }

  async #post(body: Buffer, headers: Record<string, string>, signal: AbortSignal): Promise<PushAnswer> {
    const { origin, pathname, search } = this.#url
    const request = { origin, path: pathname + search, method: 'POST' as const, headers, body, signal }
    const response = await this.#connections.request(request)
    const retryAfter = response.headers['retry-after']
    return {
      status: response.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      text: await beginningOf(response.body),
    }
  }

  #headers(tenant: string | undefined): Record<string, string> {
    const { headers, basic_auth } = this.#config
    const own: Record<string, string> = {
      'content-type': 'application/x-protobuf',
      'user-agent': `Sluice/${this.#host.daemon.version}`,
    }
    if (basic_auth !== undefined) {
      const credentials = Buffer.from(`${basic_auth.username}:${basic_auth.password}`).toString('base64')
      own['authorization'] = `Basic ${credentials}`
    }
    for (const [name, value] of Object.entries(headers)) own[name.toLowerCase()] = value
    if (tenant !== undefined) own['x-scope-orgid'] = tenant
    return own
  }
}

/** Where requests go. */
export function urlOf(endpoint: string): URL {
  const url = new URL(endpoint)
  if (url.pathname === '/') url.pathname = PUSH_PATH
  return url
}

/** As text; what is over the limit is not read. */
async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size_bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size_bytes += chunk.length
    if (size_bytes >= RESPONSE_BYTES_MAX) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
