/**
 * Cumulative counters and histograms by name and attributes, and the OTLP request that shows them.
 *
 * A new point is shown at zero first and at its value no sooner than a flush interval later, so that `increase()` in
 * Prometheus sees its first call. Points never expire; whoever makes them bounds their number.
 */
import { encode, type Message } from '../../otlp/codec.ts'
import type { MetricBatch } from '../../telemetry/batch.ts'
import { BucketExemplars, type Candidates, type Exemplar } from './exemplars.ts'
import { Histogram } from './histogram.ts'
import { MetricRequest } from './metric_request.ts'

export type Attributes = Readonly<Record<string, string>>

export interface Description {
  readonly name: string
  readonly help: string
  /** UCUM; absent where the name says it already. */
  readonly unit?: string
  /** Of histograms: shows calls of traces that are kept. */
  readonly exemplars?: boolean
}

/** Of one moment. */
export interface Now {
  readonly unix_ms: number
  readonly monotonic_ms: number
}

export class CounterPoint {
  value = 0

  add(amount: number): void {
    if (amount > 0) this.value += amount
  }
}

interface Point {
  /** What never changes of its message. */
  readonly fixed: Buffer
  readonly value: CounterPoint | Histogram
  /** When it was shown at zero, monotonic milliseconds: a wall clock that is set back would show zeros again; NaN: not yet. */
  shown_ms: number
}

interface Family extends Description {
  readonly points: Point[]
  readonly byKey: Map<string, Point>
}

/** Of one request: what is written of them at once holds up the others for a few milliseconds. */
const POINTS_MAX = 500

export class MetricSet {
  /** Points that have not been shown yet. */
  fresh = 0
  readonly #families = new Map<string, Family>()
  /** Points that were asked for and are counted in the one of `other`, because there are enough. */
  refused = 0
  readonly #start_ms: number
  readonly #points_max: number
  readonly #candidates: Candidates
  readonly #request = new MetricRequest()
  #points = 0

  constructor(start_ms: number, points_max: number, candidates: Candidates) {
    this.#start_ms = start_ms
    this.#points_max = points_max
    this.#candidates = candidates
  }

  counter(description: Description, attributes: Attributes): CounterPoint {
    const make = () => new CounterPoint()
    return (this.#point(description, attributes, make)?.value ?? make()) as CounterPoint
  }

  histogram(description: Description, bounds: readonly number[], attributes: Attributes): Histogram {
    const make = () => new Histogram(bounds)
    const point = this.#point(description, attributes, make)
    // One that is refused is not shown: it would only keep candidates.
    if (point === undefined) return make()
    const histogram = point.value as Histogram
    if (description.exemplars === true) histogram.exemplars ??= new BucketExemplars(this.#candidates, bounds.length + 1)
    return histogram
  }

  /** Fresh points at zero, and nothing else. Whoever asks for the next request has handed on the one before. */
  showFresh(now: Now): Generator<MetricBatch> {
    return this.#requests(
      now,
      (point) => Number.isNaN(point.shown_ms),
      () => true,
    )
  }

  /** All points; those shown at zero less than `settle_ms` ago stay at zero. */
  show(now: Now, settle_ms: number): Generator<MetricBatch> {
    return this.#requests(
      now,
      () => true,
      (point) => !(now.monotonic_ms - point.shown_ms >= settle_ms),
    )
  }

  /** Undefined if there are enough. */
  #point(description: Description, attributes: Attributes, make: () => CounterPoint | Histogram): Point | undefined {
    const { name } = description
    let family = this.#families.get(name)
    if (family === undefined) this.#families.set(name, (family = { ...description, points: [], byKey: new Map() }))
    const key = JSON.stringify(attributes)
    let point = family.byKey.get(key)
    if (point !== undefined) return point
    if (this.#points >= this.#points_max) {
      const other = folded(attributes)
      if (other !== undefined) {
        this.refused++
        return this.#point(description, other, make)
      }
    }
    const value = make()
    point = { fixed: this.#fixed(value, attributes), value, shown_ms: Number.NaN }
    family.points.push(point)
    family.byKey.set(key, point)
    this.fresh++
    this.#points++
    return point
  }

