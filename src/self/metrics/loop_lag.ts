/** How late timers fire: how long the event loop was kept from what was due. */
import { createHistogram } from 'node:perf_hooks'
import type { Clock, Timer } from '../clock.ts'

/** Between two looks while the loop has work: what takes it for longer is seen, whatever it is. */
const BUSY_MS = 10
/** While it has next to none. Each look wakes the process, so a hundred a second would be most of what an idle one costs. */
export const IDLE_MS = 500
/** A loop that was at work for this share of the last half second has work. */
const BUSY_SHARE = 0.05
/** In microseconds: a minute is as late as an hour. */
const RANGE = { lowest: 1, highest: 60_000_000, figures: 2 } as const

/** The share of the time since the last call that the loop was at work, 0 to 1. */
export type Utilization = () => number

export class LoopLag {
  readonly #clock: Clock
  readonly #utilization: Utilization
  readonly #histogram = createHistogram(RANGE)
  #timer: Timer
  #due_ms = 0
  #wait_ms = IDLE_MS
  #judged_ms: number

  /** Watches from now on. */
  constructor(clock: Clock, utilization: Utilization = shareOfProcessor(clock)) {
    this.#clock = clock
    this.#utilization = utilization
    this.#judged_ms = clock.monotonic_ms()
    this.#timer = this.#next(this.#judged_ms)
  }

  /** Of all looks since the last `reset`, in seconds; quantile 1 is the latest. */
  seconds(quantile: number): number {
    if (this.#histogram.count === 0) return 0
    return (quantile === 1 ? this.#histogram.max : this.#histogram.percentile(quantile * 100)) / 1e6
  }

  reset(): void {
    this.#histogram.reset()
  }

  close(): void {
    this.#timer.cancel()
  }

  #look(): void {
    const now_ms = this.#clock.monotonic_ms()
    const late_us = Math.round((now_ms - this.#due_ms) * 1000)
    this.#histogram.record(Math.min(RANGE.highest, Math.max(RANGE.lowest, late_us)))
    if (now_ms - this.#judged_ms >= IDLE_MS) {
      this.#judged_ms = now_ms
      this.#wait_ms = this.#utilization() > BUSY_SHARE ? BUSY_MS : IDLE_MS
    }
    this.#timer = this.#next(now_ms)
  }

  #next(now_ms: number): Timer {
    this.#due_ms = now_ms + this.#wait_ms
    return this.#clock.after(this.#wait_ms, () => this.#look())
  }
}

/** Of the thread's own time: where others have the processor, a loop that waits for it is none with work. */
function shareOfProcessor(clock: Clock): Utilization {
  let [last_us, since_ms] = [threadTime_us(), clock.monotonic_ms()]
  return () => {
    const [now_us, now_ms] = [threadTime_us(), clock.monotonic_ms()]
    const share = (now_us - last_us) / 1000 / Math.max(1, now_ms - since_ms)
    last_us = now_us
    since_ms = now_ms
    return share
  }
}

function threadTime_us(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
