/**
 * Distributions of a few signals by the hour, as counts in fixed bins: small, and added up by adding bins. What is compared is the
 * hour that runs, or the one before while it has too little, with the same hours of the days before; until there are such days,
 * with the other hours of the last day.
 */

/** Signals with their numbers of bins. Numbers are binned by powers of two, rates in two, words by their positions. */
export const DRIFT_SIGNALS = [
  ['input_tokens', 24],
  ['output_tokens', 24],
  ['finish_reason', 8],
  ['refusal_rate', 2],
  ['hedging_rate', 2],
  ['quality', 11],
  ['error_rate', 2],
  ['model_version', 16],
] as const
export type DriftSignal = (typeof DRIFT_SIGNALS)[number][0]

const OFFSETS = Object.fromEntries(
  DRIFT_SIGNALS.map(([name], at) => [name, DRIFT_SIGNALS.slice(0, at).reduce((sum, [, bins]) => sum + bins, 0)]),
) as Record<DriftSignal, number>
const BINS = DRIFT_SIGNALS.reduce((sum, [, bins]) => sum + bins, 0)
const SIZES = Object.fromEntries(DRIFT_SIGNALS) as Record<DriftSignal, number>
const DAYS = 7
const HOUR_MS = 3_600_000
const HOURS_MAX = DAYS * 24 + 1

/** What is compared: counts in the bins of a signal. */
export interface Compared {
  readonly baseline: Float64Array
  readonly current: Float64Array
}

export class HourlySketches {
  /** By the hour since 1970. */
  readonly #hours = new Map<number, Uint32Array>()

  get size_bytes(): number {
    return this.#hours.size * BINS * 4
  }

  /** A value of that hour. `bin`: at most the number of the signal's bins less one. */
  add(signal: DriftSignal, bin: number, unix_ms: number): void {
    this.#hour(Math.floor(unix_ms / HOUR_MS))[OFFSETS[signal] + Math.min(bin, SIZES[signal] - 1)]!++
  }

  /** What is to be compared now; undefined while one side has less than `count_min` values. */
  compare(signal: DriftSignal, unix_ms: number, count_min: number): Compared | undefined {
    const now = Math.floor(unix_ms / HOUR_MS)
    for (const hour of [now, now - 1]) {
      const current = this.#sum(signal, [hour])
      if (total(current) < count_min) continue
      const sameHours = Array.from({ length: DAYS }, (_, day) => hour - 24 * (day + 1))
      const others = Array.from({ length: 23 }, (_, back) => hour - back - 1)
      for (const hours of [sameHours, others]) {
        const baseline = this.#sum(signal, hours)
        if (total(baseline) >= count_min) return { baseline, current }
      }
      return undefined
    }
    return undefined
  }

  /** Hours that are still of use, to be kept over a restart. */
  save(unix_ms: number): (readonly [hour: number, counts: readonly number[]])[] {
    this.#forget(Math.floor(unix_ms / HOUR_MS))
    return [...this.#hours].map(([hour, counts]) => [hour, Array.from(counts)])
  }

  /** Adds what was saved. What does not fit the bins of today is passed over. */
  restore(saved: readonly (readonly [hour: number, counts: readonly number[]])[]): void {
    for (const [hour, counts] of saved) {
      if (!Number.isInteger(hour) || !Array.isArray(counts) || counts.length !== BINS) continue
      const to = this.#hour(hour)
      for (let bin = 0; bin < BINS; bin++) to[bin]! += Number(counts[bin]) || 0
    }
  }

  #hour(hour: number): Uint32Array {
    const known = this.#hours.get(hour)
    if (known !== undefined) return known
    this.#forget(hour)
    const made = new Uint32Array(BINS)
    this.#hours.set(hour, made)
    return made
  }

  #forget(now: number): void {
    for (const hour of this.#hours.keys()) if (hour < now - HOURS_MAX || hour > now + 1) this.#hours.delete(hour)
  }

  #sum(signal: DriftSignal, hours: readonly number[]): Float64Array {
    const sum = new Float64Array(SIZES[signal])
    for (const hour of hours) {
      const counts = this.#hours.get(hour)
      if (counts !== undefined) for (let bin = 0; bin < sum.length; bin++) sum[bin]! += counts[OFFSETS[signal] + bin]!
    }
    return sum
  }
}

/** Bin of a number ≥ 0: by powers of two. */
export function binOf(value: number): number {
  return value < 1 ? 0 : 1 + Math.floor(Math.log2(value))
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
