/** What a series shows, and how values of one kind are put together. */
import { add, addShared, type Distribution } from './points/distribution.ts'
import { addExponential, classic, type Exponential, shownScale, toScale } from './points/exponential.ts'

export interface Summary {
  readonly count: number
  readonly sum: number
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

export type SeriesValue =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'distribution'; readonly distribution: Distribution }
  | ExponentialValue
  | { readonly kind: 'summary'; readonly summary: Summary }

export interface ExponentialValue {
  readonly kind: 'exponential'
  readonly exponential: Exponential
  /** Scale of `distribution`: it never becomes finer again, so that the buckets stay comparable. */
  readonly scale: number
  /** What the text formats show. */
  readonly distribution: Distribution
}

/** What a series that showed `before` shows when its sender says `value`; a `delta` is added. */
export function following(before: SeriesValue, value: SeriesValue, delta: boolean): SeriesValue {
  if (value.kind === 'exponential' && before.kind === 'exponential') {
    const exponential = delta ? addExponential(before.exponential, value.exponential) : value.exponential
    return shownExponential(exponential, before.scale)
  }
  if (!delta) return value
  if (value.kind === 'number' && before.kind === 'number')
    return { kind: 'number', number: before.number + value.number }
  if (value.kind !== 'distribution' || before.kind !== 'distribution') return value
  // Other bounds: the series starts again, as after a restart of its sender.
  const distribution = add(before.distribution, value.distribution)
  return distribution === undefined ? value : { kind: 'distribution', distribution }
}

/** What two senders counted. Of histograms with different bounds those that both have; of summaries the quantiles of `b`. */
export function together(a: SeriesValue, b: SeriesValue): SeriesValue {
  if (a.kind === 'number' && b.kind === 'number') return { kind: 'number', number: a.number + b.number }
  if (a.kind === 'exponential' && b.kind === 'exponential')
    return shownExponential(addExponential(a.exponential, b.exponential), Math.min(a.scale, b.scale))
  if (a.kind === 'summary' && b.kind === 'summary') {
    const { count, sum, quantiles } = b.summary
    return { kind: 'summary', summary: { count: a.summary.count + count, sum: a.summary.sum + sum, quantiles } }
  }
  if (!('distribution' in a) || !('distribution' in b)) return b
  return { kind: 'distribution', distribution: addShared(a.distribution, b.distribution) }
}

/** What only grows as long as a sender runs. */
export function measureOf(value: SeriesValue): number {
  if (value.kind === 'number') return value.number
  return value.kind === 'summary' ? value.summary.count : value.distribution.count
}

/** `scale_max`: the scale at which the series has been shown before. */
export function shownExponential(exponential: Exponential, scale_max = Number.POSITIVE_INFINITY): ExponentialValue {
  const scale = Math.min(shownScale(exponential), scale_max)
  return { kind: 'exponential', exponential, scale, distribution: classic(toScale(exponential, scale)) }
}

/** Lines that a value takes. */
export function linesOf(value: SeriesValue): number {
  if (value.kind === 'number') return 1
  if (value.kind === 'summary') return value.summary.quantiles.length + 2
  return value.distribution.bounds.length + (value.distribution.sum === undefined ? 2 : 3)
}
