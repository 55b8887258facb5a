import {
  ALNUM,
  afterEscape,
  BACKSLASH,
  byteSet,
  classes,
  DIGIT,
  DOT,
  hexByte,
  hexUnit,
  isWideLetterAt,
  isWideLetterBefore,
  LETTER,
  PERCENT,
} from './bytes.ts'
import { type Detector, traits } from './detector.ts'
import { type Findings, kindIndex } from './findings.ts'

const EMAIL = kindIndex('EMAIL')
const LOCAL_MAX = 128
const DOMAIN_MAX = 253
const SHORT_MAX = 512
const AT = 0x40
const COLON = 0x3a

/** Bytes of a local part. RFC 5322 has more (`=`, `/`, `#` …), but in text and URLs those are delimiters. */
const local = byteSet(ALNUM, "._+'-")
const label = byteSet(ALNUM, '-')
/** What may stand around a local part without being of it. */
const edge = byteSet(0, ".+'-")

/** Other spellings of `@`: percent-encoded, HTML entity, full width; and in JSON text, after any number of backslashes. */
const spellings = ['%40', '&#64;', '\uff20'].map((spelling) => Buffer.from(spelling))
const escaped = Buffer.from('0040')
const begins = byteSet(0, '@%&\\\xef')

/** E-mail addresses, with letters up to Cyrillic in names and domains. */
export const email: Detector = {
  kinds: ['EMAIL'],
  needs: traits.at,
  find(bytes, start, end, findings) {
    if (end - start <= SHORT_MAX) return findShort(bytes, start, end, findings)
    for (let at = bytes.indexOf(AT, start); at !== -1; at = bytes.indexOf(AT, at + 1)) {
      check(bytes, start, end, at, at + 1, findings)
    }
    for (const spelling of spellings) {
      for (let at = bytes.indexOf(spelling, start); at !== -1; at = bytes.indexOf(spelling, at + 1)) {
        check(bytes, start, end, at, at + spelling.length, findings)
      }
    }
    if (bytes.indexOf(BACKSLASH, start) !== -1) findEscaped(bytes, start, end, findings)
  },
}

/** As above without native searches, which cost more than they save on a few hundred bytes. */
function findShort(bytes: Buffer, start: number, end: number, findings: Findings): void {
  for (let p = start; p < end; p++) {
    const byte = bytes[p]!
    if (!begins[byte]) continue
    if (byte === AT) check(bytes, start, end, p, p + 1, findings)
    else if (byte === BACKSLASH) p = checkEscaped(bytes, start, end, p, findings)
    else
      for (const spelling of spellings)
        if (isAt(spelling, bytes, p, end)) check(bytes, start, end, p, p + spelling.length, findings)
  }
}

/** Looks at the escape that begins with the backslashes at `p`; returns where the last of them is. */
function checkEscaped(bytes: Buffer, start: number, end: number, p: number, findings: Findings): number {
  let u = p + 1
  while (u < end && bytes[u] === BACKSLASH) u++
  const from = Math.max(p, u - 7)
  if (bytes[u] === 0x75 && isAt(escaped, bytes, u + 1, end))
    check(bytes, start, end, from, u + 1 + escaped.length, findings)
  return u - 1
}

function isAt(text: Buffer, bytes: Buffer, p: number, end: number): boolean {
  if (p + text.length > end) return false
  for (let i = 0; i < text.length; i++) if (bytes[p + i] !== text[i]) return false
  return true
}

/** The search goes by the digits: `u` is frequent in prose. */
function findEscaped(bytes: Buffer, start: number, end: number, findings: Findings): void {
  for (let at = bytes.indexOf(escaped, start); at !== -1; at = bytes.indexOf(escaped, at + 1)) {
    if (at - 2 < start || bytes[at - 1] !== 0x75) continue
    let from = at - 1
    while (from > start && at - from < 8 && bytes[from - 1] === BACKSLASH) from--
    if (from < at - 1) check(bytes, start, end, from, at + escaped.length, findings)
  }
}

function check(bytes: Buffer, low: number, end: number, at: number, after: number, findings: Findings): void {
  findings.spend(8)
  if (at === low || !(local[bytes[at - 1]!]! || bytes[at - 1]! >= 0x80)) return
  const stop = domainEnd(bytes, after, end)
  findings.spend(stop - after + 8)
  if (stop === after) return
  const begin = localStart(bytes, low, at)
  findings.spend(at - begin)
  if (begin >= at || isUserinfo(bytes, low, begin) || isRepository(bytes, begin, at, stop, end)) return
  findings.add(begin, stop, EMAIL)
}

