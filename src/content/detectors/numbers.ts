import { BACKSLASH, classes, DIGIT, hexUnit } from './bytes.ts'
import { type Detector, traits } from './detector.ts'
import type { Findings } from './findings.ts'

const GROUPS_MAX = 64
const FIELDS = 3
/** Four bytes in eight are looked at: of a number with 7 digits or more at least three adjoining ones, one of them a digit. */
const STEP = 8
const LOOK_BACK = 48
/** Digits that `traits.longNumber` promises. */
const LONG_NUMBER_MIN = 12

/** What stands between two groups of digits. */
export const separators = { none: 0, space: 1, dash: 2, dot: 3, slash: 4 } as const

/** Digit groups that stand together, such as `4012 8888-8888`: separated by one space, dash, dot or slash of any spelling. */
export interface NumberRegion {
  readonly bytes: Buffer
  /** Digits in all groups. */
  readonly digits: number
  /** Number of groups, at most 64. */
  readonly count: number
  /** Three numbers a group: start, end, and the one of `separators` that stands before it (0 before the first). */
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
    groups: new Int32Array(GROUPS_MAX * FIELDS),
    low: 0,
    end: 0,
  }
  const digits_min = Math.min(...rules.map((rule) => rule.digits_min))
  return {
    kinds: rules.map((rule) => rule.kind),
    needs: digits_min < LONG_NUMBER_MIN ? traits.digits : traits.longNumber,
    find(bytes, start, end, findings) {
      region.bytes = bytes
      region.low = start
      region.end = end
      let floor = start
      for (let digit = findDigit(bytes, start, end); digit < end; digit = findDigit(bytes, floor, end)) {
        let next = digit + 1
        while (next < end && isDigit[bytes[next]!]) next++
        if (next - digit > 3 || !standsAlone(bytes, digit, next, floor, end)) {
          next = regionStart(bytes, digit, floor)
          do {
            next = readRegion(region, nextDigit(bytes, next, end))
            if (region.digits >= digits_min) show(region, rules, findings)
          } while (next <= digit)
        }
        findings.spend(next - floor)
        floor = next
      }
    },
  }
}

/** A digit at or right of `from`, not always the first one, or `end`. */
function findDigit(bytes: Buffer, from: number, end: number): number {
  const table = isDigit
  let p = from
  for (; p + 3 < end; p += STEP) {
    if (table[bytes[p]!]! | table[bytes[p + 1]!]! | table[bytes[p + 2]!]! | table[bytes[p + 3]!]!) break
  }
  return nextDigit(bytes, p, end)
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
  findings.spend(region.count)
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

/** The digits at `p` may be those of an escape (`\u00a0`): then the region begins behind it. */
function startOfDigits(bytes: Buffer, p: number, low: number): number {
  if (p - 2 >= low && bytes[p - 1] === 0x75 && bytes[p - 2] === BACKSLASH && hexUnit(bytes, p) >= 0) return p + 4
  return p
}

const mayJoin = classes.map((_, byte) => (byte >= 0x80 || ' -./\\uaf'.includes(String.fromCharCode(byte)) ? 1 : 0))

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
    const at = region.count++ * FIELDS
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

/** The separator at `p` as `length * 8 + kind`, or 0 if there is none or no digit follows. */
function separatorAt(bytes: Buffer, p: number, end: number): number {
  if (p + 1 >= end) return 0
  const byte = bytes[p]!
  let length = 1
  let kind: number = single[byte]!
  if (kind === 0) {
    if (byte === BACKSLASH) {
      const u = bytes[p + 1] === BACKSLASH ? p + 2 : p + 1
      if (bytes[u] !== 0x75) return 0
      kind = wideSeparator(hexUnit(bytes, u + 1))
      length = u + 5 - p
    } else if (byte === 0xc2) {
      kind = wideSeparator(bytes[p + 1]!)
      length = 2
    } else if (byte === 0xe2 && p + 2 < end) {
      kind = wideSeparator(0x2000 | ((bytes[p + 1]! & 0x3f) << 6) | (bytes[p + 2]! & 0x3f))
      length = 3
    }
    if (kind === 0) return 0
  }
  return p + length < end && classes[bytes[p + length]!]! & DIGIT ? length * 8 + kind : 0
}

const single = new Uint8Array(256)
single[0x20] = separators.space
single[0x09] = separators.space
single[0x2d] = separators.dash
single[0x2e] = separators.dot
single[0x2f] = separators.slash

/** The kind of a separator beyond ASCII, by code point: no-break, thin and other spaces; hyphens, dashes, minus. */
function wideSeparator(unit: number): number {
  if (unit === 0xa0 || (unit >= 0x2000 && unit <= 0x200b) || unit === 0x202f || unit === 0x205f) return separators.space
  if (unit === 0xad || (unit >= 0x2010 && unit <= 0x2015) || unit === 0x2212) return separators.dash
  return 0
}
