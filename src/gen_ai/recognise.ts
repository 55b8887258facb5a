/** Which dialect a span is in: marks by scope are tried once per scope, marks by attribute once per span. */
import type { TraceBatch } from '../telemetry/batch.ts'
import { type Lexicon, lexicon, type MarkRow } from './lexicon.ts'
import { findScopeName, range } from './wire.ts'

/** Marks that a scope leaves possible, in order of precedence. */
export type Candidates = readonly MarkRow[]

/** The scopes of one batch after another. One instance serves one component. */
export class ScopeMarks {
  readonly #lexicon: Lexicon
  #batch: TraceBatch | undefined
  #scope = -1
  #candidates: Candidates = []

  constructor(of: Lexicon = lexicon) {
    this.#lexicon = of
  }

  /** The marks that a span in scope group `scope` of the batch may show. */
  of(batch: TraceBatch, scope: number): Candidates {
    if (batch === this.#batch && scope === this.#scope) return this.#candidates
    this.#batch = batch
    this.#scope = scope
    const name = findScopeName(batch, scope) ? batch.bytes.toString('utf8', range.start, range.end) : ''
    this.#candidates = this.#lexicon.marksByRow.filter(
      (mark) => mark.scope === undefined || name.startsWith(mark.scope),
    )
    return this.#candidates
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#batch = undefined
  }
}

/** Position of the dialect in the table, or -1. `found` as filled with the lexicon's keys. */
export function recognise(candidates: Candidates, found: Int32Array): number {
  for (let at = 0; at < candidates.length; at++) {
    const mark = candidates[at]!
    if (mark.key < 0 || found[mark.key]! >= 0) return mark.dialect
  }
  return -1
}
