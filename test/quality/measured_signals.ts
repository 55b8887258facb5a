/** The signals that are measured, each on its labelled sets: one that rules are tuned with, and one held apart. */
import { Answer } from '../../src/content/answers/answer.ts'
import { judgeAnswer } from '../../src/content/quality/answer_signals.ts'
import { SIGNAL, type SignalName } from '../../src/content/quality/signals.ts'
import { type LabelledRow, type Measured, textOf } from './measure.ts'

const ofAnswers = ['refusal', 'hedging', 'repetition'] as const satisfies readonly SignalName[]

export const measuredSignals: readonly Measured[] = ofAnswers.flatMap((signal) =>
  [`sets/${signal}.jsonl`, `sets/${signal}.held.jsonl`].map((file) => ({
    signal,
    set: new URL(file, import.meta.url),
    detector: (row: LabelledRow) => (answerSignals(textOf(row)) & SIGNAL[signal]) !== 0,
  })),
)

/** Bits of SIGNALS that speak against an answer. */
export function answerSignals(text: string): number {
  const bytes = Buffer.from(text)
  const answer = new Answer()
  answer.reset(bytes)
  answer.addText(0, bytes.length, 0)
  return judgeAnswer(answer)
}
