/** Requests over kept-alive connections; a batch's bytes go out as they are. */

import type { Host } from '../../component.ts'
import { BodyTooLarge, compress, contentEncoding } from '../../net/compress.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import { HttpConnections, networkFailure } from '../../sending/connections/http_connections.ts'
import { PackedBodies } from '../../sending/packed_bodies.ts'
import type { Sender, SendResult } from '../../sending/sender.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { type OtlpHttpConfig, RESPONSE_BYTES_MAX } from './config.ts'
import { type ExportAnswer, judgeExport } from './export_answer.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

export class OtlpHttpClient {
  readonly #config: OtlpHttpConfig
  readonly #host: Host
  readonly #connections: HttpConnections

  /** Throws ProxyError. */
  constructor(config: OtlpHttpConfig, host: Host) {
    this.#config = config
    this.#host = host
    const { tls, proxy_url, max_conns_per_host, idle_conn_timeout, disable_keep_alives } = config
    const options = {
      tls,
      proxy_url,
      max_conns_per_host,
      idle_conn_timeout_ms: idle_conn_timeout,
      disable_keep_alives,
      response_bytes_max: RESPONSE_BYTES_MAX,
    }
    const urls = SIGNALS.map((signal) => urlFor(config, signal)).filter((url) => url !== undefined)
    this.#connections = new HttpConnections(options, urls, host)
  }

  /** Reads the TLS files; connects to nothing yet. Throws TlsError. */
  start(): Promise<void> {
    return this.#connections.start()
  }

  /** Throws if the config has no URL for the signal. */
  sender<S extends Signal>(signal: S): Sender<S> {
    const url = urlFor(this.#config, signal)
    if (url === undefined) throw new Error(`no endpoint for ${signal}: set endpoint or ${signal}_endpoint`)
    const headers = this.#headers()
    const path = url.pathname + url.search
    const { compression, compression_params, max_request_size } = this.#config
    const bodies = new PackedBodies()
    const options = { level: compression_params.level, limit_bytes: max_request_size }
    const pack = (batch: Batches[S]) => compress(this.#encode(signal, batch), compression, options)
    return {
      send: async (batch, _context, abort) => {
        const post = (body: Buffer) => this.#post({ origin: url.origin, path, headers, body, signal: abort })
        try {
          return await bodies.attempt(batch, () => pack(batch), post)
        } catch (error) {
          if (error instanceof BodyTooLarge) return tooLarge(error.size_bytes, max_request_size)
          throw error
        }
      },
    }
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  #encode(signal: Signal, batch: Batches[Signal]): Buffer {
    return this.#config.encoding === 'proto' ? batch.bytes : protobufToJson(requestMessage[signal], batch.bytes)
  }

  async #post(request: {
    origin: string
    path: string
    headers: Record<string, string>
    body: Buffer
    signal: AbortSignal
  }): Promise<SendResult> {
    try {
      const response = await this.#connections.request({ ...request, method: 'POST' })
      const body = Buffer.from(await response.body.arrayBuffer())
      const answer: ExportAnswer = { status: response.statusCode, headers: response.headers, body }
      return judgeExport(answer, this.#host.clock.now_ms())
    } catch (error) {
      return failure(error)
    }
  }

  #headers(): Record<string, string> {
    const { headers, encoding, compression } = this.#config
    const own: Record<string, string> = {
      'content-type': encoding === 'proto' ? 'application/x-protobuf' : 'application/json',
      'user-agent': `Sluice/${this.#host.daemon.version}`,
    }
    const packing = contentEncoding(compression)
    if (packing !== undefined) own['content-encoding'] = packing
    for (const [name, value] of Object.entries(headers)) own[name.toLowerCase()] = value
    return own
  }
}

/** Where a signal goes. */
export function urlFor(config: OtlpHttpConfig, signal: Signal): URL | undefined {
  const whole = config[`${signal}_endpoint`]
  if (whole !== undefined) return new URL(whole)
  if (config.endpoint === undefined) return undefined
  const url = new URL(config.endpoint)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`
  return url
}

function tooLarge(size_bytes: number, limit_bytes: number): SendResult {
  return { outcome: 'too_large', message: `the request has ${size_bytes} bytes, max_request_size is ${limit_bytes}` }
}

/** What undici says of an answer with too much in it. */
const TOO_LONG: readonly string[] = ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_HEADERS_OVERFLOW']

function failure(error: unknown): SendResult {
  if (TOO_LONG.includes((error as NodeJS.ErrnoException).code ?? '')) {
    return {
      outcome: 'permanent',
      reason: 'permanent_error',
      message: `the response is over ${RESPONSE_BYTES_MAX} bytes`,
    }
  }
  return networkFailure(error)
}
