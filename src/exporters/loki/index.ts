/** Sends logs to Grafana Loki by its push API. */
import type { ExporterFactory, Signal } from '../../component.ts'
import { SendingExporter } from '../../sending/sending_exporter.ts'
import { type LokiConfig, schema } from './config.ts'
import { LokiClient } from './loki_client.ts'

const signals: readonly Signal[] = ['logs']

export const loki: ExporterFactory<LokiConfig> = {
  kind: 'exporter',
  type: 'loki',
  summary: 'Sends logs to Grafana Loki, with few labels and everything else as structured metadata.',
  schema,
  signals,
  create: (config, host) => new SendingExporter(new LokiClient(config, host), signals, config, host),
}
