/** Bytes in an array, and the same as a view that reads four at a time. */
export interface ViewedBytes {
  readonly bytes: Buffer
  readonly view: DataView
}

export function viewed(bytes: Buffer): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

export const NOTHING = viewed(Buffer.alloc(0))

/**
 * A bounded memory of short byte strings with a number each. A slot keeps what was put there last, so nothing grows and
 * nothing has to be forgotten; what is not found is worked out again.
 */
export class ByteCache {
  readonly #slots: number
  readonly #width: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #lengths: Uint8Array
  readonly #values: Int32Array
  /** Hash of what was last offered, by slot. */
  readonly #offered: Int32Array

  /** `slots`: a power of two. Strings longer than `length_max` (at most 255) are never found. */
  constructor(slots: number, length_max: number) {
    this.#slots = slots
    this.#width = length_max
    this.#bytes = new Uint8Array(slots * length_max)
    this.#view = new DataView(this.#bytes.buffer)
    this.#lengths = new Uint8Array(slots)
    this.#values = new Int32Array(slots)
    this.#offered = new Int32Array(slots)
  }

  /** The number kept for [start, end), or -1. */
  find(source: ViewedBytes, start: number, end: number): number {
    const length = end - start
    if (length < 4 || length > this.#width) return -1
    const view = source.view
    const slot = hashOf(view, start, length) & (this.#slots - 1)
    if (this.#lengths[slot] !== length) return -1
    const kept = this.#view
    let at = slot * this.#width
    let p = start
    for (; p + 4 <= end; p += 4, at += 4) if (view.getInt32(p, true) !== kept.getInt32(at, true)) return -1
    // The last four bytes once more, so that no byte is left out.
    return view.getInt32(end - 4, true) === kept.getInt32(slot * this.#width + length - 4, true)
      ? this.#values[slot]!
      : -1
  }

  /** As `put`, but only what is offered twice: most of what differs from item to item is seen once and costs no copy. */
  offer(source: ViewedBytes, start: number, end: number, value: number): void {
    const length = end - start
    if (length < 4 || length > this.#width) return
    const hash = hashOf(source.view, start, length)
    const slot = hash & (this.#slots - 1)
    if (this.#offered[slot] === hash) this.put(source, start, end, value)
    else this.#offered[slot] = hash
  }

  /** Keeps a number (0 or more) for [start, end), if that is not too long. */
  put(source: ViewedBytes, start: number, end: number, value: number): void {
    const length = end - start
    if (length < 4 || length > this.#width) return
    const slot = hashOf(source.view, start, length) & (this.#slots - 1)
    this.#lengths[slot] = length
    this.#values[slot] = value
    const at = slot * this.#width
    for (let i = 0; i < length; i++) this.#bytes[at + i] = source.bytes[start + i]!
  }
}

/** Of a few places, most of them at the end, where keys and values of one kind differ. */
function hashOf(view: DataView, start: number, length: number): number {
  const end = start + length
  let hash = Math.imul(view.getInt32(end - 4, true) ^ length, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ view.getInt32(start + ((length - 4) >> 1), true), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ view.getInt32(length < 16 ? start : end - 8, true), 0xc2b2ae35)
  if (length >= 16) {
    hash = Math.imul(hash ^ (hash >>> 15) ^ view.getInt32(end - 12, true), 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 13) ^ view.getInt32(end - 16, true), 0x85ebca6b)
  }
  return hash ^ (hash >>> 16)
}
