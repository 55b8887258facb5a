/** Which step of a trace stands below which, though spans that are no steps stand between them. */
import { STEP_KINDS } from '../../gen_ai/step_fields.ts'
import { type ActivityRows, MODEL, NOTHING_DONE, SAME_AS_ABOVE, STEP_FAILED, STEP_TOLD } from './activity_rows.ts'
import type { RecentRoots } from './recent_roots.ts'

export const AGENT = STEP_KINDS.indexOf('agent')
/** So many spans that are no steps may stand between two steps, and so many steps above one. */
const BETWEEN_MAX = 32
const ABOVE_MAX = 64

/** What is known of spans that are no steps (`SpanLinks`). */
export interface LinksAbove {
  above(trace: number, span: number): number
  readonly roots: RecentRoots
}

export class StepTree {
  readonly #rows: ActivityRows
  readonly #links: LinksAbove
  readonly #bySpan = new Map<number, number>()
  readonly #parents = new Map<number, number>()
  #trace = 0

  constructor(rows: ActivityRows, links: LinksAbove) {
    this.#rows = rows
    this.#links = links
  }

  /** Of the rows of that trace, linked from `first` on. Reports of one step are found: the outer one stands for it. */
  build(trace: number, first: number): void {
    this.clear()
    this.#trace = trace
    const rows = this.#rows
    for (let row = first; row !== NOTHING_DONE; row = rows.get(row, 'next'))
      this.#bySpan.set(rows.get(row, 'span'), row)
    for (let row = first; row !== NOTHING_DONE; row = rows.get(row, 'next')) {
      const parent = this.#parentOf(row)
      this.#parents.set(row, parent)
      if (parent !== NOTHING_DONE) this.#join(parent, row)
    }
  }

  clear(): void {
    this.#bySpan.clear()
    this.#parents.clear()
  }

  /** The steps above that row, the nearest first. */
  *above(row: number): Generator<number> {
    let one = this.#parents.get(row) ?? NOTHING_DONE
    for (let count = 0; one !== NOTHING_DONE && count < ABOVE_MAX; count++) {
      if (!this.#rows.has(one, SAME_AS_ABOVE)) yield one
      one = this.#parents.get(one) ?? NOTHING_DONE
    }
  }

  /** The nearest agent above; NOTHING_DONE if there is none. */
  agentAbove(row: number): number {
    for (const one of this.above(row)) if (this.#rows.get(one, 'kind') === AGENT) return one
    return NOTHING_DONE
  }

  #parentOf(row: number): number {
    let id = this.#rows.get(row, 'parent')
    for (let count = 0; id !== 0 && count < BETWEEN_MAX; count++) {
      const parent = this.#bySpan.get(id)
      if (parent !== undefined) return parent === row ? NOTHING_DONE : parent
      id = this.#links.above(this.#trace, id)
    }
    return NOTHING_DONE
  }

  /** A framework's span around an SDK's span of the same step. */
  #join(outer: number, inner: number): void {
    const rows = this.#rows
    if (rows.get(inner, 'kind') === MODEL || rows.get(inner, 'kind') !== rows.get(outer, 'kind')) return
    if (rows.get(inner, 'name') === 0 || rows.get(inner, 'name') !== rows.get(outer, 'name')) return
    const [one, other] = [rows.get(inner, 'callId'), rows.get(outer, 'callId')]
    if (one !== 0 && other !== 0 && one !== other) return
    // Told before the outer one came: that is not to be told too.
    if (rows.has(inner, STEP_TOLD) && !rows.has(inner, SAME_AS_ABOVE)) rows.mark(outer, STEP_TOLD)
    rows.mark(inner, SAME_AS_ABOVE | STEP_TOLD)
    if (rows.has(inner, STEP_FAILED)) rows.mark(outer, STEP_FAILED)
    rows.set(outer, 'signals', rows.get(outer, 'signals') | rows.get(inner, 'signals'))
    if (Number.isNaN(rows.get(outer, 'documents'))) rows.set(outer, 'documents', rows.get(inner, 'documents'))
    if (rows.get(outer, 'scores') > 0) return
    rows.set(outer, 'scores', rows.get(inner, 'scores'))
    rows.set(outer, 'scoresSum', rows.get(inner, 'scoresSum'))
  }
}
