/** Gauges of what was lately: they have a value as long as there is something to say, and no series after that. */
import type { Clock } from '../../../self/clock.ts'

/** Something that has a value of its own at each moment. */
export interface Gauge {
  /** At that monotonic moment, in the metric's unit; NaN: nothing is known, and the series ends until something is. */
  at(monotonic_ms: number): number
}

export const RECENT_MS = 5 * 60_000
const PARTS = 20
const PART_MS = RECENT_MS / PARTS

/** Mean of the values of the last five minutes: of 19 whole parts of 15 seconds, and of the one that runs. */
export class RecentMean implements Gauge {
  readonly #clock: Clock
  readonly #sums = new Float64Array(PARTS)
  readonly #counts = new Float64Array(PARTS)
  /** Number of the newest part since the clock began; -1: there is none. */
  #newest = -1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A value of this moment; one that is no number is passed over. */
  record(value: number): void {
    if (!Number.isFinite(value)) return
    const slot = this.#moveTo(Math.floor(this.#clock.monotonic_ms() / PART_MS)) % PARTS
    this.#sums[slot]! += value
    this.#counts[slot]!++
  }

  at(monotonic_ms: number): number {
    const oldest = Math.floor(monotonic_ms / PART_MS) - PARTS + 1
    let sum = 0
    let count = 0
    for (let part = Math.max(0, oldest, this.#newest - PARTS + 1); part <= this.#newest; part++) {
      sum += this.#sums[part % PARTS]!
      count += this.#counts[part % PARTS]!
    }
    return count === 0 ? Number.NaN : sum / count
  }

  /** Empties the parts between the newest one and that. */
  #moveTo(part: number): number {
    for (let one = Math.max(this.#newest + 1, part - PARTS + 1); one <= part; one++)
      this.#sums[one % PARTS] = this.#counts[one % PARTS] = 0
    this.#newest = Math.max(this.#newest, part)
    return this.#newest
  }
}

/** The value that was set last, for five minutes. */
export class RecentValue implements Gauge {
  readonly #clock: Clock
  readonly #after: number
  #value = Number.NaN
  #set_ms = Number.NEGATIVE_INFINITY

  /** `after`: what it is when five minutes are over; NaN ends the series. */
  constructor(clock: Clock, after = Number.NaN) {
    this.#clock = clock
    this.#after = after
  }

  set(value: number): void {
    this.#value = value
    this.#set_ms = this.#clock.monotonic_ms()
  }

  at(monotonic_ms: number): number {
    return monotonic_ms - this.#set_ms < RECENT_MS ? this.#value : this.#after
  }
}
