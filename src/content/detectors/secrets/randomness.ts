import { classes, DIGIT, LOWER, UPPER } from '../bytes.ts'

const counts = new Uint16Array(256)

/** Shannon entropy of the bytes in [start, end), in bits a byte. At most 512 bytes are looked at. */
export function entropy(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + 512)
  const length = stop - start
  if (length <= 0) return 0
  for (let p = start; p < stop; p++) counts[bytes[p]!]!++
  let sum = 0
  for (let p = start; p < stop; p++) {
    const count = counts[bytes[p]!]!
    if (count === 0) continue
    sum += count * Math.log2(count)
    counts[bytes[p]!] = 0
  }
  return Math.log2(length) - sum / length
}

/** The classes of all bytes in [start, end) together. */
export function classesIn(bytes: Buffer, start: number, end: number): number {
  let found = 0
  for (let p = start; p < end; p++) found |= classes[bytes[p]!]!
  return found
}

/** Whether [start, end) could have been drawn by a machine: digits among letters and an entropy that words do not have. */
export function looksRandom(bytes: Buffer, start: number, end: number, bits_min: number): boolean {
  const found = classesIn(bytes, start, end)
  if (!(found & DIGIT) || !(found & (LOWER | UPPER))) return false
  return entropy(bytes, start, end) >= bits_min
}
