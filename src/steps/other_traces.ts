/**
 * Calls counted lately, to notice those that are reported again in another trace. Bounded: the newest are known, and
 * nothing is allocated for a call. The rules are in `same_call.ts`.
 */

import { type CallFacts, isSameInOtherTrace, isStreamTold } from '../gen_ai/grouping/same_call.ts'
import {
  AWAITS_RECORD,
  type CallRows,
  factsOf,
  INT,
  type IntName,
  NUMBER,
  nearnessOf,
  STREAM_RECORD,
} from './call_rows.ts'

/** So many calls of each kind are known. A power of two. */
const CALLS_MAX = 8192
/** So many with equal keys are looked at. */
const COMPARED_MAX = 64
const NEARNESSES = 3
/** Column of a copy, which has no takers: bits of those for whom it is one call with another trace's. */
const PAIRED = INT.takers

export class OtherTraces {
  readonly #calls: CallRows
  /** By response id; and, for roots of a provider's SDK and calls without an id, by process and model. */
  #byId: Recent | undefined
  #byPlace: Recent | undefined

  constructor(calls: CallRows) {
    this.#calls = calls
  }

  /** For whom of `bits` has the call been added as part of another trace? */
  find(call: number, bits: number): number {
    const id = this.#int(call, 'response')
    let found = id === 0 ? 0 : (this.#byId?.find(id, this.#calls, call, bits) ?? 0)
    const nearness = this.#nearness(call)
    if (id !== 0 && nearness === 0) return found
    for (let other = 0; other < NEARNESSES && found !== bits; other++) {
      const place = other === nearness && !this.#isOfStream(call) ? 0 : this.#place(call, other)
      if (place !== 0) found |= this.#byPlace?.find(place, this.#calls, call, bits & ~found) ?? 0
    }
    return found
  }

  add(call: number, bits: number): void {
    const id = this.#int(call, 'response')
    if (id !== 0) (this.#byId ??= new Recent()).add(id, this.#calls, call, bits)
    const nearness = this.#nearness(call)
    if (id !== 0 && nearness === 0) return
    const place = this.#place(call, nearness)
    if (place !== 0) (this.#byPlace ??= new Recent()).add(place, this.#calls, call, bits)
  }

  #int(call: number, name: IntName): number {
    return this.#calls.ints[call * INT.width + INT[name]]!
  }

  /** One instrumentation tells of it twice. */
  #isOfStream(call: number): boolean {
    return (this.#int(call, 'flags') & (STREAM_RECORD | AWAITS_RECORD)) !== 0
  }

  /** Of what a provider's SDK or its instrumentation began a trace with; of all others 0. */
  #nearness(call: number): number {
    const isRoot = this.#int(call, 'parentHigh') === 0 && this.#int(call, 'parentLow') === 0
    return isRoot ? nearnessOf(this.#int(call, 'flags')) : 0
  }

  /** Of calls that are so near to the provider; 0 where process or model are unknown. */
  #place(call: number, nearness: number): number {
    const resource = this.#int(call, 'resource')
    const model = this.#int(call, 'model')
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

  add(key: number, calls: CallRows, call: number, bits: number): void {
    const count = ++this.#added
    const row = count % CALLS_MAX
    const { ints, numbers } = calls
    for (let at = 0; at < INT.width; at++) this.#ints[row * INT.width + at] = ints[call * INT.width + at]!
    for (let at = 0; at < NUMBER.width; at++)
      this.#numbers[row * NUMBER.width + at] = numbers[call * NUMBER.width + at]!
    this.#ints[row * INT.width + INT.told] = bits
    this.#ints[row * INT.width + PAIRED] = 0
    this.#keys[row] = key
    this.#before[row] = this.#heads[slotOf(key)]!
    this.#heads[slotOf(key)] = count
  }

  /** To which of `bits` is a call with this key the same as that one? Where it is, the two are paired for them from now on. */
  find(key: number, calls: CallRows, call: number, bits: number): number {
    let found = 0
    for (let same = -1; found !== bits && same !== 0; found |= same) same = this.#pair(key, calls, call, bits & ~found)
    return found
  }

  /** The same for some of `bits`: the call that fits most tightly, since streams of a moment ago may look alike; 0 if none does. */
  #pair(key: number, calls: CallRows, call: number, bits: number): number {
    let facts: CallFacts | undefined
    let best = -1
    let nearest_ms = Number.POSITIVE_INFINITY
    let same = 0
    let compared = 0
    // Rows further back have been written over.
    const oldest = Math.max(this.#added - CALLS_MAX, 0)
    for (let count = this.#heads[slotOf(key)]!; count > oldest && compared++ < COMPARED_MAX; ) {
      const row = count % CALLS_MAX
      count = this.#before[row]!
      const told = this.#ints[row * INT.width + INT.told]! & bits
      if (this.#keys[row] !== key || told === 0) continue
      facts ??= factsOf(calls.ints, calls.numbers, call, bits)
      const known = factsOf(this.#ints, this.#numbers, row)
      const gap_ms = gapBetween(known, facts)
      if (best >= 0 && !(gap_ms < nearest_ms)) continue
      const ofRow = this.#sameFor(told, row, known, facts)
      if (ofRow === 0) continue
      best = row
      nearest_ms = gap_ms
      same = ofRow
    }
    if (best >= 0) this.#ints[best * INT.width + PAIRED]! |= same
    return same
  }

  #sameFor(told: number, row: number, known: CallFacts, facts: CallFacts): number {
    const paired = told & this.#ints[row * INT.width + PAIRED]!
    let same = 0
    if (paired !== told && (isSameInOtherTrace(known, facts) || isStreamTold(known, facts))) same |= told & ~paired
    if (paired !== 0 && isSameInOtherTrace({ ...known, isMerged: true }, facts)) same |= paired
    return same
  }
}

function slotOf(key: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 16) & (CALLS_MAX - 1)
}

/** How far apart the two are: a stream begins where its request's report ends. */
function gapBetween(a: CallFacts, b: CallFacts): number {
  if (a.isStreamRecord !== b.isStreamRecord) {
    const [request, record] = a.isStreamRecord ? [b, a] : [a, b]
    return Math.abs(record.start_ms - request.end_ms)
  }
  return Math.abs(a.start_ms - b.start_ms) + Math.abs(a.end_ms - b.end_ms)
}
