/** The attributes on kept spans and log records that say who kept them, when and why, as ready bytes. */
import { encode } from '../../../otlp/codec.ts'
import { Output } from '../../../otlp/output.ts'
import type { Grounds } from '../policies/sampling_policies.ts'

/**
 * When an item was let through: with its trace, after it, before its time because room was needed; or, a log record,
 * because no span of its trace came.
 */
export type Decision = 'decided' | 'pressure' | 'late_span' | 'late_log' | 'no_spans'

/** Number of the attributes field. */
const SPAN_ATTRIBUTES = 9
const RECORD_ATTRIBUTES = 6
const UNDEFINED_SPANS = -1

type ByDecision = Partial<Record<Decision, Buffer>>

interface Label {
  readonly grounds: Grounds
  readonly spans: ByDecision
  readonly records: ByDecision
}

export class SamplingAttributes {
  readonly #byText = new Map<string, number>()
  readonly #labels: Label[] = []
  readonly #alone = attributesOf(RECORD_ATTRIBUTES, { decision: 'no_spans' })

  /** Number of the label of these grounds; equal grounds have equal labels, over reloads too. */
  numberOf(grounds: Grounds): number {
    const { policy, reason } = grounds
    const text = `${policy}\n${typeof reason === 'string' ? reason : `\n${reason(UNDEFINED_SPANS)}`}`
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const number = this.#labels.push({ grounds, spans: {}, records: {} }) - 1
    this.#byText.set(text, number)
    return number
  }

  /** KeyValue fields to put behind the other fields of a Span. `spans`: how many the trace had when it was decided. */
  ofSpan(label: number, decision: Decision, spans: number): Buffer {
    const { grounds, spans: known } = this.#labels[label]!
    const { policy, reason } = grounds
    if (typeof reason !== 'string') return attributesOf(SPAN_ATTRIBUTES, { policy, decision, reason: reason(spans) })
    known[decision] ??= attributesOf(SPAN_ATTRIBUTES, { policy, decision, reason })
    return known[decision]
  }

  /** KeyValue fields to put behind the other fields of a LogRecord. */
  ofRecord(label: number, decision: Decision): Buffer {
    const { grounds, records } = this.#labels[label]!
    records[decision] ??= attributesOf(RECORD_ATTRIBUTES, { policy: grounds.policy, decision })
    return records[decision]
  }

  /** The same, of a trace of which there are only log records. */
  get ofLoneRecord(): Buffer {
    return this.#alone
  }
}

function attributesOf(field: number, texts: Readonly<Record<string, string>>): Buffer {
  const out = new Output(256)
  for (const [key, text] of Object.entries(texts)) {
    const mark = out.open(field)
    encode('KeyValue', { key: `sluice.sampling.${key}`, value: { stringValue: text } }, out)
    out.close(mark)
  }
  return out.take()
}