/** The end of the longest domain at `p` that ends in a plausible top level; `p` itself if there is none. */
function domainEnd(bytes: Buffer, p: number, end: number): number {
  const limit = Math.min(end, p + DOMAIN_MAX)
  let stop = p
  let from = p
  let q = p
  let dots = 0
  for (;;) {
    if (q < limit && label[bytes[q]!]) q++
    else if (q < limit && isWideLetterAt(bytes, q, end)) q += 2
    else {
      if (q === from) return stop
      if (dots > 0) stop = Math.max(stop, topLevelEnd(bytes, from, q))
      if (q >= limit || bytes[q] !== DOT) return stop
      dots++
      from = ++q
    }
  }
}

/** Where the top-level domain in the label [from, to) ends: its leading letters, or all of an `xn--` label; 0 if it is none. */
function topLevelEnd(bytes: Buffer, from: number, to: number): number {
  let p = from
  while (p < to) {
    if (classes[bytes[p]!]! & LETTER) p++
    else if (isWideLetterAt(bytes, p, to)) p += 2
    else break
  }
  if (p - from < 2) return 0
  if (p === to) return isImage(bytes, from, to) ? 0 : to
  if (bytes[p] !== 0x2d) return 0
  if (p - from === 2 && bytes[p + 1] === 0x2d && (bytes[from]! | 0x20) === 0x78) return to
  return p
}

/** `icon@2x.png` and the like: high-resolution images are the one file name in wide use that has an `@`. */
function isImage(bytes: Buffer, from: number, to: number): boolean {
  if (to - from < 3 || to - from > 4) return false
  const name = bytes.toString('latin1', from, to).toLowerCase()
  return name === 'png' || name === 'jpg' || name === 'jpeg' || name === 'gif' || name === 'svg' || name === 'webp'
}

/** Where the local part that ends at `at` begins; `at` if there is none. */
function localStart(bytes: Buffer, low: number, at: number): number {
  const floor = Math.max(low, at - LOCAL_MAX)
  let p = at
  while (p > floor) {
    const byte = bytes[p - 1]!
    if (local[byte]) p--
    else if (isWideLetterBefore(bytes, p, floor)) p -= 2
    else if (byte === PERCENT && !isEncodedDelimiter(bytes, p)) p--
    else if (byte === BACKSLASH && isEscapedLetter(bytes, p)) p--
    else break
  }
  p = afterEscape(bytes, p, at, low)
  while (p < at && edge[bytes[p]!]) p++
  return p
}

/** Whether the two bytes at `p` after a percent sign encode something that ends a local part. */
function isEncodedDelimiter(bytes: Buffer, p: number): boolean {
  const value = hexByte(bytes, p)
  return value >= 0 && value < 0x80 && !local[value]
}

/** Whether `\` just before `p` begins the JSON escape of a letter, as in `j\u00fcrgen`. */
function isEscapedLetter(bytes: Buffer, p: number): boolean {
  if (bytes[p] !== 0x75) return false
  const unit = hexUnit(bytes, p + 1)
  return unit >= 0xc0 && unit < 0x540
}

/** Whether the run at `begin` is the end of a password in a URL: `//user:run@host`. Those are another kind, and the host may stay. */
function isUserinfo(bytes: Buffer, low: number, begin: number): boolean {
  const floor = Math.max(low, begin - LOCAL_MAX)
  let colon = false
  for (let p = begin - 1; p > floor; p--) {
    const byte = bytes[p]!
    if (byte === COLON) colon = true
    if (byte === 0x2f) return colon && (bytes[p - 1] === 0x2f || bytes[p - 1] === BACKSLASH)
    if (byte <= 0x20 || byte === AT || byte === 0x22) return false
  }
  return false
}

/** `git@host:path`, which names nobody. */
function isRepository(bytes: Buffer, begin: number, at: number, stop: number, end: number): boolean {
  if (at - begin !== 3 || stop >= end || (bytes[stop] !== COLON && bytes[stop] !== 0x2f)) return false
  if (stop + 1 < end && classes[bytes[stop + 1]!]! & DIGIT) return false
  return bytes[begin] === 0x67 && bytes[begin + 1] === 0x69 && bytes[begin + 2] === 0x74
}
