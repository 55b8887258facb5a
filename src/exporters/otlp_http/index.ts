/** Sends OTLP over HTTP/1.1. */
import type { Exporter, ExporterFactory, Host, Ports } from '../../component.ts'
import { Sending } from '../../sending/sending.ts'
import { OtlpHttpClient } from './client.ts'
import { type OtlpHttpConfig, schema } from './config.ts'

export const otlpHttp: ExporterFactory<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  summary: 'Sends traces, metrics and logs to an OTLP/HTTP endpoint.',
  schema,
  signals: ['traces', 'metrics', 'logs'],
  create: (config, host) => new OtlpHttpExporter(config, host),
}

class OtlpHttpExporter implements Exporter {
  readonly inputs: Ports
  readonly #sending: Sending
  readonly #client: OtlpHttpClient

  constructor(config: OtlpHttpConfig, host: Host) {
    this.#client = new OtlpHttpClient(config, host)
    this.#sending = new Sending({
      host,
      settings: config,
      signals: otlpHttp.signals,
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
    await this.#client.close()
  }
}
