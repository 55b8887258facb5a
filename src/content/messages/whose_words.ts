/**
 * Whose words a structure of messages holds: a table of its texts, numbers and structures, with the role of each. What is
 * not understood is nobody's (`WHOSE.unknown`), never the words of a role: unknown keys and what stands under them,
 * unknown roles and types, two roles in one object, text beside no role at all.
 */
import { grownRows, ordinaryRows } from '../../otlp/scratch.ts'
import { claimed, holdsAlone, holdsBeside, isClaim } from './claims.ts'
import { findWord } from './json_messages.ts'
import type { MessageReader } from './message_reader.ts'
import type { ValueMessages } from './value_messages.ts'
import { KEY_MEANING, keyWords, meaningOf, roleWords, typeWords, WHOSE, WHOSE_COUNT, type Words } from './vocabulary.ts'

/**
 * Columns: where it stands, in JSON with quotes and brackets; in AnyValues the range of the value or key, and `field`,
 * where its field begins. `next` is the row behind it and all in it. `whose` is a number below WHOSE_COUNT.
 */
export const WORDS = { start: 0, end: 1, field: 2, next: 3, whose: 4, bits: 5, width: 6 } as const
/** Bits of a row. A key that nobody knows; the others need no row. */
export const KEY = 1
export const TEXT = 2
/** A list or an object: only what stands in it counts, … */
export const CONTAINER = 4
/** … unless it is to be taken as a whole. */
export const WHOLE = 8
/** Told by the kind of part that it is: the role of the message around it does not matter. */
const OF_PART = 16
/** Under a key that nobody knows, or under one with anything under it. */
const STRANGE = 32
/** If a tool's call is around: what it is called with, … */
const ASKED = 64
/** … or what it gave back, and that may be documents, or media. */
const GIVEN = 128
const FOUND = 256
const MADE = 512
const RESULTS = GIVEN | FOUND | MADE

/** More are not told apart: the structure is then not understood. */
export const WORDS_MAX = 16_384
const USUAL = 64 * WORDS.width
/** Deeper objects are taken as a whole, and are not understood. */
const DEPTH_MAX = 32
/** Columns of an open object or list. `role` and `type`: whose words it says it holds, -1: it does not say; and by which key. */
const FRAME = { row: 0, role: 1, roleKey: 2, type: 3, typeKey: 4, width: 5 } as const
const NONE = -1

export class WhoseWords implements MessageReader {
  #rows: Int32Array = new Int32Array(USUAL)
  #count = 0
  #tooMany = false
  /** How many rows were looked at again, at the ends of the structures around them: of each level, and of those in it. */
  visits = 0
  readonly #frames = new Int32Array(DEPTH_MAX * FRAME.width)
  #depth = 0
  /** How many of the open structures stand under keys of calls. */
  #calls = 0
  #bytes: Buffer = EMPTY
  #place: WordsPlace = placeInJson
  readonly #weights: ArrayLike<number>

  /** `weights`: by WHOSE; `unknown` has to be the heaviest. Where two could be meant, the heavier counts. */
  constructor(weights: ArrayLike<number>) {
    this.#weights = weights
  }

  get rows(): Int32Array {
    return this.#rows
  }

  get count(): number {
    return this.#count
  }

  /** Memory that it has now. */
  get capacity_bytes(): number {
    return this.#rows.byteLength
  }

  /** `place`: that of the walker that will tell. */
  begin(bytes: Buffer, place: WordsPlace): void {
    this.#bytes = bytes
    this.#place = place
    this.#count = this.#depth = this.#calls = this.visits = 0
    this.#tooMany = false
    this.#rows = ordinaryRows(this.#rows, USUAL)
  }

