/** Signals that `gen_ai` leaves on spans, as a reason to keep a trace. */
import { SAFETY_SIGNALS } from '../../../content/safety/safety_signals.ts'
import { SLUICE } from '../../../gen_ai/call_fields.ts'
import { SIGNALS as QUALITY_SIGNALS } from '../../../gen_ai/quality.ts'
import { STEP, STEP_SIGNALS } from '../../../gen_ai/step_fields.ts'
import { firstText, nextText } from '../../../gen_ai/wire.ts'
import { fieldEnd, fieldStart } from '../../../telemetry/find_field.ts'
import { KeySet } from '../../../telemetry/key_set.ts'
import type { ValuePredicate } from './value_predicates.ts'

/** Where signals stand: which they are, and whether they wake somebody. */
const sources = [
  { key: STEP.signals, names: STEP_SIGNALS as readonly string[], wakes: true },
  { key: SLUICE.safetySignals, names: SAFETY_SIGNALS as readonly string[], wakes: true },
  { key: SLUICE.qualitySignals, names: QUALITY_SIGNALS as readonly string[], wakes: false },
]

/** All that a policy can name. */
export const NAMED_SIGNALS: readonly string[] = [...new Set(sources.flatMap(({ names }) => names))]

/** Attributes to look at, and which of the named signals may stand there; those that wake somebody if none is named. */
export function signalSources(named: readonly string[]): { readonly key: string; readonly names: readonly string[] }[] {
  return sources.flatMap(({ key, names, wakes }) => {
    const wanted = named.length === 0 ? (wakes ? names : []) : names.filter((name) => named.includes(name))
    return wanted.length === 0 ? [] : [{ key, names: wanted }]
  })
}

/** A list of texts, or a text, among which is one of these. */
export function listHasOneOf(texts: readonly string[]): ValuePredicate {
  const set = new KeySet(texts)
  return (bytes, start, end) => {
    for (let text = firstText(bytes, start, end); text >= 0; text = nextText(bytes, text, end))
      if (set.find(bytes, fieldStart(bytes, text), fieldEnd(bytes, text)) >= 0) return true
    return false
  }
}
