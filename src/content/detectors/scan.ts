import { classes, DIGIT, DOT, TOKEN, UPPER } from './bytes.ts'
import { type Detector, traits } from './detector.ts'
import type { Findings } from './findings.ts'

/** Up to this size one pass over the bytes is cheaper than the native searches that it may save. */
export const SHORT_MAX = 1024
const RUN_MIN = 12
const DIGITS_MIN = 2
const DASHES_MIN = 5
const NUMBER_MIN = 6
/** Digits and dots of an IPv4 address. */
const QUAD_MIN = 4
const QUAD_DOTS = 3
/** Every bit of `traits`: for longer ranges nothing is known. */
export const ALL = Object.values(traits).reduce((all, bit) => all | bit, 0)

/** Steps that a range may take: linear detectors stay far below. */
const STEPS_PER_BYTE = 64
const STEPS_BASE = 16_384

/**
 * Finds personal data and secrets in the UTF-8 text [start, end) of `bytes` and leaves them in `findings`, sorted and
 * without overlaps; returns how many there are. The text may be JSON or a URL: findings hold no part of an escape.
 * One large range is cheaper than many small ones, but every range should be one value: a finding may span all of it.
 * @throws BudgetError when the range costs too much: mask it as a whole
 */
export function scan(
  detectors: readonly Detector[],
  bytes: Buffer,
  start: number,
  end: number,
  findings: Findings,
): number {
  return search(detectors, end - start > SHORT_MAX ? ALL : traitsOf(bytes, start, end), bytes, start, end, findings)
}

/** As `scan`, for a caller that knows the range's traits. */
export function search(
  detectors: readonly Detector[],
  present: number,
  bytes: Buffer,
  start: number,
  end: number,
  findings: Findings,
): number {
  findings.reset(present === 0 ? 0 : STEPS_BASE + (end - start) * STEPS_PER_BYTE)
  if (present === 0) return 0
  let view = bytes
  for (const detector of detectors) {
    if ((detector.needs & ~present) !== 0) continue
    if (view.length !== end) view = bytes.subarray(0, end)
    detector.find(view, start, end, findings)
  }
  return findings.settle()
}

/** The bits of `traits` that a range of at most `SHORT_MAX` bytes has. 0: no detector finds anything in it. */
export function traitsOf(bytes: Buffer, start: number, end: number): number {
  const table = marks
  let found = 0
  let counts = 0
  for (let p = start; p < end; p++) {
    const mark = table[bytes[p]!]!
    found |= mark
    counts += mark >> 16
  }
  if ((found & ENTITY) === ENTITY) found |= traits.at
  if ((found & PASSWORD) === PASSWORD) found |= traits.password
  const digits = counts & (DASH - 1)
  if (digits >= DIGITS_MIN) found |= traits.digits
  if (counts >= DASH * DASHES_MIN) found |= traits.dashes
  if (found & RANDOM && end - start >= RUN_MIN && hasRun(bytes, start, end)) found |= traits.run
  // Separators may be escaped, with letters in the escapes.
  if (
    digits >= NUMBER_MIN
      ? found & ESCAPE || hasNumber(bytes, start, end)
      : digits >= QUAD_MIN && hasNumber(bytes, start, end)
  )
    found |= traits.number
  return found & ALL
}

/** Looks at every twelfth byte, and from it left for what ends the run. */
function hasRun(bytes: Buffer, start: number, end: number): boolean {
  const table = classes
  for (let from = start, last = start + RUN_MIN - 1; last < end; last = from + RUN_MIN - 1) {
    let seen = 0
    let p = last
    for (; p >= from; p--) {
      const each = table[bytes[p]!]!
      if ((each & TOKEN) === 0) break
      seen |= each
    }
    if (p >= from) {
      from = p + 1
      continue
    }
    if (seen & (DIGIT | UPPER)) return true
    // A long run of small letters may have them further on.
    for (p = last + 1; p < end && table[bytes[p]!]! & TOKEN; p++) if (table[bytes[p]!]! & (DIGIT | UPPER)) return true
    from = p + 1
  }
  return false
}

/** Looks at every sixth byte, and from it left for what ends a number. */
function hasNumber(bytes: Buffer, start: number, end: number): boolean {
  const table = marks
  let from = start
  for (let last = start + NUMBER_MIN - 1; last < end; last = from + NUMBER_MIN - 1) {
    let p = last
    while (p >= from && table[bytes[p]!]! & IN_NUMBER) p--
    if (p >= from) {
      from = p + 1
      continue
    }
    let digits = 0
    let dots = 0
    for (p = from; p < end && table[bytes[p]!]! & IN_NUMBER; p++) {
      if (bytes[p] === DOT) dots++
      else if (table[bytes[p]!]! & ONE_DIGIT && ++digits >= (dots >= QUAD_DOTS ? QUAD_MIN : NUMBER_MIN)) return true
    }
    from = p + 1
  }
  return false
}

const ESCAPE = 1 << 11
const IN_NUMBER = 1 << 12
const RANDOM = 1 << 13
const ONE_DIGIT = 1 << 16
/** `&` and `#`: an HTML entity may be there. */
const ENTITY = (1 << 8) | (1 << 9)
/** `p`, `w` and `d` in any case: letters of every spelling of password. */
const PASSWORD = (1 << 10) | (1 << 14) | (1 << 15)
/** What a dash counts; a digit counts 1, and there are fewer than this in a short range. */
const DASH = 2 * SHORT_MAX
const marks = markTable()

/**
 * Traits that one byte tells; bits 8 and 9: `&`, `#`; bits 10, 14, 15: `p`, `w`, `d`; bit 11: a backslash or `%`; bit 12: may stand in a number; bit 13: a digit or a capital; from bit
 * 16 on: what it counts.
 */
function markTable(): Int32Array {
  const table = Int32Array.from(
    classes,
    (each) => (each & (DIGIT | UPPER) ? RANDOM : 0) | (each & DIGIT ? ONE_DIGIT : 0),
  )
  for (const byte of [0x40, 0x25, 0x5c, 0xef]) table[byte]! |= traits.at
  for (let byte = 0; byte < 256; byte++) {
    if (byte >= 0x80 || ' \t-./()+%0123456789'.includes(String.fromCharCode(byte))) table[byte]! |= IN_NUMBER
  }
  for (const byte of [0x5c, 0x25]) table[byte]! |= ESCAPE
  table[0x3a]! |= traits.colon
  table[0x26]! |= 1 << 8
  table[0x23]! |= 1 << 9
  for (const [at, letter] of ['p', 'w', 'd'].entries()) {
    for (const each of [letter, letter.toUpperCase()]) table[each.charCodeAt(0)]! |= [1 << 10, 1 << 14, 1 << 15][at]!
  }
  table[0x2d]! |= DASH << 16
  return table
}