  /**
   * True: all of it is in the rows. Texts that no role was found for are nobody's. `isModels`: models write such
   * structures, so that what looks like an answer or a thought is one.
   */
  finish(isModels: boolean): boolean {
    this.#bytes = EMPTY
    const rows = this.#rows
    for (let at = WORDS.whose; at < this.#count * WORDS.width; at += WORDS.width)
      if (rows[at]! >= WHOSE_COUNT) rows[at] = holdsAlone(rows[at]!, isModels) ? claimed(rows[at]!) : WHOSE.unknown
    if (!this.#tooMany) this.#closeParts()
    return !this.#tooMany
  }

  name(key: number, start: number, end: number): void {
    if (key === 0 && start < end) this.#add(KEY | OF_PART | STRANGE, WHOSE.unknown, start, end)
  }

  take(key: number, start: number, end: number, bits: number): void {
    if (start === end) return
    const meaning = meaningOf(key)
    if (meaning === KEY_MEANING.role) this.#says(key, roleWords, start, end, bits)
    else if (meaning === KEY_MEANING.type) this.#says(key, typeWords, start, end, bits)
    else this.#addUnder(key, TEXT, start, end)
  }

  takeNothing(key: number): void {
    if (isSelf(key)) this.#mark(key, WHOSE.message)
  }

  takeEmptyList(): void {}

  takeBool(key: number, isTrue: boolean): void {
    if (meaningOf(key) === KEY_MEANING.thought && isTrue) this.#mark(key, WHOSE.reasoning)
    else if (isSelf(key)) this.#mark(key, WHOSE.unknown)
  }

  takeOther(key: number, start: number, end: number): void {
    if (isSelf(key)) this.#mark(key, WHOSE.unknown)
    this.#addUnder(key, 0, start, end)
  }

  enter(key: number, _isObject: boolean, start: number, tooDeep: boolean): boolean {
    const whose = keyWords.whose(key)
    if (isSelf(key)) this.#mark(key, WHOSE.unknown)
    else if (!tooDeep && this.#depth < DEPTH_MAX) {
      if (whose === WHOSE.tool_call) this.#calls++
      if (isOpen(whose)) this.#open(start)
      else this.#add(CONTAINER | WHOLE | bitsOf(whose), whose, start, start)
      return isOpen(whose)
    }
    this.#add(CONTAINER | WHOLE | OF_PART | STRANGE, WHOSE.unknown, start, start)
    return false
  }

  leave(key: number, isObject: boolean, end: number): void {
    const frame = --this.#depth * FRAME.width
    const row = this.#frames[frame + FRAME.row]!
    if (this.#tooMany) return
    this.#end(row, end)
    if (isObject) this.#settle(row, this.#frames[frame + FRAME.role]!, this.#frames[frame + FRAME.type]!)
    const whose = keyWords.whose(key)
    if (whose === WHOSE.tool_call) {
      this.#calls--
      this.#claimCall(row, WHOSE.tool_call)
    } else if (whose === WHOSE.answer) this.#give(row, WHOSE.answer)
    else if (whose === WHOSE.others || whose === WHOSE.asked) this.#leaveOthers(row)
    const inCall = bitsOf(whose) & (ASKED | RESULTS)
    if (inCall !== 0) this.#leaveAs(row, inCall)
  }

  pass(end: number): void {
    if (!this.#tooMany) this.#end(this.#count - 1, end)
  }

  #open(start: number): void {
    const at = this.#depth++ * FRAME.width
    this.#frames[at + FRAME.row] = this.#count
    this.#frames[at + FRAME.role] = this.#frames[at + FRAME.type] = NONE
    this.#add(CONTAINER, WHOSE.message, start, start)
  }

  /** The heavier of two. */
  #heavier(one: number, other: number): number {
    return this.#weights[one]! >= this.#weights[other]! ? one : other
  }

  #says(key: number, words: Words, start: number, end: number, bits: number): void {
    const word = findWord(words, this.#bytes, start, end, bits)
    if (word === 0) this.#add(TEXT | OF_PART, WHOSE.unknown, start, end)
    this.#mark(key, words.whose(word))
  }

  /** What is said twice has to be the same, but another key may say less. */
  #mark(key: number, whose: number): void {
    if (this.#depth === 0) return
    const column = meaningOf(key) === KEY_MEANING.role ? FRAME.role : FRAME.type
    const at = (this.#depth - 1) * FRAME.width + column
    const before = this.#frames[at]!
    const isSameKey = this.#frames[at + 1] === key
    if (before === NONE || (before === WHOSE.message && !isSameKey)) {
      this.#frames[at] = whose
      this.#frames[at + 1] = key
    } else if (before !== whose && (isSameKey || whose !== WHOSE.message)) this.#frames[at] = WHOSE.unknown
  }

  #addUnder(key: number, bits: number, start: number, end: number): void {
    const whose = keyWords.whose(key)
    this.#add(bits | bitsOf(whose), textUnder(whose), start, end)
  }

  #add(bits: number, whose: number, start: number, end: number): void {
    if (this.#count === WORDS_MAX) {
      this.#tooMany = true
      return
    }
    const at = this.#count++ * WORDS.width
    if (at === this.#rows.length) this.#rows = grownRows(this.#rows)
    this.#rows[at + WORDS.whose] = whose
    this.#rows[at + WORDS.bits] = bits
    this.#rows[at + WORDS.next] = this.#count
    this.#place(this.#rows, at, bits, start, end)
  }

  #end(row: number, end: number): void {
    const at = row * WORDS.width
    this.#rows[at + WORDS.end] = end
    this.#rows[at + WORDS.next] = this.#count
  }

  /** The object in `row` has ended: what it says of itself decides about what is in it. */
  #settle(row: number, role: number, type: number): void {
    const saysRole = role !== NONE && role !== WHOSE.message
    const saysType = type !== NONE && type !== WHOSE.message
    if (saysType && isPart(type)) {
      const part = type === WHOSE.tool ? this.#tool() : type
      const whose = saysRole ? this.#heavier(role, claimed(part)) : part
      if (type === WHOSE.tool || type === WHOSE.tool_call) this.#claimCall(row + 1, whose)
      else this.#claim(row + 1, whose)
    } else if (saysRole && saysType) this.#give(row, role === type ? role : WHOSE.unknown)
    else if (saysRole || saysType) this.#give(row, saysRole ? role : type)
  }

