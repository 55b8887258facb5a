/** Requests over kept-alive connections; a batch's bytes go out as they are. */

import type { Agent } from 'undici'
import type { Host } from '../../component.ts'
import { compress, contentEncoding } from '../../net/compress.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import type { Timer } from '../../self/clock.ts'
import { fingerprintOf, readClientTls, watchClientTls } from '../../sending/client_tls.ts'
import { networkErrorName } from '../../sending/failures/network_error.ts'
import { retryable, type Sender, type SendResult } from '../../sending/sender.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { type OtlpHttpConfig, RESPONSE_BYTES_MAX } from './config.ts'
import { type ExportAnswer, judgeExport } from './export_answer.ts'

export class OtlpHttpClient {
  readonly #config: OtlpHttpConfig
  readonly #host: Host
  /** Loaded at the start: a config may have a client that no pipeline uses. */
  #undici: typeof import('undici') | undefined
  #agent: Agent | undefined
  #fingerprint = ''
  #reload: Timer | undefined

  constructor(config: OtlpHttpConfig, host: Host) {
    this.#config = config
    this.#host = host
  }

  /** Reads the TLS files, again at every `reload_interval`; connects to nothing yet. Throws TlsError. */
  async start(): Promise<void> {
    const undici = (this.#undici ??= await import('undici'))
    this.#connect(undici)
    this.#reload ??= watchClientTls(this.#config.tls, this.#host, () => this.#connect(undici))
  }

  /** Throws if the config has no URL for the signal. */
  sender<S extends Signal>(signal: S): Sender<S> {
    const url = urlFor(this.#config, signal)
    if (url === undefined) throw new Error(`no endpoint for ${signal}: set endpoint or ${signal}_endpoint`)
    const headers = this.#headers()
    const path = url.pathname + url.search
    return {
      send: async (batch, _context, abort) => {
        const body = this.#encode(signal, batch)
        const { compression, compression_params, max_request_size } = this.#config
        if (body.length > max_request_size) return tooLarge(body.length, max_request_size)
        const packed = await compress(body, compression, { level: compression_params.level })
        return this.#post({ origin: url.origin, path, headers, body: packed, signal: abort })
      },
    }
  }

  async close(): Promise<void> {
    this.#reload?.cancel()
    await this.#agent?.destroy()
  }

  /** Makes the connections' pool, or a new one if the TLS files have changed; requests under way end on the old one. */
  #connect({ Agent }: typeof import('undici')): void {
    const { tls, max_conns_per_host, idle_conn_timeout, disable_keep_alives } = this.#config
    const options = readClientTls(tls)
    const fingerprint = fingerprintOf(options)
    if (this.#agent !== undefined && fingerprint === this.#fingerprint) return
    const old = this.#agent
    this.#fingerprint = fingerprint
    this.#agent = new Agent({
      connections: max_conns_per_host === 0 ? null : max_conns_per_host,
      // 0 pipelined requests is how undici spells "no keep-alive".
      pipelining: disable_keep_alives ? 0 : 1,
      keepAliveTimeout: Math.max(1, idle_conn_timeout),
      keepAliveMaxTimeout: Math.max(1, idle_conn_timeout),
      // The limits of time are the attempt's.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: RESPONSE_BYTES_MAX,
      connect: { ...options, timeout: 0 },
    })
    void old?.close()
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
    if (this.#agent === undefined) await this.start()
    try {
      const response = await this.#agent!.request({ ...request, method: 'POST' })
      const body = Buffer.from(await response.body.arrayBuffer())
      const answer: ExportAnswer = { status: response.statusCode, headers: response.headers, body }
      return judgeExport(answer, this.#host.clock.now_ms())
    } catch (error) {
      return failure(error, this.#undici)
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

function failure(error: unknown, undici: typeof import('undici') | undefined): SendResult {
  const errors = undici?.errors
  if (errors === undefined || error instanceof errors.InvalidArgumentError) throw error
  if (error instanceof errors.ResponseExceededMaxSizeError || error instanceof errors.HeadersOverflowError) {
    return {
      outcome: 'permanent',
      reason: 'permanent_error',
      message: `the response is over ${RESPONSE_BYTES_MAX} bytes`,
    }
  }
  return retryable(networkErrorName(error) ?? 'network error')
}
