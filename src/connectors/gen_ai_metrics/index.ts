import type { ConnectorFactory } from '../../component.ts'
import { type GenAiMetricsConfig, schema } from './config.ts'
import { GenAiMetrics } from './gen_ai_metrics.ts'

export const genAiMetrics: ConnectorFactory<GenAiMetricsConfig> = {
  kind: 'connector',
  type: 'gen_ai_metrics',
  summary: 'Counts model calls, tokens, cost, latency, errors and quality of all traffic, before sampling.',
  signals: [
    ['traces', 'metrics'],
    ['logs', 'metrics'],
  ],
  passesItems: false,
  countsOnly: true,
  takesSteps: true,
  schema,
  create: (config, host, next) => new GenAiMetrics(config, host, next),
}
