import { ALNUM, afterEscape, classes, DIGIT, DOT } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { GROUP, type NumberRegion, type NumberRule } from './numbers.ts'
import { separators } from './separators.ts'

const CREDIT_CARD = kindIndex('CREDIT_CARD')
/** In longer rows of four-digit groups a card may only stand at the beginning: it is a table of numbers. */
const ROW_MAX = 9

/** Payment card numbers: a known issuer's prefix and length, the Luhn check digit, and a usual grouping. */
export const creditCard: NumberRule = {
  kind: 'CREDIT_CARD',
  digits_min: 12,
  find(region, findings) {
    for (let i = 0; i < region.count; ) i += cardAt(region, i, findings)
  },
}

/** Checks for a card that begins with group `i`; the number of groups to go on by. */
function cardAt(region: NumberRegion, i: number, findings: Findings): number {
  const { bytes, groups } = region
  const length = groups[i * GROUP + 1]! - groups[i * GROUP]!
  if (length > 19 || length < 4) return 1
  const last = length >= 12 ? i : groupedEnd(region, i, length)
  if (last < 0) return 1
  const start = groups[i * GROUP]!
  const end = groups[last * GROUP + 1]!
  if (!isAlone(region, i, last) || !isCard(region, i, last)) return 1
  if (!boundsWell(bytes, start, end, region.low, region.end)) return 1
  findings.add(start, end, CREDIT_CARD)
  return last - i + 1
}

/** The last group of 4-4-4-4, 4-4-4-4-1…3, 4-6-5 or 4-6-4 with equal separators that begins at group `i`, or -1. */
function groupedEnd(region: NumberRegion, i: number, length: number): number {
  if (length !== 4) return length === 6 ? sixThirteen(region, i) : -1
  const second = groupLength(region, i + 1)
  if (second === 6 && sameSeparators(region, i, 3)) {
    const third = groupLength(region, i + 2)
    return third === 5 || third === 4 ? i + 2 : -1
  }
  if (second !== 4 || groupLength(region, i + 2) !== 4 || groupLength(region, i + 3) !== 4) return -1
  if (!sameSeparators(region, i, 4)) return -1
  const rest = groupLength(region, i + 4)
  return rest === 3 && sameSeparators(region, i, 5) && isCard(region, i, i + 4) ? i + 4 : i + 3
}

/** Nineteen digits as 6-13. */
function sixThirteen(region: NumberRegion, i: number): number {
  return groupLength(region, i + 1) === 13 ? i + 1 : -1
}

function groupLength(region: NumberRegion, i: number): number {
  return i < region.count ? region.groups[i * GROUP + 1]! - region.groups[i * GROUP]! : 0
}

/** Whether `count` groups from `i` on are joined by one and the same kind of separator, a space or a dash. */
function sameSeparators(region: NumberRegion, i: number, count: number): boolean {
  const kind = region.groups[(i + 1) * GROUP + 2]!
  if (kind !== separators.space && kind !== separators.dash && kind !== separators.dot) return false
  for (let j = i + 2; j < i + count; j++) if (region.groups[j * GROUP + 2] !== kind) return false
  return true
}

/** Not a part of a decimal number, nor of a long row of numbers. */
function isAlone(region: NumberRegion, i: number, last: number): boolean {
  const { groups, count } = region
  if (i === last) {
    const before = groups[i * GROUP + 2]
    const after = last + 1 < count ? groups[(last + 1) * GROUP + 2]! : 0
    return before !== separators.dot && after !== separators.dot
  }
  return count <= ROW_MAX || i === 0 || last === count - 1
}

/** Letters around it make it a part of an id; a dot with a digit makes it a part of a decimal. */
function boundsWell(bytes: Buffer, start: number, end: number, low: number, limit: number): boolean {
  if (end < limit && (classes[bytes[end]!]! & ALNUM || bytes[end] === 0x5f)) return false
  if (start === low) return true
  const before = bytes[start - 1]!
  if (before === DOT) return start - 2 < low || !(classes[bytes[start - 2]!]! & DIGIT)
  if (before === 0x5f) return false
  if (!(classes[before]! & ALNUM)) return true
  let word = start
  while (word > low && start - word < 6 && classes[bytes[word - 1]!]! & ALNUM) word--
  return afterEscape(bytes, word, start, low) === start
}

const digits = new Uint8Array(19)

function isCard(region: NumberRegion, i: number, last: number): boolean {
  const count = readDigits(region, i, last)
  return count >= 12 && isIssued(count) && passesLuhn(count)
}

/** Fills `digits` from groups `i` to `last`. Returns how many there are, 0 if they are too many for a card. */
function readDigits(region: NumberRegion, i: number, last: number): number {
  let count = 0
  for (let j = i; j <= last; j++) {
    for (let p = region.groups[j * GROUP]!; p < region.groups[j * GROUP + 1]!; p++) {
      if (count === 19) return 0
      digits[count++] = region.bytes[p]! - 0x30
    }
  }
  return count
}

/** ISO/IEC 7812: from the right, every second digit doubled, digits summed, a multiple of ten. */
function passesLuhn(count: number): boolean {
  let sum = 0
  for (let i = count - 1, odd = true; i >= 0; i--, odd = !odd) {
    const digit = digits[i]!
    sum += odd ? digit : digit < 5 ? digit * 2 : digit * 2 - 9
  }
  return sum % 10 === 0
}

/** The issuers' ranges as first and last prefix of six digits, and the lengths that go with them. */
const ranges: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [400000, 499999, [13, 16, 19]],
  [510000, 559999, [16]],
  [222100, 272099, [16]],
  [340000, 349999, [15]],
  [370000, 379999, [15]],
  [300000, 305999, [14, 16, 17, 18, 19]],
  [309500, 309599, [14, 16]],
  [360000, 369999, [14, 16, 17, 18, 19]],
  [380000, 399999, [14, 16, 17, 18, 19]],
  [352800, 358999, [16, 17, 18, 19]],
  [213100, 213199, [15]],
  [180000, 180099, [15]],
  [220000, 220499, [16, 17, 18, 19]],
  [600000, 609999, [16, 19]],
  [620000, 629999, [16, 17, 18, 19]],
  [636000, 639999, [16, 17, 18, 19]],
  [644000, 659999, [16, 17, 18, 19]],
  [670000, 679999, [16, 17, 18, 19]],
  [810000, 829999, [16]],
  [979200, 979299, [16]],
  [500000, 509999, [16, 17, 18, 19]],
  [560000, 589999, [16, 17, 18, 19]],
  [100000, 199999, [15]],
  // Maestro's short numbers only for prefixes that are in use.
  ...[5018, 5020, 5038, 5893, 6304, 6390, 6759, 6761, 6762, 6763, 604].map(
    (prefix) => [prefix * 100, prefix * 100 + 99, [12, 13, 14, 15]] as const,
  ),
]

const lengthsByPrefix = issuerTable()

/** For each prefix of four digits the lengths in use, as bits. All ranges begin and end on four digits. */
function issuerTable(): Uint32Array {
  const table = new Uint32Array(10_000)
  for (const [from, to, lengths] of ranges) {
    for (let prefix = Math.floor(from / 100); prefix <= Math.floor(to / 100); prefix++) {
      for (const length of lengths) table[prefix]! |= 1 << length
    }
  }
  return table
}

function isIssued(count: number): boolean {
  const prefix = digits[0]! * 1000 + digits[1]! * 100 + digits[2]! * 10 + digits[3]!
  return (lengthsByPrefix[prefix]! & (1 << count)) !== 0
}
