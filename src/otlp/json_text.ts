/** Strings of a JSON text as UTF-8. */
import { isUtf8 } from 'node:buffer'
import type { JsonReader } from './json_reader.ts'
import type { Output } from './output.ts'

const REPLACEMENT = 0xfffd
const plainEscapes = new Map(
  [...'"\\/bfnrt'].map((letter, at) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'.charCodeAt(at)]),
)

/**
 * Writes the string that the reader has just read, as UTF-8 without a length. Lone surrogates and invalid UTF-8
 * become U+FFFD. Throws WireError for an escape that JSON does not know.
 */
export function writeJsonString(reader: JsonReader, out: Output): void {
  const { bytes, start, stop } = reader
  if (!reader.escaped && !reader.wide) return out.copy(bytes, start, stop)
  let from = start
  while (from < stop) {
    let to = bytes.subarray(from, stop).indexOf(0x5c)
    to = to < 0 ? stop : from + to
    writeRaw(bytes.subarray(from, to), reader.wide, out)
    from = to < stop ? writeEscape(reader, to, out) : to
  }
}

/** The string that the reader has just read, for short ASCII content such as ids and numbers. */
export function jsonStringOf(reader: JsonReader, out: Output): string {
  if (!reader.escaped) return reader.bytes.toString('latin1', reader.start, reader.stop)
  const start = out.end
  writeJsonString(reader, out)
  const text = out.bytes.toString('latin1', start, out.end)
  out.end = start
  return text
}

/** Longer text that is not UTF-8 is repaired in pieces: as one string it would take three times its size, twice. */
const PIECE_BYTES = 1 << 16

function writeRaw(bytes: Buffer, wide: boolean, out: Output): void {
  if (!wide || isUtf8(bytes)) return out.copy(bytes, 0, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    let end = Math.min(bytes.length, at + PIECE_BYTES)
    // A character is four bytes at most: a piece ends before one that would be cut.
    for (let back = 0; back < 3 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80; back++) end--
    out.text(bytes.toString('utf8', at, end))
    at = end
  }
}

/** Writes the character of the escape at `at` (two escapes, if they are a surrogate pair); returns the offset behind. */
function writeEscape(reader: JsonReader, at: number, out: Output): number {
  const letter = reader.bytes[at + 1]!
  if (letter !== 0x75) {
    const plain = plainEscapes.get(letter)
    if (plain === undefined) reader.fail('unknown escape in a string', at)
    out.byte(plain)
    return at + 2
  }
  const first = readUnit(reader, at)
  if (first < 0xd800 || first > 0xdfff) {
    writeCharacter(first, out)
    return at + 6
  }
  if (first < 0xdc00 && reader.bytes[at + 6] === 0x5c && reader.bytes[at + 7] === 0x75) {
    const second = readUnit(reader, at + 6)
    if (second >= 0xdc00 && second <= 0xdfff) {
      writeCharacter(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), out)
      return at + 12
    }
  }
  writeCharacter(REPLACEMENT, out)
  return at + 6
}

function readUnit(reader: JsonReader, at: number): number {
  const digits = reader.bytes.toString('latin1', at + 2, Math.min(at + 6, reader.stop))
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) reader.fail('escape \\u wants four hexadecimal digits', at)
  return Number.parseInt(digits, 16)
}

function writeCharacter(code: number, out: Output): void {
  if (code < 0x80) return out.byte(code)
  if (code < 0x800) out.byte(0xc0 | (code >> 6))
  else {
    if (code < 0x10000) out.byte(0xe0 | (code >> 12))
    else {
      out.byte(0xf0 | (code >> 18))
      out.byte(0x80 | ((code >> 12) & 63))
    }
    out.byte(0x80 | ((code >> 6) & 63))
  }
  out.byte(0x80 | (code & 63))
}
