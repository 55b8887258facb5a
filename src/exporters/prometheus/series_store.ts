/** The latest value of every series, by family. */

import type { MetricType } from './metric_names.ts'
import { add, type Distribution } from './points/distribution.ts'
import { type Exemplar, type Exemplars, newestByBucket } from './points/exemplars.ts'
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

export interface Sample {
  /** Text between the braces; with the family's name it is the series. */
  readonly labels: string
  /** Unix nanoseconds; 0 where the sender gave none. */
  readonly time: bigint
  /** When counting began, Unix nanoseconds; 0 where the sender does not say. */
  readonly start: bigint
  readonly delta: boolean
  readonly value: SeriesValue
  readonly exemplars: readonly Exemplar[]
}

export interface Series {
  readonly labels: string
  time: bigint
  start: bigint
  readonly delta: boolean
  value: SeriesValue
  exemplars: Exemplars | undefined
  /** Lines that it takes: what `max_series` bounds. */
  lines: number
  /** Monotonic milliseconds of the last point; Infinity for a series that never expires. */
  seen_ms: number
}

export interface Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly series: Map<string, Series>
}

/** Why a point was not stored: the words of `dropped{reason}`. */
export type Drop = 'stale' | 'series_limit' | 'type_conflict' | 'temporality_conflict'

export class SeriesStore {
  max_series: number
  readonly #families = new Map<string, Family>()
  /** Sorted by name. */
  #sorted: Family[] = []
  /** Which family a name in the text belongs to: `x_count` is taken where there is a histogram `x`. */
  readonly #owners = new Map<string, Family>()
  #lines = 0

  constructor(max_series: number) {
    this.max_series = max_series
  }

  /** Lines of all series. */
  get lines(): number {
    return this.#lines
  }

  /** In order of their names. The list changes with every new family: take a copy to walk it over several turns. */
  get families(): readonly Family[] {
    return this.#sorted
  }

  /** The family of that name and type; undefined if the name is taken by another type. `help` counts only for a new one. */
  family(name: string, type: MetricType, help: string): Family | undefined {
    const existing = this.#families.get(name)
    if (existing !== undefined) return existing.type === type ? existing : undefined
    if (namesOf(name, type).some((taken) => this.#owners.has(taken))) return undefined
    return { name, type, help, series: new Map() }
  }

  /** Takes a sample, or says why not. `seen_ms`: see Series. */
  put(family: Family, sample: Sample, seen_ms: number): Drop | undefined {
    const series = family.series.get(sample.labels)
    if (series === undefined) return this.#insert(family, sample, seen_ms)
    if (series.delta !== sample.delta) return 'temporality_conflict'
    // What this process derives comes in order, also when its clock is set back.
    const isOwn = seen_ms === Number.POSITIVE_INFINITY
    if (!isOwn && isStale(series, sample)) return 'stale'
    const value = next(series.value, sample)
    const lines = linesOf(value)
    if (this.#lines + lines - series.lines > this.max_series && lines > series.lines) return 'series_limit'
    this.#lines += lines - series.lines
    series.lines = lines
    series.value = value
    series.exemplars = exemplarsOf(value, series.exemplars, sample.exemplars)
    series.time = sample.time
    if (!sample.delta || value === sample.value) series.start = sample.start
    series.seen_ms = seen_ms
    return undefined
  }

  remove(family: Family, labels: string): void {
    this.#remove(family, labels)
    if (family.series.size > 0 || !this.#families.has(family.name)) return
    this.#forget(family)
    this.#sorted.splice(this.#position(family.name), 1)
  }

  /** Removes what was last seen before. */
  expire(before_ms: number): void {
    const count = this.#families.size
    for (const family of this.#sorted) {
      for (const series of family.series.values()) if (series.seen_ms < before_ms) this.#remove(family, series.labels)
      if (family.series.size === 0) this.#forget(family)
    }
    if (this.#families.size < count) this.#sorted = this.#sorted.filter(({ series }) => series.size > 0)
  }

  #remove(family: Family, labels: string): void {
    const series = family.series.get(labels)
    if (series === undefined) return
    family.series.delete(labels)
    this.#lines -= series.lines
  }

  #insert(family: Family, sample: Sample, seen_ms: number): Drop | undefined {
    const { labels, time, start, delta, value } = sample
    const lines = linesOf(value)
    if (this.#lines + lines > this.max_series) return 'series_limit'
    if (family.series.size === 0 && !this.#enter(family)) return 'type_conflict'
    const exemplars = exemplarsOf(value, undefined, sample.exemplars)
    family.series.set(labels, { labels, time, start, delta, value, exemplars, lines, seen_ms })
    this.#lines += lines
    return undefined
  }

  /** A family is known as long as it has series. */
  #enter(family: Family): boolean {
    const names = namesOf(family.name, family.type)
    if (names.some((name) => this.#owners.has(name))) return false
    for (const name of names) this.#owners.set(name, family)
    this.#families.set(family.name, family)
    this.#sorted.splice(this.#position(family.name), 0, family)
    return true
  }

  #forget(family: Family): void {
    for (const name of namesOf(family.name, family.type)) this.#owners.delete(name)
    this.#families.delete(family.name)
  }

  /** Where the name is, or belongs. */
  #position(name: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sorted[middle]!.name < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  gauge: [''],
  counter: [''],
  histogram: ['', '_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/** Names that a family takes in the text. */
export function namesOf(name: string, type: MetricType): string[] {
  return SUFFIXES[type].map((suffix) => name + suffix)
}

/** A delta counts once; of a cumulative series, the same moment may be told again. */
function isStale(series: Series, sample: Sample): boolean {
  if (sample.time === 0n) return false
  return sample.delta ? sample.time <= series.time : sample.time < series.time
}

function next(before: SeriesValue, { delta, value }: Sample): SeriesValue {
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

/** `scale_max`: the scale at which the series has been shown before. */
export function shownExponential(exponential: Exponential, scale_max = Number.POSITIVE_INFINITY): ExponentialValue {
  const scale = Math.min(shownScale(exponential), scale_max)
  return { kind: 'exponential', exponential, scale, distribution: classic(toScale(exponential, scale)) }
}

/** Only counters and histograms have any. */
function exemplarsOf(
  value: SeriesValue,
  before: Exemplars | undefined,
  more: readonly Exemplar[],
): Exemplars | undefined {
  if (before === undefined && more.length === 0) return undefined
  const bounds = value.kind === 'number' || value.kind === 'summary' ? [] : value.distribution.bounds
  return newestByBucket([...(before ?? []), ...more], bounds)
}

function linesOf(value: SeriesValue): number {
  if (value.kind === 'number') return 1
  if (value.kind === 'summary') return value.summary.quantiles.length + 2
  return value.distribution.bounds.length + (value.distribution.sum === undefined ? 2 : 3)
}
