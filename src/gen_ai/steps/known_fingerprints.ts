/**
 * Fingerprints of texts that come again and again, as what a system says does with every call: a text that is known is compared
 * with its copy, which costs less than to hash it.
 */
import { keyedFingerprint } from './fingerprint.ts'

/** So many texts are known, each of at most so many bytes: 2 MiB in all. */
const TEXTS_MAX = 128
const TEXT_BYTES_MAX = 16 * 1024

export class Fingerprints {
  readonly #key: Uint8Array
  /** By length and a few bytes of the text; one of several that are alike in these. */
  readonly #known = new Map<number, { readonly text: Buffer; readonly fingerprint: string }>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Of the bytes in [start, end). */
  of(bytes: Buffer, start: number, end: number): string {
    if (end - start > TEXT_BYTES_MAX) return keyedFingerprint(this.#key, bytes, start, end)
    const place = placeOf(bytes, start, end)
    const known = this.#known.get(place)
    if (known !== undefined && known.text.compare(bytes, start, end) === 0) return known.fingerprint
    const fingerprint = keyedFingerprint(this.#key, bytes, start, end)
    this.#known.delete(place)
    if (this.#known.size >= TEXTS_MAX) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(place, { text: Buffer.from(bytes.subarray(start, end)), fingerprint })
    return fingerprint
  }
}

/** Of the length and eight bytes, evenly apart. */
function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = length
  for (let at = 1; at <= 8; at++) hash = Math.imul(hash, 31) + bytes[start + ((length * at) >> 3) - 1]!
  return hash
}
