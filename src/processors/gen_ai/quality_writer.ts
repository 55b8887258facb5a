/** Writing what was found about an answer's quality onto a span or a log record. */
import { SAFETY_SIGNALS } from '../../content/safety/safety_signals.ts'
import { SLUICE } from '../../gen_ai/call_fields.ts'
import { SIGNALS } from '../../gen_ai/quality.ts'
import type { Output } from '../../otlp/output.ts'
import { appendDouble, appendTexts, KeyTemplate } from '../../telemetry/attribute_writer.ts'

const names = SIGNALS.map(whole)
const dangers = SAFETY_SIGNALS.map(whole)

function whole(name: string) {
  const source = Buffer.from(name)
  return { source, start: 0, end: source.length }
}

/** A writer of what is dangerous: bits of SAFETY_SIGNALS, at least one. */
export function safetyWriter(tag: number): (out: Output, signals: number) => void {
  const key = new KeyTemplate(SLUICE.safetySignals, tag)
  return (out, signals) =>
    appendTexts(
      out,
      key,
      dangers.filter((_, at) => (signals & (1 << at)) !== 0),
    )
}

/** A writer of score and signals; nothing is written of a score that is NaN or an empty set. `tag` is that of the item's attributes. */
export function qualityWriter(tag: number): (out: Output, score: number, signals: number) => void {
  const scoreKey = new KeyTemplate(SLUICE.qualityScore, tag)
  const signalsKey = new KeyTemplate(SLUICE.qualitySignals, tag)
  return (out, score, signals) => {
    if (!Number.isNaN(score)) appendDouble(out, scoreKey, score)
    if (signals === 0) return
    appendTexts(
      out,
      signalsKey,
      names.filter((_, at) => (signals & (1 << at)) !== 0),
    )
  }
}
