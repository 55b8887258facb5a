import type { MessageName } from '../otlp/schema.ts'

/** The kinds of telemetry that Sluice takes. */
export type Signal = 'traces' | 'metrics' | 'logs'

/** The message of a request. */
export const requestMessage = {
  traces: 'TracesRequest',
  metrics: 'MetricsRequest',
  logs: 'LogsRequest',
} as const satisfies Record<Signal, MessageName>

/** The message of an item. */
export const itemMessage = { traces: 'Span', metrics: 'Metric', logs: 'LogRecord' } as const satisfies Record<
  Signal,
  MessageName
>

/** What is accounted, as the Collector's metric names call it. */
export const accountedItems = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
} as const satisfies Record<Signal, string>
