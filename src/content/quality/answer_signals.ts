/** From an answer to the signals that speak against it. */
import { type Answer, PIECE, REFUSED } from '../answers/answer.ts'
import { CUT, ESCAPED } from '../messages/message_reader.ts'
import { isRefusal, mayRefuse } from './answer_refusal.ts'
import { isHedging } from './hedging.ts'
import { JsonSyntax } from './json_syntax.ts'
import { openingOf } from './opening.ts'
import { endsInLoop } from './repetition.ts'
import { SIGNAL } from './signals.ts'

const syntax = new JsonSyntax()

/** Bits of SIGNALS; 0 if nothing speaks against the answer, or there is none to be judged. */
export function judgeAnswer(answer: Answer): number {
  if (answer.isBlank) return SIGNAL.empty
  if (answer.count === 0) return 0
  let signals = hasRefusal(answer) ? SIGNAL.refusal : 0
  if (answer.hasToolCalls) return signals
  if (signals === 0) signals = judgeOpening(answer)
  if (answer.wantsJson && (signals & SIGNAL.refusal) === 0 && !isJson(answer)) signals |= SIGNAL.invalid_output
  if (hasLoop(answer)) signals |= SIGNAL.repetition
  return signals
}

/** Did the provider say that a part of it is a refusal? */
function hasRefusal({ pieces, count }: Answer): boolean {
  for (let at = 0; at < count * PIECE.width; at += PIECE.width)
    if ((pieces[at + PIECE.bits]! & REFUSED) !== 0) return true
  return false
}

function hasLoop({ bytes, pieces, count }: Answer): boolean {
  for (let at = 0; at < count * PIECE.width; at += PIECE.width)
    if (endsInLoop(bytes, pieces[at + PIECE.start]!, pieces[at + PIECE.end]!)) return true
  return false
}

/** Most answers are told by their first word. */
const FIRST_WORD_MAX_BYTES = 24

function judgeOpening(answer: Answer): number {
  if (!mayRefuse(openingOf(answer, FIRST_WORD_MAX_BYTES))) return 0
  const text = openingOf(answer)
  if (isRefusal(text, lengthOf(answer))) return SIGNAL.refusal
  return isHedging(text) ? SIGNAL.hedging : 0
}

function lengthOf({ pieces, count }: Answer): number {
  let length = 0
  for (let at = 0; at < count * PIECE.width; at += PIECE.width)
    length += pieces[at + PIECE.end]! - pieces[at + PIECE.start]!
  return length
}

/** Is each message of the answer one JSON value? What was cut off by the telemetry is not held against it. */
function isJson({ bytes, pieces, count }: Answer): boolean {
  for (let at = 0; at < count * PIECE.width; at += PIECE.width) {
    const message = pieces[at + PIECE.message]
    const bits = pieces[at + PIECE.bits]!
    if (at === 0 || pieces[at - PIECE.width + PIECE.message] !== message) syntax.reset()
    if (!syntax.add(bytes, pieces[at + PIECE.start]!, pieces[at + PIECE.end]!, (bits & ESCAPED) !== 0)) return false
    if ((bits & CUT) !== 0) return true
    const isLast = at + PIECE.width === count * PIECE.width
    if ((isLast || pieces[at + PIECE.width + PIECE.message] !== message) && !syntax.isComplete) return false
  }
  return true
}