  /** All from `row` on belongs to that part of a message, whatever else it may look like. */
  #claim(row: number, whose: number): void {
    const rows = this.#rows
    this.visits += this.#count - row
    for (let at = row * WORDS.width; at < this.#count * WORDS.width; at += WORDS.width) {
      rows[at + WORDS.whose] = whose
      rows[at + WORDS.bits]! |= OF_PART
    }
  }

  /**
   * All from `row` on is a tool's call, with that part's words. What the tool gave back may stand in it, and what is not
   * understood.
   */
  #claimCall(row: number, whose: number): void {
    const rows = this.#rows
    this.visits += this.#count - row
    for (let at = row * WORDS.width; at < this.#count * WORDS.width; at += WORDS.width) {
      const bits = rows[at + WORDS.bits]!
      const before = rows[at + WORDS.whose]!
      rows[at + WORDS.whose] = this.#inCall(whose, before, bits)
      rows[at + WORDS.bits] = bits | OF_PART
    }
  }

  /** What is said to be a tool's. */
  #tool(): number {
    return this.#calls > 0 ? WHOSE.tool_call : this.#heavier(WHOSE.tool_call, WHOSE.tool_result)
  }

  #inCall(call: number, before: number, bits: number): number {
    if ((bits & ASKED) !== 0) return call
    if ((bits & STRANGE) !== 0) return WHOSE.unknown
    let whose = call
    if ((bits & RESULTS) !== 0) whose = this.#heavier(whose, WHOSE.tool_result)
    if ((bits & FOUND) !== 0) whose = this.#heavier(whose, WHOSE.retrieved)
    if ((bits & MADE) !== 0) whose = this.#heavier(whose, WHOSE.media)
    return before === WHOSE.unknown || before === WHOSE.message ? whose : this.#heavier(whose, claimed(before))
  }

  /** Structures in a part that hold the words of one role only are taken as a whole. */
  #closeParts(): void {
    const rows = this.#rows
    for (let row = 0; row < this.#count; ) {
      const at = row * WORDS.width
      const next = rows[at + WORDS.next]!
      const isPart = (rows[at + WORDS.bits]! & (CONTAINER | OF_PART)) === (CONTAINER | OF_PART)
      if (isPart && this.#isOfOne(row, next)) rows[at + WORDS.bits]! |= WHOLE
      row = (rows[at + WORDS.bits]! & WHOLE) === 0 ? row + 1 : next
    }
  }

  #isOfOne(row: number, end: number): boolean {
    const rows = this.#rows
    const whose = rows[row * WORDS.width + WORDS.whose]
    let other = row + 1
    while (other < end && rows[other * WORDS.width + WORDS.whose] === whose) other++
    this.visits += other - row
    return other === end
  }

  /** What did not say whose it is stays nobody's, whatever the object around says. */
  #leaveOthers(row: number): void {
    const rows = this.#rows
    this.visits += this.#count - row
    for (let at = (row + 1) * WORDS.width; at < this.#count * WORDS.width; at += WORDS.width)
      if (rows[at + WORDS.whose]! >= WHOSE_COUNT) rows[at + WORDS.whose] = WHOSE.unknown
  }

  /** If a tool's call is around, the structure is what these bits say, whatever stands in it. */
  #leaveAs(row: number, bits: number): void {
    const rows = this.#rows
    this.visits += this.#count - row
    for (let at = row * WORDS.width + WORDS.bits; at < this.#count * WORDS.width; at += WORDS.width)
      rows[at] = (rows[at]! & ~(ASKED | RESULTS)) | bits
  }

  /**
   * What in the structure is not told by its own kind is theirs, or by that claim; where somebody else was named, the
   * heavier counts.
   */
  #give(row: number, whose: number): void {
    const rows = this.#rows
    this.visits += this.#count - row
    for (let at = (row + 1) * WORDS.width; at < this.#count * WORDS.width; at += WORDS.width) {
      const before = rows[at + WORDS.whose]!
      if ((rows[at + WORDS.bits]! & OF_PART) !== 0 && !isClaim(before)) continue
      if (before === WHOSE.message) rows[at + WORDS.whose] = whose
      else if (!isClaim(before)) rows[at + WORDS.whose] = this.#heavier(claimed(whose), before)
      else if (!isClaim(whose)) this.#confirm(at, before, whose)
    }
  }

  /** A message of that role is around what the row at `at` claims to be. */
  #confirm(at: number, claim: number, role: number): void {
    const part = claimed(claim)
    this.#rows[at + WORDS.whose] = holdsBeside(claim, role) ? part : this.#heavier(role, part)
    if (part !== WHOSE.assistant) this.#rows[at + WORDS.bits]! |= OF_PART
  }
}

