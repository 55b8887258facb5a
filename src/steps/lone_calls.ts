/**
 * Calls without a trace that a span in some trace may tell of as well, which knows more: they wait in the order in which they
 * came, longer than that span's trace needs to settle.
 */
import { ALL } from './call_rows.ts'
import type { LinkedCalls, Teller } from './traces_of_calls.ts'

type Waiting = Pick<LinkedCalls, 'takers' | 'told' | 'addTold' | 'remove'>

/** Gone calls are cut off in lots of so many. */
const LOT = 1024

export class LoneCalls {
  readonly #calls: Waiting
  readonly #teller: Pick<Teller, 'settle'>
  readonly #calls_max: () => number
  readonly #waiting: number[] = []
  readonly #since_ms: number[] = []
  #first = 0

  /** `calls_max`: over it those that wait longest settle early. */
  constructor(calls: Waiting, teller: Pick<Teller, 'settle'>, calls_max: () => number) {
    this.#calls = calls
    this.#teller = teller
    this.#calls_max = calls_max
  }

  add(call: number, now_ms: number): void {
    this.#waiting.push(call)
    this.#since_ms.push(now_ms)
    if (this.#waiting.length - this.#first > this.#calls_max()) this.settleOldest()
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
    this.#tell(call, ALL)
    this.#calls.remove(call)
    return true
  }

  /** Settles those that came `wait_ms` ago. */
  settle(now_ms: number, wait_ms: number): void {
    while (now_ms - this.#since_ms[this.#first]! >= wait_ms) this.settleOldest()
  }

  /** Those of `bits` are told of what waits; others go on waiting for it. */
  leave(bits: number): void {
    for (let at = this.#first; at < this.#waiting.length; at++) this.#tell(this.#waiting[at]!, bits)
  }

  close(): void {
    while (this.settleOldest());
  }

  #tell(call: number, bits: number): void {
    const untold = this.#calls.takers(call) & ~this.#calls.told(call) & bits
    if (untold !== 0) this.#teller.settle([call], untold)
    this.#calls.addTold(call, untold)
  }
}
