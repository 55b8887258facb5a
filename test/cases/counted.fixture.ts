/** OTLP bodies through a daemon on a clock that is moved, and what its metrics and summary records say a little later. */
import { components } from '../../src/components.ts'
import type { Message } from '../../src/otlp/codec.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { daemonOf, partsOf, Story } from '../pipelines/parts.fixture.ts'
import { attributesOf, itemsOf, type PlainAttributes } from '../support/otlp.ts'

/** A request as it comes in, as protobuf. */
export interface Body {
  readonly signal: 'traces' | 'logs'
  readonly bytes: Buffer
}

/** Of the calls of one model; what is zero is not there. */
export type Sums = Partial<Record<Column, number>>
type Column = 'calls' | 'errors' | 'rate_limited' | 'input' | 'output' | 'cached_read' | 'cache_write' | 'reasoning'
export type ByModel = Record<string, Sums>

export interface Counted {
  readonly byModel: ByModel
  /** What the summary records add up to, which has to be the same. */
  readonly bySummaries: ByModel
  readonly cost_usd: Readonly<Record<string, number>>
  readonly summaries: readonly Record<string, unknown>[]
  /** Attributes of the spans that left, by the span's name; of equal names the last. */
  readonly spans: Readonly<Record<string, Record<string, unknown>>>
  /** Value of a counter or gauge, or sum of a histogram, over all points with those labels. */
  value(name: string, labels?: Readonly<Record<string, unknown>>): number
  /** Every series, as its last point tells it. */
  readonly points: readonly Point[]
}

/** As operators do who look at single requests: a call is told after a second, and read three seconds later. */
const READ_AFTER_ms = 4000

const yaml = (content: string, metrics: string) => `
receivers: { source: {} }
processors: { gen_ai: {}, redaction: { content: ${content} } }
connectors: { gen_ai_metrics: { metrics_flush_interval: 1s, ${metrics} }, gen_ai_logs: {} }
exporters: { sink/metrics: {}, sink/logs: {}, sink/traces: {}, sink/records: {} }
service:
  steps: { settle_after: 1s }
  pipelines:
    traces: { receivers: [source], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs, sink/traces] }
    logs: { receivers: [source], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs, sink/records] }
    metrics: { receivers: [gen_ai_metrics], exporters: [sink/metrics] }
    logs/out: { receivers: [gen_ai_logs], exporters: [sink/logs] }
`

/** Sends one body after the other at one moment. `metrics`: more options of `gen_ai_metrics`, as members of a map. */
export async function counted(
  bodies: readonly Body[],
  content = 'drop',
  wait_ms = READ_AFTER_ms,
  metrics = '',
): Promise<Counted> {
  const story = new Story()
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const running = daemonOf(yaml(content, metrics), { factories: [...components, ...partsOf(story)], clock, story })
  await running.daemon.start()
  try {
    for (const { signal, bytes } of bodies) await running.source().send(receive(signal, bytes).batch)
    await clock.advance(wait_ms)
    const problems = running.findings()
    if (problems.length > 0) throw new Error(problems.join('; '))
    return read(story)
  } finally {
    await running.daemon.stop()
  }
}

export interface Point {
  readonly name: string
  readonly labels: Readonly<Record<string, unknown>>
  readonly value: number
  /** Of a histogram. */
  readonly count?: number
  readonly bounds?: readonly number[]
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
}

