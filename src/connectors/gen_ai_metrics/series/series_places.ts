/** Series by what they are of: as many as there is room for, those that are used most and lately (`standing.ts`). */
import type { Clock } from '../../../self/clock.ts'
import type { LeasedSeries } from '../families.ts'
import { Lease, type MetricSet } from './metric_set.ts'
import { Standing } from './standing.ts'

/** What the series are of, as places of label texts. */
export interface Of {
  readonly models: readonly number[]
  readonly errorType: number
  /** Of series by other labels: places of their texts, by the position of the label. */
  readonly labels?: readonly number[]
}

interface Entry<T extends LeasedSeries = LeasedSeries> {
  readonly series: T
  readonly of: Of
  readonly kind: ReadonlyMap<number, Entry>
  readonly key: number
  /** In the standing; NO_PLACE: never given up. */
  readonly place: number
}

const NO_PLACE = -1

export class SeriesPlaces {
  /** How often there was no room for a call's series. */
  refused = 0
  readonly hasRoom = (): boolean => this.#set.held < this.#points_max
  readonly #set: MetricSet
  readonly #points_max: number
  readonly #standing: Standing
  readonly #entries: (Entry | undefined)[] = []
  readonly #free: number[] = []
  #kinds = 0

  /** `points_max`: counters and histograms held, beside those that always have room. */
  constructor(set: MetricSet, points_max: number, clock: Clock) {
    this.#set = set
    this.#points_max = points_max
    this.#standing = new Standing(clock)
  }

  /** A kind of series, `points` each, that count nothing in the metrics named in `without`. */
  newKind<T extends LeasedSeries>(points: number, without?: ReadonlySet<string>): SeriesKind<T> {
    return new SeriesKind<T>(this, points, this.#kinds++, without)
  }

  /** Ends all series of which this is true. */
  endAll(isOf: (of: Of) => boolean): void {
    for (const entry of this.#entries) if (entry !== undefined && isOf(entry.of)) this.#end(entry)
  }

  use(place: number): void {
    if (place !== NO_PLACE) this.#standing.use(place)
  }

  /** Number of a place for new series, -1 if there is no room for them. */
  placeFor(newcomer: number, points: number): number {
    const lacking = this.#set.held + points - this.#points_max
    if (lacking > 0) {
      const sizeOf = (place: number) => this.#entries[place]!.series.lease.size
      const gone = this.#standing.outweighed(newcomer, lacking, sizeOf)
      if (gone.length === 0) {
        this.refused++
        return NO_PLACE
      }
      for (const place of gone) this.#end(this.#entries[place]!)
    }
    const place = this.#free.pop() ?? this.#entries.length
    this.#entries[place] = undefined
    this.#standing.enter(place, newcomer)
    return place
  }

  newLease(without?: ReadonlySet<string>): Lease {
    return new Lease(this.#set, without)
  }

  put(entry: Entry): void {
    if (entry.place !== NO_PLACE) this.#entries[entry.place] = entry
  }

  #end({ place, series, kind, key }: Entry): void {
    ;(kind as Map<number, Entry>).delete(key)
    series.lease.end()
    this.#entries[place] = undefined
    this.#free.push(place)
    this.#standing.leave(place)
  }
}

export class SeriesKind<T extends LeasedSeries> {
  readonly #places: SeriesPlaces
  readonly #points: number
  readonly #number: number
  readonly #without: ReadonlySet<string> | undefined
  readonly #byKey = new Map<number, Entry<T>>()

  constructor(places: SeriesPlaces, points: number, number: number, without?: ReadonlySet<string>) {
    this.#places = places
    this.#without = without
    this.#points = points
    this.#number = number
  }

  /** The series of that key, used once more; undefined if there are none. */
  find(key: number): T | undefined {
    const known = this.#byKey.get(key)
    if (known === undefined) return undefined
    this.#places.use(known.place)
    return known.series
  }

  /** New series of that key; undefined if there is no room for them. With `always` there is. */
  add(key: number, of: Of, make: (lease: Lease) => T, always: boolean): T | undefined {
    const place = always ? NO_PLACE : this.#places.placeFor(this.#hash(key), this.#points)
    if (place === NO_PLACE && !always) return undefined
    const entry: Entry<T> = { series: make(this.#places.newLease(this.#without)), of, kind: this.#byKey, key, place }
    this.#byKey.set(key, entry)
    this.#places.put(entry)
    return entry.series
  }

  /** What its series count in these metrics is shown no more. */
  leaveOut(names: ReadonlySet<string>): void {
    for (const { series } of this.#byKey.values()) series.lease.leaveOut(names)
  }

  #hash(key: number): number {
    return Math.imul(Math.floor(key / 2 ** 32) + this.#number, 0x9e3779b1) ^ Math.imul(key | 0, 0x85ebca6b)
  }
}
