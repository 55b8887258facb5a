/** Sends OTLP over gRPC. */
import type { Exporter, ExporterFactory, Host, Ports } from '../../component.ts'
import { Sending } from '../../sending/sending.ts'
import { OtlpGrpcClient } from './client.ts'
import { type OtlpGrpcConfig, schema } from './config.ts'

export const otlpGrpc: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  summary: 'Sends traces, metrics and logs to an OTLP/gRPC endpoint.',
  schema,
  signals: ['traces', 'metrics', 'logs'],
  create: (config, host) => new OtlpGrpcExporter(config, host),
}

class OtlpGrpcExporter implements Exporter {
  readonly inputs: Ports
  readonly #sending: Sending
  readonly #client: OtlpGrpcClient

  constructor(config: OtlpGrpcConfig, host: Host) {
    this.#client = new OtlpGrpcClient(config, host)
    this.#sending = new Sending({
      host,
      settings: config,
      signals: otlpGrpc.signals,
      sender: (signal) => this.#client.sender(signal),
    })
    this.inputs = this.#sending.inputs
  }

  async start(): Promise<void> {
    this.#client.start()
    await this.#sending.start()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sending.shutdown(deadline)
    this.#client.close()
  }
}
