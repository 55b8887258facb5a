/** Sends OTLP over HTTP/1.1. */
import type { ExporterFactory, Signal } from '../../component.ts'
import { SendingExporter } from '../../sending/sending_exporter.ts'
import { type OtlpHttpConfig, schema } from './config.ts'
import { OtlpHttpClient } from './otlp_http_client.ts'

const signals: readonly Signal[] = ['traces', 'metrics', 'logs']

export const otlpHttp: ExporterFactory<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  summary: 'Sends traces, metrics and logs to an OTLP/HTTP endpoint.',
  schema,
  signals,
  create: (config, host) => new SendingExporter(new OtlpHttpClient(config, host), signals, config, host),
}
