/** The opening words of an answer, in a form in which phrases can be looked for. */
import { type Answer, PIECE } from '../answers/answer.ts'
import { ESCAPED } from '../messages/message_reader.ts'
import { unescaped } from './json_syntax.ts'

/** As much of an answer as phrases are looked for in. */
const OPENING_MAX_BYTES = 700

/**
 * The opening of the answer's first message, of up to `size` bytes: lower case, plain quotes, single spaces, without the
 * marks of Markdown and quotation.
 */
export function openingOf(answer: Answer, size = OPENING_MAX_BYTES): string {
  const { pieces, bytes } = answer
  opening.begin(Math.min(size, OPENING_MAX_BYTES))
  for (let at = 0; at < answer.count * PIECE.width && !opening.isFull; at += PIECE.width) {
    if (pieces[at + PIECE.message] !== pieces[PIECE.message]) break
    opening.addPiece(bytes, pieces[at + PIECE.start]!, pieces[at + PIECE.end]!, pieces[at + PIECE.bits]!)
  }
  return opening.text()
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

class Opening {
  readonly #bytes = Buffer.alloc(OPENING_MAX_BYTES + 4)
  readonly #character = Buffer.alloc(4)
  #filled = 0
  #limit = 0

  begin(limit: number): void {
    this.#filled = 0
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#filled >= this.#limit
  }

  /** Adds a piece of the answer, with a space before it. `bits`: of PIECE. */
  addPiece(bytes: Buffer, start: number, end: number, bits: number): void {
    this.#addSpace()
    if ((bits & ESCAPED) !== 0) this.#addEscaped(bytes, start, end)
    else this.#addText(bytes, start, end)
  }

  text(): string {
    const endsInSpace = this.#filled > 0 && this.#bytes[this.#filled - 1] === SPACE
    return this.#bytes.toString('utf8', 0, endsInSpace ? this.#filled - 1 : this.#filled)
  }

  #addText(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && this.#filled < this.#limit; at++) {
      const byte = plain[bytes[at]!]!
      if (byte > SPACE) this.#bytes[this.#filled++] = byte
      else if (byte === SPACE) this.#addSpace()
      else if (byte === LOOK) at = this.#addLetter(bytes, at)
    }
  }

  #addSpace(): void {
    if (this.#filled > 0 && this.#bytes[this.#filled - 1] !== SPACE) this.#bytes[this.#filled++] = SPACE
  }

  /** Adds the two or three bytes of a letter or quote; returns where its last byte is. */
  #addLetter(bytes: Uint8Array, at: number): number {
    const next = bytes[at + 1]!
    if (bytes[at] === LATIN_1) {
      this.#bytes[this.#filled++] = LATIN_1
      this.#bytes[this.#filled++] = next >= 0x80 && next <= 0x9e && next !== TIMES ? next | 32 : next
      return at + 1
    }
    const third = bytes[at + 2]!
    if (next !== 0x80 || third < 0x98 || third > 0x9f) {
      this.#bytes[this.#filled++] = PUNCTUATION
      return at
    }
    if (third <= 0x9b) this.#bytes[this.#filled++] = QUOTE
    return at + 2
  }

  #addEscaped(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end && this.#filled < this.#limit; at++) {
      const slash = runEnd(bytes, at, Math.min(end, at + this.#limit))
      this.#addText(bytes, at, slash)
      at = slash
      if (at >= end || bytes[at] !== BACKSLASH) at--
      else if (bytes[++at] !== U) {
        this.#character[0] = unescaped(bytes, at, end)
        this.#addText(this.#character, 0, 1)
      } else {
        const code = Number.parseInt(bytes.toString('latin1', at + 1, Math.min(end, at + 5)), 16)
        this.#addText(this.#character, 0, this.#character.write(String.fromCharCode(code)))
        at += 4
      }
    }
  }
}

const opening = new Opening()

/** Where the next backslash is, or `end`. */
function runEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== BACKSLASH) at++
  return at
}
