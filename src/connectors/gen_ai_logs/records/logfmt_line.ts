/**
 * A line of logfmt: words, and `key=value` pairs, between blanks; values in quotes where they need them. In bytes: what
 * needs no quotes, nearly everything, is never made a string.
 */
import { Constant, Output } from '../../../otlp/output.ts'
import { writeNumber } from './readable_number.ts'

const BLANK = 0x20
/** Of the value of a pair, in UTF-16 units. */
const VALUE_MAX = 200

/** Bits of what a byte may stand in: a word on its own, a value without quotes. Others than ASCII are looked at as text. */
const WORD = 1
const PLAIN = 2
const allowed = new Uint8Array(256)
for (let byte = 0; byte < 128; byte++) {
  const character = String.fromCharCode(byte)
  if (/[\w.:/@+-]/.test(character)) allowed[byte]! |= WORD
  if (/[!-~]/.test(character) && !/["=\\]/.test(character)) allowed[byte]! |= PLAIN
}

/** The name of a pair with the blank in front, for the methods of `LogfmtLine`. */
export type LineKey = Constant

export function lineKey(name: string): LineKey {
  return new Constant(Buffer.from(` ${name}=`))
}

export class LogfmtLine {
  /** Each part with a blank in front, so the line begins behind the first byte. */
  readonly #out = new Output(1024)

  clear(): void {
    this.#out.reset()
  }

  /** UTF-8 bytes of the line. */
  get length(): number {
    return Math.max(0, this.#out.end - 1)
  }

  /** The word in [start, end) on its own; false if it cannot stand so, and is not written. */
  word(bytes: Buffer, start: number, end: number): boolean {
    const before = this.#out.end
    this.#out.byte(BLANK)
    if (start < end && copyAllowed(WORD, bytes, start, end, this.#out)) return true
    this.#out.end = before
    return false
  }

  /** The text in [start, end); nothing if it is empty. */
  pair(key: LineKey, bytes: Buffer, start: number, end: number): void {
    if (start >= end) return
    this.#out.constant(key)
    if (end - start <= VALUE_MAX && copyAllowed(PLAIN, bytes, start, end, this.#out)) return
    this.#out.text(quoted(bytes.toString('utf8', start, end)))
  }

  /** Nothing if the value is not known (NaN). */
  number(key: LineKey, value: number): void {
    if (!Number.isFinite(value)) return
    this.#out.constant(key)
    writeNumber(this.#out, value)
  }

  writeTo(out: Output): void {
    out.copy(this.#out.bytes, 1, this.length + 1)
  }
}

/** Copies [start, end); false, and nothing is written, if there is a byte that is not allowed so. */
function copyAllowed(bit: number, bytes: Uint8Array, start: number, end: number, out: Output): boolean {
  out.reserve(end - start)
  const target = out.bytes
  let to = out.end
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if ((allowed[byte]! & bit) === 0) return false
    target[to++] = byte
  }
  out.end = to
  return true
}

function quoted(value: string): string {
  const short = value.length > VALUE_MAX ? `${value.slice(0, VALUE_MAX).toWellFormed()}…` : value
  if (!/[\s"=\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(short)) return short
  const escaped = short.replace(
    /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
