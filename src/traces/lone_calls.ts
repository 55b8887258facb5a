/**
 * Calls without a trace that a span in some trace may tell of as well, which knows more: they wait in the order in which they
 * came, longer than that span's trace needs to settle.
 */
import type { LinkedCalls, SettledCalls } from './traces_of_calls.ts'

/** Gone calls are cut off in lots of so many. */
const LOT = 1024

export class LoneCalls {
  readonly #calls: LinkedCalls
  readonly #settledCalls: SettledCalls
  readonly #calls_max: number
  readonly #waiting: number[] = []
  readonly #since_ms: number[] = []
  #first = 0

  /** `calls_max`: over it those that wait longest settle early. */
  constructor(calls: LinkedCalls, settledCalls: SettledCalls, calls_max: number) {
    this.#calls = calls
    this.#settledCalls = settledCalls
    this.#calls_max = calls_max
  }

  add(call: number, now_ms: number): void {
    this.#waiting.push(call)
    this.#since_ms.push(now_ms)
    if (this.#waiting.length - this.#first > this.#calls_max) this.settleOldest()
  }

  /** False if none waits. */
  settleOldest(): boolean {
    if (this.#first === this.#waiting.length) return false
    const call = this.#waiting[this.#first++]!
    if (this.#first === LOT) {
      this.#waiting.splice(0, LOT)
      this.#since_ms.splice(0, LOT)
      this.#first = 0
    }
    this.#settledCalls.settle([call])
    this.#calls.remove(call)
    return true
  }

  /** Settles those that came `wait_ms` ago. */
  settle(now_ms: number, wait_ms: number): void {
    while (now_ms - this.#since_ms[this.#first]! >= wait_ms) this.settleOldest()
  }

  close(): void {
    while (this.settleOldest());
  }
}
