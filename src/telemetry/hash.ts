/**
 * Hashes for tables in memory. Nothing that is kept or sent holds one, so they may change from version to version. Hashes
 * of another kind, with the reason beside each: of a few places only, where a whole text would take too long (`KeySet`,
 * `processors/redaction/texts/byte_cache.ts` and `judged_heads.ts`); of 64 bits, where one stands for what it was made of
 * (`steps/recent_spans.ts`); and the Collector's own, which keeps the same traces as it does
 * (`processors/tail_sampling/policies/probability.ts`).
 */

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * FNV-1a of the whole text in [start, end), since names of one kind begin, or end, alike. 32 bits with a sign. `seed`: the
 * hash of what belongs before it, or a number that senders do not know.
 */
export function hashText(bytes: Uint8Array, start: number, end: number, seed = FNV_OFFSET): number {
  let hash = seed ^ (end - start)
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME)
  return hash ^ (hash >>> 15)
}

/** A number to compare texts by, never 0 but for the empty text. 32 bits with a sign. */
export function textId(bytes: Uint8Array, start: number, end: number): number {
  return start >= end ? 0 : hashText(bytes, start, end) | 1
}

/** The same of a string, by its UTF-16 units. */
export function stringId(text: string): number {
  if (text === '') return 0
  let hash = FNV_OFFSET ^ text.length
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME)
  return (hash ^ (hash >>> 15)) | 1
}

/** 32 mixed bits of a whole number below 2^53. */
export function hashNumber(value: number): number {
  const mixed = Math.imul(value ^ Math.imul(Math.floor(value / 2 ** 32), 0x85ebca6b), 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** Every bit of a 32-bit word depends on every bit of it: the finaliser of MurmurHash3. */
export function mix(word: number): number {
  let hash = word
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
