import { type Column, ints } from './columns.ts'

/** Long work as a generator: wherever it yields nothing, whoever drives it may let others have their turn. */

/** A pause is due after so many steps: some 10 µs. */
const STEPS = 128

/** Work that can be left and taken up again. It yields results, or undefined where it may pause. */
export type Paused<T> = Generator<T | undefined, void>

/** Counts steps. Shared by all parts of one piece of work. */
export class StepCount {
  count = 0
  /** Of these, comparisons of one report with another. */
  compared = 0
  #paused = 0

  /** True when a pause is due: the caller then makes one. */
  next(): boolean {
    if (++this.count - this.#paused < STEPS) return false
    this.#paused = this.count
    return true
  }
}

/** Sorts what stands in `order`, in place, with pauses. Equal ones keep their order. */
export function* sort(order: Column, compare: (a: number, b: number) => number, steps: StepCount): Paused<never> {
  if (Array.isArray(order)) {
    order.sort(compare)
    return
  }
  let [from, to]: [Column, Column] = [order, ints(order.length)]
  for (let width = 1; width < order.length; width *= 2) {
    for (let start = 0; start < order.length; start += width * 2) {
      const middle = Math.min(start + width, order.length)
      const end = Math.min(start + width * 2, order.length)
      for (let place = start, left = start, right = middle; place < end; place++) {
        const isLeft = left < middle && (right >= end || compare(from[left]!, from[right]!) <= 0)
        to[place] = isLeft ? from[left++]! : from[right++]!
        if (steps.next()) yield
      }
    }
    ;[from, to] = [to, from]
  }
  if (from !== order) order.set(from)
}
