/** Bytes in an array, and the same as a view that reads four at a time. */
export interface ViewedBytes {
  readonly bytes: Buffer
  readonly view: DataView
}

export function viewed(bytes: Buffer): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

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

  /** `slots`: a power of two. Strings longer than `length_max` (at most 255) are never found. */
  constructor(slots: number, length_max: number) {
    this.#slots = slots
    this.#width = length_max
    this.#bytes = new Uint8Array(slots * length_max)
    this.#view = new DataView(this.#bytes.buffer)
    this.#lengths = new Uint8Array(slots)
    this.#values = new Int32Array(slots)
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

function hashOf(view: DataView, start: number, length: number): number {
  const first = view.getInt32(start, true)
  const last = view.getInt32(start + length - 4, true)
  const middle = view.getInt32(start + ((length - 4) >> 1), true)
  const hash = Math.imul(first ^ length, 0x9e3779b1) ^ Math.imul(last, 0x85ebca6b) ^ Math.imul(middle, 0xc2b2ae35)
  return (hash ^ (hash >>> 15)) >>> 0
}
