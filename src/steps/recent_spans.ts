/**
 * Spans and log records seen lately, to notice what a sender sent twice. Two generations of a hash set: when one is full, the other
 * is forgotten. A span is known by 64 bits mixed from its trace and span id, so a false match takes 2^32 spans or so.
 */
import { uint32 } from '../otlp/cursor.ts'

const PROBE_MULTIPLIER = 0x9e3779b1

export class RecentSpans {
  readonly #spans_min: number
  readonly #bytes_max: () => number
  #current: Generation
  #previous: Generation

  /** Remembers at least the last `spans_min`, at most twice as many; fewer where `bytes_max` does not allow it. */
  constructor(spans_min: number, bytes_max: () => number = () => Number.POSITIVE_INFINITY) {
    this.#spans_min = spans_min
    this.#bytes_max = bytes_max
    this.#current = new Generation()
    this.#previous = new Generation()
  }

  get size_bytes(): number {
    return this.#current.size_bytes + this.#previous.size_bytes
  }

  /** Has `bit` (of 31) seen the span before? From now on it has. `traceHash` is `hashTraceId` of its trace. */
  seen(traceHash: number, bytes: Uint8Array, spanId: number, bit = 1): boolean {
    const low = (uint32(bytes, spanId) ^ Math.imul(traceHash, PROBE_MULTIPLIER)) | 0
    const high = (uint32(bytes, spanId + 4) ^ traceHash) | 1
    return this.#seen(low, high, bit)
  }

  /** The same of a log record, which has no id: it is known by its bytes and `origin`, a number for what it came from. */
  seenRecord(origin: number, bytes: Uint8Array, start: number, end: number, bit = 1): boolean {
    let low = origin | 0
    let high = 0x811c9dc5
    for (let at = start; at < end; at++) {
      low = Math.imul(low ^ bytes[at]!, PROBE_MULTIPLIER)
      low ^= low >>> 15
      high = Math.imul(high ^ bytes[at]!, 0x01000193)
    }
    return this.#seen(low, (high ^ origin) | 1, bit)
  }

  #seen(low: number, high: number, bit: number): boolean {
    const bits = this.#current.add(low, high, bit, false) || this.#previous.add(low, high, bit, false)
    if (bits !== 0) return (bits & bit) !== 0
    if (this.#isFull()) {
      this.#previous = this.#current
      this.#current = new Generation()
    }
    this.#current.add(low, high, bit, true)
    return false
  }

  #isFull(): boolean {
    const { size } = this.#current
    if (size >= this.#spans_min) return true
    return this.#current.isAtBound && this.#current.size_bytes * 4 > this.#bytes_max()
  }
}

/** Three integers a slot: two of the hash, and the bits of those who have seen it. */
const WIDTH = 3

/** Open addressing; the hash's second half is odd, so a zero marks a free slot. */
class Generation {
  size = 0
  #slots = new Int32Array(1024 * WIDTH)

  get size_bytes(): number {
    return this.#slots.byteLength
  }

  /** One more would need twice the memory. */
  get isAtBound(): boolean {
    return (this.size + 1) * WIDTH * 2 > this.#slots.length
  }

  /** Adds the bit; the bits that were there, 0 if the entry was not. `isNew`: then it is made. */
  add(low: number, high: number, bit: number, isNew: boolean): number {
    if (isNew && this.isAtBound) this.#grow()
    const slots = this.#slots
    const rows = slots.length / WIDTH
    let at = (slotOf(low, high) & (rows - 1)) * WIDTH
    for (; slots[at + 1] !== 0; at = at + WIDTH === slots.length ? 0 : at + WIDTH) {
      if (slots[at] !== low || slots[at + 1] !== high) continue
      const bits = slots[at + 2]!
      slots[at + 2] = bits | bit
      return bits
    }
    if (isNew) {
      this.size++
      slots[at] = low
      slots[at + 1] = high
      slots[at + 2] = bit
    }
    return 0
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    this.size = 0
    for (let at = 0; at < old.length; at += WIDTH)
      if (old[at + 1] !== 0) this.add(old[at]!, old[at + 1]!, old[at + 2]!, true)
  }
}

function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low ^ (high >>> 7), PROBE_MULTIPLIER)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
