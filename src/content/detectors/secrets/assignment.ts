import {
  ALNUM,
  afterEscape,
  BACKSLASH,
  byteSet,
  classes,
  DIGIT,
  JOINER,
  LETTER,
  PERCENT,
  QUOTE,
  SPACE,
} from '../bytes.ts'
import { kindIndex } from '../findings.ts'
import { classesIn, entropy } from './randomness.ts'
import { namesSecret } from './secret_names.ts'
import type { TokenRule } from './tokens.ts'

const API_KEY = kindIndex('API_KEY')
const VALUE_MAX = 512
const LOOK_BACK = 128
const NAME_MAX = 48
const VALUE_MIN = 10

const value = byteSet(ALNUM | JOINER, './+~')
const operators = byteSet(0, '=:>,|?')
const name = byteSet(ALNUM | JOINER, '. ')

const placeholders =
  /example|placeholder|changeme|your[_-]|xxxx|\.\.\.|process\.env|os\.environ|redacted|12345678901|abcdefghij|(?:^|[._-])(?:get|env|config|secrets|vars|settings)\./i

/**
 * Values that look random and are assigned to the name of a secret (`api_key = …`, `"token": "…"`, `-H "X-Auth-Token: …"`,
 * `?sig=…`), or follow an authentication scheme (`Authorization: Bearer …`).
 */
export const assignment: TokenRule = {
  kind: 'API_KEY',
  find(bytes, start, end, low, limit, findings) {
    const from = valueStart(bytes, start, end, low)
    const context = contextBefore(bytes, from, low)
    if (context === 0) return false
    const to = valueEnd(bytes, end, Math.min(limit, from + VALUE_MAX))
    findings.spend(to - from + LOOK_BACK)
    if (to - from < VALUE_MIN || bytes[to] === 0x28) return false
    const scheme = context < 0
    const position = Math.abs(context) - 1
    if (!scheme && !isSecretName(bytes, position, low)) return false
    if (!isSecretValue(bytes, from, to, scheme)) return false
    findings.add(from, to, API_KEY)
    return true
  },
}

function valueStart(bytes: Buffer, start: number, end: number, low: number): number {
  const floor = Math.max(low, start - LOOK_BACK)
  let p = start
  while (p > floor && value[bytes[p - 1]!]) p--
  return afterEscape(bytes, p, end, low)
}

function valueEnd(bytes: Buffer, end: number, limit: number): number {
  let p = end
  while (p < limit && (value[bytes[p]!] || isEncoded(bytes, p))) p++
  while (p > end && (bytes[p - 1] === 0x2e || bytes[p - 1] === 0x2f)) p--
  for (let i = 0; i < 2 && p < limit && bytes[p] === 0x3d; i++) p++
  return p
}

/** A percent-encoded byte of base64: `%2B`, `%2F`, `%3D`. */
function isEncoded(bytes: Buffer, p: number): boolean {
  if (bytes[p] !== PERCENT) return false
  const third = bytes[p + 2]! | 0x20
  return (bytes[p + 1] === 0x32 && (third === 0x62 || third === 0x66)) || (bytes[p + 1] === 0x33 && third === 0x64)
}

/**
 * What stands before a value: 0 nothing of interest; n + 1 where n is the end of the name it is assigned to; negative if
 * it is an authentication scheme.
 */
function contextBefore(bytes: Buffer, from: number, low: number): number {
  const floor = Math.max(low, from - 24)
  let p = from
  while (p > floor && classes[bytes[p - 1]!]! & (QUOTE | SPACE)) p--
  if (p === floor) return 0
  if (operators[bytes[p - 1]!]) return beforeOperator(bytes, p, low)
  if (bytes[p - 1]! === 0x44 && p - 3 >= floor && bytes[p - 3] === PERCENT) return p - 3 + 1 // %3D
  if (p === from || !(classes[bytes[p - 1]!]! & LETTER)) return 0
  return isScheme(bytes, p, low) ? -1 : 0
}

function beforeOperator(bytes: Buffer, from: number, low: number): number {
  const floor = Math.max(low, from - 16)
  let p = from
  while (
    p > floor &&
    (operators[bytes[p - 1]!] ||
      classes[bytes[p - 1]!]! & (QUOTE | SPACE) ||
      bytes[p - 1] === 0x29 ||
      bytes[p - 1] === 0x5d)
  )
    p--
  return p === floor && p !== low ? 0 : p + 1
}

/** `Bearer`, `Basic`, `Token`, `ApiKey`, and `is`/`-p` as in "the token is …". */
function isScheme(bytes: Buffer, p: number, low: number): boolean {
  const text = bytes.toString('latin1', Math.max(low, p - 16), p)
  return /(?:^|[^a-z0-9])(?:bearer|basic|(?:secret|token|api[ _-]?key) is|(?:authorization: ?)(?:token|apikey|key))$/i.test(
    text,
  )
}

/** Whether the name that ends at `end` is one of a secret; a type between name and operator (`token string = …`) is skipped. */
function isSecretName(bytes: Buffer, end: number, low: number): boolean {
  const floor = Math.max(low, end - NAME_MAX)
  let p = end
  while (p > floor && name[bytes[p - 1]!]) p--
  if (p > low && bytes[p - 1] === BACKSLASH) p = afterEscape(bytes, p, end, low)
  if (!hintsAtSecret(bytes, p, end)) return false
  const text = bytes.toString('latin1', p, end).replace(/ +(?:string|str|String|const)$/, '')
  return namesSecret(text)
}

function isSecretValue(bytes: Buffer, from: number, to: number, scheme: boolean): boolean {
  const found = classesIn(bytes, from, to)
  if (!(found & DIGIT) && !(scheme && (found & LETTER) === LETTER)) return false
  if (!(found & LETTER) && to - from < 16) return false
  if (entropy(bytes, from, to) < (found & LETTER ? 2.9 : 2.4)) return false
  return !placeholders.test(bytes.toString('latin1', from, Math.min(to, from + 64)))
}

/** Every name of a secret (`secret_names.ts`) holds one of these pairs: most others are told from it without making a string. */
const pairs = ['ke', 'se', 'to', 'pa', 'pw', 'cr', 'au', 'be', 'sa', 'co', 'jw', 'si']
const firsts = new Uint16Array(256)
const seconds = new Uint16Array(256)
for (const [bit, pair] of pairs.entries()) {
  for (const spelling of [pair, pair.toUpperCase()]) {
    firsts[spelling.charCodeAt(0)]! |= 1 << bit
    seconds[spelling.charCodeAt(1)]! |= 1 << bit
  }
}

function hintsAtSecret(bytes: Buffer, start: number, end: number): boolean {
  for (let p = start; p + 1 < end; p++) if (firsts[bytes[p]!]! & seconds[bytes[p + 1]!]!) return true
  return false
}
