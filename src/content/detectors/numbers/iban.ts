import { ALNUM, afterEscape, classes, DIGIT, LETTER, LOWER, UPPER } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import type { NumberRule } from './numbers.ts'
import { separatorAt, separators } from './separators.ts'

const IBAN = kindIndex('IBAN')
/** Bytes that are looked at left of the digits: country, check digits, bank code and the spaces between them. */
const REACH = 24

/**
 * International bank account numbers (ISO 13616): a country and its length, check digits modulo 97, in one piece or in
 * groups. Found by the first long row of digits in them, to the left of which the country stands.
 */
export const iban: NumberRule = {
  kind: 'IBAN',
  digits_min: 7,
  find({ bytes, groups, low, end }, findings) {
    const start = groups[0]!
    const floor = Math.max(low, start - REACH)
    let previous = start
    for (let p = start - 1; p >= floor; p--) {
      const byte = bytes[p]!
      if ((classes[byte]! & ALNUM) === 0) {
        // One separator, and capitals or digits before it: most words end the search here.
        if (!isSeparator(bytes, p, previous, end)) break
        continue
      }
      previous = p
      if (isCountry(bytes, p, end) && beginsAt(bytes, p, low)) {
        const stop = check(bytes, p, end, findings)
        if (stop > 0) return findings.add(p, stop, IBAN)
      }
    }
  },
}

/** Whether the bytes from `p` to `next` can be one separator; those that take several bytes are looked at one by one. */
function isSeparator(bytes: Buffer, p: number, next: number, end: number): boolean {
  if (next - p > 6) return false
  if (bytes[p]! >= 0x80 || bytes[p] === 0x25 || bytes[p] === 0x5c) return true
  const found = separatorAt(bytes, p, end, ALNUM)
  return found >> 3 === next - p && (classes[bytes[p - 1] ?? 0]! & LOWER) === 0
}

/** Two letters and two digits. */
function isCountry(bytes: Buffer, p: number, end: number): boolean {
  return (
    p + 14 < end &&
    (classes[bytes[p]!]! & LETTER) !== 0 &&
    (classes[bytes[p + 1]!]! & LETTER) !== 0 &&
    (classes[bytes[p + 2]!]! & DIGIT) !== 0 &&
    (classes[bytes[p + 3]!]! & DIGIT) !== 0
  )
}

function beginsAt(bytes: Buffer, p: number, low: number): boolean {
  if (p === low) return true
  if (bytes[p - 1] === 0x5f) return false
  let word = p
  while (word > low && p - word < 6 && classes[bytes[word - 1]!]! & ALNUM) word--
  return word === p ? afterEscape(bytes, p, p + 4, low) === p : afterEscape(bytes, word, p, low) === p
}

/** The end of the number that begins at `start`, or 0 if it is none. */
function check(bytes: Buffer, start: number, end: number, findings: Findings): number {
  const wanted = lengths.get(String.fromCharCode(bytes[start]! & 0xdf, bytes[start + 1]! & 0xdf))
  if (wanted === undefined) return 0
  let p = start
  let count = 0
  let apart = false
  let found = 0
  let rest = 0
  while (count < wanted && p < end) {
    const kind = classes[bytes[p]!]!
    if ((kind & ALNUM) === 0) {
      const separator = count === 0 ? 0 : separatorAt(bytes, p, end, ALNUM)
      if ((separator & 7) !== separators.space && (separator & 7) !== separators.dash) return 0
      apart = true
      p += separator >> 3
      continue
    }
    found |= kind
    if (count >= 4) rest = append(rest, bytes[p]!, kind)
    count++
    p++
  }
  findings.spend(p - start)
  if (count < wanted || (p < end && classes[bytes[p]!]! & ALNUM) || bytes[p] === 0x5f) return 0
  // Small letters are accepted where they cannot be words.
  if (found & LOWER && (apart || found & UPPER)) return 0
  return passes(rest, bytes, start) ? p : 0
}

/** `value` modulo 97 with one more character: a digit, or a letter as 10 to 35. */
function append(value: number, byte: number, kind: number): number {
  return kind & DIGIT ? (value * 10 + byte - 0x30) % 97 : (value * 100 + (byte & 0x1f) + 9) % 97
}

/** ISO 7064: the first four characters count as the last ones, and the whole is 1 modulo 97. */
function passes(rest: number, bytes: Buffer, start: number): boolean {
  let value = rest
  for (let p = start; p < start + 4; p++) value = append(value, bytes[p]!, classes[bytes[p]!]!)
  return value === 1
}

/** Lengths by country: the registry of ISO 13616, and countries that use IBANs without being in it. */
const lengths = new Map(
  `NO15 BE16 DK18 FK18 FO18 FI18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 XK20 LT20 LU20 MN20 CR22 HR21 LV21 LI21
  CH21 BH22 BG22 GE22 DE22 IE22 ME22 RS22 GB22 VA22 GI23 IQ23 IL23 OM23 SO23 TL23 AE23 AD24 CZ24 MD24 PK24 RO24 SA24
  SK24 ES24 SE24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 IT27 MR27 MC27 SM27 AL28 AZ28 BY28 CY28 DO28
  GT28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 MT31 SC31 LC32 RU33 HN28
  DZ26 AO25 BJ28 BF28 CM27 CV25 CF27 TD27 KM27 CG27 CI28 GA27 GQ27 GW25 IR26 MG27 ML28 MA28 MZ25 NE28 SN28 TG28`
    .split(/\s+/)
    .map((each) => [each.slice(0, 2), Number(each.slice(2))]),
)