function read(story: Story): Counted {
  const points = [...lastPoints(story).values()]
  const summaries = itemsAt(story, 'sink/logs')
    .filter((record) => record['eventName'] === 'sluice.gen_ai.summary')
    .map((record) => ({ ...Object.fromEntries(attributesOf(record)), severity: record['severityText'] }))
  const spans = itemsAt(story, 'sink/traces').map((span) => [span['name'], Object.fromEntries(attributesOf(span))])
  const costs = points.filter(({ name }) => name === 'llm_cost_usd')
  return {
    byModel: byModelOf(points),
    bySummaries: summed(summaries),
    cost_usd: Object.fromEntries(
      [...Map.groupBy(costs, ({ labels }) => labels['model'] as string)].map(([model, of]) => [model, sumOf(of)]),
    ),
    summaries,
    spans: Object.fromEntries(spans),
    points,
    value: (wanted, labels = {}) =>
      sumOf(
        points.filter(
          (point) =>
            point.name === wanted && Object.entries(labels).every(([label, value]) => point.labels[label] === value),
        ),
      ),
  }
}

/** Of each series the value that was shown last. */
function lastPoints(story: Story): Map<string, Point> {
  const last = new Map<string, Point>()
  for (const metric of itemsAt(story, 'sink/metrics')) {
    const name = metric['name'] as string
    const kind = (metric['sum'] ?? metric['gauge'] ?? metric['histogram']) as { dataPoints: Message[] } | undefined
    for (const point of kind?.dataPoints ?? []) {
      // A series that has ended has no value.
      if (point['flags'] === 1) continue
      const labels: PlainAttributes = Object.fromEntries(attributesOf(point))
      last.set(`${name} ${JSON.stringify(labels)}`, {
        name,
        labels,
        value: Number(point['asDouble'] ?? point['asInt'] ?? point['sum'] ?? 0),
        ...('bucketCounts' in point && {
          count: Number(point['count'] ?? 0),
          bounds: point['explicitBounds'] as number[],
        }),
        kind: 'sum' in metric ? 'counter' : 'gauge' in metric ? 'gauge' : 'histogram',
        help: String(metric['description'] ?? ''),
      })
    }
  }
  return last
}

function itemsAt(story: Story, sink: string): Message[] {
  return story.recorder(sink).batches.flatMap((batch) => itemsOf(batch))
}

const COLUMNS: Readonly<Record<string, Column>> = {
  llm_requests_total: 'calls',
  llm_errors_total: 'errors',
  llm_rate_limited_total: 'rate_limited',
  llm_tokens_input_total: 'input',
  llm_tokens_output_total: 'output',
  'llm_tokens_cached_total read': 'cached_read',
  'llm_tokens_cached_total write': 'cache_write',
  llm_tokens_reasoning_total: 'reasoning',
}

function byModelOf(points: readonly Point[]): ByModel {
  const byModel: ByModel = {}
  for (const { name, labels, value } of points) {
    const column = COLUMNS['kind' in labels ? `${name} ${labels['kind']}` : name]
    if (column !== undefined) add(byModel, labels['model'] as string, column, value)
  }
  return byModel
}

function summed(summaries: readonly Record<string, unknown>[]): ByModel {
  const byModel: ByModel = {}
  for (const summary of summaries) {
    const model = String(summary['gen_ai.request.model'] ?? summary['gen_ai.response.model'] ?? 'unknown')
    const tokens = (name: string) => Number(summary[`gen_ai.usage.${name}`] ?? 0)
    add(byModel, model, 'calls', 1)
    if (summary['sluice.rate_limited'] === true) add(byModel, model, 'rate_limited', 1)
    else if (summary['severity'] === 'ERROR') add(byModel, model, 'errors', 1)
    add(byModel, model, 'input', tokens('input_tokens'))
    add(byModel, model, 'output', tokens('output_tokens'))
    add(byModel, model, 'cached_read', tokens('cache_read.input_tokens'))
    add(byModel, model, 'cache_write', tokens('cache_write.input_tokens'))
    add(byModel, model, 'reasoning', tokens('reasoning.output_tokens'))
  }
  return byModel
}

function add(byModel: ByModel, model: string, column: Column, value: number): void {
  if (value === 0) return
  const sums = (byModel[model] ??= {})
  sums[column] = (sums[column] ?? 0) + value
}

function sumOf(points: readonly Point[]): number {
  return points.reduce((sum, { value }) => sum + value, 0)
}
