/** What the finish reasons alone say about the quality of an answer. */
import { FINISH_REASONS } from './values.ts'

/** Signals in the order in which they are written. */
export const FINISH_SIGNALS = ['truncated', 'content_filter', 'refusal'] as const

/** Score of a call with any of these signals: each alone puts it below the half. */
export const FINISH_SIGNAL_SCORE = 0.4

/** For each finish reason, its signal's position, -1 for none. */
const signalOf = FINISH_REASONS.map((reason) =>
  FINISH_SIGNALS.indexOf(reason === 'length' ? 'truncated' : (reason as 'refusal')),
)

/** Bits of FINISH_SIGNALS for the first `count` finish reasons; 0 where nothing is known against the answer. */
export function finishSignals(finishReasons: Int8Array, count: number): number {
  let signals = 0
  for (let at = 0; at < count; at++) {
    const reason = finishReasons[at]!
    if (reason >= 0 && signalOf[reason]! >= 0) signals |= 1 << signalOf[reason]!
  }
  return signals
}
