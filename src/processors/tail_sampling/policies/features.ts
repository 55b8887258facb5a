/**
 * What the policies want to know of single spans. Each question is a bit of the trace's features, set while spans
 * arrive, so that a decision reads bits and no span again. Equal questions share a bit.
 */
import { numberOf } from '../../../telemetry/any_value.ts'
import { Attributes } from '../../../telemetry/attributes.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { KeySet } from '../../../telemetry/key_set.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import type { ValuePredicate } from './value_predicates.ts'

/** Where the answer to a question is. */
export interface Feature {
  readonly word: number
  readonly mask: number
}

/** Attribute of a span or a log record in which `gen_ai` leaves its score. */
export const SCORE_KEY = 'sluice.quality.score'
/** A trace has a column of 32 bits for each 32 of them. */
const FEATURES_MAX = 512
const TAG_RESOURCE = 0x0a
const FIELD_ATTRIBUTES = 1

export class Features {
  readonly #known = new Map<string, Feature>()
  readonly #keys: string[] = []
  readonly #values: { feature: Feature; key: number; test: ValuePredicate }[] = []
  readonly #scores: { feature: Feature; key: number; below: number }[] = []
  readonly #spans: { feature: Feature; test: (view: SpanView) => boolean }[] = []
  readonly #attributes = new Attributes()
  #asksWholeSpans = false
  #keySet = new KeySet([])
  #found = new Int32Array(0)

  /** Does a span, or its resource, have an attribute of which this is true? `question` is its like only if it is the same. */
  ofAttribute(question: string, key: string, test: ValuePredicate): Feature {
    return this.#obtain(question, (feature) => this.#values.push({ feature, key: this.#key(key), test }))
  }

  /** Does a span, or a log record, have a quality score below that? */
  ofScoreBelow(below: number): Feature {
    return this.#obtain(`score ${below}`, (feature) => this.#scores.push({ feature, key: this.#key(SCORE_KEY), below }))
  }

  /** Is this true of a span? */
  ofSpan(question: string, test: (view: SpanView) => boolean): Feature {
    return this.#obtain(question, (feature) => this.#spans.push({ feature, test }))
  }

  /** The same, where the answer stands in the span's attributes. */
  ofWholeSpan(question: string, test: (view: SpanView) => boolean): Feature {
    this.#asksWholeSpans = true
    return this.ofSpan(question, test)
  }

  /** Number of 32-bit words for the features of a trace, at least one. */
  get words(): number {
    return Math.max(1, Math.ceil(this.#known.size / 32))
  }

  /** Does a question look at attributes of spans? */
  get readsAttributes(): boolean {
    return this.#keys.length > 0 || this.#asksWholeSpans
  }

  /** Sets the bits for which the span stands. */
  addSpan(view: SpanView, words: Int32Array): void {
    for (let at = 0; at < this.#spans.length; at++) {
      const { feature, test } = this.#spans[at]!
      // Once it is true of a span, the others need not be asked.
      if ((words[feature.word]! & feature.mask) === 0 && test(view)) words[feature.word]! |= feature.mask
    }
    if (this.#keys.length === 0) return
    const { attributes, bytes } = view
    const found = this.#found
    attributes.find(bytes, this.#keySet, found)
    this.#addValues(bytes, attributes, words)
    for (let at = 0; at < this.#scores.length; at++) {
      const { feature, key, below } = this.#scores[at]!
      const row = found[key]!
      if (row < 0) continue
      const score = numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
      if (score < below) words[feature.word]! |= feature.mask
    }
  }

  /** Sets the bits for which the resource stands. `group`: fields of the ResourceSpans but its scope groups. */
  addResource(group: Buffer, words: Int32Array): void {
    if (this.#values.length === 0) return
    const resource = findField(group, 0, group.length, TAG_RESOURCE)
    if (resource < 0) return
    this.#attributes.read(group, fieldStart(group, resource), fieldEnd(group, resource), FIELD_ATTRIBUTES)
    this.#attributes.find(group, this.#keySet, this.#found)
    this.#addValues(group, this.#attributes, words)
  }

  /** Sets the bits for which a score in a log record stands; NaN: for none. */
  addScore(score: number, words: Int32Array): void {
    for (const { feature, below } of this.#scores) if (score < below) words[feature.word]! |= feature.mask
  }

  #addValues(bytes: Buffer, attributes: Attributes, words: Int32Array): void {
    for (let at = 0; at < this.#values.length; at++) {
      const { feature, key, test } = this.#values[at]!
      const row = this.#found[key]!
      if (row >= 0 && test(bytes, attributes.valueStart(row), attributes.valueEnd(row)))
        words[feature.word]! |= feature.mask
    }
  }

  #obtain(question: string, add: (feature: Feature) => void): Feature {
    const known = this.#known.get(question)
    if (known !== undefined) return known
    const bit = this.#known.size
    if (bit === FEATURES_MAX) throw new RangeError(`the policies ask more than ${FEATURES_MAX} questions of spans`)
    const feature = { word: bit >>> 5, mask: 1 << (bit & 31) }
    this.#known.set(question, feature)
    add(feature)
    return feature
  }

  #key(key: string): number {
    const known = this.#keys.indexOf(key)
    if (known >= 0) return known
    this.#keys.push(key)
    this.#keySet = new KeySet(this.#keys)
    this.#found = new Int32Array(this.#keys.length)
    return this.#keys.length - 1
  }
}
