/** Histograms as Prometheus' text can say them: counts under ascending bounds. */
import type { HistogramPoint } from './point.ts'

export interface Distribution {
  readonly count: number
  /** Undefined: the sender did not sum (values below zero, for instance). */
  readonly sum: number | undefined
  /** Ascending, finite or -Inf. */
  readonly bounds: readonly number[]
  /** How many values are at most the bound, bound by bound; never more than `count`. */
  readonly cumulative: readonly number[]
}

/** Undefined for a point that contradicts itself: lengths that do not fit, bounds out of order, more in buckets than counted. */
export function distributionOf(point: HistogramPoint): Distribution | undefined {
  const given = point.explicitBounds ?? []
  const counts = point.bucketCounts ?? []
  const count = Number(point.count ?? 0n)
  if (counts.length === 0 && given.length === 0) return { count, sum: point.sum, bounds: [], cumulative: [] }
  if (counts.length !== given.length + 1 || !ascending(given)) return undefined
  // A last bound of +Inf says the same as the bucket that Prometheus always has.
  const bounds = given.at(-1) === Number.POSITIVE_INFINITY ? given.slice(0, -1) : given
  const cumulative = cumulate(counts.slice(0, bounds.length).map(Number))
  if ((cumulative.at(-1) ?? 0) > count) return undefined
  return { count, sum: point.sum, bounds, cumulative }
}

/** The two together; undefined where the bounds differ. */
export function add(a: Distribution, b: Distribution): Distribution | undefined {
  if (a.bounds.length !== b.bounds.length || a.bounds.some((bound, at) => bound !== b.bounds[at])) return undefined
  return {
    count: a.count + b.count,
    sum: addSums(a.sum, b.sum),
    bounds: b.bounds,
    cumulative: a.cumulative.map((count, at) => count + b.cumulative[at]!),
  }
}

/** The two together under the bounds that both have. */
export function addShared(a: Distribution, b: Distribution): Distribution {
  const bounds: number[] = []
  const cumulative: number[] = []
  for (let [atA, atB] = [0, 0]; atA < a.bounds.length && atB < b.bounds.length; ) {
    const [boundA, boundB] = [a.bounds[atA]!, b.bounds[atB]!]
    if (boundA === boundB) {
      bounds.push(boundA)
      cumulative.push(a.cumulative[atA]! + b.cumulative[atB]!)
    }
    if (boundA <= boundB) atA++
    if (boundB <= boundA) atB++
  }
  return { count: a.count + b.count, sum: addSums(a.sum, b.sum), bounds, cumulative }
}

/** A sum of which one part is unknown is unknown. */
export function addSums(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}

export function cumulate(counts: readonly number[]): number[] {
  let sum = 0
  return counts.map((count) => (sum += count))
}

function ascending(bounds: readonly number[]): boolean {
  return bounds.every((bound, at) => !Number.isNaN(bound) && (at === 0 || bound > bounds[at - 1]!))
}
