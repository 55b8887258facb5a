import {
  ALNUM,
  afterEscape,
  BACKSLASH,
  byteSet,
  classes,
  DIGIT,
  JOINER,
  LETTER,
  LOWER,
  SPACE,
  UPPER,
} from '../bytes.ts'
import { type Detector, traits } from '../detector.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { isAboutSecret } from './secret_names.ts'

const API_KEY = kindIndex('API_KEY')
const VALUE_MAX = 128
const VALUE_MIN = 6
const NAME_MAX = 24
const SHORT_MAX = 512

/** The rare end of `password`, `passwd`, `pwd`: `w` is one letter in fifty, so that native searches stay fast. */
const anchors = ['word', 'wd', 'WORD', 'WD'].map((anchor) => Buffer.from(anchor))
const symbols = byteSet(0, '!@#$%^&*?+~')
/** What ends a value that is not quoted. */
const delimiters = byteSet(SPACE, '"\'`\\<>,;)}]|')

/** Values that are assigned to a password: `password=…`, `"db_pwd": "…"`, and "the password is …" if the value has a digit. */
export const password: Detector = {
  kinds: ['API_KEY'],
  needs: traits.password,
  find(bytes, start, end, findings) {
    if (end - start <= SHORT_MAX) return findShort(bytes, start, end, findings)
    for (const anchor of anchors) {
      for (let p = bytes.indexOf(anchor, start); p !== -1; p = bytes.indexOf(anchor, p + anchor.length)) {
        if (isPassword(bytes, p, anchor.length, start)) check(bytes, p + anchor.length, end, findings)
      }
    }
  },
}

/** As above without native searches, which cost more than they save on a few hundred bytes. */
function findShort(bytes: Buffer, start: number, end: number, findings: Findings): void {
  for (let p = start + 1; p + VALUE_MIN < end; p++) {
    if ((bytes[p]! | 0x20) !== 0x77) continue
    const length = (bytes[p + 1]! | 0x20) === 0x64 ? 2 : 4
    if (length === 4 && (bytes[p + 1]! | 0x20) !== 0x6f) continue
    if (isPassword(bytes, p, length, start)) check(bytes, p + length, end, findings)
  }
}

/** Whether `pass` stands before `word`, and `p` or `pass` before `wd`, in any case. */
function isPassword(bytes: Buffer, p: number, length: number, low: number): boolean {
  if (length === 2 && p > low && (bytes[p - 1]! | 0x20) === 0x70) return true
  if (p - 4 < low) return false
  return (
    (bytes[p - 1]! | 0x20) === 0x73 &&
    (bytes[p - 2]! | 0x20) === 0x73 &&
    (bytes[p - 3]! | 0x20) === 0x61 &&
    (bytes[p - 4]! | 0x20) === 0x70
  )
}

function check(bytes: Buffer, from: number, end: number, findings: Findings): void {
  findings.spend(NAME_MAX)
  let p = skipName(bytes, from, end)
  if (p > from && isAboutSecret(nameWith(bytes, from, p))) return
  const assigned = skipOperator(bytes, p, end)
  if (assigned === -1) return
  const loose = assigned < 0
  p = Math.abs(assigned)
  let quote = -1
  while (p < end && (bytes[p] === BACKSLASH || bytes[p] === 0x22 || bytes[p] === 0x27 || bytes[p] === 0x60)) {
    if (bytes[p] !== BACKSLASH) quote = bytes[p]!
    p++
  }
  if (quote === -1) p = afterEscape(bytes, p, end, from)
  const stop = valueEnd(bytes, p, Math.min(end, p + VALUE_MAX), quote)
  findings.spend(stop - p)
  if (isSecret(bytes, p, stop, end, quote !== -1, loose)) findings.add(p, stop, API_KEY)
}

