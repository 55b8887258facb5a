/**
 * Messages in a JSON text: one pass over the bytes that tells a reader what it meets and makes no objects. It is lenient:
 * what is no JSON, or is cut off, ends the reading, and what was found until then counts.
 */
import { CUT, ESCAPED, type MessageReader } from './message_reader.ts'
import { keyWords, ROOT, type Words } from './vocabulary.ts'

/** Objects and lists deeper than this are passed over. */
export const JSON_DEPTH_MAX = 48
/** Of numbers: `+`, `-`, `.`. */
const SIGNS = [43, 45, 46]
const QUOTE = 34
const BACKSLASH = 92
/** Below this many bytes a loop is quicker than a call into native code. */
const LOOP_BYTES = 512
/** Longer words are in no vocabulary, however they are escaped. */
const ESCAPED_WORD_MAX = 256

/** Is this the beginning of a JSON object or list? */
export function looksLikeJson(source: Buffer, start: number, stop: number): boolean {
  const first = source[skipSpace(source, start, stop)]
  return first === 123 || first === 91
}

/**
 * Tells the reader of the JSON text in [start, end). Strings are told without their quotes. True if it was well formed
 * to its end, as far as that was looked at (numbers and the inside of what is passed over are not).
 */
export function readJsonMessages(bytes: Buffer, start: number, end: number, reader: MessageReader): boolean {
  return messages.read(bytes, start, end, reader)
}

/** The number of the word in [start, end) of a JSON string: what it says without its escapes. */
export function findWord(words: Words, source: Buffer, start: number, stop: number, bits: number): number {
  if ((bits & ESCAPED) === 0) return words.find(source, start, stop)
  if (stop - start > ESCAPED_WORD_MAX) return 0
  const text = source.toString('utf8', start, stop)
  if (!text.includes('\\')) return words.find(source, start, stop)
  try {
    const word = Buffer.from(JSON.parse(`"${text}"`) as string)
    return words.find(word, 0, word.length)
  } catch {
    return 0
  }
}

const EMPTY = Buffer.alloc(0)

class JsonMessages {
  #bytes: Buffer = EMPTY
  #at = 0
  #end = 0
  /** Did the last `#skipString` meet a backslash? */
  #escaped = false

