/** OTLP metrics requests, written point by point. Field numbers come from the table of the messages. */
import { encode, type Message } from '../../../otlp/codec.ts'
import { Output } from '../../../otlp/output.ts'
import { fieldsOf, type MessageName } from '../../../otlp/schema.ts'
import { type MetricBatch, trusted } from '../../../telemetry/batch.ts'

export type PointKind = 'sum' | 'gauge' | 'histogram' | 'exponential'

const CUMULATIVE = 2
/** The scope by which exporters know metrics of this process. */
const SCOPE = { name: 'sluice' }
const RESOURCE = { attributes: [{ key: 'service.name', value: { stringValue: 'sluice' } }] }
/** What a point is about as long as: then its length need not be moved to. */
const POINT_BYTES = 300
const LARGE_BYTES = 20_000

const NUMBERS = {
  resourceMetrics: numberOf('MetricsRequest', 'resourceMetrics'),
  scopeMetrics: numberOf('ResourceMetrics', 'scopeMetrics'),
  metrics: numberOf('ScopeMetrics', 'metrics'),
  sum: { data: numberOf('Metric', 'sum'), points: numberOf('Sum', 'dataPoints') },
  gauge: { data: numberOf('Metric', 'gauge'), points: numberOf('Gauge', 'dataPoints') },
  histogram: { data: numberOf('Metric', 'histogram'), points: numberOf('Histogram', 'dataPoints') },
  exponential: {
    data: numberOf('Metric', 'exponentialHistogram'),
    points: numberOf('ExponentialHistogram', 'dataPoints'),
  },
} as const

/** The message that a point of a kind is. */
export const POINT_OF = {
  sum: 'NumberDataPoint',
  gauge: 'NumberDataPoint',
  histogram: 'HistogramDataPoint',
  exponential: 'ExponentialHistogramDataPoint',
} as const satisfies Record<PointKind, MessageName>

/** One request after the other; the memory is used again. */
export class MetricRequest {
  /** Points in the request that is being written. */
  points = 0
  readonly #out = new Output(256 * 1024)
  #heads: number[] = []
  #metric: { kind: PointKind; marks: [metric: number, data: number] } | undefined

  /** The points that follow are of this metric. */
  open(name: string, help: string, unit: string | undefined, kind: PointKind): void {
    const out = this.#out
    if (this.#heads.length === 0) this.#begin()
    const metric = out.open(NUMBERS.metrics, LARGE_BYTES)
    encode('Metric', { name, description: help, ...(unit !== undefined && { unit }) }, out)
    this.#metric = { kind, marks: [metric, out.open(NUMBERS[kind].data, LARGE_BYTES)] }
  }

  /** `fixed`: fields of the point that are already written. */
  point(fixed: Buffer, fields: Message): void {
    const out = this.#out
    const { kind } = this.#metric!
    const mark = out.open(NUMBERS[kind].points, POINT_BYTES)
    out.copy(fixed, 0, fixed.length)
    encode(POINT_OF[kind], fields, out)
    out.close(mark, POINT_BYTES)
    this.points++
  }

  close(): void {
    const { kind, marks } = this.#metric!
    const temporality = { aggregationTemporality: CUMULATIVE }
    if (kind === 'sum') encode('Sum', { ...temporality, isMonotonic: true }, this.#out)
    else if (kind === 'histogram') encode('Histogram', temporality, this.#out)
    else if (kind === 'exponential') encode('ExponentialHistogram', temporality, this.#out)
    for (const mark of marks.reverse()) this.#out.close(mark, LARGE_BYTES)
    this.#metric = undefined
  }

  /** What was written, and begins the next. */
  take(): MetricBatch {
    for (const mark of this.#heads.reverse()) this.#out.close(mark, LARGE_BYTES)
    const bytes = this.#out.take()
    this.#out.reset()
    this.#heads = []
    this.points = 0
    return trusted('metrics', bytes)
  }

  #begin(): void {
    const out = this.#out
    const resource = out.open(NUMBERS.resourceMetrics, LARGE_BYTES)
    encode('ResourceMetrics', { resource: RESOURCE }, out)
    const scope = out.open(NUMBERS.scopeMetrics, LARGE_BYTES)
    encode('ScopeMetrics', { scope: SCOPE }, out)
    this.#heads = [resource, scope]
  }
}

function numberOf(message: MessageName, name: string): number {
  return fieldsOf[message].find((field) => field.name === name)!.number
}
