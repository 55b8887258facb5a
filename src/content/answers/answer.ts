/**
 * What a model answered, as far as telemetry tells: ranges of text in the batch's bytes, and what else was there. A
 * flyweight that is filled anew for each call. What is in a structure, the walkers of `content/messages` tell it.
 */
import { findWord } from '../messages/json_messages.ts'
import { ESCAPED, type MessageReader } from '../messages/message_reader.ts'
import {
  KEY_MEANING,
  type KeyMeaning,
  meaningOf,
  PART_KIND,
  type PartKind,
  roleWords,
  typeWords,
} from '../messages/vocabulary.ts'
import { Evaluations } from './evaluations.ts'

/** Columns of a piece of text: its range, bits, and the number of the message that it is in. */
export const PIECE = { start: 0, end: 1, bits: 2, message: 3, width: 4 } as const
/** A bit of a piece, beside those of every text: the provider marked it as a refusal. */
export const REFUSED = 2

/** More pieces are not looked at: an answer is judged by its beginning. */
const PIECES_MAX = 64
const FINISH_MAX = 8
const DEPTH_MAX = 80
/** Columns of a frame: state at the opening of an object, to return to if it turns out to be no answer. */
const FRAME = { pieces: 0, seen: 1, being: 2, hasMessage: 3, width: 4 } as const

/** Bits of `seen`. */
const TOOL_CALL = 1
const MEDIA = 2
const BLANK = 4
const HIDDEN = 8
/** Something that only messages have: without it, a structure is itself the answer. */
const MESSAGE = 16

export class Answer implements MessageReader {
  bytes: Buffer = Buffer.alloc(0)
  readonly pieces = new Int32Array(PIECES_MAX * PIECE.width)
  /** Pieces of text that are not blank. */
  count = 0
  /** Where reasons to finish stand: start, end. */
  readonly finishReasons = new Int32Array(FINISH_MAX * 2)
  finishReasonCount = 0
  /** Number of the message that is being read; readers of numbered attributes set it. */
  message = 0
  /** The request asked for JSON. */
  wantsJson = false
  /** What an evaluation beside the answer says. */
  readonly evaluations = new Evaluations()
  #seen = 0
  readonly #frames = new Int32Array(DEPTH_MAX * FRAME.width)
  #depth = 0

  reset(bytes: Buffer): void {
    this.bytes = bytes
    this.count = this.finishReasonCount = this.message = 0
    this.#seen = this.#depth = 0
    this.wantsJson = false
    this.evaluations.reset()
  }

