/** The opening words of an answer, in a form in which phrases can be looked for. */
import { type Answer, PIECE } from '../answers/answer.ts'
import { ESCAPED } from '../messages/message_reader.ts'
import { unescaped } from './json_syntax.ts'

/** As much of an answer as phrases are looked for in. */
const OPENING_MAX_BYTES = 700

const scratch = Buffer.alloc(OPENING_MAX_BYTES + 4)
let filled = 0
let limit = 0

/**
 * The opening of the answer's first message, of up to `size` bytes: lower case, plain quotes, single spaces, without the
 * marks of Markdown and quotation.
 */
export function openingOf(answer: Answer, size = OPENING_MAX_BYTES): string {
  filled = 0
  limit = Math.min(size, OPENING_MAX_BYTES)
  const { pieces, bytes } = answer
  for (let at = 0; at < answer.count * PIECE.width && filled < limit; at += PIECE.width) {
    if (pieces[at + PIECE.message] !== pieces[PIECE.message]) break
    addSpace()
    const isEscaped = (pieces[at + PIECE.bits]! & ESCAPED) !== 0
    if (isEscaped) addEscaped(bytes, pieces[at + PIECE.start]!, pieces[at + PIECE.end]!)
    else addText(bytes, pieces[at + PIECE.start]!, pieces[at + PIECE.end]!)
  }
  const end = filled > 0 && scratch[filled - 1] === SPACE ? filled - 1 : filled
  return scratch.toString('utf8', 0, end)
}

const SPACE = 32
const QUOTE = 39
const BACKSLASH = 92
const U = 117
/** Leading bytes of `é` and its like, and of typographic quotes. */
const LATIN_1 = 0xc3
const PUNCTUATION = 0xe2
/** Second byte of `×`, which stands among the capital letters. */
const TIMES = 0x97

/** What a byte becomes: itself, its small letter, a space; 0: it is left out; 1: a look at what follows is needed. */
const LEFT_OUT = 0
const LOOK = 1
const plain = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte <= SPACE) return SPACE
  if (byte >= 65 && byte <= 90) return byte | 32
  if ('*_#>"'.includes(String.fromCharCode(byte))) return LEFT_OUT
  if (byte === 96) return QUOTE
  return byte === LATIN_1 || byte === PUNCTUATION ? LOOK : byte
})

function addText(bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end && filled < limit; at++) {
    const byte = plain[bytes[at]!]!
    if (byte > SPACE) scratch[filled++] = byte
    else if (byte === SPACE) addSpace()
    else if (byte === LOOK) at = addLetter(bytes, at)
  }
}

function addSpace(): void {
  if (filled > 0 && scratch[filled - 1] !== SPACE) scratch[filled++] = SPACE
}

/** Adds the two or three bytes of a letter or quote; returns where its last byte is. */
function addLetter(bytes: Uint8Array, at: number): number {
  const next = bytes[at + 1]!
  if (bytes[at] === LATIN_1) {
    scratch[filled++] = LATIN_1
    scratch[filled++] = next >= 0x80 && next <= 0x9e && next !== TIMES ? next | 32 : next
    return at + 1
  }
  const third = bytes[at + 2]!
  if (next !== 0x80 || third < 0x98 || third > 0x9f) {
    scratch[filled++] = PUNCTUATION
    return at
  }
  if (third <= 0x9b) scratch[filled++] = QUOTE
  return at + 2
}

const character = Buffer.alloc(4)

function addEscaped(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end && filled < limit; at++) {
    const slash = runEnd(bytes, at, Math.min(end, at + limit))
    addText(bytes, at, slash)
    at = slash
    if (at >= end || bytes[at] !== BACKSLASH) at--
    else if (bytes[++at] !== U) {
      character[0] = unescaped(bytes, at, end)
      addText(character, 0, 1)
    } else {
      const code = Number.parseInt(bytes.toString('latin1', at + 1, Math.min(end, at + 5)), 16)
      addText(character, 0, character.write(String.fromCharCode(code)))
      at += 4
    }
  }
}

/** Where the next backslash is, or `end`. */
function runEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== BACKSLASH) at++
  return at
}