/** The rest of the name (`password_prod`), its closing quotes and brackets. */
function skipName(bytes: Buffer, from: number, end: number): number {
  const limit = Math.min(end, from + NAME_MAX)
  let p = from
  while (p < limit && classes[bytes[p]!]! & (ALNUM | JOINER)) p++
  while (
    p < limit &&
    (bytes[p] === BACKSLASH || bytes[p] === 0x22 || bytes[p] === 0x27 || bytes[p] === 0x5d || bytes[p] === 0x29)
  )
    p++
  return p
}

/** `password` and the letters that go on with it, up to [from, end). */
function nameWith(bytes: Buffer, from: number, end: number): string {
  return `password${/^[\w.-]*/.exec(bytes.toString('latin1', from, end))![0]}`
}

/** Where the value begins behind `=`, `:`, `:=`, `=>`, `,` or `is`; negated if it was `is`, -1 if there is none. */
function skipOperator(bytes: Buffer, from: number, end: number): number {
  const limit = Math.min(end, from + 12)
  let p = skipSpaces(bytes, from, limit)
  const operator = p
  while (p < limit && (bytes[p] === 0x3d || bytes[p] === 0x3a || bytes[p] === 0x3e || (bytes[p] === 0x2c && p > from)))
    p++
  // `<password>` is an element, whose value follows at once.
  if (p === operator + 1 && bytes[operator] === 0x3e) return p
  if (p > operator) return skipSpaces(bytes, p, limit)
  if (bytes[p] === 0x2c && bytes[p - 1] !== undefined && bytes[p - 1] === 0x22) return skipSpaces(bytes, p + 1, limit)
  if (p > from && bytes[p] === 0x69 && bytes[p + 1] === 0x73) {
    p = bytes[p + 2] === 0x3a ? p + 3 : p + 2
    const value = skipSpaces(bytes, p, limit)
    return value > p ? -value : -1
  }
  return -1
}

function skipSpaces(bytes: Buffer, from: number, limit: number): number {
  let p = from
  while (p < limit && (bytes[p] === 0x20 || bytes[p] === 0x09)) p++
  return p
}

function valueEnd(bytes: Buffer, from: number, limit: number, quote: number): number {
  let p = from
  if (quote === -1) while (p < limit && !delimiters[bytes[p]!] && bytes[p] !== 0x26) p++
  else while (p < limit && bytes[p] !== quote && bytes[p] !== BACKSLASH && bytes[p]! >= 0x20) p++
  while (
    quote === -1 &&
    p > from &&
    (bytes[p - 1] === 0x2e || bytes[p - 1] === 0x3f || bytes[p - 1] === 0x21) &&
    classes[bytes[p - 2]!]! & ALNUM
  )
    p--
  return p
}

/** Variables, calls, templates and plain words are no passwords. */
function isSecret(bytes: Buffer, from: number, to: number, end: number, quoted: boolean, loose: boolean): boolean {
  if (to - from < VALUE_MIN || (to < end && bytes[to] === 0x28)) return false
  const first = bytes[from]!
  if (first === 0x3c || first === 0x7b || first === 0x5b || first === 0x2a || first === 0x28) return false
  if (first === 0x24 && (bytes[from + 1] === 0x7b || bytes[from + 1] === 0x28)) return false
  let found = 0
  let symbol = false
  for (let p = from; p < to; p++) {
    const byte = bytes[p]!
    if (byte === 0x28) return false
    found |= classes[byte]!
    if (symbols[byte]) symbol = true
  }
  if (quoted && found & SPACE) return false
  if (loose) return (found & DIGIT) !== 0 && ((found & LETTER) !== 0 || symbol)
  if (found & DIGIT) return true
  return quoted && (symbol || (found & (LOWER | UPPER)) === (LOWER | UPPER))
    ? !isIdentifier(found, symbol, to - from)
    : symbol && (found & LETTER) !== 0
}

/** `PasswordField`, `DB_PASSWORD`: names in code that stand in quotes. */
function isIdentifier(found: number, symbol: boolean, length: number): boolean {
  return !symbol && ((found & JOINER) !== 0 || length > 12)
}
