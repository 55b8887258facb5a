/**
 * Names looked up by their bytes: a small hash of length and two bytes finds the candidate, one comparison proves it.
 * Used for attribute keys, where making a string of each would cost more than all other work on a span.
 */
export class KeySet {
  readonly names: readonly string[]
  readonly #keys: readonly Buffer[]
  /** Heads of the chains, by hash: position in `names` plus one. */
  readonly #heads: Uint16Array
  readonly #nexts: Uint16Array
  readonly #mask: number
  /** 1 for the bytes with which names begin: most others are told apart by it alone. */
  readonly #firstBytes = new Uint8Array(256)
  /** Position of the empty name, -1 if it is none of them. */
  readonly #empty: number

  constructor(names: readonly string[]) {
    this.names = names
    this.#empty = names.indexOf('')
    this.#keys = names.map((name) => Buffer.from(name))
    const size = 2 ** Math.ceil(Math.log2(names.length * 16 + 16))
    this.#mask = size - 1
    this.#heads = new Uint16Array(size)
    this.#nexts = new Uint16Array(names.length + 1)
    for (const [at, key] of this.#keys.entries()) {
      if (key.length === 0) continue
      this.#firstBytes[key[0]!] = 1
      const hash = hashOf(key, 0, key.length) & this.#mask
      this.#nexts[at + 1] = this.#heads[hash]!
      this.#heads[hash] = at + 1
    }
  }

  /** Position of the name that stands in [start, end), or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return this.#empty
    if (this.#firstBytes[bytes[start]!] === 0) return -1
    let candidate = this.#heads[hashOf(bytes, start, end) & this.#mask]!
    while (candidate !== 0) {
      if (isEqual(this.#keys[candidate - 1]!, bytes, start, end)) return candidate - 1
      candidate = this.#nexts[candidate]!
    }
    return -1
  }
}

/** Of a few bytes: it is asked of every key of every attribute, and most keys are none of the names. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  return length * 31 + bytes[end - 1]! * 73 + bytes[start + (length >> 1)]! * 151
}

/** Are these the same bytes? Compared from the end, since names that are alike begin alike. */
export function isEqual(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = key.length
  if (end - start !== length) return false
  for (let at = length - 1; at >= 0; at--) if (bytes[start + at] !== key[at]) return false
  return true
}
