import { z } from 'zod'
import { duration, endpoint, expect, tlsServer } from '../../config/schema/blocks.ts'
import { labelName } from './metric_names.ts'

const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const

const resourceToTelemetry = z
  .strictObject({
    enabled: z.boolean().default(false).describe('True: all resource attributes become labels.'),
    exclude_service_attributes: z
      .boolean()
      .default(false)
      .describe('True: but for service.name, service.namespace and service.instance.id, which job and instance say.'),
  })
  .prefault({})
  .describe('Resource attributes as labels of every metric, besides target_info.')

export const schema = z
  .strictObject({
    endpoint: endpoint().describe('Address to listen on, host:port; the path is /metrics.'),
    tls: tlsServer().optional(),
    namespace: z.string().default('').describe('Stands before every metric name, with an underscore.'),
    const_labels: z
      .record(z.string(), z.string())
      .default({})
      .describe('Labels of every metric except target_info; an attribute of the same name becomes exported_<name>.'),
    send_timestamps: z.boolean().default(false).describe('Write the time of each point behind its value.'),
    metric_expiration: duration({ min_ms: 1 })
      .prefault('5m')
      .describe('How long a series is shown without new points. Series that this process derives itself never expire.'),
    resource_to_telemetry_conversion: resourceToTelemetry,
    enable_open_metrics: z
      .boolean()
      .default(false)
      .describe('Answer in OpenMetrics 1.0 where the scraper asks for it.'),
    without_scope_info: z.boolean().default(false).describe('Leave out the otel_scope_… labels.'),
    add_metric_suffixes: z
      .boolean()
      .default(true)
      .describe('Add unit and type to metric names; translation_strategy takes precedence.'),
    translation_strategy: z.enum(STRATEGIES).optional().describe('How OTLP names become Prometheus names.'),
    max_series: z
      .int()
      .min(1)
      .default(100_000)
      .describe('Most time series (lines) that are shown; new ones are dropped and counted when it is reached.'),
    max_labels_length: z
      .int()
      .min(1)
      .default(16_384)
      .describe('Most characters of a series: name, help and labels; longer ones are dropped and counted.'),
    allow_raw_content: z
      .boolean()
      .default(false)
      .describe('True: this exporter may receive content that no redaction processor has seen.'),
  })
  .superRefine((config, context) => {
    const { const_labels } = config
    const names = new Map<string, string>()
    for (const key of Object.keys(const_labels)) {
      const name = labelName(key, keepsUtf8(config))
      if (name === '' || names.has(name)) {
        expect(context, 'label names that differ', 'rename one of them', ['const_labels', key])
      }
      names.set(name, key)
    }
  })

/** Whether names keep characters that only Prometheus' UTF-8 mode knows. */
export function keepsUtf8({ translation_strategy }: Pick<PrometheusConfig, 'translation_strategy'>): boolean {
  return translation_strategy === 'NoUTF8EscapingWithSuffixes' || translation_strategy === 'NoTranslation'
}

export type PrometheusConfig = z.output<typeof schema>

/** Whether names get words for unit and type. */
export function addsSuffixes(config: PrometheusConfig): boolean {
  if (config.translation_strategy === undefined) return config.add_metric_suffixes
  return config.translation_strategy.endsWith('WithSuffixes')
}
