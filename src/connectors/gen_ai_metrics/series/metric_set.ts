/**
 * Cumulative counters and histograms, and gauges, by name and attributes, and the OTLP request that shows them.
 *
 * A new point is shown at zero first and at its value no sooner than a flush interval later, so that `increase()` in
 * Prometheus sees its first call. A point lives as long as somebody holds it. Then it is shown unchanged for a while, so
 * that its last value is read, and ends by a point without a value. Who wants it back meanwhile gets it as it is; later
 * it is a new one, which begins at zero at another time. A gauge is shown as it is; while it says nothing its series has ended.
 */
import { encode, type Message } from '../../../otlp/codec.ts'
import type { Clock } from '../../../self/clock.ts'
import { ExactSum } from '../../../self/exact_sum.ts'
import type { MetricBatch } from '../../../telemetry/batch.ts'
import { BucketExemplars, type CallExemplar, type ExemplarCandidates } from './bucket_exemplars.ts'
import { ExponentialHistogram } from './exponential_histogram.ts'
import { Histogram } from './histogram.ts'
import { MetricRequest, POINT_OF, type PointKind } from './metric_request.ts'
import { type Gauge, RecentMean } from './recent_mean.ts'
import { SHOWN_AFTER_MS } from './standing.ts'

export type PointAttributes = Readonly<Record<string, string>>

export interface Description {
  readonly name: string
  readonly help: string
  /** UCUM; absent where the name says it already. */
  readonly unit?: string
  /** Of histograms: shows calls of traces that are kept. */
  readonly exemplars?: boolean
}

/** What the user says of histograms. */
export interface HistogramShapes {
  /** Bounds by the metric's name, ascending. */
  readonly histogram_bounds?: Readonly<Record<string, readonly number[]>>
  /** Exponential buckets instead of bounds. Default false. */
  readonly native_histograms?: boolean
}

/** Of one moment. */
export interface Now {
  readonly unix_ms: number
  readonly monotonic_ms: number
}

export class CounterPoint {
  readonly #sum = new ExactSum()

  get value(): number {
    return this.#sum.value
  }

  add(amount: number): void {
    if (amount > 0) this.#sum.add(amount)
  }
}

/** What a point shows. */
export type PointValue = CounterPoint | Histogram | Gauge

export interface MetricPoint {
  /** Of its family, and in it. */
  readonly name: string
  readonly key: string
  /** What never changes of its message. */
  readonly fixed: Buffer
  readonly value: PointValue
  /** Monotonic milliseconds: what is shown of an earlier moment does not have it. */
  readonly made_ms: number
  /** When it was shown at zero, monotonic milliseconds: a wall clock that is set back would show zeros again; NaN: not yet. */
  shown_ms: number
  /** Who counts in it. */
  holders: number
  /** When its last value was shown first, after all had left it, monotonic milliseconds; NaN: not yet. */
  told_ms: number
  /** It was shown to have ended. */
  isGone: boolean
  /** Its holders have a bound of their own. */
  readonly isBounded: boolean
  /** Of a gauge: it was shown that there is nothing to say. */
  isSilent: boolean
}

interface Family extends Description {
  points: MetricPoint[]
  readonly byKey: Map<string, MetricPoint>
}

/** Of one request: what is written of them at once holds up the others for a few milliseconds. */
const POINTS_MAX = 500
/** Bit of a point's `flags`: the series has ended. */
const NO_RECORDED_VALUE = 1

/** Points that belong together and are given up together. */
export class Lease {
  readonly #set: MetricSet
  readonly #without: ReadonlySet<string>
  readonly #isBounded: boolean
  #points: MetricPoint[] = []

  /** Of the metrics named in `without` it has points that nobody is shown. `isBounded`: has it a bound of its own, so that they take no room from others? */
  constructor(set: MetricSet, without: ReadonlySet<string> = new Set(), isBounded = false) {
    this.#set = set
    this.#without = without
    this.#isBounded = isBounded
  }

  /** How many points it holds. */
  get size(): number {
    return this.#points.length
  }

  counter(description: Description, attributes: PointAttributes): CounterPoint {
    return this.#hold(description, attributes, () => new CounterPoint()) as CounterPoint
  }

  histogram(description: Description, bounds: readonly number[], attributes: PointAttributes): Histogram {
    const make = () => this.#set.newHistogram(description.name, bounds)
    return this.#hold(description, attributes, make) as Histogram
  }

  gauge<T extends Gauge>(description: Description, attributes: PointAttributes, make: () => T): T {
    return this.#hold(description, attributes, make) as T
  }

