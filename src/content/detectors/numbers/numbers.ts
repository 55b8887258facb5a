import { BACKSLASH, classes, DIGIT, hexByte, hexUnit, PERCENT } from '../bytes.ts'
import { type Detector, traits } from '../detector.ts'
import type { Findings } from '../findings.ts'
import { separatorAt, separators } from './separators.ts'

const GROUPS_MAX = 64
/** Numbers a group in `NumberRegion.groups`. */
export const GROUP = 3
/** Four bytes in eight are looked at: of a number with 6 digits or more at least three adjoining ones, one of them a digit. */
const STEP = 8
const LOOK_BACK = 48
/** What finding a region takes beside its bytes, and what the rules take for each of its groups. */
const REGION_STEPS = 8
const RULE_STEPS = 16
/** In shorter ranges a view of words costs more than it saves. */
const SHORT_MAX = 1024
const NO_WORDS = new Int32Array(0)
/** No rule wants a region with fewer digits and fewer groups. */
const ANY_DIGITS = 6
const ADDRESS_GROUPS = 4

/** Digit groups that stand together, such as `4012 8888-8888` or `(030) 12.34`: between two of them is one separator. */
export interface NumberRegion {
  readonly bytes: Buffer
  /** Digits in all groups. */
  readonly digits: number
  /** Number of groups, at most 64. */
  readonly count: number
  /** `GROUP` numbers a group: start, end, and the one of `separators` that stands before it (0 before the first). */
  readonly groups: Int32Array
  /** The range that may be looked at. */
  readonly low: number
  readonly end: number
}

/** Finds one kind in a region of digit groups. */
export interface NumberRule {
  readonly kind: string
  /** Regions with fewer digits are not shown to it. */
  readonly digits_min: number
  find(region: NumberRegion, findings: Findings): void
}

/** One pass over the digits of a range for all rules together. */
export function numbers(rules: readonly NumberRule[]): Detector {
  const region: Region = {
    bytes: Buffer.alloc(0),
    digits: 0,
    count: 0,
    groups: new Int32Array(GROUPS_MAX * GROUP),
    low: 0,
    end: 0,
  }
  return {
    kinds: rules.map((rule) => rule.kind),
    needs: traits.number,
    find(bytes, start, end, findings) {
      region.bytes = bytes
      region.low = start
      region.end = end
      let floor = start
      const words = end - start > SHORT_MAX ? wordsOf(bytes, end) : NO_WORDS
      for (let digit = findDigit(bytes, words, start, end); digit < end; digit = findDigit(bytes, words, floor, end)) {
        let next = digit + 1
        while (next < end && isDigit[bytes[next]!]) next++
        if (next - digit > 3 || !standsAlone(bytes, digit, next, floor, end)) {
          next = regionStart(bytes, digit, floor)
          do {
            next = readRegion(region, nextDigit(bytes, next, end))
            if (region.digits >= ANY_DIGITS || region.count >= ADDRESS_GROUPS) show(region, rules, findings)
          } while (next <= digit)
        }
        findings.spend(next - floor + REGION_STEPS)
        floor = next
      }
    },
  }
}

/** A digit at or right of `from`, not always the first one, or `end`. */
function findDigit(bytes: Buffer, words: Int32Array, from: number, end: number): number {
  if (words.length > 0) return findDigitInWords(bytes, words, from, end)
  const table = isDigit
  let p = from
  for (; p + 3 < end; p += STEP) {
    if (table[bytes[p]!]! | table[bytes[p + 1]!]! | table[bytes[p + 2]!]! | table[bytes[p + 3]!]!) break
  }
  return nextDigit(bytes, p, end)
}

/**
 * As above, by blocks of eight bytes: all numbers that a rule wants have four digits in two blocks side by side, and so
 * at least one block with two.
 */
function findDigitInWords(bytes: Buffer, words: Int32Array, from: number, end: number): number {
  const base = bytes.byteOffset & 3
  const count = words.length - 1
  let i = (base + from) >> 2
  for (; i < count; i += 2) {
    const digits = (digitsIn(words[i]!) >>> 7) | (digitsIn(words[i + 1]!) >>> 6)
    if ((digits & (digits - 1)) !== 0 && isDense(words, i)) break
  }
  return nextDigit(bytes, Math.max(from, (i << 2) - base), end)
}

