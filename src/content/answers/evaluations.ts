/**
 * Evaluations that came with the telemetry of a call: a score from 0 to 1, or a label that says whether it passed. What is
 * on another scale, or says that something bad is there (toxicity 0.9), is not made into a score of quality.
 * Source: gen-ai-events.md of the OpenTelemetry conventions, `gen_ai.evaluation.result`; OpenInference's evaluations.
 */

const EVALUATIONS_MAX = 16
/** Names of evaluations whose high scores are bad news. */
const undesirable =
  /toxic|bias|hallucinat|harm|unsafe|violen|hate|sexual|self.?harm|injection|jailbreak|profan|leak|risk/i
const passed = /^(pass|passed|true|yes|good|correct|ok)$/i
const failed = /^(fail|failed|false|no|bad|incorrect)$/i

interface Evaluation {
  name: string
  score: number
  label: string
}

export class Evaluations {
  #list: Evaluation[] = []

  reset(): void {
    if (this.#list.length > 0) this.#list = []
  }

  /** The evaluation with that number, made if it is new; undefined if there are too many. */
  at(number: number): Evaluation | undefined {
    if (number >= EVALUATIONS_MAX) return undefined
    return (this.#list[number] ??= { name: '', score: Number.NaN, label: '' })
  }

  get count(): number {
    return this.#list.length
  }

  /** The lowest of all scores, NaN if there is none. */
  score(): number {
    let lowest = Number.NaN
    for (const one of this.#list) {
      const score = one === undefined ? Number.NaN : scoreOf(one)
      if (!Number.isNaN(score) && !(lowest <= score)) lowest = score
    }
    return lowest
  }
}

function scoreOf({ name, score, label }: Evaluation): number {
  if (score >= 0 && score <= 1 && !undesirable.test(name)) return score
  if (passed.test(label)) return undesirable.test(name) && !/^pass/i.test(label) ? Number.NaN : 1
  return failed.test(label) && (!undesirable.test(name) || /^fail/i.test(label)) ? 0 : Number.NaN
}
