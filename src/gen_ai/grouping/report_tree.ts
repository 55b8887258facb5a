/** How the reports of a trace stand above each other, spans between them that report no call being passed over. */
import { type Column, floats, ints } from './columns.ts'
import type { Ancestry } from './groups.ts'
import { NumberIndex } from './number_index.ts'
import type { Paused, StepCount } from './pauses.ts'
import type { Id } from './same_call.ts'

/** So many spans may stand between a report and the next one above it. */
export const BETWEEN_MAX = 32
const NONE = -1

export class ReportTree {
  readonly #steps: StepCount
  readonly #bySpan: NumberIndex
  readonly #ids: Column
  readonly #parentIds: Column
  /** Of each report the one above it, -1 if there is none. */
  readonly #parents: Column
  /** Reports above one; of those in a circle of parents any number. */
  readonly #depths: Column
  /** Has any report another one above it? Do spans stand between some? */
  hasLevels = false
  hasSpansBetween = false
  /** All by depth, the deepest first; and where each depth begins. */
  #order: Column = []
  readonly #begins: number[] = []

  constructor(count: number, steps: StepCount) {
    this.#steps = steps
    this.#bySpan = new NumberIndex(count)
    this.#ids = floats(count)
    this.#parentIds = floats(count)
    this.#parents = ints(count)
    this.#depths = ints(count, NONE)
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
    if (!this.hasLevels) {
      this.#depths.fill(0)
      return
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
  *levels(): Generator<Column> {
    for (let level = 0; level + 1 < this.#begins.length; level++)
      yield part(this.#order, this.#begins[level]!, this.#begins[level + 1]!)
  }

  #findParent(at: number, ancestry: Ancestry): number {
    let id = this.#parentIds[at]!
    for (let between = 0; id !== 0 && id !== this.#ids[at] && between <= BETWEEN_MAX; between++) {
      const parent = this.#bySpan.find(id)
      if (parent >= 0) {
        this.hasLevels = true
        if (between > 0) this.hasSpansBetween = true
        return parent
      }
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
    let deepest = 0
    for (let at = 0; at < this.#depths.length; at++) if (this.#depths[at]! > deepest) deepest = this.#depths[at]!
    // How many are deeper than each depth; then where its next one goes.
    const places = ints(deepest + 1)
    for (let at = 0; at < this.#depths.length; at++) {
      if (this.#depths[at]! > 0) places[this.#depths[at]! - 1]!++
      if (this.#steps.next()) yield
    }
    for (let depth = deepest - 1; depth >= 0; depth--) places[depth]! += places[depth + 1]!
    this.#order = ints(places[0]!)
    for (let depth = deepest; depth > 0; depth--) this.#begins.push(places[depth]!)
    this.#begins.push(places[0]!)
    for (let at = 0; at < this.#depths.length; at++) {
      if (this.#depths[at]! > 0) this.#order[places[this.#depths[at]!]!++] = at
      if (this.#steps.next()) yield
    }
  }
}

function part(column: Column, start: number, end: number): Column {
  return Array.isArray(column) ? column.slice(start, end) : column.subarray(start, end)
}