/** Whether the block at `i` and one of its neighbours have at least four digits, or the range ends there. */
function isDense(words: Int32Array, i: number): boolean {
  if (i + 3 >= words.length || i < 2) return true
  const here = countIn(words, i)
  return here + countIn(words, i + 2) >= 4 || here + countIn(words, i - 2) >= 4
}

/** Digits in the block at `i`. */
function countIn(words: Int32Array, i: number): number {
  const digits = (digitsIn(words[i]!) >>> 7) + (digitsIn(words[i + 1]!) >>> 7)
  return Math.imul(digits, 0x01010101) >>> 24
}

/** The highest bit of each byte that is a digit: 0x30 plus less than ten (S. E. Anderson, Bit Twiddling Hacks, "hasless"). */
function digitsIn(word: number): number {
  const rest = word ^ 0x30303030
  return (rest - 0x0a0a0a0a) & ~rest & 0x80808080
}

/** The whole words under [0, end) of `bytes`, from the one that the first byte is in. */
function wordsOf(bytes: Buffer, end: number): Int32Array {
  const base = bytes.byteOffset & 3
  return new Int32Array(bytes.buffer, bytes.byteOffset - base, (base + end) >> 2)
}

/** Whether no other digits are within a separator's reach of those in [start, end): the quick way out for most numbers in prose. */
function standsAlone(bytes: Buffer, start: number, end: number, low: number, limit: number): boolean {
  if (end + 4 > limit || start - 4 < low) return false
  if (isDigit[bytes[end + 1]!]! | isDigit[bytes[end + 2]!]! | isDigit[bytes[end + 3]!]!) return false
  if (
    isDigit[bytes[start - 1]!]! |
    isDigit[bytes[start - 2]!]! |
    isDigit[bytes[start - 3]!]! |
    isDigit[bytes[start - 4]!]!
  )
    return false
  return bytes[end] !== BACKSLASH && bytes[start - 1] !== 0x66
}

function show(region: NumberRegion, rules: readonly NumberRule[], findings: Findings): void {
  findings.spend(region.count * RULE_STEPS)
  for (const rule of rules) if (region.digits >= rule.digits_min) rule.find(region, findings)
}

type Region = { -readonly [K in keyof NumberRegion]: NumberRegion[K] }

const isDigit = classes.map((each) => (each & DIGIT ? 1 : 0))

/** Walks left from `p` over everything that may belong to a region, to a byte from which it can be read forward. */
function regionStart(bytes: Buffer, p: number, floor: number): number {
  const low = Math.max(floor, p - LOOK_BACK)
  let q = p
  let start = p
  let gap = 0
  while (q > low && gap < 8) {
    q--
    if (classes[bytes[q]!]! & DIGIT) {
      start = q
      gap = 0
    } else if (mayJoin[bytes[q]!]) gap++
    else break
  }
  return startOfDigits(bytes, start, low)
}

/** The digits at `p` may be those of an escape (`\u00a0`, `%20`): then the region begins behind it. */
function startOfDigits(bytes: Buffer, p: number, low: number): number {
  if (p - 2 >= low && bytes[p - 1] === 0x75 && bytes[p - 2] === BACKSLASH && hexUnit(bytes, p) >= 0) return p + 4
  if (p - 1 >= low && bytes[p - 1] === PERCENT && hexByte(bytes, p) >= 0) return p + 2
  return p
}

const mayJoin = classes.map((_, byte) => (byte >= 0x80 || ' -./\\()+%uaf'.includes(String.fromCharCode(byte)) ? 1 : 0))

function nextDigit(bytes: Buffer, from: number, end: number): number {
  let p = from
  while (p < end && !(classes[bytes[p]!]! & DIGIT)) p++
  return p
}

/** Reads groups from the digit at `from` on into `region`; returns where the last group ends. */
function readRegion(region: Region, from: number): number {
  const { bytes, groups, end } = region
  region.count = 0
  region.digits = 0
  let p = from
  let kind: number = separators.none
  for (;;) {
    const start = p
    while (p < end && classes[bytes[p]!]! & DIGIT) p++
    const at = region.count++ * GROUP
    groups[at] = start
    groups[at + 1] = p
    groups[at + 2] = kind
    region.digits += p - start
    const separator = region.count < GROUPS_MAX ? separatorAt(bytes, p, end) : 0
    if (separator === 0) return p
    kind = separator & 7
    p += separator >> 3
  }
}
