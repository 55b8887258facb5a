/** Repeating what failed, with growing, randomised waits (the Collector's `retry_on_failure`). */
import type { RetryOnFailure } from '../config/schema/blocks.ts'
import type { Clock } from '../self/clock.ts'
import type { Retryable, SendResult } from './sender.ts'
import { onAbort, type Stop } from './stop.ts'

/** From this many failures on, a parcel lets those behind it go first. */
const FAILURES_BEFORE_ASIDE = 3
/** A backend that has answered this many times in a row that it has no room for a parcel: the parcel is too large. */
const EXHAUSTED_MAX = 3
/** Longest wait that a backend can ask for: more is a mistake. */
const RETRY_AFTER_MAX_MS = 10 * 60_000

export interface RetryOptions {
  readonly settings: RetryOnFailure
  readonly clock: Clock
  readonly stop: Stop
  /** Monotonic milliseconds after which nobody waits for the result. */
  readonly deadline_ms?: number | undefined
  /** Can what is sent be cut in two? */
  readonly canBeCut: boolean
  /** Undefined: it cannot be put back, since the sender waits for this very result. */
  readonly others?: Others | undefined
  /** An attempt failed and will be repeated after so many milliseconds. */
  onRetry(failure: Retryable, wait_ms: number): void
}

/** What decides whether a parcel that fails lets others go first. */
export interface Others {
  /** How many parcels the backend has taken. */
  readonly successes: number
  /** Is there another one to send now? */
  readonly hasOthers: boolean
}

/** Why the last attempt was the last. */
export interface Exhausted extends Retryable {
  readonly because: 'retries_exhausted' | 'shutdown'
}

/** Others go first; it is to be tried again after so many milliseconds. */
export interface SetAside {
  readonly outcome: 'aside'
  readonly wait_ms: number
}

export type RetryResult = Exclude<SendResult, Retryable> | Exhausted | SetAside

/** What has happened to a parcel so far: it belongs to the parcel, which may be put back and go on later. */
export class Tries {
  /** Monotonic time of the first attempt. */
  started_ms: number | undefined
  failures = 0
  /** How often in a row the backend had no room for it. */
  exhausted = 0
  /** How many parcels the backend had taken when this one failed first, or last let others go first. */
  successes = 0
  readonly #backoff: Backoff

  constructor(settings: RetryOnFailure, random: () => number) {
    this.#backoff = new Backoff(settings, random)
  }

  /** Milliseconds to wait before the next attempt. */
  failed(failure: Retryable, others: Others | undefined): number {
    if (this.failures === 0) this.successes = others?.successes ?? 0
    this.failures++
    this.exhausted = failure.isExhausted ? this.exhausted + 1 : 0
    return Math.max(this.#backoff.next(), failure.retryAfter_ms ?? 0)
  }

  /** Lets others go first. From here on it counts anew whether others overtake it. */
  goAside(others: Others, wait_ms: number): SetAside {
    this.successes = others.successes
    return { outcome: 'aside', wait_ms }
  }

  /** Has the backend taken others since this one failed first, or made room? */
  isOvertaken(others: Others | undefined): boolean {
    return others !== undefined && others.successes > this.successes
  }
}

/**
 * Tries until an attempt succeeds or fails for good, until no more are allowed, or until others should go first. If the backend
 * takes other parcels meanwhile, this one is put back for the time of its wait. If it takes nothing, the parcel waits here and
 * then lets the next one try in its stead: so a dead backend gets no more attempts than there are consumers.
 */
export async function retry(
  attempt: () => Promise<SendResult>,
  tries: Tries,
  options: RetryOptions,
): Promise<RetryResult> {
  const { clock, stop, others } = options
  tries.started_ms ??= clock.monotonic_ms()
  for (;;) {
    const last = stop.waits.aborted
    const result = capped(await attempt())
    if (result.outcome !== 'retryable') return result
    if (last || stop.work.aborted) return { ...result, because: 'shutdown' }
    if (!options.settings.enabled) return { ...result, because: 'retries_exhausted' }
    const wait_ms = tries.failed(result, others)
    if (isTooLarge(tries, options)) return { outcome: 'too_large', message: `${result.message}, again and again` }
    // A stop that began during the attempt still grants the one last attempt, now.
    if (isTooLate(tries.started_ms, wait_ms, options) && !stop.waits.aborted)
      return { ...result, because: 'retries_exhausted' }
    options.onRetry(result, wait_ms)
    const goesAside = others !== undefined && tries.failures >= FAILURES_BEFORE_ASIDE
    if (goesAside && tries.isOvertaken(others) && !stop.waits.aborted) return tries.goAside(others, wait_ms)
    await wait(wait_ms, clock, stop.waits)
    if (goesAside && others.hasOthers && !stop.waits.aborted) return tries.goAside(others, 0)
  }
}

/** One item alone is too large only if the backend has room for others. */
function isTooLarge(tries: Tries, { canBeCut, others }: RetryOptions): boolean {
  return tries.exhausted >= EXHAUSTED_MAX && (canBeCut || tries.isOvertaken(others))
}

function isTooLate(started_ms: number, wait_ms: number, { settings, clock, deadline_ms }: RetryOptions): boolean {
  const elapsed_ms = clock.monotonic_ms() - started_ms
  const tooLong = settings.max_elapsed_time > 0 && elapsed_ms + wait_ms > settings.max_elapsed_time
  return tooLong || (deadline_ms !== undefined && clock.monotonic_ms() + wait_ms > deadline_ms)
}

function capped(result: SendResult): SendResult {
  if (result.outcome !== 'retryable' || result.retryAfter_ms === undefined) return result
  const asked_ms = Number.isNaN(result.retryAfter_ms) ? 0 : result.retryAfter_ms
  return { ...result, retryAfter_ms: Math.min(Math.max(0, asked_ms), RETRY_AFTER_MAX_MS) }
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
