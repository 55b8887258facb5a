/**
 * Free text: what people and models write, told from labels, ids and numbers by its length and its blanks. A text is free
 * from 80 characters and eight blanks on. Blanks are white space of Unicode, also as an escape (`\n`, `\u0020`, `%20`). Where
 * words are written without blanks (Chinese, Japanese, Thai …), four letters count as a blank, and those of Chinese and
 * Japanese as two characters each. Texts in lists, maps and JSON count together, as far as they have a blank.
 */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { LENGTH } from '../otlp/schema.ts'
import { ARRAY, BYTES, contentStart, KVLIST, STRING, valueKind } from '../telemetry/any_value.ts'
import { JsonSyntax } from './quality/json_syntax.ts'

/** Fewer bytes hold no free text. */
export const FREE_TEXT_MIN_BYTES = 80
const CHARACTERS_MIN = 80
const BLANKS_MIN = 8
/** Letters of scripts without blanks that count as one. */
const LETTERS_PER_BLANK = 4

const BACKSLASH = 0x5c
const QUOTE = 0x22
const VALUE_FIELD = 2

/** Says of AnyValues whether they hold free text. Keeps nothing but the counts of the value that it looks at. */
export class FreeText {
  #characters = 0
  #quarters = 0
  readonly #syntax = new JsonSyntax()

  /**
   * Whether the AnyValue [start, end) may hold free text: cheap, and never false for one that does. What stands between the
   * texts of JSON counts here.
   */
  mayStandIn(bytes: Buffer, start: number, end: number): boolean {
    this.#begin()
    return this.#value(bytes, start, end, false)
  }

  /** Whether the AnyValue [start, end) holds free text. JSON is looked through; what is damaged or cut off is no JSON. */
  standsIn(bytes: Buffer, start: number, end: number): boolean {
    this.#begin()
    return this.#value(bytes, start, end, true)
  }

