/** Names of models as they are compared, in bytes. What is counted keeps its name. */
import { textId } from '../telemetry/hash.ts'

const [HYPHEN, DOT, SLASH, AT] = [45, 46, 47, 64]
/** `us`, `us-gov`, `global`; `anthropic`, `amazon`. */
const PREFIXES_MAX = 2

/**
 * A number to compare names in [start, end) by: equal for names of one model, 0 without one. Gateways put a provider before
 * it, clouds a region and a vendor, and answers have a date: `us.anthropic.claude-sonnet-4-5-20250929-v1:0` and
 * `anthropic/claude-sonnet-4-5` are one.
 */
export function modelId(bytes: Uint8Array, start: number, end: number): number {
  const from = plainStart(bytes, start, end)
  const to = plainEnd(bytes, from, end)
  return to > from ? textId(bytes, from, to) : textId(bytes, start, end)
}

const KNOWN = 1024

/** The same for very many names, most of which are those of a few models. */
export class ModelIds {
  /** By the lowest bits of the whole name's hash: that hash, and the id. */
  readonly #hashes = new Int32Array(KNOWN)
  readonly #ids = new Int32Array(KNOWN)

  of(bytes: Uint8Array, start: number, end: number): number {
    const hash = textId(bytes, start, end)
    const slot = (hash >>> 1) & (KNOWN - 1)
    if (this.#hashes[slot] !== hash) {
      this.#hashes[slot] = hash
      this.#ids[slot] = modelId(bytes, start, end)
    }
    return this.#ids[slot]!
  }
}

/**
 * Where the name in [start, end) ends without the date of its version: an alias is asked for, and the answer, or the next
 * instrumentation, names what stood behind it. `gpt-4o-2024-08-06` is `gpt-4o`, `claude-sonnet-4-5-20250929` is
 * `claude-sonnet-4-5`.
 */
export function endWithoutDate(bytes: Uint8Array, start: number, end: number): number {
  for (const pattern of DATES) {
    const begin = end - pattern.length
    if (begin > start && isLike(pattern, bytes, begin)) return begin
  }
  return end
}

const DATES = ['-0000-00-00', '-00000000'].map((pattern) => Buffer.from(pattern))
const VERSION = Buffer.from('-v0:0')
const [ZERO, NINE] = [48, 57]

/** A zero stands for any digit. */
function isLike(pattern: Uint8Array, bytes: Uint8Array, begin: number): boolean {
  for (let at = 0; at < pattern.length; at++) {
    const [is, byte] = [pattern[at]!, bytes[begin + at]!]
    if (is === ZERO ? byte < ZERO || byte > NINE : byte !== is) return false
  }
  return true
}

function plainStart(bytes: Uint8Array, start: number, end: number): number {
  let from = start
  for (let at = start; at < end; at++) if (bytes[at] === SLASH) from = at + 1
  for (let prefixes = 0; prefixes < PREFIXES_MAX; prefixes++) {
    const dot = behindLetters(bytes, from, end)
    if (dot + 1 >= end || bytes[dot] !== DOT || !isLetter(bytes[dot + 1]!)) break
    from = dot + 1
  }
  return from
}

/** Digits are of the name itself: `gpt-4.1`, `llama3.2`. */
function behindLetters(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && (isLetter(bytes[at]!) || (bytes[at] === HYPHEN && at > start))) at++
  return at
}

/** Before `@20250929`, or `-v1:0` and a date. */
function plainEnd(bytes: Uint8Array, start: number, end: number): number {
  let to = end
  for (let at = start + 1; at < to; at++) if (bytes[at] === AT) to = at
  const version = to - VERSION.length
  if (version > start && isLike(VERSION, bytes, version)) to = version
  return endWithoutDate(bytes, start, to)
}

function isLetter(byte: number): boolean {
  return (byte | 32) >= 97 && (byte | 32) <= 122
}
