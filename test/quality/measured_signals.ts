/** The signals that are measured, each on its labelled sets: one that rules are tuned with, and one held apart. */
import { Answer } from '../../src/content/answers/answer.ts'
import { judgeAnswer } from '../../src/content/quality/answer_signals.ts'
import { SIGNAL, type SignalName } from '../../src/content/quality/signals.ts'
import { isIndirectInjection, isInjection } from '../../src/content/safety/injection.ts'
import { type LabelledRow, type Measured, textOf } from './measure.ts'

const ofAnswers = ['refusal', 'hedging', 'repetition'] as const satisfies readonly SignalName[]

const ofPrompts: readonly Measured[] = [
  ['prompt_injection', 'prompt_injection.jsonl', isInjection],
  ['prompt_injection', 'prompt_injection.held.jsonl', isInjection],
  ['indirect_injection', 'indirect_injection.jsonl', isIndirectInjection],
].map(([signal, file, detector]) => ({
  signal: signal as string,
  set: new URL(`sets/${file}`, import.meta.url),
  detector: (row: LabelledRow) => (detector as (text: string) => boolean)(textOf(row)),
}))

export const measuredSignals: readonly Measured[] = [...ofAnswersMeasured(), ...ofPrompts]

function ofAnswersMeasured(): Measured[] {
  return ofAnswers.flatMap((signal) =>
    [`sets/${signal}.jsonl`, `sets/${signal}.held.jsonl`].map((file) => ({
      signal,
      set: new URL(file, import.meta.url),
      detector: (row: LabelledRow) => (answerSignals(textOf(row)) & SIGNAL[signal]) !== 0,
    })),
  )
}

/** Rows written after the rules, which no rule was tuned with when they were first measured: no floor stands on them. */
export const freshSignals: readonly Measured[] = ['sets/refusal.fresh.jsonl', 'sets/refusal.fresh.held.jsonl'].map(
  (file) => ({
    signal: 'refusal',
    set: new URL(file, import.meta.url),
    detector: (row) => (answerSignals(textOf(row)) & SIGNAL.refusal) !== 0,
  }),
)

/** Bits of SIGNALS that speak against an answer. */
export function answerSignals(text: string): number {
  const bytes = Buffer.from(text)
  const answer = new Answer()
  answer.reset(bytes)
  answer.addText(0, bytes.length, 0)
  return judgeAnswer(answer)
}
