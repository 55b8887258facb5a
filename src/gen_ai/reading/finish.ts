/** Why the model stopped, whichever way it was written down: array, plain text, JSON or a list in a text. */
import { ARRAY, valueKind } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { FINISH_REASONS_MAX, type ModelCall } from '../model_call.ts'
import type { Spellings } from '../spellings.ts'
import { nextText, range } from '../wire.ts'
import { foundPlace } from './sources.ts'

/**
 * Adds the reasons in attribute `row`, or in the place in it that `firstRow` just found, to the call. The attribute is
 * marked as replaced unless it is as it should be.
 */
export function readFinishReasons(view: SpanView, row: number, spellings: Spellings, call: ModelCall): void {
  const start = view.attributes.valueStart(row)
  const end = view.attributes.valueEnd(row)
  call.rows[FIELD.finishReasons] = row
  const place = foundPlace()
  if (place.start >= 0) {
    readWords(call, place.start, place.end, spellings)
    return
  }
  let exact = valueKind(view.bytes, start, end) === ARRAY
  for (let at = nextText(view.bytes, start, end, 0); at >= 0; at = nextText(view.bytes, start, end, at))
    if (!readWords(call, range.start, range.end, spellings)) exact = false
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
    const reason = findReason(call, word, at, spellings)
    if (reason < 0 && !isWhole) {
      call.finishReasonCount = before
      add(call, UNKNOWN, start, end)
      return true
    }
    add(call, reason, word, at)
    if (reason >= 0 && !isExact) exact = false
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
/** Was the reason that `findReason` found last spelled as it should be? */
let isExact = false

/** `folded` is a copy in lower case with `_` for `-`; longer words are unknown. */
const folded = Buffer.alloc(40)

/** Position among the reasons, or -1. */
function findReason(call: ModelCall, start: number, end: number, spellings: Spellings): number {
  let length = 0
  let changed = false
  for (let at = start; at < end; at++) {
    const byte = call.bytes[at]!
    const fold = byte === HYPHEN ? UNDERSCORE : byte >= 65 && byte <= 90 ? byte | 32 : byte
    if (fold !== byte) changed = true
    if (byte === DOT) {
      length = 0
      changed = true
    } else if (length < folded.length) folded[length++] = fold
  }
  const reason = spellings.find(folded, 0, length)
  isExact = spellings.exact && !changed
  return reason
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
