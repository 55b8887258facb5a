/** What several reports say together, in rows of numbers: a trace may have a hundred thousand such calls. */
import { type Column, SHORT } from './columns.ts'
import type { CallFacts } from './same_call.ts'

/** What merging can change of the outermost report: ten numbers and three flags. */
const WIDTH = 11
const FAILED = 1
const RATE_LIMITED = 2
const COST_STATED = 4

export class MergedFacts {
  #rows: Column = []
  #count = 0

  /** Keeps them in that row, a new one if it is -1; returns the row. */
  write(row: number, facts: CallFacts): number {
    const number = row < 0 ? this.#count++ : row
    if (number >= SHORT && number * WIDTH >= this.#rows.length) this.#grow()
    const rows = this.#rows
    const at = number * WIDTH
    rows[at] = facts.responseId
    rows[at + 1] = facts.requestModel
    rows[at + 2] = facts.responseModel
    rows[at + 3] = facts.end_ms
    rows[at + 4] = facts.inputTokens
    rows[at + 5] = facts.outputTokens
    rows[at + 6] = facts.cacheReadTokens
    rows[at + 7] = facts.cacheWriteTokens
    rows[at + 8] = facts.reasoningTokens
    rows[at + 9] = facts.cost_usd
    rows[at + 10] =
      (facts.failed ? FAILED : 0) | (facts.rateLimited ? RATE_LIMITED : 0) | (facts.isCostStated ? COST_STATED : 0)
    return number
  }

  /** The facts of a call whose outermost report says `outermost`. */
  read(row: number, outermost: CallFacts): CallFacts {
    const rows = this.#rows
    const at = row * WIDTH
    const flags = rows[at + 10]!
    return {
      ...outermost,
      isMerged: true,
      responseId: rows[at]!,
      requestModel: rows[at + 1]!,
      responseModel: rows[at + 2]!,
      end_ms: rows[at + 3]!,
      inputTokens: rows[at + 4]!,
      outputTokens: rows[at + 5]!,
      cacheReadTokens: rows[at + 6]!,
      cacheWriteTokens: rows[at + 7]!,
      reasoningTokens: rows[at + 8]!,
      cost_usd: rows[at + 9]!,
      failed: (flags & FAILED) !== 0,
      rateLimited: (flags & RATE_LIMITED) !== 0,
      isCostStated: (flags & COST_STATED) !== 0,
    }
  }

  #grow(): void {
    const larger = new Float64Array(this.#rows.length * 2)
    larger.set(this.#rows)
    this.#rows = larger
  }
}
