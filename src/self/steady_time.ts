/**
 * Unix time for ages by which something is deleted for good. A wall clock may be days ahead, for a second or from the start
 * on; what it deletes meanwhile does not come back. So time goes on by the monotonic clock from the last time that is known
 * to have been, and the wall clock is believed only when it has gone evenly for an hour.
 */
import type { Clock } from './clock.ts'

/** So long both clocks have to agree. */
const STEADY_MS = 3_600_000
/** And so far: a clock that is slewed by NTP loses or gains less in an hour. */
const SLACK_MS = 60_000

export class SteadyTime {
  readonly #clock: Clock
  /** This time minus monotonic time. */
  #offset_ms = 0
  /** Wall clock minus monotonic time, as it has been since `#since_ms`. */
  #wallOffset_ms = 0
  #since_ms = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.begin(undefined)
  }

  /** `last_ms`: when something was last written; undefined if nothing is there that could be deleted. */
  begin(last_ms: number | undefined): void {
    const now_ms = this.#clock.monotonic_ms()
    const wall_ms = this.#clock.now_ms()
    this.#since_ms = now_ms
    this.#wallOffset_ms = wall_ms - now_ms
    // The later of two may be of a clock that was ahead.
    this.#offset_ms = Math.min(wall_ms, last_ms ?? wall_ms) - now_ms
  }

  now_ms(): number {
    return this.#offset_ms + this.#clock.monotonic_ms()
  }

  /** Compares the clocks. Whoever deletes asks before, and now and then. */
  observe(): void {
    const now_ms = this.#clock.monotonic_ms()
    const wallOffset_ms = this.#clock.now_ms() - now_ms
    if (Math.abs(wallOffset_ms - this.#wallOffset_ms) > SLACK_MS) {
      this.#wallOffset_ms = wallOffset_ms
      this.#since_ms = now_ms
    } else if (now_ms - this.#since_ms >= STEADY_MS) this.#offset_ms = Math.max(this.#offset_ms, wallOffset_ms)
  }
}
