/**
 * Messages in a JSON text: one pass over the bytes that tells an `Answer` what it meets and makes no objects. It is
 * lenient: what is no JSON, or is cut off, ends the reading, and what was found until then counts.
 */
import { type Answer, CUT, ESCAPED } from './answer.ts'
import { MEANING, type Meaning, meaningOf } from './message_keys.ts'

/** Objects and lists deeper than this are passed over. */
const DEPTH_MAX = 48
/** Of numbers: `+`, `-`, `.`. */
const SIGNS = [43, 45, 46]
const QUOTE = 34
const BACKSLASH = 92
/** Below this many bytes a loop is quicker than a call into native code. */
const LOOP_BYTES = 512

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
 * Reads the JSON text in [start, stop) into the answer. True if it was well formed to its end, as far as that was
 * looked at (numbers and the inside of what is passed over are not).
 */
export function readJsonMessages(source: Buffer, start: number, stop: number, answer: Answer): boolean {
  bytes = source
  at = start
  end = stop
  const isWhole = readValue(MEANING.words, answer, 0)
  bytes = empty
  return isWhole && skipSpace(source, at, stop) === stop
}

const empty = Buffer.alloc(0)

/** False: the text ended within the value, or it is none. */
function readValue(meaning: Meaning, answer: Answer, depth: number): boolean {
  at = skipSpace(bytes, at, end)
  switch (bytes[at]) {
    case QUOTE: {
      const start = at + 1
      const isWhole = skipString()
      const stop = isWhole ? at - 1 : end
      if (meaning !== MEANING.none) answer.take(meaning, start, stop, (escaped ? ESCAPED : 0) | (isWhole ? 0 : CUT))
      return isWhole
    }
    case 123:
      return readContainer(meaning, answer, depth, true)
    case 91:
      return readContainer(meaning, answer, depth, false)
    default:
      return readWord(meaning, answer)
  }
}

function readContainer(meaning: Meaning, answer: Answer, depth: number, isObject: boolean): boolean {
  const closing = isObject ? 125 : 93
  const first = skipSpace(bytes, at + 1, end)
  if (bytes[first] === closing && first < end) {
    at = first + 1
    if (isObject) answer.takeNothing(meaning)
    else answer.takeEmptyList(meaning)
    return true
  }
  if (meaning === MEANING.none || depth === DEPTH_MAX || !answer.enter(meaning)) return skipContainer()
  at++
  if (!isObject) return readList(meaning, answer, depth)
  if (!answer.open()) return skipContainer()
  const isWhole = readObject(answer, depth)
  answer.close()
  return isWhole
}

function readList(meaning: Meaning, answer: Answer, depth: number): boolean {
  for (;;) {
    if (!readValue(meaning, answer, depth + 1)) return false
    at = skipSpace(bytes, at, end)
    const byte = at < end ? bytes[at++] : 0
    if (byte === 93) return true
    if (byte !== 44) return false
  }
}

function readObject(answer: Answer, depth: number): boolean {
  for (;;) {
    at = skipSpace(bytes, at, end)
    if (at >= end || bytes[at] !== QUOTE) return false
    const key = at + 1
    if (!skipString()) return false
    const meaning = meaningOf(bytes, key, at - 1)
    at = skipSpace(bytes, at, end)
    if (at >= end || bytes[at++] !== 58) return false
    if (!readValue(meaning, answer, depth + 1)) return false
    at = skipSpace(bytes, at, end)
    const byte = at < end ? bytes[at++] : 0
    if (byte === 125) return true
    if (byte !== 44) return false
  }
}

/** Numbers, `true`, `false`, `null`. */
function readWord(meaning: Meaning, answer: Answer): boolean {
  const first = bytes[at]
  const start = at
  while (at < end && isWordByte(bytes[at]!)) at++
  if (at === start) return false
  if (first === 110) answer.takeNothing(meaning)
  else if (first === 116) answer.takeTrue(meaning)
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
