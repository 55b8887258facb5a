/** Questions about the value of one attribute, asked of its bytes. */
import { RE2JS } from 're2js'
import { boolOf, numberOf, textStart } from '../../../telemetry/any_value.ts'
import { Interner, OVERFLOW_TEXT } from '../../../telemetry/interner.ts'
import { KeySet } from '../../../telemetry/key_set.ts'

/** Of the AnyValue in [start, end). */
export type ValuePredicate = (bytes: Buffer, start: number, end: number) => boolean

/** Longer texts are not remembered. */
const REMEMBERED_BYTES_MAX = 1024

/** A number inside, bounds included. */
export function numberWithin(lowest: number, highest: number): ValuePredicate {
  return (bytes, start, end) => {
    const value = numberOf(bytes, start, end)
    return value >= lowest && value <= highest
  }
}

export function boolIs(wanted: boolean): ValuePredicate {
  return (bytes, start, end) => boolOf(bytes, start, end) === wanted
}

/** A text that is one of these. The empty text is none, as in the Collector. */
export function textIsOneOf(texts: readonly string[]): ValuePredicate {
  const set = new KeySet(texts.filter((text) => text !== ''))
  return (bytes, start, end) => {
    const text = textStart(bytes, start, end)
    return text >= 0 && text < end && set.find(bytes, text, end) >= 0
  }
}

/** A text, not empty, in which one of these expressions (RE2) is found. Remembers the answers of `texts_max` texts. */
export function textMatches(expressions: readonly string[], texts_max: number): ValuePredicate {
  const answers = new Answers(expressions, texts_max)
  return (bytes, start, end) => {
    const text = textStart(bytes, start, end)
    return text >= 0 && text < end && answers.of(bytes, text, end)
  }
}

class Answers {
  readonly #expressions: readonly RE2JS[]
  readonly #max: number
  #texts: Interner
  /** By number of the text: 0 unknown, 1 yes, 2 no. */
  readonly #answers: Uint8Array

  constructor(expressions: readonly string[], texts_max: number) {
    this.#expressions = expressions.map((expression) => RE2JS.compile(expression))
    this.#max = texts_max
    this.#texts = new Interner(texts_max)
    this.#answers = new Uint8Array(texts_max + 2)
  }

  of(bytes: Buffer, start: number, end: number): boolean {
    if (end - start > REMEMBERED_BYTES_MAX) return this.#ask(bytes.toString('utf8', start, end))
    let number = this.#texts.intern(bytes, start, end)
    if (number === OVERFLOW_TEXT) {
      this.#texts = new Interner(this.#max)
      this.#answers.fill(0)
      number = this.#texts.intern(bytes, start, end)
    }
    if (this.#answers[number] === 0) this.#answers[number] = this.#ask(this.#texts.text(number)) ? 1 : 2
    return this.#answers[number] === 1
  }

  #ask(text: string): boolean {
    return this.#expressions.some((expression) => expression.test(text))
  }
}
