/**
 * Calls counted lately, to notice those that are reported again in another trace. Bounded: the newest are known, and
 * nothing is allocated for a call. The rules are in `same_call.ts`.
 */
import { factsOf, INT, MERGED, NUMBER, nearnessOf } from './call_rows.ts'
import type { Calls } from './calls.ts'
import { type CallFacts, isSameInOtherTrace } from './same_call.ts'

/** So many calls of each kind are known. A power of two. */
const CALLS_MAX = 8192
/** So many with equal keys are looked at. */
const COMPARED_MAX = 64
const NEARNESSES = 3

export class OtherTraces {
  readonly #calls: Calls
  /** By response id; and, for roots of a provider's SDK and calls without an id, by process and model. */
  #byId: Recent | undefined
  #byPlace: Recent | undefined

  constructor(calls: Calls) {
    this.#calls = calls
  }

  /** Has the call been added as part of another trace? */
  find(call: number): boolean {
    const id = this.#calls.int(call, 'response')
    if (id !== 0 && this.#byId?.has(id, this.#calls, call)) return true
    const nearness = this.#nearness(call)
    if (id !== 0 && nearness === 0) return false
    for (let other = 0; other < NEARNESSES; other++) {
      const place = other === nearness ? 0 : this.#place(call, other)
      if (place !== 0 && this.#byPlace?.has(place, this.#calls, call)) return true
    }
    return false
  }

  add(call: number): void {
    const id = this.#calls.int(call, 'response')
    if (id !== 0) (this.#byId ??= new Recent()).add(id, this.#calls, call)
    const nearness = this.#nearness(call)
    if (id !== 0 && nearness === 0) return
    const place = this.#place(call, nearness)
    if (place !== 0) (this.#byPlace ??= new Recent()).add(place, this.#calls, call)
  }

  /** Of what a provider's SDK or its instrumentation began a trace with; of all others 0. */
  #nearness(call: number): number {
    const isRoot = this.#calls.int(call, 'parentHigh') === 0 && this.#calls.int(call, 'parentLow') === 0
    return isRoot ? nearnessOf(this.#calls.int(call, 'flags')) : 0
  }

  /** Of calls that are so near to the provider; 0 where process or model are unknown. */
  #place(call: number, nearness: number): number {
    const resource = this.#calls.int(call, 'resource')
    const model = this.#calls.int(call, 'model')
    if (resource === 0 || model === 0) return 0
    return Math.imul(resource, 0x01000193) ^ Math.imul(model * NEARNESSES + nearness, 0x9e3779b1) || 1
  }
}

/** Copies of rows in a ring, chained by key: the newest first. */
class Recent {
  readonly #ints = new Int32Array(CALLS_MAX * INT.width)
  readonly #numbers = new Float64Array(CALLS_MAX * NUMBER.width)
  readonly #keys = new Int32Array(CALLS_MAX)
  /** For each slot of keys its newest row, and for each row the one before: counted on for ever, 0 for none. */
  readonly #heads = new Float64Array(CALLS_MAX)
  readonly #before = new Float64Array(CALLS_MAX)
  #added = 0

  add(key: number, calls: Calls, call: number): void {
    const count = ++this.#added
    const row = count % CALLS_MAX
    const { ints, numbers } = calls
    for (let at = 0; at < INT.width; at++) this.#ints[row * INT.width + at] = ints[call * INT.width + at]!
    for (let at = 0; at < NUMBER.width; at++)
      this.#numbers[row * NUMBER.width + at] = numbers[call * NUMBER.width + at]!
    this.#keys[row] = key
    this.#before[row] = this.#heads[slotOf(key)]!
    this.#heads[slotOf(key)] = count
  }

  /** Is a call with this key the same as that one? If so, the two are paired from now on. */
  has(key: number, calls: Calls, call: number): boolean {
    let facts: CallFacts | undefined
    let compared = 0
    // Rows further back have been written over.
    const oldest = Math.max(this.#added - CALLS_MAX, 0)
    for (let count = this.#heads[slotOf(key)]!; count > oldest && compared++ < COMPARED_MAX; ) {
      const row = count % CALLS_MAX
      count = this.#before[row]!
      if (this.#keys[row] !== key) continue
      facts ??= calls.facts(call)
      if (!isSameInOtherTrace(factsOf(this.#ints, this.#numbers, row), facts)) continue
      this.#ints[row * INT.width + INT.flags]! |= MERGED
      return true
    }
    return false
  }
}

function slotOf(key: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 16) & (CALLS_MAX - 1)
}
