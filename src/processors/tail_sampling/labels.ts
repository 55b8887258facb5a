/** The attributes on kept spans that say who kept them, when and why, as ready bytes. */
import { encode } from '../../otlp/codec.ts'
import { Output } from '../../otlp/output.ts'
import type { Policy } from './policies.ts'

/** When a span was let through: with its trace, after it, or before its time because room was needed. */
export type Decision = 'decided' | 'late_span' | 'pressure'

export class Labels {
  readonly #byText = new Map<string, number>()
  readonly #attributes: Record<Decision, Buffer>[] = []

  /** Number of the label of a policy; equal policies have equal labels, over reloads too. */
  numberOf(policy: Policy): number {
    const text = `${policy.name}\n${policy.reason}`
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const number = this.#attributes.push({
      decided: attributesOf(policy, 'decided'),
      late_span: attributesOf(policy, 'late_span'),
      pressure: attributesOf(policy, 'pressure'),
    })
    this.#byText.set(text, number - 1)
    return number - 1
  }

  /** KeyValue fields to put behind the other fields of a Span. */
  attributes(label: number, decision: Decision): Buffer {
    return this.#attributes[label]![decision]
  }
}

function attributesOf(policy: Policy, decision: Decision): Buffer {
  const out = new Output(256)
  const texts = { policy: policy.name, decision, reason: policy.reason }
  for (const [key, text] of Object.entries(texts)) {
    const mark = out.open(9)
    encode('KeyValue', { key: `sluice.sampling.${key}`, value: { stringValue: text } }, out)
    out.close(mark)
  }
  return out.take()
}