  /** A gauge: the mean of the last five minutes. */
  recentMean(description: Description, attributes: PointAttributes): RecentMean {
    return this.gauge(description, attributes, () => new RecentMean(this.#set.clock))
  }

  /** What it counts in these metrics is shown no more, from the next time on. */
  leaveOut(names: ReadonlySet<string>): void {
    for (const point of this.#points) if (names.has(point.name)) this.#set.release(point, true)
    this.#points = this.#points.filter(({ name }) => !names.has(name))
  }

  /** Nothing is counted in its points any more. */
  end(): void {
    for (const point of this.#points.splice(0)) this.#set.release(point)
  }

  #hold(description: Description, attributes: PointAttributes, make: () => PointValue): PointValue {
    if (this.#without.has(description.name)) return make()
    const point = this.#set.hold(description, attributes, make, this.#isBounded)
    this.#points.push(point)
    return point.value
  }
}

export class MetricSet {
  /** Points that have not been shown yet. */
  fresh = 0
  /** Points that somebody counts in, but for those whose holders have a bound of their own. */
  held = 0
  /** Points that have ended. */
  ended = 0
  readonly #families = new Map<string, Family>()
  readonly clock: Clock
  readonly #candidates: ExemplarCandidates
  readonly #request = new MetricRequest()
  readonly #shapes: HistogramShapes

  constructor(clock: Clock, candidates: ExemplarCandidates, shapes: HistogramShapes = {}) {
    this.clock = clock
    this.#candidates = candidates
    this.#shapes = shapes
  }

  /** A histogram of the metric of that name, in the shape that is wanted: `bounds` unless the user says others. */
  newHistogram(name: string, bounds: readonly number[]): Histogram {
    const { native_histograms = false, histogram_bounds = {} } = this.#shapes
    if (native_histograms) return new ExponentialHistogram()
    return new Histogram(histogram_bounds[name] ?? bounds)
  }

  /** The point of these attributes, with one holder more. */
  hold(description: Description, attributes: PointAttributes, make: () => PointValue, isBounded = false): MetricPoint {
    const { name } = description
    let family = this.#families.get(name)
    if (family === undefined) this.#families.set(name, (family = { ...description, points: [], byKey: new Map() }))
    const key = JSON.stringify(attributes)
    const point = family.byKey.get(key) ?? this.#make(family, key, attributes, make(), isBounded)
    if (point.holders++ === 0 && !point.isBounded) this.held++
    return point
  }

  /** `atOnce`: if nobody else holds it, it ends the next time that points are shown, and is not shown for a while. */
  release(point: MetricPoint, atOnce = false): void {
    if (--point.holders > 0) return
    if (!point.isBounded) this.held--
    point.told_ms = atOnce ? Number.NEGATIVE_INFINITY : Number.NaN
  }

  /** Fresh points at zero, and nothing else. Whoever asks for the next request has handed on the one before. */
  showFresh(now: Now): Generator<MetricBatch> {
    return this.#requests(
      now,
      (point) => Number.isNaN(point.shown_ms),
      () => true,
    )
  }

  /** All points; those shown at zero less than `settle_ms` ago stay at zero, and those left for long enough end. */
  *show(now: Now, settle_ms: number): Generator<MetricBatch> {
    yield* this.#requests(
      now,
      () => true,
      (point) => !(now.monotonic_ms - point.shown_ms >= settle_ms),
    )
    for (const family of this.#families.values())
      if (family.points.some(({ isGone }) => isGone)) family.points = family.points.filter(({ isGone }) => !isGone)
  }

  #make(family: Family, key: string, attributes: PointAttributes, value: PointValue, isBounded: boolean): MetricPoint {
    if (family.exemplars === true && value instanceof Histogram)
      value.exemplars = new BucketExemplars(this.#candidates, value.bounds.length + 1)
    const point: MetricPoint = {
      name: family.name,
      key,
      fixed: this.#fixed(value, attributes),
      value,
      made_ms: this.clock.monotonic_ms(),
      shown_ms: Number.NaN,
      holders: 0,
      told_ms: Number.NaN,
      isGone: false,
      isBounded,
      isSilent: true,
    }
    family.points.push(point)
    family.byKey.set(key, point)
    this.fresh++
    return point
  }

  #fixed(value: PointValue, attributes: PointAttributes): Buffer {
    const pairs = Object.entries(attributes).map(([key, text]) => ({ key, value: { stringValue: text } }))
    const common = { attributes: pairs, startTimeUnixNano: nanos(this.clock.now_ms()) }
    const bounds = kindOf(value) === 'histogram' ? { explicitBounds: [...(value as Histogram).bounds] } : {}
    return encode(POINT_OF[kindOf(value)], { ...common, ...bounds }).take()
  }

  *#requests(
    now: Now,
    wanted: (point: MetricPoint) => boolean,
    asZero: (point: MetricPoint) => boolean,
  ): Generator<MetricBatch> {
    let written: MetricPoint[] = []
    for (const family of this.#families.values()) {
      for (let at = 0; at < family.points.length; ) {
        at = this.#write(family, at, now, wanted, asZero, written)
        if (this.#request.points < POINTS_MAX) continue
        yield this.#request.take()
        this.#markShown(written, now, asZero)
        written = []
      }
    }
    if (this.#request.points > 0) yield this.#request.take()
    this.#markShown(written, now, asZero)
  }

  /** Writes the family's points from `at` on, as many as the request may have. Returns where it stopped. */
  #write(
    family: Family,
    at: number,
    now: Now,
    wanted: (point: MetricPoint) => boolean,
    asZero: (point: MetricPoint) => boolean,
    written: MetricPoint[],
  ): number {
    const { name, help, unit, points } = family
    const request = this.#request
    const time = { timeUnixNano: nanos(now.unix_ms) }
    let isOpen = false
    for (; at < points.length && request.points < POINTS_MAX; at++) {
      const point = points[at]!
      if (point.isGone || point.made_ms > now.monotonic_ms || !wanted(point)) continue
      written.push(point)
      const fields = isOver(point, now) ? endOf(point.value) : fieldsOf(point.value, asZero(point), now)
      const isSilent = fields['flags'] === NO_RECORDED_VALUE
      // Once is enough.
      if (isSilent && point.isSilent && isGauge(point.value)) continue
      point.isSilent = isSilent
      if (!isOpen) request.open(name, help, unit, kindOf(point.value))
      isOpen = true
      request.point(point.fixed, { ...time, ...fields })
    }
    if (isOpen) request.close()
    return at
  }

  /** The points were taken as they were written. */
  #markShown(points: readonly MetricPoint[], now: Now, asZero: (point: MetricPoint) => boolean): void {
    for (const point of points) {
      if (isOver(point, now)) this.#end(point)
      else if (point.holders === 0 && Number.isNaN(point.told_ms) && !asZero(point)) point.told_ms = now.monotonic_ms
      if (!Number.isNaN(point.shown_ms)) continue
      point.shown_ms = now.monotonic_ms
      this.fresh--
    }
  }

  #end(point: MetricPoint): void {
    point.isGone = true
    this.ended++
    if (point.value instanceof Histogram) point.value.exemplars?.clear()
    this.#families.get(point.name)!.byKey.delete(point.key)
  }
}

