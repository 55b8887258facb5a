/**
 * Cumulative counters and histograms by name and attributes, and the OTLP request that shows them.
 *
 * A new point is shown at zero first and at its value no sooner than a flush interval later, so that `increase()` in
 * Prometheus sees its first call. Points never expire; whoever makes them bounds their number.
 */
import { encode, type Message } from '../../otlp/codec.ts'
import type { MetricBatch } from '../../telemetry/batch.ts'
import { trusted } from '../../telemetry/batch.ts'
import { Histogram } from './histogram.ts'

export type Attributes = Readonly<Record<string, string>>

export interface Description {
  readonly name: string
  readonly help: string
  /** UCUM; absent where the name says it already. */
  readonly unit?: string
}

export class CounterPoint {
  value = 0

  add(amount: number): void {
    if (amount > 0) this.value += amount
  }
}

interface Point {
  readonly attributes: Message[]
  readonly value: CounterPoint | Histogram
  /** When it was shown at zero; NaN: not yet. */
  shown_ms: number
}

interface Family extends Description {
  readonly points: Point[]
  readonly byKey: Map<string, Point>
}

const CUMULATIVE = 2
/** The scope by which exporters know metrics of this process. */
const SCOPE = { name: 'sluice' }

export class MetricSet {
  /** Points that have not been shown yet. */
  fresh = 0
  readonly #families = new Map<string, Family>()
  /** Points that were asked for and are not there, because there are enough. */
  refused = 0
  readonly #start_ms: number
  readonly #points_max: number
  #points = 0

  constructor(start_ms: number, points_max: number) {
    this.#start_ms = start_ms
    this.#points_max = points_max
  }

  counter(description: Description, attributes: Attributes): CounterPoint {
    return this.#point(description, attributes, () => new CounterPoint()).value as CounterPoint
  }

  histogram(description: Description, bounds: readonly number[], attributes: Attributes): Histogram {
    return this.#point(description, attributes, () => new Histogram(bounds)).value as Histogram
  }

  /** Fresh points at zero, and nothing else; undefined if there are none. */
  showFresh(now_ms: number): MetricBatch | undefined {
    const fresh = (point: Point) => Number.isNaN(point.shown_ms)
    return this.#request(now_ms, fresh, () => true)
  }

  /** All points; those shown at zero less than `settle_ms` ago stay at zero. Undefined if there are none. */
  show(now_ms: number, settle_ms: number): MetricBatch | undefined {
    return this.#request(
      now_ms,
      () => true,
      (point) => !(now_ms - point.shown_ms >= settle_ms),
    )
  }

  #point(description: Description, attributes: Attributes, make: () => CounterPoint | Histogram): Point {
    const { name } = description
    let family = this.#families.get(name)
    if (family === undefined) this.#families.set(name, (family = { ...description, points: [], byKey: new Map() }))
    const key = JSON.stringify(attributes)
    let point = family.byKey.get(key)
    if (point !== undefined) return point
    if (this.#points === this.#points_max) {
      this.refused++
      return { attributes: [], value: make(), shown_ms: Number.NaN }
    }
    const pairs = Object.entries(attributes).map(([label, text]) => ({ key: label, value: { stringValue: text } }))
    point = { attributes: pairs, value: make(), shown_ms: Number.NaN }
    family.points.push(point)
    family.byKey.set(key, point)
    this.fresh++
    this.#points++
    return point
  }

  #request(
    now_ms: number,
    wanted: (point: Point) => boolean,
    asZero: (point: Point) => boolean,
  ): MetricBatch | undefined {
    const metrics: Message[] = []
    const times = { startTimeUnixNano: nanos(this.#start_ms), timeUnixNano: nanos(now_ms) }
    for (const family of this.#families.values()) {
      const points = family.points.filter(wanted)
      if (points.length > 0) metrics.push(metricOf(family, points, asZero, times))
      for (const point of points) if (Number.isNaN(point.shown_ms)) point.shown_ms = now_ms
    }
    this.fresh = 0
    if (metrics.length === 0) return undefined
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'sluice' } }] }
    const request = { resourceMetrics: [{ resource, scopeMetrics: [{ scope: SCOPE, metrics }] }] }
    return trusted('metrics', encode('MetricsRequest', request).take())
  }
}

function metricOf(
  family: Family,
  points: readonly Point[],
  asZero: (point: Point) => boolean,
  times: Message,
): Message {
  const { name, help, unit = '' } = family
  const isCounter = points[0]!.value instanceof CounterPoint
  const dataPoints = points.map((point) => {
    const zero = asZero(point)
    const common = { attributes: point.attributes, ...times }
    if (point.value instanceof CounterPoint) return { ...common, asDouble: zero ? 0 : point.value.value }
    return { ...common, ...histogramFields(point.value, zero) }
  })
  const head = { name, description: help, unit }
  if (isCounter) return { ...head, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true } }
  return { ...head, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } }
}

function histogramFields(histogram: Histogram, zero: boolean): Message {
  return {
    count: zero ? 0n : BigInt(histogram.count),
    sum: zero ? 0 : histogram.sum,
    bucketCounts: Array.from(histogram.counts, (count) => (zero ? 0n : BigInt(count))),
    explicitBounds: [...histogram.bounds],
  }
}

function nanos(time_ms: number): bigint {
  return BigInt(Math.round(time_ms * 1000)) * 1000n
}
