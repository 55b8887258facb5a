/** Policies that let so much through in a time: they remember, so they are asked in the order of the decisions. */

/** Fills evenly up to its capacity; full at first. The Collector's rate limiters (golang.org/x/time/rate, AllowN) do so. */
export class TokenBucket {
  readonly #per_second: number
  readonly #capacity: number
  #tokens: number
  #asked_ms = Number.NEGATIVE_INFINITY

  constructor(per_second: number, capacity: number) {
    this.#per_second = per_second
    this.#capacity = capacity
    this.#tokens = capacity
  }

  /** Takes so many tokens if they are there, none otherwise. `now_ms`: monotonic. */
  take(tokens: number, now_ms: number): boolean {
    if (now_ms > this.#asked_ms) {
      const filled = this.#tokens + ((now_ms - this.#asked_ms) / 1000) * this.#per_second
      this.#tokens = Math.min(this.#capacity, filled)
      this.#asked_ms = now_ms
    }
    if (tokens > this.#tokens) return false
    this.#tokens -= tokens
    return true
  }
}

/** So many in each second of the wall clock; what does not fit leaves room for something smaller. */
export class SecondBudget {
  readonly #per_second: number
  #second = -1
  #used = 0

  constructor(per_second: number) {
    this.#per_second = per_second
  }

  take(amount: number, unix_ms: number): boolean {
    const second = Math.floor(unix_ms / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#used = 0
    }
    if (this.#used + amount > this.#per_second) return false
    this.#used += amount
    return true
  }
}
