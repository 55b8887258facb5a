import { ALNUM, afterEscape, classes, DIGIT, DOT, LETTER } from '../bytes.ts'
import { GROUP, type NumberRegion } from './numbers.ts'

const REACH = 40
const AFTER_REACH = 16

/** Whether the groups `first` to `last`, joined by `kind`, are not a part of a longer row joined by the same. */
export function standsApart(region: NumberRegion, first: number, last: number, kind: number): boolean {
  const { groups, count } = region
  return groups[first * GROUP + 2] !== kind && (last + 1 >= count || groups[(last + 1) * GROUP + 2] !== kind)
}

/** Whether nothing at [start, end) makes it a part of a word, an id, a path or a decimal number. */
export function standsFree({ bytes, low, end: limit }: NumberRegion, start: number, end: number): boolean {
  return beginsFree(bytes, start, low) && endsFree(bytes, end, limit)
}

function beginsFree(bytes: Buffer, start: number, low: number): boolean {
  if (start === low) return true
  const before = bytes[start - 1]!
  if (before === 0x5f || before === 0x24) return false
  if (before === 0x2d) return start - 2 < low || !(classes[bytes[start - 2]!]! & ALNUM)
  if (before === DOT || before === 0x2c) return start - 2 < low || !(classes[bytes[start - 2]!]! & DIGIT)
  if (!(classes[before]! & ALNUM)) return true
  let word = start
  while (word > low && start - word < 6 && classes[bytes[word - 1]!]! & ALNUM) word--
  return afterEscape(bytes, word, start, low) === start
}

function endsFree(bytes: Buffer, end: number, limit: number): boolean {
  if (end >= limit) return true
  const after = bytes[end]!
  if (classes[after]! & ALNUM || after === 0x5f) return false
  // A word may follow behind a dash, an id's hexadecimal group may not.
  if (after !== 0x2d) return true
  let p = end + 1
  while (p < limit && classes[bytes[p]!]! & LETTER) p++
  return p === end + 1
    ? p >= limit || !(classes[bytes[p]!]! & DIGIT)
    : p - end > 3 && !(classes[bytes[p] ?? 0]! & DIGIT)
}

/** Words that say what a number is. */
export interface NumberNames {
  readonly pattern: RegExp
  /** For the first and for the second byte of a pair of small letters: bits of the pairs it is in. */
  readonly firsts: Uint32Array
  readonly seconds: Uint32Array
}

/** `pattern` for small letters; `pairs`: two letters each, one of which is in everything that it matches. At most 32. */
export function numberNames(pattern: RegExp, pairs: string): NumberNames {
  const firsts = new Uint32Array(256)
  const seconds = new Uint32Array(256)
  for (const [at, pair] of pairs.split(' ').entries()) {
    for (const spelling of [pair, pair.toUpperCase()]) {
      firsts[spelling.charCodeAt(0)]! |= 1 << at
      seconds[spelling.charCodeAt(1)]! |= 1 << at
    }
  }
  return { pattern, firsts, seconds }
}

/** Whether one of the words stands close before `start`. */
export function isNamed({ bytes, low }: NumberRegion, start: number, names: NumberNames): boolean {
  const floor = Math.max(low, start - REACH)
  const { firsts, seconds, pattern } = names
  // Most numbers are told without making a string.
  for (let p = start - 2; p >= floor; p--) {
    if (firsts[bytes[p]!]! & seconds[bytes[p + 1]!]!)
      return pattern.test(bytes.toString('latin1', floor, start).toLowerCase())
  }
  return false
}

/** Whether a word that `pattern` knows stands right behind `end`. */
export function isNamedAfter({ bytes, end: limit }: NumberRegion, end: number, pattern: RegExp): boolean {
  const first = end < limit ? bytes[end]! : 0
  if (first !== 0x20 && first !== 0x2d && first !== 0x28) return false
  return pattern.test(bytes.toString('latin1', end, Math.min(limit, end + AFTER_REACH)).toLowerCase())
}