/** Nobody counts in it, and its last value was there to be read for long enough. */
function isOver({ holders, told_ms }: MetricPoint, { monotonic_ms }: Now): boolean {
  return holders === 0 && monotonic_ms - told_ms >= SHOWN_AFTER_MS
}

/** OTLP has no value in such a point; of a histogram the buckets, which have bounds. */
function endOf(value: PointValue): Message {
  return { ...(value instanceof Histogram && histogramFields(value, true)), flags: NO_RECORDED_VALUE }
}

function fieldsOf(value: PointValue, zero: boolean, { monotonic_ms }: Now): Message {
  if (value instanceof CounterPoint) return { asDouble: zero ? 0 : value.value }
  if (value instanceof Histogram) return histogramFields(value, zero)
  const now = value.at(monotonic_ms)
  return Number.isNaN(now) ? { flags: NO_RECORDED_VALUE } : { asDouble: now }
}

function isGauge(value: PointValue): value is Gauge {
  return kindOf(value) === 'gauge'
}

function kindOf(value: PointValue): PointKind {
  if (value instanceof CounterPoint) return 'sum'
  if (value instanceof ExponentialHistogram) return 'exponential'
  return value instanceof Histogram ? 'histogram' : 'gauge'
}

function histogramFields(histogram: Histogram, zero: boolean): Message {
  return {
    count: zero ? 0n : BigInt(histogram.count),
    sum: zero ? 0 : histogram.sum,
    exemplars: zero ? [] : (histogram.exemplars?.shown() ?? []).map(exemplarOf),
    ...(histogram instanceof ExponentialHistogram
      ? exponentialFields(histogram, zero)
      : { bucketCounts: Array.from(histogram.counts, (count) => (zero ? 0n : BigInt(count))) }),
  }
}

function exponentialFields({ scale, zeros, offset, buckets }: ExponentialHistogram, zero: boolean): Message {
  const positive = { offset, bucketCounts: buckets.map(BigInt) }
  return { scale, zeroCount: zero ? 0n : BigInt(zeros), ...(zero || buckets.length === 0 ? {} : { positive }) }
}

function exemplarOf({ traceId, spanId, value, time_ms }: CallExemplar): Message {
  return { timeUnixNano: nanos(time_ms), asDouble: value, spanId, traceId }
}

function nanos(time_ms: number): bigint {
  return BigInt(Math.round(time_ms * 1000)) * 1000n
}
