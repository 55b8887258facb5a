/** Requests, a host and an account for tests. */
import pino from 'pino'
import type { Account, Context, Host } from '../../component.ts'
import { encode, type Message } from '../../otlp/codec.ts'
import { FakeClock } from '../../self/clock.ts'
import { SelfMetrics } from '../../self/metrics/registry.ts'
import { type MetricBatch, trusted } from '../../telemetry/batch.ts'
import { type PrometheusExporter, prometheus } from './index.ts'

type Attribute = string | number | bigint | boolean | Message

export const START = 1_700_000_000_000_000_000n
export const NOW = START + 10_000_000_000n

export function attributes(values: Record<string, Attribute>): Message[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: Attribute): Message {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'number') return { doubleValue: value }
  if (typeof value === 'bigint') return { intValue: value }
  return typeof value === 'boolean' ? { boolValue: value } : value
}

export function point(value: number | bigint, values: Record<string, Attribute> = {}, rest: Message = {}): Message {
  const number = typeof value === 'bigint' ? { asInt: value } : { asDouble: value }
  return { startTimeUnixNano: START, timeUnixNano: NOW, attributes: attributes(values), ...number, ...rest }
}

export function gauge(name: string, unit: string, ...dataPoints: Message[]): Message {
  return { name, unit, gauge: { dataPoints } }
}

export function counter(name: string, unit: string, ...dataPoints: Message[]): Message {
  return { name, unit, sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints } }
}

export function delta(metric: Message): Message {
  const kind = ['sum', 'histogram', 'exponentialHistogram'].find((name) => metric[name] !== undefined)!
  return { ...metric, [kind]: { ...(metric[kind] as Message), aggregationTemporality: 1 } }
}

export function histogram(name: string, unit: string, ...dataPoints: Message[]): Message {
  const points = dataPoints.map((one) => ({ startTimeUnixNano: START, timeUnixNano: NOW, ...one }))
  return { name, unit, histogram: { aggregationTemporality: 2, dataPoints: points } }
}

export function exponential(name: string, unit: string, ...dataPoints: Message[]): Message {
  const points = dataPoints.map((one) => ({ startTimeUnixNano: START, timeUnixNano: NOW, ...one }))
  return { name, unit, exponentialHistogram: { aggregationTemporality: 2, dataPoints: points } }
}

export function summary(name: string, unit: string, ...dataPoints: Message[]): Message {
  const points = dataPoints.map((one) => ({ startTimeUnixNano: START, timeUnixNano: NOW, ...one }))
  return { name, unit, summary: { dataPoints: points } }
}

/** Everything that might break a parser or smuggle in a line. */
export const hostile: Message[] = [
  ...['"', '\\', '\n', '\r', '\0', '}', '# TYPE x gauge', '\u2028', '\ud800', '"} 1\nevil 1\n'].map((text, i) =>
    gauge(`value.${i}`, '', point(1, { label: text, [text]: 'key' })),
  ),
  ...['"', '\\', '\n', '\0', '{}', '# TYPE x gauge\nevil 1\n', '0', 'ä', '__name__', 'a'.repeat(10_000)].map(
    (text, i) => ({
      ...gauge(text, text, point(i, { __name__: 'evil', le: '1', quantile: '1', '': 'x', __: 'y' })),
      description: text,
    }),
  ),
  gauge('two', '', point(1)),
  counter('two', '', point(1)),
  gauge('clash_count', '', point(1)),
  histogram('clash', '', { count: 1n, sum: 1 }),
  histogram('odd', '', { count: 1n, sum: Number.NaN, bucketCounts: [1n, 0n], explicitBounds: [-Infinity] }),
  exponential('wide', '', {
    count: 3n,
    sum: -1,
    scale: 20,
    positive: { offset: -2147483648, bucketCounts: [1n, 1n, 1n] },
  }),
  exponential('top', '', { count: 2n, sum: 1, scale: 0, positive: { offset: 1022, bucketCounts: [1n, 1n] } }),
  summary('nan', '', { count: 1n, sum: Number.NaN, quantileValues: [{ quantile: Number.NaN, value: 1 }] }),
]