  #fixed(value: CounterPoint | Histogram, attributes: Attributes): Buffer {
    const pairs = Object.entries(attributes).map(([key, text]) => ({ key, value: { stringValue: text } }))
    const common = { attributes: pairs, startTimeUnixNano: nanos(this.#start_ms) }
    if (value instanceof CounterPoint) return encode('NumberDataPoint', common).take()
    return encode('HistogramDataPoint', { ...common, explicitBounds: [...value.bounds] }).take()
  }

  *#requests(now: Now, wanted: (point: Point) => boolean, asZero: (point: Point) => boolean): Generator<MetricBatch> {
    let written: Point[] = []
    for (const family of this.#families.values()) {
      for (let at = 0; at < family.points.length; ) {
        at = this.#write(family, at, now, wanted, asZero, written)
        if (this.#request.points < POINTS_MAX) continue
        yield this.#request.take()
        this.#markShown(written, now)
        written = []
      }
    }
    if (written.length === 0) return
    yield this.#request.take()
    this.#markShown(written, now)
  }

  /** Writes the family's points from `at` on, as many as the request may have. Returns where it stopped. */
  #write(
    family: Family,
    at: number,
    now: Now,
    wanted: (point: Point) => boolean,
    asZero: (point: Point) => boolean,
    written: Point[],
  ): number {
    const { name, help, unit, points } = family
    const request = this.#request
    const time = { timeUnixNano: nanos(now.unix_ms) }
    let isOpen = false
    for (; at < points.length && request.points < POINTS_MAX; at++) {
      const point = points[at]!
      if (!wanted(point)) continue
      if (!isOpen)
        request.open(name, help, unit, point.value instanceof CounterPoint ? 'NumberDataPoint' : 'HistogramDataPoint')
      isOpen = true
      request.point(point.fixed, { ...time, ...fieldsOf(point.value, asZero(point)) })
      written.push(point)
    }
    if (isOpen) request.close()
    return at
  }

  #markShown(points: readonly Point[], { monotonic_ms }: Now): void {
    for (const point of points) {
      if (!Number.isNaN(point.shown_ms)) continue
      point.shown_ms = monotonic_ms
      this.fresh--
    }
  }
}

/** Labels whose values senders choose. The others have few values, so that what is folded is bounded as well. */
const OPEN_LABELS = ['model', 'error_type', 'gen_ai.request.model', 'gen_ai.response.model', 'error.type']

/** The attributes with `other` for what senders choose; undefined if they are that already. */
function folded(attributes: Attributes): Attributes | undefined {
  const open = OPEN_LABELS.filter((label) => (attributes[label] ?? 'other') !== 'other')
  return open.length === 0 ? undefined : { ...attributes, ...Object.fromEntries(open.map((label) => [label, 'other'])) }
}

function fieldsOf(value: CounterPoint | Histogram, zero: boolean): Message {
  if (value instanceof CounterPoint) return { asDouble: zero ? 0 : value.value }
  return histogramFields(value, zero)
}

function histogramFields(histogram: Histogram, zero: boolean): Message {
  return {
    count: zero ? 0n : BigInt(histogram.count),
    sum: zero ? 0 : histogram.sum,
    bucketCounts: Array.from(histogram.counts, (count) => (zero ? 0n : BigInt(count))),
    exemplars: zero ? [] : (histogram.exemplars?.shown() ?? []).map(exemplarOf),
  }
}

function exemplarOf({ traceId, spanId, value, time_ms }: Exemplar): Message {
  return { timeUnixNano: nanos(time_ms), asDouble: value, spanId, traceId }
}

function nanos(time_ms: number): bigint {
  return BigInt(Math.round(time_ms * 1000)) * 1000n
}