/** Writes down in the row at `at` where what was told by [start, end) stands. */
export type WordsPlace = (rows: Int32Array, at: number, bits: number, start: number, end: number) => void

/** For JSON, where strings are told without their quotes. */
export function placeInJson(rows: Int32Array, at: number, bits: number, start: number, end: number): void {
  const quote = (bits & (TEXT | KEY)) === 0 ? 0 : 1
  rows[at + WORDS.start] = rows[at + WORDS.field] = start - quote
  rows[at + WORDS.end] = end + quote
}

/** For AnyValues, of which `messages` tells. */
export function placeInValues(messages: ValueMessages): WordsPlace {
  return (rows, at) => {
    rows[at + WORDS.start] = messages.contentFrom
    rows[at + WORDS.end] = messages.contentTo
    rows[at + WORDS.field] = messages.fieldFrom
  }
}

const EMPTY = Buffer.alloc(0)

/** Does the key say what its object is? */
function isSelf(key: number): boolean {
  const meaning = meaningOf(key)
  return meaning === KEY_MEANING.role || meaning === KEY_MEANING.type
}

/** Can messages, or parts of one, stand under a key of them? */
function isOpen(whose: number): boolean {
  return (whose >= WHOSE.message && !isClaim(whose)) || whose === WHOSE.answer || whose === WHOSE.tool_call
}

/** Of what stands under a key. What it says stands fast, but for messages, which say themselves whose they are, and for claims. */
function bitsOf(whose: number): number {
  switch (whose) {
    case WHOSE.asked:
      return ASKED
    case WHOSE.given:
      return GIVEN
    case WHOSE.found:
      return FOUND
    case WHOSE.made:
      return MADE
    case WHOSE.unknown:
      return OF_PART | STRANGE
    default:
      return whose < WHOSE_COUNT && whose !== WHOSE.system ? OF_PART : 0
  }
}

/** Whose a text under such a key is. */
function textUnder(whose: number): number {
  if (whose === WHOSE.others || whose === WHOSE.asked) return WHOSE.unknown
  return whose === WHOSE.given || whose === WHOSE.found || whose === WHOSE.made ? WHOSE.message : whose
}

function isPart(type: number): boolean {
  return (
    type === WHOSE.tool_call ||
    type === WHOSE.tool_result ||
    type === WHOSE.tool ||
    type === WHOSE.reasoning ||
    type === WHOSE.media ||
    type === WHOSE.file
  )
}
