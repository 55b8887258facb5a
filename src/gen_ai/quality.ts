/**
 * The quality of a model call's answer: what speaks against it, and a score. Sources, the first that exists wins: an
 * evaluation that came with the call, then what its finish reasons and its content say. What a call's telemetry does not
 * tell is unknown, not bad.
 */
import type { Answer } from '../content/answers/answer.ts'
import { judgeAnswer } from '../content/quality/answer_signals.ts'
import { SEVERE, SIGNAL } from '../content/quality/signals.ts'
import { FINISH_REASONS, finishReasonSpellings } from './known_values.ts'
import { FINISH_REASONS_MAX, type ModelCall } from './model_call.ts'

export { SIGNALS } from '../content/quality/signals.ts'

/** What is known of an answer. */
export interface Quality {
  /** 0 (bad) to 1 (good); NaN if unknown. */
  score: number
  /** Bits of SIGNALS. */
  signals: number
}

/** Scores by the number of severe signals, each of which alone puts it below the half. */
const SCORES = [1, 0.4, 0.3, 0.2, 0.1, 0]
/** Doubt alone lowers it a little. */
const HEDGING_SCORE = 0.7

/** For each finish reason, the bit of its signal, 0 for none. */
const signalOf = FINISH_REASONS.map((reason) => {
  if (reason === 'length') return SIGNAL.truncated
  if (reason === 'error') return SIGNAL.invalid_output
  return reason === 'content_filter' || reason === 'refusal' ? SIGNAL[reason] : 0
})
const TOOL_CALL = FINISH_REASONS.indexOf('tool_call')
const LENGTH = FINISH_REASONS.indexOf('length')

/** Fills in the call's quality. A call that does not say why it ended gets the reasons that its answer states. */
export function judgeCall(call: ModelCall, answer: Answer): void {
  if (call.finishReasonCount === 0) adoptFinishReasons(call, answer)
  let finished = 0
  let calledTools = false
  for (let at = 0; at < call.finishReasonCount; at++) {
    const reason = call.finishReasons[at]!
    if (reason >= 0) finished |= signalOf[reason]!
    if (reason === TOOL_CALL) calledTools = true
  }
  // A call that failed has no answer that could be bad. Of a stream that its reader left nobody tells the usage, and some write
  // `error` where no reason came.
  const wasLeft = call.stream && Number.isNaN(call.outputTokens)
  if (call.failed || wasLeft) finished &= ~SIGNAL.invalid_output
  call.qualitySignals =
    finished | contextSignals(call) | signalsOf(answer, call.failed || calledTools || finished !== 0)
  call.qualityScore = scoreOf(call.qualitySignals, answer, call.failed)
}

/** Part of the context window from which on it is nearly full. */
const NEARLY_FULL = 0.85
/** A reason to have finished that says which bound was reached. */
const CONTEXT = /context/i

function contextSignals(call: ModelCall): number {
  const isFull = call.contextUtilization >= NEARLY_FULL
  return (isFull ? SIGNAL.context_window : 0) | (isContextExceeded(call) ? SIGNAL.context_exceeded : 0)
}

function isContextExceeded(call: ModelCall): boolean {
  if (call.contextExceeded) return true
  for (let at = 0; at < call.finishReasonCount; at++) {
    if (call.finishReasons[at] !== LENGTH) continue
    const [start, end] = [call.finishReasonRanges[at * 2]!, call.finishReasonRanges[at * 2 + 1]!]
    if (end - start <= REASON_MAX_BYTES && CONTEXT.test(call.bytes.toString('latin1', start, end))) return true
  }
  return false
}

/** What speaks against an answer in a log record; `failed` if the record tells of a failure. Bits of SIGNALS. */
export function recordSignals(answer: Answer, failed: boolean): number {
  let finished = 0
  let calledTools = false
  for (let at = 0; at < answer.finishReasonCount; at++) {
    const reason = reasonAt(answer, at)
    if (reason >= 0) finished |= signalOf[reason]!
    if (reason === TOOL_CALL) calledTools = true
  }
  return finished | signalsOf(answer, failed || calledTools || finished !== 0)
}

/** 0 (bad) to 1 (good); NaN where nothing is known. */
export function scoreOf(signals: number, answer: Answer, failed: boolean): number {
  const evaluated = answer.evaluations.score()
  if (!Number.isNaN(evaluated)) return evaluated
  let severe = 0
  for (let bit = signals & SEVERE; bit !== 0; bit &= bit - 1) severe++
  if (severe > 0) return SCORES[Math.min(severe, SCORES.length - 1)]!
  if ((signals & SIGNAL.hedging) !== 0) return HEDGING_SCORE
  return answer.isThere && !failed ? 1 : Number.NaN
}

/** A failed call, one that ended in calling tools, or one whose finish reason explains it, is not blamed for saying nothing. */
function signalsOf(answer: Answer, mayBeBlank: boolean): number {
  const signals = judgeAnswer(answer)
  return mayBeBlank ? signals & ~SIGNAL.empty : signals
}

function adoptFinishReasons(call: ModelCall, answer: Answer): void {
  const count = Math.min(answer.finishReasonCount, FINISH_REASONS_MAX)
  for (let at = 0; at < count; at++) {
    call.finishReasons[at] = reasonAt(answer, at)
    call.finishReasonRanges[at * 2] = answer.finishReasons[at * 2]!
    call.finishReasonRanges[at * 2 + 1] = answer.finishReasons[at * 2 + 1]!
  }
  call.finishReasonCount = count
}

/** Longer ones are unknown. */
const REASON_MAX_BYTES = 60

/** Position in FINISH_REASONS of one that the answer states, -1 for one that is not there. */
function reasonAt(answer: Answer, at: number): number {
  const start = answer.finishReasons[at * 2]!
  const end = answer.finishReasons[at * 2 + 1]!
  if (end - start > REASON_MAX_BYTES) return -1
  const folded = answer.bytes.toString('latin1', start, end).toLowerCase().replaceAll('-', '_').replace(/^.*\./, '')
  return FINISH_REASONS.indexOf(finishReasonSpellings[folded] as (typeof FINISH_REASONS)[number])
}
