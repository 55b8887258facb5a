/**
 * Where the spans are that wait, by a hash of trace and span id: whether a span has come before costs the same however
 * many its trace has. Open addressing over numbers; equal hashes stand apart.
 */
import { uint32 } from '../../../otlp/cursor.ts'

/** The mark of what is not looked for. */
export const UNMARKED = 0

const FIRST_LENGTH = 1024
/** So many places of one hash are known: who sends one id a million times compares no more. */
const EQUAL_MAX = 64
const MULTIPLIER = 0x9e3779b1

export class SpanPlaces {
  /** By slot: the mark, UNMARKED where it is free, and the address. */
  #marks = new Int32Array(FIRST_LENGTH)
  #addresses = new Float64Array(FIRST_LENGTH)
  #count = 0
  /** Not known to senders, who could else choose ids that stand in each other's way. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32)

  /** Of the span whose id stands at `spanId`, in the trace of that hash; UNMARKED if it has no id. */
  markOf(traceHash: number, bytes: Uint8Array, spanId: number): number {
    if (spanId < 0) return UNMARKED
    const low = Math.imul(uint32(bytes, spanId) ^ this.#seed, MULTIPLIER)
    const mixed = Math.imul(uint32(bytes, spanId + 4) ^ (low >>> 15) ^ low ^ traceHash, MULTIPLIER)
    return (mixed ^ (mixed >>> 16)) | 0 || 1
  }

  add(mark: number, address: number): void {
    if (mark === UNMARKED) return
    if ((this.#count + 1) * 2 > this.#marks.length) this.#resize(this.#marks.length * 2)
    const mask = this.#marks.length - 1
    let equal = 0
    let slot = mark & mask
    for (; this.#marks[slot] !== UNMARKED; slot = (slot + 1) & mask)
      if (this.#marks[slot] === mark && ++equal === EQUAL_MAX) return
    this.#marks[slot] = mark
    this.#addresses[slot] = address
    this.#count++
  }

  remove(mark: number, address: number): void {
    if (mark === UNMARKED) return
    const mask = this.#marks.length - 1
    let slot = mark & mask
    while (this.#marks[slot] !== mark || this.#addresses[slot] !== address) {
      if (this.#marks[slot] === UNMARKED) return
      slot = (slot + 1) & mask
    }
    this.#erase(slot, mask)
    this.#count--
    // Room to spare, or it would be made anew at once.
    if (this.#marks.length > FIRST_LENGTH && this.#count * 8 < this.#marks.length) this.#resize(this.#marks.length / 2)
  }

  /** Calls `visit` with the address of each that has this mark. It may not add or remove any. */
  forEach(mark: number, visit: (address: number) => void): void {
    if (mark === UNMARKED) return
    const mask = this.#marks.length - 1
    for (let slot = mark & mask; this.#marks[slot] !== UNMARKED; slot = (slot + 1) & mask)
      if (this.#marks[slot] === mark) visit(this.#addresses[slot]!)
  }

  get size_bytes(): number {
    return this.#marks.byteLength + this.#addresses.byteLength
  }

  /** Frees the slot, moving back what had been pushed along by it. */
  #erase(slot: number, mask: number): void {
    const [marks, addresses] = [this.#marks, this.#addresses]
    let hole = slot
    for (let at = (hole + 1) & mask; marks[at] !== UNMARKED; at = (at + 1) & mask) {
      const home = marks[at]! & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      marks[hole] = marks[at]!
      addresses[hole] = addresses[at]!
      hole = at
    }
    marks[hole] = UNMARKED
  }

  #resize(length: number): void {
    const [marks, addresses] = [this.#marks, this.#addresses]
    this.#marks = new Int32Array(length)
    this.#addresses = new Float64Array(length)
    for (let at = 0; at < marks.length; at++) {
      if (marks[at] === UNMARKED) continue
      let slot = marks[at]! & (length - 1)
      while (this.#marks[slot] !== UNMARKED) slot = (slot + 1) & (length - 1)
      this.#marks[slot] = marks[at]!
      this.#addresses[slot] = addresses[at]!
    }
  }
}
