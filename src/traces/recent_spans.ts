/**
 * Spans and log records seen lately, to notice what a sender sent twice. Two generations of a hash set: when one is full, the other
 * is forgotten. A span is known by 64 bits mixed from its trace and span id, so a false match takes 2^32 spans or so.
 */
import { uint32 } from '../otlp/cursor.ts'

const PROBE_MULTIPLIER = 0x9e3779b1

export class RecentSpans {
  readonly #entries_max: number
  #current: Generation
  #previous: Generation

  /** Remembers at least the last `spans_min`, at most twice as many. */
  constructor(spans_min: number) {
    this.#entries_max = spans_min
    this.#current = new Generation()
    this.#previous = new Generation()
  }

  /** Was the span seen before? From now on it was. `traceHash` is `hashTraceId` of its trace. */
  seen(traceHash: number, bytes: Uint8Array, spanId: number): boolean {
    const low = (uint32(bytes, spanId) ^ Math.imul(traceHash, PROBE_MULTIPLIER)) | 0
    const high = (uint32(bytes, spanId + 4) ^ traceHash) | 1
    return this.#seen(low, high)
  }

  /** The same of a log record, which has no id: it is known by its bytes and `origin`, a number for what it came from. */
  seenRecord(origin: number, bytes: Uint8Array, start: number, end: number): boolean {
    let low = origin | 0
    let high = 0x811c9dc5
    for (let at = start; at < end; at++) {
      low = Math.imul(low ^ bytes[at]!, PROBE_MULTIPLIER)
      low ^= low >>> 15
      high = Math.imul(high ^ bytes[at]!, 0x01000193)
    }
    return this.#seen(low, (high ^ origin) | 1)
  }

  #seen(low: number, high: number): boolean {
    if (this.#current.has(low, high) || this.#previous.has(low, high)) return true
    if (this.#current.size === this.#entries_max) {
      this.#previous = this.#current
      this.#current = new Generation()
    }
    this.#current.add(low, high)
    return false
  }
}

/** Open addressing; `high` is odd, so a zero marks a free slot. */
class Generation {
  size = 0
  #slots = new Int32Array(2048)

  has(low: number, high: number): boolean {
    const slots = this.#slots
    const mask = slots.length / 2 - 1
    for (let slot = slotOf(low, high) & mask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      if (slots[slot * 2] === low && slots[slot * 2 + 1] === high) return true
    }
    return false
  }

  add(low: number, high: number): void {
    if (++this.size * 4 > this.#slots.length) this.#grow()
    this.#put(low, high)
  }

  #put(low: number, high: number): void {
    const slots = this.#slots
    const mask = slots.length / 2 - 1
    let slot = slotOf(low, high) & mask
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask
    slots[slot * 2] = low
    slots[slot * 2 + 1] = high
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) this.#put(old[at]!, old[at + 1]!)
  }
}

function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low ^ (high >>> 7), PROBE_MULTIPLIER)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