  read(bytes: Buffer, start: number, end: number, reader: MessageReader): boolean {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    const isWhole = this.#value(ROOT, reader, 0)
    this.#bytes = EMPTY
    return isWhole && skipSpace(bytes, this.#at, end) === end
  }

  /** False: the text ended within the value, or it is none. */
  #value(key: number, reader: MessageReader, depth: number): boolean {
    this.#at = skipSpace(this.#bytes, this.#at, this.#end)
    switch (this.#bytes[this.#at]) {
      case QUOTE: {
        const start = this.#at + 1
        const isWhole = this.#skipString()
        const stop = isWhole ? this.#at - 1 : this.#end
        reader.take(key, start, stop, (this.#escaped ? ESCAPED : 0) | (isWhole ? 0 : CUT))
        return isWhole
      }
      case 123:
        return this.#container(key, reader, depth, true)
      case 91:
        return this.#container(key, reader, depth, false)
      default:
        return this.#word(key, reader)
    }
  }

  #container(key: number, reader: MessageReader, depth: number, isObject: boolean): boolean {
    const closing = isObject ? 125 : 93
    const first = skipSpace(this.#bytes, this.#at + 1, this.#end)
    if (this.#bytes[first] === closing && first < this.#end) {
      this.#at = first + 1
      if (isObject) reader.takeNothing(key)
      else reader.takeEmptyList(key)
      return true
    }
    if (!reader.enter(key, isObject, this.#at, depth === JSON_DEPTH_MAX)) {
      const isWhole = this.#skipContainer()
      reader.pass(this.#at)
      return isWhole
    }
    this.#at++
    const isWhole = isObject ? this.#object(reader, depth) : this.#list(key, reader, depth)
    reader.leave(key, isObject, this.#at)
    return isWhole
  }

  #list(key: number, reader: MessageReader, depth: number): boolean {
    for (;;) {
      if (!this.#value(key, reader, depth + 1)) return false
      this.#at = skipSpace(this.#bytes, this.#at, this.#end)
      const byte = this.#at < this.#end ? this.#bytes[this.#at++] : 0
      if (byte === 93) return true
      if (byte !== 44) return false
    }
  }

  #object(reader: MessageReader, depth: number): boolean {
    for (;;) {
      this.#at = skipSpace(this.#bytes, this.#at, this.#end)
      if (this.#at >= this.#end || this.#bytes[this.#at] !== QUOTE) return false
      const start = this.#at + 1
      if (!this.#skipString()) return false
      const bits = this.#escaped ? ESCAPED : 0
      const key = findWord(keyWords, this.#bytes, start, this.#at - 1, bits)
      reader.name(key, start, this.#at - 1, bits)
      this.#at = skipSpace(this.#bytes, this.#at, this.#end)
      if (this.#at >= this.#end || this.#bytes[this.#at++] !== 58) return false
      if (!this.#value(key, reader, depth + 1)) return false
      this.#at = skipSpace(this.#bytes, this.#at, this.#end)
      const byte = this.#at < this.#end ? this.#bytes[this.#at++] : 0
      if (byte === 125) return true
      if (byte !== 44) return false
    }
  }

  /** Numbers, `true`, `false`, `null`. */
  #word(key: number, reader: MessageReader): boolean {
    const start = this.#at
    while (this.#at < this.#end && isWordByte(this.#bytes[this.#at]!)) this.#at++
    if (this.#at === start) return false
    const first = this.#bytes[start]
    const length = this.#at - start
    if (first === 110 && length === 4) reader.takeNothing(key)
    else if (first === 116 && length === 4) reader.takeBool(key, true)
    else if (first === 102 && length === 5) reader.takeBool(key, false)
    else reader.takeOther(key, start, this.#at)
    return true
  }
  /** Moves behind the string that begins at `at`. False: it does not end. Sets `escaped`. */
  #skipString(): boolean {
    const source = this.#bytes
    const loopEnd = Math.min(this.#end, this.#at + LOOP_BYTES)
    let next = this.#at + 1
    this.#escaped = false
    while (next < loopEnd) {
      const byte = source[next++]!
      if (byte === QUOTE) {
        this.#at = next
        return true
      }
      if (byte === BACKSLASH) {
        this.#escaped = true
        next++
      }
    }
    this.#at = next
    return this.#skipLongString()
  }

  /**
   * The rest of a string: from quote to quote in native code, counting the backslashes before each. A long text is said
   * to have some anyway: looking costs as much as finding out later.
   */
  #skipLongString(): boolean {
    this.#escaped = true
    const start = this.#at
    const rest = this.#bytes.subarray(start, this.#end)
    for (let quote = rest.indexOf(QUOTE); quote >= 0; quote = rest.indexOf(QUOTE, quote + 1)) {
      let slash = quote
      while (slash > 0 && rest[slash - 1] === BACKSLASH) slash--
      if (((quote - slash) & 1) !== 0) continue
      this.#at = start + quote + 1
      return true
    }
    this.#at = this.#end
    return false
  }

  /** Moves behind the object or list that begins at `at`, counting brackets. */
  #skipContainer(): boolean {
    let depth = 0
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at]!
      if (byte === QUOTE) {
        if (!this.#skipString()) return false
        continue
      }
      this.#at++
      if (byte === 123 || byte === 91) depth++
      else if ((byte === 125 || byte === 93) && --depth === 0) return true
    }
    return false
  }
}

const messages = new JsonMessages()

function skipSpace(source: Uint8Array, from: number, stop: number): number {
  while (from < stop && source[from]! <= 32) from++
  return from
}

function isWordByte(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || SIGNS.includes(byte)
}
