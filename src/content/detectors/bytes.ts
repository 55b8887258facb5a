/** Classes of one byte, as bits in `classes`. Bytes of multi-byte UTF-8 characters have none of them. */
export const LOWER = 1
export const UPPER = 2
export const DIGIT = 4
/** `-` and `_`: with letters and digits they make up tokens. */
export const JOINER = 8
export const HEX = 16
/** Space, tab, line feed, carriage return. */
export const SPACE = 32
/** `"`, `'`, the back-tick, and the backslash that escapes one of them inside JSON. */
export const QUOTE = 64

export const LETTER = LOWER | UPPER
export const ALNUM = LETTER | DIGIT
export const TOKEN = ALNUM | JOINER

export const BACKSLASH = 0x5c
export const PERCENT = 0x25
export const DOT = 0x2e

/** The classes of each byte value. */
export const classes = byteClasses()

/** The value of the two hexadecimal digits at `p`, or -1. */
export function hexByte(bytes: Buffer, p: number): number {
  const high = p < bytes.length ? hexDigits[bytes[p]!]! : -1
  const low = p + 1 < bytes.length ? hexDigits[bytes[p + 1]!]! : -1
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** The value of the four hexadecimal digits at `p`, or -1. */
export function hexUnit(bytes: Buffer, p: number): number {
  const high = hexByte(bytes, p)
  const low = hexByte(bytes, p + 2)
  return high < 0 || low < 0 ? -1 : high * 256 + low
}

/**
 * Where a run of word bytes that begins at `start` really begins. Content is often JSON inside a string, escaped once
 * or more, or part of a URL: in `\nfoo`, `\u003cfoo` and `%3Dfoo` the first bytes of the run belong to the escape.
 * Never looks left of `low`; never returns more than `end`.
 */
export function afterEscape(bytes: Buffer, start: number, end: number, low: number): number {
  if (start <= low || start >= end) return start
  const before = bytes[start - 1]!
  if (before === BACKSLASH) return Math.min(end, start + escapeLength(bytes, start))
  if (before === PERCENT && hexByte(bytes, start) >= 0) return Math.min(end, start + 2)
  return start
}

function escapeLength(bytes: Buffer, p: number): number {
  switch (bytes[p]) {
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
    case 0x62: // b
    case 0x66: // f
      return 1
    case 0x75: // u
      return hexUnit(bytes, p + 1) >= 0 ? 5 : 0
    case 0x78: // x
      return hexByte(bytes, p + 1) >= 0 ? 3 : 0
    default:
      return 0
  }
}

/** Whether a letter that is not ASCII ends just before `p`: two-byte characters from Latin-1 to Cyrillic. */
export function isWideLetterBefore(bytes: Buffer, p: number, low: number): boolean {
  return p - 2 >= low && (bytes[p - 1]! & 0xc0) === 0x80 && isWideLead(bytes[p - 2]!)
}

/** Whether a letter that is not ASCII begins at `p`. */
export function isWideLetterAt(bytes: Buffer, p: number, end: number): boolean {
  return p + 1 < end && isWideLead(bytes[p]!) && (bytes[p + 1]! & 0xc0) === 0x80
}

/** C3..D4 leads U+00C0 to U+053F; C2 is left out because it leads the no-break space and the angle quotes. */
function isWideLead(byte: number): boolean {
  return byte >= 0xc3 && byte <= 0xd4
}

const hexDigits = hexTable()

function hexTable(): Int8Array {
  const table = new Int8Array(256).fill(-1)
  for (const [value, digit] of [...'0123456789abcdef'].entries()) {
    table[digit.charCodeAt(0)] = value
    table[digit.toUpperCase().charCodeAt(0)] = value
  }
  return table
}

function byteClasses(): Uint8Array {
  const table = new Uint8Array(256)
  const mark = (characters: string, bits: number) => {
    for (const character of characters) table[character.charCodeAt(0)]! |= bits
  }
  mark('abcdefghijklmnopqrstuvwxyz', LOWER)
  mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER)
  mark('0123456789', DIGIT | HEX)
  mark('abcdefABCDEF', HEX)
  mark('-_', JOINER)
  mark(' \t\n\r', SPACE)
  mark('"\'`\\', QUOTE)
  return table
}

/** A byte set as a table: 1 for each byte of `characters` and of the classes in `bits`. */
export function byteSet(bits: number, characters: string): Uint8Array {
  const table = classes.map((each) => ((each & bits) === 0 ? 0 : 1))
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}
