/** Repeating what failed, with growing, randomised waits (the Collector's `retry_on_failure`). */
import type { RetryOnFailure } from '../config/blocks.ts'
import type { Clock } from '../self/clock.ts'
import type { Retryable, SendResult } from './sender.ts'
import { onAbort, type Stop } from './stop.ts'

export interface RetryOptions {
  readonly settings: RetryOnFailure
  readonly clock: Clock
  readonly stop: Stop
  /** Unix milliseconds after which nobody waits for the result. */
  readonly deadline_ms?: number | undefined
  /** Uniform in [0, 1): Math.random, or a seeded one. */
  readonly random: () => number
  /** An attempt failed and will be repeated after so many milliseconds. */
  onRetry(failure: Retryable, wait_ms: number): void
}

/** Why the last attempt was the last. */
export interface Exhausted extends Retryable {
  readonly because: 'retries_exhausted' | 'shutdown'
}

export type RetryResult = Exclude<SendResult, Retryable> | Exhausted

/** Attempts until one succeeds, fails for good, or no more are allowed. */
export async function retry(attempt: () => Promise<SendResult>, options: RetryOptions): Promise<RetryResult> {
  const { settings, clock, stop } = options
  const started_ms = clock.monotonic_ms()
  const waits = new Backoff(settings, options.random)
  for (;;) {
    const last = stop.waits.aborted
    const result = await attempt()
    if (result.outcome !== 'retryable') return result
    if (last || stop.work.aborted) return { ...result, because: 'shutdown' }
    if (!settings.enabled) return { ...result, because: 'retries_exhausted' }
    const wait_ms = Math.max(waits.next(), result.retryAfter_ms ?? 0)
    const elapsed_ms = clock.monotonic_ms() - started_ms
    const tooLong = settings.max_elapsed_time > 0 && elapsed_ms + wait_ms > settings.max_elapsed_time
    const tooLate = options.deadline_ms !== undefined && clock.now_ms() + wait_ms > options.deadline_ms
    // A stop that began during the attempt still grants the one last attempt, now.
    if ((tooLong || tooLate) && !stop.waits.aborted) return { ...result, because: 'retries_exhausted' }
    options.onRetry(result, wait_ms)
    await wait(wait_ms, clock, stop.waits)
  }
}

/** Waits of an exponential backoff: grow by the multiplier to the maximum, each varied by the randomization factor. */
export class Backoff {
  readonly #settings: RetryOnFailure
  readonly #random: () => number
  #interval_ms: number

  constructor(settings: RetryOnFailure, random: () => number) {
    this.#settings = settings
    this.#random = random
    this.#interval_ms = settings.initial_interval
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { randomization_factor, multiplier, max_interval } = this.#settings
    const interval_ms = this.#interval_ms
    this.#interval_ms = Math.min(interval_ms * multiplier, Math.max(max_interval, interval_ms))
    return interval_ms * (1 + randomization_factor * (2 * this.#random() - 1))
  }
}

function wait(wait_ms: number, clock: Clock, cut: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(wait_ms, () => {
      release()
      resolve()
    })
    const release = onAbort(cut, () => {
      timer.cancel()
      resolve()
    })
  })
}
