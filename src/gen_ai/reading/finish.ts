/** Why the model stopped, whichever way it was written down: array, plain text, JSON or a list in a text. */
import { ARRAY, valueKind } from '../../telemetry/any_value.ts'
import { fieldEnd, fieldStart } from '../../telemetry/find_field.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import type { DialectRow } from '../dialects/lexicon.ts'
import { FINISH_REASONS_MAX, type ModelCall } from '../model_call.ts'
import type { Spellings } from '../spellings.ts'
import { firstText, nextText } from '../wire.ts'
import { firstSource, placeEnd, placeStart, rowOf } from './sources.ts'

/** Adds the reasons in the field's first source to the call. The attribute is marked as replaced unless it is as it should be. */
export function readFinishReasons(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  const source = firstSource(view, found, dialect, FIELD.finishReasons, call)
  if (source < 0) return
  const row = rowOf(found, dialect, source)
  const place = placeStart(dialect, source)
  if (place < 0) return addFinishReasons(view, row, dialect.finishReasons, call)
  call.rows[FIELD.finishReasons] = row
  readWords(call, place, placeEnd(dialect, source), dialect.finishReasons)
}

/** Adds the reasons that are the value of attribute `row`. */
export function addFinishReasons(view: SpanView, row: number, spellings: Spellings, call: ModelCall): void {
  const { bytes, attributes } = view
  const start = attributes.valueStart(row)
  const end = attributes.valueEnd(row)
  call.rows[FIELD.finishReasons] = row
  let exact = valueKind(bytes, start, end) === ARRAY
  for (let text = firstText(bytes, start, end); text >= 0; text = nextText(bytes, text, end))
    if (!readWords(call, fieldStart(bytes, text), fieldEnd(bytes, text), spellings)) exact = false
  if (!exact && call.finishReasonCount > 0) call.replaced |= 1 << FIELD.finishReasons
}

/**
 * Adds every word of a text; of a text with an unknown one among several, the whole text as one reason: taken apart, what is
 * no list of reasons after all would not be recognised by redaction. True if it was one word, spelled as it should be or
 * unknown, or is added whole.
 */
function readWords(call: ModelCall, start: number, end: number, spellings: Spellings): boolean {
  const { bytes } = call
  const before = call.finishReasonCount
  let exact = true
  for (let at = start; at < end; ) {
    while (at < end && !isWord(bytes[at]!)) at++
    const word = at
    while (at < end && isWord(bytes[at]!)) at++
    if (at === word) break
    const isWhole = word === start && at === end
    if (!isWhole) exact = false
    const spelling = findReason(bytes, word, at, spellings)
    const reason = spellings.valueOf(spelling)
    if (reason < 0 && !isWhole) {
      call.finishReasonCount = before
      add(call, UNKNOWN, start, end)
      return true
    }
    add(call, reason, word, at)
    if (reason >= 0 && !(spellings.isExact(spelling) && isFolded(bytes, word, at))) exact = false
  }
  return exact
}

function add(call: ModelCall, reason: number, start: number, end: number): void {
  if (call.finishReasonCount === FINISH_REASONS_MAX) return
  const at = call.finishReasonCount++
  call.finishReasons[at] = reason
  call.finishReasonRanges[at * 2] = start
  call.finishReasonRanges[at * 2 + 1] = end
}

const UNKNOWN = -1

/** `folded` is a copy in lower case with `_` for `-`; longer words are unknown. */
const folded = Buffer.alloc(40)

/** Number of the spelling of the word, or -1. Of `Enum.MEMBER` the last part counts. */
function findReason(bytes: Uint8Array, start: number, end: number, spellings: Spellings): number {
  let length = 0
  for (let at = start; at < end; at++) {
    if (bytes[at] === DOT) length = 0
    else if (length < folded.length) folded[length++] = fold(bytes[at]!)
  }
  return spellings.find(folded, 0, length)
}

/** Is the word as `findReason` looks it up? */
function isFolded(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === DOT || fold(bytes[at]!) !== bytes[at]) return false
  return true
}

function fold(byte: number): number {
  if (byte === HYPHEN) return UNDERSCORE
  return byte >= 65 && byte <= 90 ? byte | 32 : byte
}

const DOT = 46
const HYPHEN = 45
const UNDERSCORE = 95

function isWord(byte: number): boolean {
  return (
    (byte >= 97 && byte <= 122) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 48 && byte <= 57) ||
    byte === UNDERSCORE ||
    byte === HYPHEN ||
    byte === DOT
  )
}