export interface Origin {
  readonly resource?: Record<string, Attribute>
  readonly scope?: Message
  readonly schemaUrl?: string
}

export function request(metrics: readonly Message[], { resource, scope, schemaUrl }: Origin = {}): MetricBatch {
  const scopeMetrics = { metrics: [...metrics], ...(scope && { scope }), ...(schemaUrl !== undefined && { schemaUrl }) }
  const group = { scopeMetrics: [scopeMetrics], ...(resource && { resource: { attributes: attributes(resource) } }) }
  return trusted('metrics', Buffer.from(encode('MetricsRequest', { resourceMetrics: [group] }).take()))
}

export interface Bench {
  readonly exporter: PrometheusExporter
  readonly clock: FakeClock
  readonly meter: SelfMetrics
  /** Lines of the log. */
  readonly lines: string[]
  /** What was booked: `delivered` and the reasons of drops. */
  readonly booked: Record<string, number>
  send(metrics: readonly Message[], origin?: Origin, peer?: string): Promise<void>
  scrape(headers?: Record<string, string>): Promise<string>
}

/** An exporter on a free loopback port. The caller shuts it down. */
export async function bench(config: object = {}): Promise<Bench> {
  const clock = new FakeClock()
  const meter = new SelfMetrics()
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  const host = { id: 'prometheus', log, clock, meter } as Partial<Host> as Host
  const exporter = prometheus.create(
    prometheus.schema.parse({ endpoint: '127.0.0.1:0', ...config }),
    host,
  ) as PrometheusExporter
  await exporter.start()
  const booked: Record<string, number> = {}
  const book = (items: number, place: string) => void (booked[place] = (booked[place] ?? 0) + items)
  const account = { deliver: (items) => book(items, 'delivered'), drop: book } as Partial<Account> as Account
  const context: Context = { account, metadata: new Map() }
  return {
    exporter,
    clock,
    meter,
    lines,
    booked,
    send: (metrics, origin, peer) => exporter.inputs.metrics.consume(request(metrics, origin), { ...context, peer }),
    scrape: async (headers = {}) => (await fetch(`http://127.0.0.1:${exporter.port}/metrics`, { headers })).text(),
  }
}

/**
 * The same text in any order of lines and labels, and of any spelling of numbers and times. Labels
 * without a value are no labels.
 */
export function normal(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('#') ? line : normalLine(line)))
    .sort()
}

function normalLine(line: string): string {
  const [sample = '', exemplar] = line.split(' # ')
  const [, name, labels = '', value, time = ''] = /^([^{ ]*)(?:\{(.*)\})? (\S+)( \S+)?$/s.exec(sample) ?? [
    undefined,
    line,
  ]
  return `${name}{${normalLabels(labels)}} ${numberOf(value)}${time && ` ${Number(time)}`}${exemplar ? normalExemplar(exemplar) : ''}`
}

function normalLabels(labels: string): string {
  const quoted = '"(?:\\\\.|[^"\\\\])*"'
  const pairs = [...labels.matchAll(new RegExp(`([\\w:]+|${quoted})(?:=(${quoted}))?`, 'g'))]
  const shown = pairs.filter(([, , text]) => text !== '""').map(([pair]) => pair)
  return shown.sort().join()
}

function normalExemplar(exemplar: string): string {
  const [, labels = '', value, time] = /^\{(.*)\} (\S+)(?: (\S+))?$/s.exec(exemplar) ?? []
  return ` # {${normalLabels(labels)}} ${numberOf(value)} ${Math.round(Number(time) * 1000)}`
}

function numberOf(text: string | undefined): number {
  return Number(text?.replace('Inf', 'Infinity'))
}
