/**
 * What log records say of the answers of calls whose spans say nothing, until the call settles: by trace and span, in a ring
 * of which the newest are known.
 */

import type { Quality } from '../gen_ai/quality.ts'
import { uint32 } from '../otlp/cursor.ts'

/** So many are known. */
export const QUALITIES_MAX = 1 << 16

export class Qualities {
  /** Slot by key. Keys are 53 bits mixed from trace and span: a false match takes 2^26 spans or so. */
  readonly #slots = new Map<number, number>()
  readonly #keys = new Float64Array(QUALITIES_MAX)
  readonly #scores = new Float64Array(QUALITIES_MAX)
  readonly #signals = new Int32Array(QUALITIES_MAX)
  #added = 0

  /** A record told this of the span whose id stands at `spanId`. Of several the worst counts. `traceHash` as `hashTraceId`. */
  add(traceHash: number, bytes: Uint8Array, spanId: number, { score, signals }: Quality): void {
    const key = keyOf(traceHash, uint32(bytes, spanId), uint32(bytes, spanId + 4))
    const known = this.#slots.get(key)
    const slot = known ?? this.#newSlot(key)
    const before = known === undefined ? Number.NaN : this.#scores[slot]!
    this.#scores[slot] = before <= score ? before : Number.isNaN(score) ? before : score
    this.#signals[slot] = (known === undefined ? 0 : this.#signals[slot]!) | signals
  }

  /** Fills `quality` with what is known of the span with these words of its id; false if it is nothing. */
  find(traceHash: number, high: number, low: number, quality: Quality): boolean {
    const slot = this.#slots.get(keyOf(traceHash, high, low))
    if (slot === undefined) return false
    quality.score = this.#scores[slot]!
    quality.signals = this.#signals[slot]!
    return true
  }

  #newSlot(key: number): number {
    const slot = this.#added++ % QUALITIES_MAX
    if (this.#added > QUALITIES_MAX) this.#slots.delete(this.#keys[slot]!)
    this.#slots.set(key, slot)
    this.#keys[slot] = key
    return slot
  }
}

function keyOf(traceHash: number, high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(traceHash, 0x85ebca6b), 0x9e3779b1)
  return ((high ^ traceHash) >>> 0) * 2 ** 21 + (mixed >>> 11)
}
