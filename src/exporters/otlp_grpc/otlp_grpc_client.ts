/** Unary calls with a batch's bytes as they are. */

import { createSecureContext } from 'node:tls'
import type { Host } from '../../component.ts'
import { compress } from '../../net/compress.ts'
import { GrpcCode } from '../../net/grpc/grpc_status.ts'
import type { KeepAlive } from '../../net/grpc_client/client_connection.ts'
import type { DialTls } from '../../net/grpc_client/dial.ts'
import { GrpcChannel } from '../../net/grpc_client/grpc_channel.ts'
import { decode, type Message } from '../../otlp/codec.ts'
import type { Timer } from '../../self/clock.ts'
import {
  type ClientTlsOptions,
  fingerprintOf,
  readClientTls,
  watchClientTls,
} from '../../sending/connections/client_tls.ts'
import { PackedBodies } from '../../sending/packed_bodies.ts'
import type { Sender, SendResult } from '../../sending/sender.ts'
import type { Signal } from '../../telemetry/batch.ts'
import { type BackendTarget, targetOf } from './backend_target.ts'
import { headOf, isReserved, withTimeout } from './call_head.ts'
import { judge } from './call_status.ts'
import { type OtlpGrpcConfig, RESPONSE_BYTES_MAX } from './config.ts'

const METHODS: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

export class OtlpGrpcClient {
  readonly #config: OtlpGrpcConfig
  readonly #host: Host
  readonly #target: BackendTarget
  #channel: GrpcChannel | undefined
  #fingerprint = ''
  #reload: Timer | undefined

  /** Throws ProxyError. */
  constructor(config: OtlpGrpcConfig, host: Host) {
    this.#config = config
    this.#host = host
    this.#target = targetOf(config, process.env)
  }

  /** Reads the TLS files, again at every `reload_interval`; connects to nothing yet. Throws TlsError. */
  start(): void {
    this.#open()
    this.#reload = watchClientTls(this.#config.tls, this.#host, () => this.#open())
    const reserved = Object.keys(this.#config.headers).filter((name) => isReserved(name.toLowerCase()))
    if (reserved.length > 0) this.#host.log.warn({ headers: reserved }, 'headers that gRPC sets itself are left out')
  }

  sender<S extends Signal>(signal: S): Sender<S> {
    const { compression, max_request_size, timeout } = this.#config
    const head = this.#head(METHODS[signal])
    const headAfter = (waited_ms: number) => (timeout > 0 ? withTimeout(head, timeout - waited_ms) : head)
    const bodies = new PackedBodies()
    return {
      send: async (batch, _context, abort) => {
        const { bytes, size_bytes } = batch
        if (size_bytes > max_request_size) {
          const message = `the request has ${size_bytes} bytes, max_request_size is ${max_request_size}`
          return { outcome: 'too_large', message }
        }
        const call = (body: Buffer) => {
          const prefix = prefixOf(body.length, compression !== 'none')
          return this.#call({ head, headAfter, prefix, body, signal: abort, answer_bytes_max: RESPONSE_BYTES_MAX })
        }
        return compression === 'none' ? call(bytes) : bodies.attempt(batch, () => compress(bytes, compression), call)
      },
    }
  }

  close(): void {
    this.#reload?.cancel()
    this.#channel?.close()
    this.#channel = undefined
  }

  async #call(call: Parameters<GrpcChannel['call']>[0]): Promise<SendResult> {
    if (this.#channel === undefined) this.#open()
    const outcome = await this.#channel!.call(call)
    return outcome.code === GrpcCode.OK ? { outcome: 'sent', rejected: rejectedItems(outcome.message) } : judge(outcome)
  }

  /** Makes the channel, or a new one if the TLS files have changed; calls under way end on the old one. */
  #open(): void {
    const { isPlain, address, isOne, proxy } = this.#target
    const tls = isPlain ? undefined : readClientTls(this.#config.tls)
    const fingerprint = tls === undefined ? 'plain' : fingerprintOf(tls)
    if (this.#channel !== undefined && fingerprint === this.#fingerprint) return
    this.#channel?.leave()
    this.#fingerprint = fingerprint
    this.#channel = new GrpcChannel({
      address,
      isOne,
      proxy,
      tls: tls && this.#dialTls(tls),
      balancer: this.#config.balancer_name,
      wait_for_ready: this.#config.wait_for_ready,
      keepalive: keepaliveOf(this.#config.keepalive),
      clock: this.#host.clock,
    })
  }

  #dialTls(options: ClientTlsOptions): DialTls {
    return {
      context: createSecureContext(options),
      isChecked: options.rejectUnauthorized,
      server_name: this.#target.server_name,
    }
  }

  #head(path: string): string[] {
    const { compression, timeout, headers } = this.#config
    const { isPlain, authority } = this.#target
    const user_agent = `Sluice/${this.#host.daemon.version}`
    return headOf(path, {
      scheme: isPlain ? 'http' : 'https',
      authority,
      user_agent,
      compression,
      timeout_ms: timeout,
      headers,
    })
  }
}

function keepaliveOf(keepalive: OtlpGrpcConfig['keepalive']): KeepAlive | undefined {
  if (keepalive === undefined) return undefined
  return { time_ms: keepalive.time, timeout_ms: keepalive.timeout, isAlways: keepalive.permit_without_stream }
}

/** What stands before a gRPC message: whether it is compressed, and its length. */
function prefixOf(length: number, isCompressed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(5)
  prefix[0] = isCompressed ? 1 : 0
  prefix.writeUInt32BE(length, 1)
  return prefix
}

/** An answer that cannot be read counts as full success: the status decides. */
function rejectedItems(response: Buffer): number {
  if (response.length === 0) return 0
  try {
    const partial = decode('ExportResponse', response)['partialSuccess'] as Message | undefined
    return Number(partial?.['rejected'] ?? 0)
  } catch {
    return 0
  }
}
