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

let bytes: Buffer = Buffer.alloc(0)
let end = 0
let at = 0
/** Did the last `skipString` meet a backslash? */
let escaped = false

/** Is this the beginning of a JSON object or list? */
export function looksLikeJson(source: Buffer, start: number, stop: number): boolean {
  const first = source[skipSpace(source, start, stop)]
  return first === 123 || first === 91
}

/**
 * Tells the reader of the JSON text in [start, stop). Strings are told without their quotes. True if it was well formed
 * to its end, as far as that was looked at (numbers and the inside of what is passed over are not).
 */
export function readJsonMessages(source: Buffer, start: number, stop: number, reader: MessageReader): boolean {
  bytes = source
  at = start
  end = stop
  const isWhole = readValue(ROOT, reader, 0)
  bytes = empty
  return isWhole && skipSpace(source, at, stop) === stop
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

const empty = Buffer.alloc(0)

/** False: the text ended within the value, or it is none. */
function readValue(key: number, reader: MessageReader, depth: number): boolean {
  at = skipSpace(bytes, at, end)
  switch (bytes[at]) {
    case QUOTE: {
      const start = at + 1
      const isWhole = skipString()
      const stop = isWhole ? at - 1 : end
      reader.take(key, start, stop, (escaped ? ESCAPED : 0) | (isWhole ? 0 : CUT))
      return isWhole
    }
    case 123:
      return readContainer(key, reader, depth, true)
    case 91:
      return readContainer(key, reader, depth, false)
    default:
      return readWord(key, reader)
  }
}

function readContainer(key: number, reader: MessageReader, depth: number, isObject: boolean): boolean {
  const closing = isObject ? 125 : 93
  const first = skipSpace(bytes, at + 1, end)
  if (bytes[first] === closing && first < end) {
    at = first + 1
    if (isObject) reader.takeNothing(key)
    else reader.takeEmptyList(key)
    return true
  }
  if (!reader.enter(key, isObject, at, depth === JSON_DEPTH_MAX)) {
    const isWhole = skipContainer()
    reader.pass(at)
    return isWhole
  }
  at++
  const isWhole = isObject ? readObject(reader, depth) : readList(key, reader, depth)
  reader.leave(key, isObject, at)
  return isWhole
}

function readList(key: number, reader: MessageReader, depth: number): boolean {
  for (;;) {
    if (!readValue(key, reader, depth + 1)) return false
    at = skipSpace(bytes, at, end)
    const byte = at < end ? bytes[at++] : 0
    if (byte === 93) return true
    if (byte !== 44) return false
  }
}

function readObject(reader: MessageReader, depth: number): boolean {
  for (;;) {
    at = skipSpace(bytes, at, end)
    if (at >= end || bytes[at] !== QUOTE) return false
    const start = at + 1
    if (!skipString()) return false
    const bits = escaped ? ESCAPED : 0
    const key = findWord(keyWords, bytes, start, at - 1, bits)
    reader.name(key, start, at - 1, bits)
    at = skipSpace(bytes, at, end)
    if (at >= end || bytes[at++] !== 58) return false
    if (!readValue(key, reader, depth + 1)) return false
    at = skipSpace(bytes, at, end)
    const byte = at < end ? bytes[at++] : 0
    if (byte === 125) return true
    if (byte !== 44) return false
  }
}

/** Numbers, `true`, `false`, `null`. */
function readWord(key: number, reader: MessageReader): boolean {
  const start = at
  while (at < end && isWordByte(bytes[at]!)) at++
  if (at === start) return false
  const first = bytes[start]
  const length = at - start
  if (first === 110 && length === 4) reader.takeNothing(key)
  else if (first === 116 && length === 4) reader.takeBool(key, true)
  else if (first === 102 && length === 5) reader.takeBool(key, false)
  else reader.takeOther(key, start, at)
  return true
}
/** Moves behind the string that begins at `at`. False: it does not end. Sets `escaped`. */
function skipString(): boolean {
  const source = bytes
  const loopEnd = Math.min(end, at + LOOP_BYTES)
  let next = at + 1
  escaped = false
  while (next < loopEnd) {
    const byte = source[next++]!
    if (byte === QUOTE) {
      at = next
      return true
    }
    if (byte === BACKSLASH) {
      escaped = true
      next++
    }
  }
  at = next
  return skipLongString()
}

/**
 * The rest of a string: from quote to quote in native code, counting the backslashes before each. A long text is said
 * to have some anyway: looking costs as much as finding out later.
 */
function skipLongString(): boolean {
  escaped = true
  const start = at
  const rest = bytes.subarray(start, end)
  for (let quote = rest.indexOf(QUOTE); quote >= 0; quote = rest.indexOf(QUOTE, quote + 1)) {
    let slash = quote
    while (slash > 0 && rest[slash - 1] === BACKSLASH) slash--
    if (((quote - slash) & 1) !== 0) continue
    at = start + quote + 1
    return true
  }
  at = end
  return false
}

/** Moves behind the object or list that begins at `at`, counting brackets. */
function skipContainer(): boolean {
  let depth = 0
  while (at < end) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      if (!skipString()) return false
      continue
    }
    at++
    if (byte === 123 || byte === 91) depth++
    else if ((byte === 125 || byte === 93) && --depth === 0) return true
  }
  return false
}

function skipSpace(source: Uint8Array, from: number, stop: number): number {
  while (from < stop && source[from]! <= 32) from++
  return from
}

function isWordByte(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || SIGNS.includes(byte)
}
