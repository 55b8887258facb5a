/** How the reports of a trace stand above each other, spans between them that report no call being passed over. */
import type { Ancestry } from './group_calls.ts'
import { NumberIndex } from './number_index.ts'
import type { Paused, Steps } from './pauses.ts'
import type { Id } from './same_call.ts'

/** So many spans may stand between a report and the next one above it. */
const BETWEEN_MAX = 32
const NONE = -1

export class ReportTree {
  readonly #steps: Steps
  readonly #bySpan: NumberIndex
  readonly #ids: Float64Array
  readonly #parentIds: Float64Array
  /** Of each report the one above it, -1 if there is none. */
  readonly #parents: Int32Array
  /** Reports above one; of those in a circle of parents any number. */
  readonly #depths: Int32Array
  /** All by depth, the deepest first; and where each depth begins. */
  #order = new Int32Array(0)
  #begins: number[] = []

  constructor(count: number, steps: Steps) {
    this.#steps = steps
    this.#bySpan = new NumberIndex(count)
    this.#ids = new Float64Array(count)
    this.#parentIds = new Float64Array(count)
    this.#parents = new Int32Array(count)
    this.#depths = new Int32Array(count).fill(NONE)
  }

  /** Of reports with one id the first stands for it. */
  add(at: number, spanId: Id, parentId: Id): void {
    this.#ids[at] = spanId
    this.#parentIds[at] = parentId
    if (spanId !== 0 && this.#bySpan.find(spanId) < 0) this.#bySpan.set(spanId, at)
  }

  /** After all have been added. */
  *build(ancestry: Ancestry): Paused<never> {
    for (let at = 0; at < this.#parents.length; at++) {
      this.#parents[at] = this.#findParent(at, ancestry)
      if (this.#steps.next()) yield
    }
    yield* this.#measure()
    yield* this.#arrange()
  }

  idOf(at: number): Id {
    return this.#ids[at]!
  }

  /** The next report above, -1 if there is none. */
  parentOf(at: number): number {
    return this.#parents[at]!
  }

  /** The same if no other span stands between. */
  directParentOf(at: number): number {
    const parent = this.#parents[at]!
    return parent >= 0 && this.#ids[parent] === this.#parentIds[at] ? parent : NONE
  }

  depthOf(at: number): number {
    return this.#depths[at]!
  }

  /** Reports of one depth after the other, from the deepest up, without those that have none above them. */
  *levels(): Generator<Int32Array> {
    for (let level = 0; level + 1 < this.#begins.length; level++)
      yield this.#order.subarray(this.#begins[level], this.#begins[level + 1])
  }

  #findParent(at: number, ancestry: Ancestry): number {
    let id = this.#parentIds[at]!
    for (let between = 0; id !== 0 && id !== this.#ids[at] && between <= BETWEEN_MAX; between++) {
      const parent = this.#bySpan.find(id)
      if (parent >= 0) return parent
      id = ancestry.above(id)
    }
    return NONE
  }

  *#measure(): Paused<never> {
    const depths = this.#depths
    const path: number[] = []
    for (let at = 0; at < depths.length; at++) {
      if (this.#steps.next()) yield
      let top = at
      for (; top >= 0 && depths[top] === NONE; top = this.#parents[top]!) {
        depths[top] = 0
        path.push(top)
      }
      let above = top < 0 ? NONE : depths[top]!
      while (path.length > 0) depths[path.pop()!] = ++above
    }
  }

  *#arrange(): Paused<never> {
    const counts: number[] = []
    for (let at = 0; at < this.#depths.length; at++) {
      const depth = this.#parents[at]! < 0 ? 0 : this.#depths[at]!
      while (counts.length <= depth) counts.push(0)
      counts[depth]!++
      if (this.#steps.next()) yield
    }
    const begins: number[] = []
    let begin = 0
    for (let depth = counts.length - 1; depth > 0; depth--) {
      begins[depth] = begin
      begin += counts[depth]!
    }
    this.#begins = begins.slice(1).reverse().concat(begin)
    this.#order = new Int32Array(begin)
    for (let at = 0; at < this.#depths.length; at++) {
      const depth = this.#depths[at]!
      if (this.#parents[at]! >= 0 && depth > 0) this.#order[begins[depth]!++] = at
      if (this.#steps.next()) yield
    }
  }
}
