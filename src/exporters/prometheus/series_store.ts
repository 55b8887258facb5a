/** The latest value of every series, by family. */

import type { MetricType } from './metric_names.ts'
import { type Sample, SenderSeries, type Series, type Untaken } from './series.ts'
import { linesOf } from './series_values.ts'

export interface Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly series: ReadonlyMap<string, Series>
}

/** A family as the store has it. */
export interface StoredFamily extends Family {
  readonly series: Map<string, SenderSeries>
}

/** Why a point was not stored: the words of `dropped{reason}`. */
export type Drop = Untaken | 'type_conflict'

export class SeriesStore {
  max_series: number
  readonly #families = new Map<string, StoredFamily>()
  /** Sorted by name. */
  #sorted: StoredFamily[] = []
  /** Which family a name in the text belongs to: `x_count` is taken where there is a histogram `x`. */
  readonly #owners = new Map<string, StoredFamily>()
  #lines = 0
  /** Beside the first of each series. */
  #senders = 0

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

  /**
   * The family of that name and type; undefined if the name is taken by another type. `help` counts only for a new one. If it
   * is `lasting`, what is in its way and is not goes.
   */
  family(name: string, type: MetricType, help: string, lasting = false): StoredFamily | undefined {
    const existing = this.#families.get(name)
    if (existing?.type === type) return existing
    const inWay = namesOf(name, type).flatMap((taken) => this.#owners.get(taken) ?? [])
    if (inWay.length > 0 && !(lasting && !inWay.some(isLasting))) return undefined
    for (const family of inWay) for (const labels of [...family.series.keys()]) this.remove(family, labels)
    return { name, type, help, series: new Map() }
  }

  /** How many lines more there is room for. */
  get linesLeft(): number {
    return this.max_series - this.#lines
  }

  /** And how many senders beside the first of each series. */
  get sendersLeft(): number {
    return this.max_series - this.#senders
  }

  /** Takes a sample, or says why not. `seen_ms`: see SenderSeries. */
  put(family: StoredFamily, sample: Sample, seen_ms: number): Drop | undefined {
    const series = family.series.get(sample.labels)
    if (series === undefined) return this.#insert(family, sample, seen_ms)
    const { lines, furtherSenders } = series
    const reason = series.take(sample, seen_ms, this)
    if (series.lines !== lines) this.#lines += series.lines - lines
    if (series.furtherSenders !== furtherSenders) this.#senders++
    return reason
  }

  /** The sender has ended its stream; with the last one the series ends. */
  end(family: StoredFamily, labels: string, sender: number): void {
    const series = family.series.get(labels)
    if (series === undefined) return
    const { furtherSenders } = series
    const hasEnded = series.end(sender)
    this.#senders -= furtherSenders - series.furtherSenders
    if (hasEnded) this.remove(family, labels)
  }

  remove(family: StoredFamily, labels: string): void {
    this.#remove(family, labels)
    if (family.series.size > 0 || !this.#families.has(family.name)) return
    this.#forget(family)
    this.#sorted.splice(this.#position(family.name), 1)
  }

  /** Removes what was last seen before. */
  expire(before_ms: number): void {
    const count = this.#families.size
    const isCrowded = this.sendersLeft < this.max_series / 2
    for (const family of this.#sorted) {
      for (const series of family.series.values()) {
        if (series.seen_ms < before_ms) this.#remove(family, series.labels)
        else if (series.furtherSenders > 0) this.#forgetSenders(series, before_ms, isCrowded)
      }
      if (family.series.size === 0) this.#forget(family)
    }
    if (this.#families.size < count) this.#sorted = this.#sorted.filter(({ series }) => series.size > 0)
  }

  #forgetSenders(series: SenderSeries, before_ms: number, isCrowded: boolean): void {
    const { furtherSenders } = series
    series.forgetSenders(before_ms, isCrowded)
    this.#senders -= furtherSenders - series.furtherSenders
  }

  #remove(family: StoredFamily, labels: string): void {
    const series = family.series.get(labels)
    if (series === undefined) return
    family.series.delete(labels)
    this.#lines -= series.lines
    this.#senders -= series.furtherSenders
  }

  #insert(family: StoredFamily, sample: Sample, seen_ms: number): Drop | undefined {
    if (linesOf(sample.value) > this.linesLeft) return 'series_limit'
    if (family.series.size === 0 && !this.#enter(family)) return 'type_conflict'
    const series = new SenderSeries(sample, family.type !== 'gauge', seen_ms)
    family.series.set(sample.labels, series)
    this.#lines += series.lines
    return undefined
  }

  /** A family is known as long as it has series. */
  #enter(family: StoredFamily): boolean {
    const names = namesOf(family.name, family.type)
    if (names.some((name) => this.#owners.has(name))) return false
    for (const name of names) this.#owners.set(name, family)
    this.#families.set(family.name, family)
    this.#sorted.splice(this.#position(family.name), 0, family)
    return true
  }

  #forget(family: StoredFamily): void {
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

function isLasting({ series }: StoredFamily): boolean {
  return [...series.values()].some(({ seen_ms }) => seen_ms === Number.POSITIVE_INFINITY)
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
