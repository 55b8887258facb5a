/** Unary calls with a batch's bytes as they are. */

import { createSecureContext } from 'node:tls'
import {
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Host } from '../../component.ts'
import { parseEndpoint } from '../../config/schema/units.ts'
import { decode, type Message } from '../../otlp/codec.ts'
import { TIMER_MAX_MS, type Timer } from '../../self/clock.ts'
import { type ClientTlsOptions, fingerprintOf, readClientTls, watchClientTls } from '../../sending/client_tls.ts'
import type { Sender, SendResult } from '../../sending/sender.ts'
import type { Signal } from '../../telemetry/batch.ts'
import { type OtlpGrpcConfig, RESPONSE_BYTES_MAX } from './config.ts'
import { judge } from './status.ts'

const METHODS: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

export class OtlpGrpcClient {
  readonly #config: OtlpGrpcConfig
  readonly #host: Host
  #client: Client | undefined
  #fingerprint = ''
  #reload: Timer | undefined

  constructor(config: OtlpGrpcConfig, host: Host) {
    this.#config = config
    this.#host = host
  }

  /** Reads the TLS files, again at every `reload_interval`; connects to nothing yet. Throws TlsError. */
  start(): void {
    this.#connect()
    this.#reload = watchClientTls(this.#config.tls, this.#host, () => this.#connect())
  }

  sender<S extends Signal>(signal: S): Sender<S> {
    const metadata = this.#metadata()
    return {
      send: async (batch, _context, abort) => {
        const { max_request_size } = this.#config
        if (batch.size_bytes <= max_request_size) return this.#call(METHODS[signal], batch.bytes, metadata, abort)
        const message = `the request has ${batch.size_bytes} bytes, max_request_size is ${max_request_size}`
        return { outcome: 'too_large', message }
      },
    }
  }

  close(): void {
    this.#reload?.cancel()
    this.#client?.close()
    this.#client = undefined
  }

  #call(method: string, bytes: Buffer, metadata: Metadata, abort: AbortSignal): Promise<SendResult> {
    if (this.#client === undefined) this.#connect()
    const { timeout } = this.#config
    const options = timeout > 0 ? { deadline: Date.now() + timeout } : {}
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response?: Buffer) => {
        abort.removeEventListener('abort', cancel)
        resolve(error === null ? { outcome: 'sent', rejected: rejectedItems(response) } : judge(error))
      }
      const call = this.#client!.makeUnaryRequest(method, identity, identity, bytes, metadata, options, done)
      const cancel = () => call.cancel()
      abort.addEventListener('abort', cancel, { once: true })
    })
  }

  #metadata(): Metadata {
    const metadata = new Metadata({ waitForReady: this.#config.wait_for_ready })
    for (const [name, value] of Object.entries(this.#config.headers)) {
      metadata.add(name, name.toLowerCase().endsWith('-bin') ? Buffer.from(value, 'base64') : value)
    }
    return metadata
  }

  /** Makes the channel, or a new one if the TLS files have changed; calls under way end on the old one. */
  #connect(): void {
    const { address, isPlain } = target(this.#config)
    const tls = isPlain ? undefined : readClientTls(this.#config.tls)
    const fingerprint = tls === undefined ? 'plain' : fingerprintOf(tls)
    if (this.#client !== undefined && fingerprint === this.#fingerprint) return
    this.#client?.close()
    this.#fingerprint = fingerprint
    this.#client = new Client(
      address,
      tls === undefined ? credentials.createInsecure() : secure(tls),
      this.#channelOptions(),
    )
  }

  #channelOptions(): ChannelOptions {
    const { keepalive, balancer_name, compression, authority, tls } = this.#config
    const options: ChannelOptions = {
      'grpc.primary_user_agent': `Sluice/${this.#host.daemon.version}`,
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': RESPONSE_BYTES_MAX,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [balancer_name]: {} }] }),
      // A backend that comes back is found within seconds; the library's own default waits up to two minutes.
      'grpc.max_reconnect_backoff_ms': 10_000,
      // The balancer is ours to choose, not a TXT record's.
      'grpc.service_config_disable_resolution': 1,
      // Repeats are ours.
      'grpc.enable_retries': 0,
      // Exporters to one address with unlike options do not share connections.
      'grpc.use_local_subchannel_pool': 1,
    }
    if (compression === 'gzip') options['grpc.default_compression_algorithm'] = compressionAlgorithms.gzip
    if (compression === 'deflate') options['grpc.default_compression_algorithm'] = compressionAlgorithms.deflate
    if (authority !== undefined) options['grpc.default_authority'] = authority
    if (tls.server_name_override !== undefined) options['grpc.ssl_target_name_override'] = tls.server_name_override
    if (keepalive !== undefined) {
      // The library gives them to Node's timers, which take a longer wait for none.
      options['grpc.keepalive_time_ms'] = Math.min(keepalive.time, TIMER_MAX_MS)
      options['grpc.keepalive_timeout_ms'] = Math.min(keepalive.timeout, TIMER_MAX_MS)
      options['grpc.keepalive_permit_without_calls'] = keepalive.permit_without_stream ? 1 : 0
    }
    return options
  }
}

/** The address as grpc-js names it, and whether it is spoken to without TLS (`http://`, or `tls.insecure` without `https://`). */
export function target({ endpoint, tls }: Pick<OtlpGrpcConfig, 'endpoint' | 'tls'>): {
  address: string
  isPlain: boolean
} {
  const { scheme, host, port } = parseEndpoint(endpoint)!
  const bracketed = host.includes(':') ? `[${host}]` : host
  return { address: `dns:${bracketed}:${port}`, isPlain: scheme === 'http' || (scheme !== 'https' && tls.insecure) }
}

function secure(tls: ClientTlsOptions) {
  const options = { rejectUnauthorized: tls.rejectUnauthorized }
  return credentials.createFromSecureContext(createSecureContext(tls), options)
}

/** An answer that cannot be read counts as full success: the status decides. */
function rejectedItems(response: Buffer | undefined): number {
  if (response === undefined || response.length === 0) return 0
  try {
    const partial = decode('ExportResponse', response)['partialSuccess'] as Message | undefined
    return Number(partial?.['rejected'] ?? 0)
  } catch {
    return 0
  }
}

function identity(bytes: Buffer): Buffer {
  return bytes
}
