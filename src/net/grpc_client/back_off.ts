const FIRST_MS = 1_000
const LONGEST_MS = 10_000
const MULTIPLIER = 1.6
const JITTER = 0.2

/**
 * How long to wait before the next attempt to connect: 1 s, and 1.6 times as long after each further failure, up to 10 s;
 * a fifth more or less, so that many clients of a server that comes back do not come at once.
 */
export class BackOff {
  readonly #random: () => number
  #failures = 0

  /** `random`: numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds. */
  next(): number {
    const wait_ms = Math.min(LONGEST_MS, FIRST_MS * MULTIPLIER ** this.#failures)
    this.#failures++
    return wait_ms * (1 - JITTER + 2 * JITTER * this.#random())
  }

  reset(): void {
    this.#failures = 0
  }
}
