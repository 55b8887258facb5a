import { classes, DIGIT } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { isNamed, isNamedAfter, numberNames, standsApart, standsFree } from './number_context.ts'
import { GROUP, type NumberRegion, type NumberRule } from './numbers.ts'
import { isInternational, isNational, isPossible } from './phone_plans.ts'
import { separators } from './separators.ts'

const PHONE = kindIndex('PHONE')
const DIGITS_MAX = 15

/** Words before a number that make it one to dial. */
const names = numberNames(
  /phone|\btel\b|\btel[:._-]|telefon|t[eé]l[eé]ph|\bfax|mobile|\bmobil\b|\bcell\b|\bcell(?:ular)?[ _-]?(?:no|num|phone)|celular|whatsapp|msisdn|\bsms\b|handynummer|\bhandy:|hotline|helpline|\bdial\b|\bcall(?:ing|ed)? (?:(?:me|us|him|her|them|back|now|at|on) ){0,2}|\bcall:|\breach(?:ed)? |\bring |answering at|contact (?:number|no)|\btext (?:me|us) /,
  'ph te fa mo ce wh ms sm ha ho he di ca re ri an co',
)
/** What only looks like such a word. */
const notNames = numberNames(
  /(?:call|phone|mobile|cell|tel|sms|fax)s?[ _-]?(?:id|count|length|type|size|index|version|model)/,
  'ca ph mo ce te sm fa',
)
const namesAfter = /^[ -]{0,3}\(?(?:office|fax|mobile|cell\b|home|work|phone|tel\b)/

/**
 * Phone numbers. With `+` or `00` those that a country can have; without, those written as phone numbers are: a code in
 * parentheses, 3-3-4, or a leading zero and groups. Other groupings and bare digits need a word that names them, and
 * bare digits have to fit the plan of one of the `regions`.
 */
export function phone(regions: readonly string[]): NumberRule {
  return {
    kind: 'PHONE',
    digits_min: 6,
    find(region, findings) {
      if (isTime(region) || (region.count === 1 && region.digits > DIGITS_MAX)) return
      for (let i = 0; i < region.count; ) {
        findings.spend(1)
        const last = lastGroup(region, i, regions, findings)
        if (last >= i) add(region, i, last, findings)
        i = Math.max(i, last) + 1
      }
    },
  }
}

/** The last group of the number that begins at group `i`, or -1. */
function lastGroup(region: NumberRegion, i: number, regions: readonly string[], findings: Findings): number {
  const { bytes, groups, low } = region
  const start = groups[i * GROUP]!
  const lead = start > low ? bytes[start - 1]! : 0
  if (
    lead === PLUS ||
    encodedPlus(bytes, start, low) > 0 ||
    (lead === OPEN && start - 2 >= low && bytes[start - 2] === PLUS)
  )
    return international(region, i, 0, findings)
  if (lead === 0x23 || lead === 0x24 || lead === 0x2f) return -1
  const length = lengthOf(region, i)
  const zeros = i === 0 && bytes[start] === ZERO && bytes[start + 1] === ZERO
  if (zeros && length > 2 && (length < 7 || hasNames(region, start, i))) {
    const last = international(region, i, 2, findings)
    if (last > i || (last === i && length > 10)) return last
  }
  const grouped = groupedEnd(region, i)
  if (grouped > i) return grouped
  if (length < 2) return -1
  return namedEnd(region, i, regions, findings)
}

/** The last group of a number with its calling code, `skip` digits after group `i` begins. */
function international(region: NumberRegion, i: number, skip: number, findings: Findings): number {
  let digits = textOf(region, i, i).slice(skip)
  const ends: string[] = [digits]
  for (let last = i + 1; last < region.count && digits.length <= DIGITS_MAX; last++) {
    const separator = region.groups[last * GROUP + 2]!
    // The zero of `+44 (0)20` is not dialled.
    digits += separator === separators.open && textOf(region, last, last) === '0' ? '' : textOf(region, last, last)
    ends.push(digits)
  }
  findings.spend(8 * ends.length)
  for (let n = ends.length - 1; n >= 0; n--) {
    const one = ends[n]!
    if (one.length < 7 || one.length > DIGITS_MAX) continue
    if (n === 0 ? !isDecimal(region, i) && isInternational(one) : isPossible(one) && isSpread(region, i, i + n))
      return i + n
  }
  return -1
}

function isDecimal({ groups, count }: NumberRegion, i: number): boolean {
  return i + 1 < count && groups[(i + 1) * GROUP + 2] === separators.dot
}

/** No decimal, and no row of single digits. */
function isSpread(region: NumberRegion, i: number, last: number): boolean {
  const { groups } = region
  let single = 0
  for (let j = i + 1; j <= last; j++) if (lengthOf(region, j) === 1) single++
  if (last === i + 1 && isDecimal(region, i)) return single === 0 && groups[last * GROUP + 1]! - groups[i * GROUP]! > 9
  return single <= 2
}

/** The last group of a number whose grouping alone tells, or `i`. */
function groupedEnd(region: NumberRegion, i: number): number {
  const { bytes, groups, count } = region
  if (i + 1 >= count) return i
  const start = groups[i * GROUP]!
  const length = lengthOf(region, i)
  const kind = groups[(i + 1) * GROUP + 2]!
  if (kind === separators.close)
    return start > region.low && bytes[start - 1] === OPEN ? inParentheses(region, i, length) : i
  if (length === 3 && lengthOf(region, i + 1) === 3 && lengthOf(region, i + 2) === 4)
    return northAmerican(region, i, kind)
  if (bytes[start] === ZERO && bytes[start + 1] !== ZERO && length >= 2 && length <= 5)
    return withTrunkZero(region, i, kind)
  // `1-800-555-0199`, `91-415-555-0132`
  if (length <= 3 && kind === separators.dash && lengthOf(region, i + 1) === 3 && lengthOf(region, i + 2) === 3)
    return lengthOf(region, i + 3) === 4 && northAmerican(region, i + 1, separators.dash, 1) > i ? i + 3 : i
  return i
}

/** `(415) 555-0132`, `(88) 684-334`, `(022) 0793-176`: two or three groups more. */
function inParentheses(region: NumberRegion, i: number, length: number): number {
  const { groups, count, bytes, low } = region
  if (length < 2 || length > 5) return i
  const start = groups[i * GROUP]!
  // A call's argument is no code.
  if (start - 2 >= low && classes[bytes[start - 2]!]! & ~DIGIT & 7) return i
  let digits = length
  let last = i
  while (last + 1 < count && last - i < 4) {
    const next = lengthOf(region, last + 1)
    const kind = groups[(last + 1) * GROUP + 2]!
    if (next < 2 || digits + next > 11 || kind === separators.slash || (last > i && kind > separators.dot)) break
    digits += next
    last++
  }
  const shape = last - i > 1 || (last - i === 1 && lengthOf(region, last) >= 6)
  return shape && digits >= 8 ? last : i
}

/** 3-3-4; `before`: groups to the left that belong to it. */
function northAmerican(region: NumberRegion, i: number, kind: number, before = 0): number {
  const { bytes, groups, count } = region
  const last = i + 2
  if (groups[last * GROUP + 2] !== kind) return i
  if (!standsApart(region, i - before, last, kind)) return i
  if (kind === separators.dash || kind === separators.dot) return last
  if (kind !== separators.space || count !== 3) return i
  const [area, exchange] = [bytes[groups[i * GROUP]!]!, bytes[groups[(i + 1) * GROUP]!]!]
  return area === ZERO || (area > 0x31 && exchange > 0x31) ? last : i
}

/** `030 1234567`, `06-10446904`, `02.27.96.63.08`, `0431/35 06 90`: nine to twelve digits. */
function withTrunkZero(region: NumberRegion, i: number, first: number): number {
  const { groups, count } = region
  if (first > separators.slash) return i
  let digits = lengthOf(region, i)
  let last = i
  const kind = i + 2 < count ? groups[(i + 2) * GROUP + 2]! : first
  while (last + 1 < count && last - i < 5) {
    const next = lengthOf(region, last + 1)
    if ((last > i && groups[(last + 1) * GROUP + 2] !== kind) || next < 2 || digits + next > 12) break
    digits += next
    last++
  }
  if (digits < 9 || (first === separators.dot && !(last - i === 4 && digits === 10))) return i
  if (kind === separators.slash || !standsApart(region, i, last, first)) return i
  return last
}

/** The last group of a number that a word names, or -1. */
function namedEnd(region: NumberRegion, i: number, regions: readonly string[], findings: Findings): number {
  const { groups, count } = region
  let last = i
  let digits = lengthOf(region, i)
  const kind = i + 2 < count ? groups[(i + 2) * GROUP + 2]! : i + 1 < count ? groups[(i + 1) * GROUP + 2]! : 0
  while (last + 1 < count) {
    const separator = groups[(last + 1) * GROUP + 2]!
    if (separator > separators.dot || (last > i && separator !== kind) || lengthOf(region, last + 1) < 2) break
    digits += lengthOf(region, ++last)
  }
  if (i > 0 && groups[i * GROUP + 2]! <= separators.slash) return -1
  // Two groups with a dot are a decimal.
  if (last === i + 1 && kind === separators.dot) return -1
  if (digits < (last - i === 2 ? 6 : 7) || digits > 12 || isDate(region, i, last)) return -1
  const start = groups[i * GROUP]!
  const end = groups[last * GROUP + 1]!
  if (!hasNames(region, start, i, findings) && !isNamedAfter(region, end, namesAfter)) return -1
  return last > i || isNational(textOf(region, i, i), regions) ? last : -1
}

function hasNames(region: NumberRegion, start: number, i: number, findings?: Findings): boolean {
  findings?.spend(24)
  return i === 0 && isNamed(region, start, names) && !isNamed(region, start, notNames)
}

/** `2024-11-21`, `21.11.2024`: a year at one end and two digits in the middle. */
function isDate(region: NumberRegion, i: number, last: number): boolean {
  if (last - i < 2 || lengthOf(region, i + 1) > 2) return false
  return isYear(region, i) || isYear(region, i + 2)
}

function isYear(region: NumberRegion, i: number): boolean {
  const first = region.groups[i * GROUP]!
  if (lengthOf(region, i) !== 4) return false
  const century = region.bytes[first]! * 256 + region.bytes[first + 1]!
  return century === 0x3139 || century === 0x3230
}

/** `2024-11-21T…`, `2024-11-21 12:00`: most regions in telemetry are dates. */
function isTime(region: NumberRegion): boolean {
  if (region.count < 3 || region.count > 4 || !isYear(region, 0)) return false
  return lengthOf(region, 1) <= 2 && lengthOf(region, 2) <= 2
}

function add(region: NumberRegion, first: number, last: number, findings: Findings): void {
  const { bytes, groups, low } = region
  let start = groups[first * GROUP]!
  let end = groups[last * GROUP + 1]!
  const lead = start > low ? bytes[start - 1]! : 0
  if (lead === OPEN) start -= start - 2 >= low && bytes[start - 2] === PLUS ? 2 : 1
  else if (lead === PLUS) start--
  else start -= encodedPlus(bytes, start, low)
  end = extensionEnd(region, end)
  if (standsFree(region, start, end)) findings.add(start, end, PHONE)
}

/** Behind `x123`, `ext. 123`. */
function extensionEnd({ bytes, end: limit }: NumberRegion, end: number): number {
  const match = /^ ?(?:x|ext\.?|extension) ?\d{1,6}(?![\da-z])/i.exec(
    bytes.toString('latin1', end, Math.min(limit, end + 20)),
  )
  return match === null ? end : end + match[0].length
}

const PLUS = 0x2b
const OPEN = 0x28
const ZERO = 0x30

/** How many bytes of `%2B` or `\u002b` stand before `start`. */
function encodedPlus(bytes: Buffer, start: number, low: number): number {
  if (start - 3 < low || (bytes[start - 1]! | 0x20) !== 0x62 || bytes[start - 2] !== 0x32) return 0
  if (bytes[start - 3] === 0x25) return 3
  return start - 6 >= low && bytes.toString('latin1', start - 6, start - 2) === '\\u00' ? 6 : 0
}

function lengthOf(region: NumberRegion, i: number): number {
  return i < region.count ? region.groups[i * GROUP + 1]! - region.groups[i * GROUP]! : 0
}

/** The digits of groups `first` to `last`. */
function textOf(region: NumberRegion, first: number, last: number): string {
  return region.bytes.toString('latin1', region.groups[first * GROUP]!, region.groups[last * GROUP + 1]!)
}
