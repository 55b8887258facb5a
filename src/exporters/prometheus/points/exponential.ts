/**
 * Exponential histograms. The text formats cannot say them, so they are shown with classic buckets: boundaries are the
 * histogram's own, merged pair by pair until a factor of at least √2 lies between two of them and there are at most
 * SHOWN_BUCKETS_MAX. In protobuf they are native histograms, with the buckets that were sent.
 * Source: OTLP data model, ExponentialHistogram: bucket i of scale s holds (2^(i/2^s), 2^((i+1)/2^s)].
 */
import { addSums, cumulate, type Distribution } from './distribution.ts'
import type { Buckets, ExponentialPoint } from './point.ts'

export interface Exponential {
  readonly count: number
  readonly sum: number | undefined
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  /** Counts by bucket index. */
  readonly positive: ReadonlyMap<number, number>
  readonly negative: ReadonlyMap<number, number>
}

/** The scales that SDKs use; at the coarsest, one bucket spans all doubles above 1. */
const SCALE_MIN = -10
const SCALE_MAX = 20
const SCALE_SHOWN_MAX = 1
/** The finest that Prometheus' native histograms have. */
const SCALE_KEPT_MAX = 8
/** Of each sign; as many as SDKs make by default. */
const KEPT_BUCKETS_MAX = 160
const SHOWN_BUCKETS_MAX = 80

/** Undefined for a scale that no SDK uses, and for a point that contradicts itself. */
export function exponentialOf(point: ExponentialPoint): Exponential | undefined {
  const scale = point.scale ?? 0
  if (scale < SCALE_MIN || scale > SCALE_MAX) return undefined
  const down = Math.max(0, scale - SCALE_KEPT_MAX)
  const exponential = {
    count: Number(point.count ?? 0n),
    sum: point.sum,
    scale: scale - down,
    zeroCount: Number(point.zeroCount ?? 0n),
    zeroThreshold: point.zeroThreshold ?? 0,
    positive: bucketsOf(point.positive, down),
    negative: bucketsOf(point.negative, down),
  }
  const counted = exponential.zeroCount + total(exponential.positive) + total(exponential.negative)
  return counted > exponential.count || !(exponential.zeroThreshold >= 0) ? undefined : narrowed(exponential)
}

export function addExponential(a: Exponential, b: Exponential): Exponential {
  const scale = Math.min(a.scale, b.scale)
  const [one, other] = [toScale(a, scale), toScale(b, scale)]
  return narrowed({
    count: a.count + b.count,
    sum: addSums(a.sum, b.sum),
    scale,
    zeroCount: a.zeroCount + b.zeroCount,
    zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
    positive: merged(one.positive, other.positive),
    negative: merged(one.negative, other.negative),
  })
}

/** The same with boundaries at least as far apart as `scale` has them. */
export function toScale(exponential: Exponential, scale: number): Exponential {
  const down = exponential.scale - scale
  if (down <= 0) return exponential
  const positive = coarsened(exponential.positive, down)
  const negative = coarsened(exponential.negative, down)
  return { ...exponential, scale, positive, negative }
}

/** The scale at which the text formats show it: coarse enough for SHOWN_BUCKETS_MAX. */
export function shownScale(exponential: Exponential): number {
  return narrowed(toScale(exponential, SCALE_SHOWN_MAX), SHOWN_BUCKETS_MAX).scale
}

/** From the most negative bucket over zero to the largest; every index between the first and the last is shown. */
export function classic(exponential: Exponential): Distribution {
  const { scale, zeroThreshold, positive, negative } = exponential
  const edges: [bound: number, count: number][] = []
  const [low, high] = span(negative)
  for (let index = high; index >= low; index--) edges.push([-boundary(index, scale), negative.get(index) ?? 0])
  const [first, last] = span(positive)
  const lowest = boundary(first, scale)
  edges.push([last >= first ? Math.min(zeroThreshold, lowest) : zeroThreshold, exponential.zeroCount])
  for (let index = first; index <= last; index++) {
    if (index === first) edges.push([lowest, 0])
    edges.push([boundary(index + 1, scale), positive.get(index) ?? 0])
  }
  const kept = strictlyAscending(edges)
  return {
    count: exponential.count,
    sum: exponential.sum,
    bounds: kept.map(([bound]) => bound),
    cumulative: cumulate(kept.map(([, count]) => count)),
  }
}

function bucketsOf(buckets: Buckets | undefined, down: number): Map<number, number> {
  const counts = new Map<number, number>()
  const offset = buckets?.offset ?? 0
  buckets?.bucketCounts?.forEach((count, at) => {
    if (count !== 0n) tally(counts, Math.floor((offset + at) / 2 ** down), Number(count))
  })
  return counts
}

/** Merges pairs of buckets until at most so many of each sign are left. */
function narrowed(exponential: Exponential, buckets_max = KEPT_BUCKETS_MAX): Exponential {
  let narrow = exponential
  while (width(narrow.positive) > buckets_max || width(narrow.negative) > buckets_max)
    narrow = toScale(narrow, narrow.scale - 1)
  return narrow
}

function coarsened(counts: ReadonlyMap<number, number>, down: number): Map<number, number> {
  const coarse = new Map<number, number>()
  for (const [index, count] of counts) tally(coarse, Math.floor(index / 2 ** down), count)
  return coarse
}

function merged(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Map<number, number> {
  const both = new Map(a)
  for (const [index, count] of b) tally(both, index, count)
  return both
}

function tally(counts: Map<number, number>, index: number, count: number): void {
  counts.set(index, (counts.get(index) ?? 0) + count)
}

function total(counts: ReadonlyMap<number, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** First and last index; without buckets the last is smaller than the first. */
function span(counts: ReadonlyMap<number, number>): [number, number] {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const index of counts.keys()) {
    if (index < first) first = index
    if (index > last) last = index
  }
  return counts.size === 0 ? [0, -1] : [first, last]
}

function width(counts: ReadonlyMap<number, number>): number {
  const [first, last] = span(counts)
  return last - first + 1
}

function boundary(index: number, scale: number): number {
  return 2 ** (index * 2 ** -scale)
}

/** Doubles end somewhere: equal bounds become one, and what is above the largest double belongs to +Inf. */
function strictlyAscending(edges: readonly [number, number][]): [number, number][] {
  const kept: [number, number][] = []
  for (const [bound, count] of edges) {
    const before = kept.at(-1)
    if (before !== undefined && bound <= before[0]) before[1] += count
    else if (bound !== Number.POSITIVE_INFINITY) kept.push([bound, count])
  }
  return kept
}
