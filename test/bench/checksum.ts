/**
 * Which spans passed, as two order-free 32-bit sums over a hash of trace id and span id: a span lost, doubled or with a
 * changed id changes them.
 */
export interface Checksum {
  low: number
  high: number
}

/** Adds one span: the four words of its trace id and the two of its span id, little-endian. */
export function addSpan(sum: Checksum, t0: number, t1: number, t2: number, t3: number, s0: number, s1: number): void {
  let h = Math.imul(t0 ^ 0x2545f491, 0x9e3779b1)
  h = Math.imul((h ^ (h >>> 15) ^ t1) | 0, 0x85ebca77)
  h = Math.imul((h ^ (h >>> 13) ^ t2) | 0, 0xc2b2ae3d)
  h = Math.imul((h ^ (h >>> 16) ^ t3) | 0, 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 14) ^ s0) | 0, 0x165667b1)
  h = Math.imul((h ^ (h >>> 15) ^ s1) | 0, 0x9e3779b1)
  h ^= h >>> 16
  sum.low = (sum.low + h) >>> 0
  sum.high = (sum.high + Math.imul(h ^ (h >>> 11), 0x7feb352d)) >>> 0
}

/** Adds `other` to `sum`. */
export function addChecksum(sum: Checksum, other: Checksum): void {
  sum.low = (sum.low + other.low) >>> 0
  sum.high = (sum.high + other.high) >>> 0
}

export function sameChecksum(one: Checksum, other: Checksum): boolean {
  return one.low === other.low && one.high === other.high
}