  #begin(): void {
    this.#characters = this.#quarters = 0
  }

  get #isFree(): boolean {
    return this.#characters >= CHARACTERS_MIN && this.#quarters >= BLANKS_MIN * LETTERS_PER_BLANK
  }

  #value(bytes: Buffer, start: number, end: number, readsJson: boolean): boolean {
    const kind = valueKind(bytes, start, end)
    if (kind !== STRING && kind < ARRAY) return false
    const content = contentStart(bytes, start, end)
    if (kind === ARRAY || kind === KVLIST) return this.#values(bytes, content, end, kind === KVLIST, readsJson)
    if (kind !== STRING && kind !== BYTES) return false
    return readsJson && this.#isJson(bytes, content, end)
      ? this.#json(bytes, content, end)
      : this.#text(bytes, content, end)
  }

  /** The fields of a list, a map, or a pair of one. */
  #values(bytes: Buffer, start: number, end: number, arePairs: boolean, readsJson: boolean): boolean {
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      at = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) !== LENGTH) continue
      readLength(bytes, value, end)
      if (arePairs ? this.#pair(bytes, next, at, readsJson) : this.#value(bytes, next, at, readsJson)) return true
    }
    return false
  }

  #pair(bytes: Buffer, start: number, end: number, readsJson: boolean): boolean {
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      at = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) !== LENGTH) continue
      readLength(bytes, value, end)
      const isFree = tag >>> 3 === VALUE_FIELD ? this.#value(bytes, next, at, readsJson) : this.#text(bytes, next, at)
      if (isFree) return true
    }
    return false
  }

  #isJson(bytes: Buffer, start: number, end: number): boolean {
    if (!jsonBegins.test(bytes.toString('latin1', start, Math.min(end, start + 16)))) return false
    this.#syntax.reset()
    return this.#syntax.add(bytes, start, end, false) && this.#syntax.isComplete && !this.#syntax.isTooDeep
  }

  /** The strings of sound JSON, keys too. */
  #json(bytes: Buffer, start: number, end: number): boolean {
    for (let at = bytes.indexOf(QUOTE, start); at >= 0 && at < end; at = bytes.indexOf(QUOTE, at)) {
      const from = at + 1
      at = from
      while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
      if (this.#text(bytes, from, at)) return true
      at++
    }
    return false
  }

  /** Counts the text [start, end); what has no blank is forgotten again. */
  #text(bytes: Buffer, start: number, end: number): boolean {
    const before = this.#characters
    const quarters = this.#quarters
    // Of all bytes but the rare ones, here: fields of an object are slower.
    let characters = 0
    let blanks = 0
    for (let p = start; p < end; p++) {
      const kind = kinds[bytes[p]!]!
      if (kind === BYTE.ordinary) characters++
      else if (kind === BYTE.space) {
        characters++
        blanks++
        if (blanks >= BLANKS_MIN && characters >= CHARACTERS_MIN) return true
      } else if (kind === BYTE.rare) p = this.#rare(bytes, p, end)
    }
    this.#characters += characters
    this.#quarters += blanks * LETTERS_PER_BLANK
    if (this.#quarters === quarters) this.#characters = before
    return this.#isFree
  }

  /** An escape, or the first byte of a character that may be a blank or stand for one. Returns where its last byte is. */
  #rare(bytes: Buffer, start: number, end: number): number {
    this.#characters++
    if (bytes[start]! >= 0x80) {
      this.#unit(character(bytes, start, end))
      return start
    }
    if (bytes[start] === BACKSLASH) {
      let p = start + 1
      // In JSON in JSON, backslashes are escaped themselves.
      while (p < end && bytes[p] === BACKSLASH) p++
      if (p + 4 < end && bytes[p] === 0x75) {
        this.#unit(Number.parseInt(bytes.toString('latin1', p + 1, p + 5), 16))
        return p + 4
      }
      if (p < end && escapes.has(bytes[p]!)) this.#unit(0x20)
      return p
    }
    const code = bytes.toString('latin1', start + 1, Math.min(end, start + 3))
    if (!/^(?:20|09|0[ad])$/i.test(code)) return start
    this.#unit(0x20)
    return start + 2
  }

  #unit(code: number): void {
    if (isBlank(code)) this.#quarters += LETTERS_PER_BLANK
    else if (isIdeograph(code)) {
      this.#quarters++
      this.#characters++
    } else if (isUnspaced(code)) this.#quarters++
  }
}

const jsonBegins = /^\s*[[{"]/
/** Behind a backslash: n, r, t, f and v. */
const escapes = new Set([0x6e, 0x72, 0x74, 0x66, 0x76])

const BYTE = { ordinary: 0, space: 1, inner: 2, rare: 3 } as const
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return BYTE.space
  if (byte >= 0x80 && byte < 0xc0) return BYTE.inner
  return byte >= 0x80 || byte === BACKSLASH || byte === 0x25 ? BYTE.rare : BYTE.ordinary
})

/** The character of two or three bytes at `p`; 0 for others. */
function character(bytes: Buffer, p: number, end: number): number {
  const head = bytes[p]!
  if (head < 0xe0) return p + 1 < end ? ((head & 0x1f) << 6) | (bytes[p + 1]! & 0x3f) : 0
  if (head >= 0xf0 || p + 2 >= end) return 0
  return ((head & 0x0f) << 12) | ((bytes[p + 1]! & 0x3f) << 6) | (bytes[p + 2]! & 0x3f)
}

/** White space of Unicode, and the zero-width space. */
function isBlank(code: number): boolean {
  return (
    code === 0x20 ||
    (code >= 0x09 && code <= 0x0d) ||
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200b) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}

/** Kana, and the ideographs of the basic plane. */
function isIdeograph(code: number): boolean {
  return code >= 0x3041 && code <= 0x9fff
}

/** Thai, Lao, Burmese and Khmer. */
function isUnspaced(code: number): boolean {
  return (code >= 0x0e00 && code <= 0x0eff) || (code >= 0x1000 && code <= 0x109f) || (code >= 0x1780 && code <= 0x17ff)
}