  /** The model called tools. */
  get hasToolCalls(): boolean {
    return (this.#seen & TOOL_CALL) !== 0
  }

  /** There is an answer: words, tool calls, images or sound. */
  get isThere(): boolean {
    return this.count > 0 || (this.#seen & (TOOL_CALL | MEDIA)) !== 0
  }

  /** The telemetry says what was answered, and that was nothing. */
  get isBlank(): boolean {
    return !this.isThere && (this.#seen & (BLANK | HIDDEN)) === BLANK
  }

  /** What was read last had the form of messages. */
  get isMessage(): boolean {
    return (this.#seen & MESSAGE) !== 0
  }

  /** A text that is an answer, or part of one. `bits` as of a piece. */
  addText(start: number, end: number, bits: number): void {
    if (isBlank(this.bytes, start, end, bits)) this.#seen |= BLANK
    else if (isPlaceholder(this.bytes, start, end)) this.#seen |= HIDDEN
    else if (this.count < PIECES_MAX) {
      const at = this.count++ * PIECE.width
      this.pieces[at + PIECE.start] = start
      this.pieces[at + PIECE.end] = end
      this.pieces[at + PIECE.bits] = bits
      this.pieces[at + PIECE.message] = this.message
    }
  }

  addToolCall(): void {
    this.#seen |= TOOL_CALL
  }

  addFinishReason(start: number, end: number): void {
    if (this.finishReasonCount === FINISH_MAX || start >= end) return
    const at = this.finishReasonCount++ * 2
    this.finishReasons[at] = start
    this.finishReasons[at + 1] = end
  }

  /** Whether the structure that is read next has the form of messages is not known. */
  beginStructure(): void {
    this.#seen &= ~MESSAGE
    this.#depth = 0
  }

  /** Keys tell nothing but by what stands under them. */
  name(): void {}

  take(key: number, start: number, end: number, bits: number): void {
    const meaning = meaningOf(key)
    switch (meaning) {
      case KEY_MEANING.summary:
        if (!this.isThere) this.addText(start, end, bits)
        break
      case KEY_MEANING.words:
      case KEY_MEANING.parts:
      case KEY_MEANING.message:
        if (meaning === KEY_MEANING.parts) this.#seen |= MESSAGE
        if (!this.#hasMessage()) this.addText(start, end, bits)
        break
      case KEY_MEANING.refusal:
        this.#seen |= MESSAGE
        if (start < end) this.addText(start, end, bits | REFUSED)
        break
      case KEY_MEANING.toolCall:
        if (start < end) this.#seen |= TOOL_CALL | MESSAGE
        break
      case KEY_MEANING.media:
        if (start < end) this.#seen |= MEDIA
        break
      case KEY_MEANING.finish:
        this.#seen |= MESSAGE
        this.addFinishReason(start, end)
        break
      case KEY_MEANING.type:
        this.#is(typeWords.sense(findWord(typeWords, this.bytes, start, end, bits)) as PartKind)
        break
      case KEY_MEANING.role:
        this.#seen |= MESSAGE
        this.#is(roleWords.sense(findWord(roleWords, this.bytes, start, end, bits)) as PartKind)
        break
    }
  }

  takeNothing(key: number): void {
    if (meaningOf(key) === KEY_MEANING.parts) this.#seen |= MESSAGE
  }

  /** Of an answer's parts it says that there were none. */
  takeEmptyList(key: number): void {
    if (meaningOf(key) === KEY_MEANING.parts) this.#seen |= BLANK | MESSAGE
  }

  takeBool(key: number, isTrue: boolean): void {
    if (isTrue && meaningOf(key) === KEY_MEANING.thought) this.#is(PART_KIND.other)
  }

  /** Numbers are no answers. */
  takeOther(): void {}

  enter(key: number, isObject: boolean, _start: number, tooDeep: boolean): boolean {
    if (tooDeep || !this.#wants(meaningOf(key))) return false
    return !isObject || this.#open()
  }

  /** What an object turned out to be decides about what was found in it. */
  leave(_key: number, isObject: boolean): void {
    if (isObject) this.#close()
  }

  pass(): void {}

  /** A list or object with something in it under a key. True: look into it. */
  #wants(meaning: KeyMeaning): boolean {
    switch (meaning) {
      case KEY_MEANING.toolCall:
        this.#seen |= TOOL_CALL | MESSAGE
        return false
      case KEY_MEANING.media:
        this.#seen |= MEDIA
        return false
      case KEY_MEANING.message:
        this.#forgetSummary()
        this.#seen |= MESSAGE
        return true
      case KEY_MEANING.parts:
        this.#seen |= MESSAGE
        return true
      default:
        return meaning === KEY_MEANING.words || meaning === KEY_MEANING.finish
    }
  }

  /** False: it is too deep to be looked at. */
  #open(): boolean {
    if (this.#depth === DEPTH_MAX) return false
    const at = this.#depth++ * FRAME.width
    this.#frames[at + FRAME.pieces] = this.count
    this.#frames[at + FRAME.seen] = this.#seen
    this.#frames[at + FRAME.being] = PART_KIND.answer
    this.#frames[at + FRAME.hasMessage] = 0
    return true
  }

  #close(): void {
    const at = --this.#depth * FRAME.width
    const being = this.#frames[at + FRAME.being]!
    if (being === PART_KIND.other) {
      this.count = this.#frames[at + FRAME.pieces]!
      this.#seen = this.#frames[at + FRAME.seen]! | MESSAGE
    } else if (being === PART_KIND.toolCall) this.#seen |= TOOL_CALL
    else if (being === PART_KIND.media) this.#seen |= MEDIA
    else if (being === PART_KIND.refusal)
      for (let piece = this.#frames[at + FRAME.pieces]!; piece < this.count; piece++)
        this.pieces[piece * PIECE.width + PIECE.bits]! |= REFUSED
    else if (being === PART_KIND.message) this.message++
  }

  #hasMessage(): boolean {
    return this.#depth > 0 && this.#frames[(this.#depth - 1) * FRAME.width + FRAME.hasMessage] === 1
  }

  /** Beside a message, an object's own text repeats it. */
  #forgetSummary(): void {
    if (this.#depth === 0 || this.#hasMessage()) return
    const at = (this.#depth - 1) * FRAME.width
    this.#frames[at + FRAME.hasMessage] = 1
    this.count = this.#frames[at + FRAME.pieces]!
  }

  #is(being: PartKind): void {
    if (being === PART_KIND.part) this.#seen |= MESSAGE
    if (this.#depth === 0 || being === PART_KIND.answer || being === PART_KIND.part) return
    const at = (this.#depth - 1) * FRAME.width + FRAME.being
    if (this.#frames[at] === PART_KIND.answer || being === PART_KIND.other) this.#frames[at] = being
  }
}

const BACKSLASH = 92

/** Is there nothing but white space? */
function isBlank(bytes: Uint8Array, start: number, end: number, bits: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte <= 32) continue
    if (byte !== BACKSLASH || (bits & ESCAPED) === 0) return false
    const next = bytes[++at]!
    if (next !== 110 && next !== 116 && next !== 114) return false
  }
  return true
}

/** What emitters write in place of content that they were told to hide. */
const placeholders = ['__REDACTED__', '<REDACTED>', '[REDACTED]', 'REDACTED', '[redacted]'].map((text) =>
  Buffer.from(text),
)

function isPlaceholder(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 12) return false
  return placeholders.some((one) => one.length === end - start && bytes.compare(one, 0, one.length, start, end) === 0)
}
