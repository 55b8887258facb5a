/**
 * Reports that know nothing of each other and tell of one call: in the order of their begin, those that are under way and
 * have equal numbers are looked at. Each is paired with the one that it fits most tightly.
 */
import { ints } from './columns.ts'
import type { Groups } from './groups.ts'
import { type Paused, sort } from './pauses.ts'
import { beginsBehind, isBeside, isSeenTwice, TOLERANCE_ms, UNREAD_MAX_ms } from './same_call.ts'

/** So many calls under way are looked at, of so many different sets of emitters. */
const OPEN_MAX = 64
const SETS_MAX = 8
/** In place of a number of tokens. */
export const FAILED = -1

/** Calls under way, by who reports them: what one emitter told twice is two calls. */
type Open = Map<number, number[]>

/** Stands for any number of tokens, known or not. */
const ANY = -2

export class SeenTwice {
  readonly #grouping: Groups
  readonly #withoutTokens: boolean
  readonly #open = new Map<number, Open>()

  /** `withoutTokens`: looks for pairs of which one knows no tokens, instead of equal ones. */
  constructor(grouping: Groups, withoutTokens = false) {
    this.#grouping = grouping
    this.#withoutTokens = withoutTokens
  }

  *join(): Paused<never> {
    const { reports, steps } = this.#grouping
    const tops = ints(reports.count)
    let count = 0
    for (let at = 0; at < reports.count; at++) {
      if (this.#grouping.top(at) === at && this.#mayBeSeenTwice(at)) tops[count++] = at
      if (steps.next()) yield
    }
    if (count < 2) return
    const order = Array.isArray(tops) ? tops.slice(0, count) : tops.subarray(0, count)
    yield* sort(order, this.#grouping.byTime, steps)
    for (const at of order) {
      this.#add(at)
      if (steps.next()) yield
    }
  }

  #add(at: number): void {
    const grouping = this.#grouping
    let top = at
    for (const key of this.#keysOf(at)) {
      const other = this.#bestFor(top, this.#open.get(key))
      if (other >= 0) top = grouping.join(other, top)
    }
    for (const key of this.#keysOf(top)) this.#keep(top, key)
  }

  #keep(top: number, key: number): void {
    let open = this.#open.get(key)
    if (open === undefined) this.#open.set(key, (open = new Map()))
    const set = this.#grouping.emittersOf(top)
    const list = open.get(set)
    if (list === undefined) open.set(set, [top])
    else list.push(top)
  }

  /** The call under way that is the same and ends and begins nearest; -1 if there is none. */
  #bestFor(at: number, open: Open | undefined): number {
    if (open === undefined) return -1
    const set = this.#grouping.emittersOf(at)
    let best = -1
    let sets = 0
    for (const [others, list] of open) {
      if (sets++ === SETS_MAX) break
      if (this.#grouping.emitters.share(set, others)) continue
      best = this.#bestIn(list, others, at, best)
      if (list.length === 0) open.delete(others)
    }
    return best
  }

  #bestIn(list: number[], others: number, at: number, best: number): number {
    const grouping = this.#grouping
    const begun_ms = grouping.start_ms[at]!
    let looked = 0
    for (let place = list.length - 1; place >= 0 && looked < OPEN_MAX; place--) {
      grouping.steps.count++
      const other = grouping.top(list[place]!)
      // It is over, or is with others by now.
      if (grouping.end_ms[other]! + UNREAD_MAX_ms < begun_ms || grouping.emittersOf(other) !== others) {
        list.splice(place, 1)
        continue
      }
      looked++
      if (!this.#contains(other, at) && !this.#contains(at, other) && !this.#isBehind(other, at)) continue
      if (best >= 0 && this.#distance(other, at) >= this.#distance(best, at)) continue
      grouping.steps.compared++
      if (this.#isSame(other, at)) best = other
    }
    return best
  }

  #isSame(a: number, b: number): boolean {
    const grouping = this.#grouping
    if (!this.#withoutTokens) return isSeenTwice(grouping.facts(a), grouping.facts(b))
    return isBeside(grouping.facts(a), grouping.facts(b)) && !grouping.isAbove(a, b)
  }

  /** In time: what `isSeenTwice` asks too, without looking at more. */
  #contains(outer: number, inner: number): boolean {
    const { start_ms, end_ms } = this.#grouping
    return start_ms[inner]! >= start_ms[outer]! - TOLERANCE_ms && end_ms[inner]! <= end_ms[outer]! + TOLERANCE_ms
  }

  #isBehind(other: number, at: number): boolean {
    return beginsBehind(this.#grouping.start_ms[at]!, this.#grouping.end_ms[other]!)
  }

  #distance(a: number, b: number): number {
    const { start_ms, end_ms } = this.#grouping
    return Math.abs(start_ms[a]! - start_ms[b]!) + Math.abs(end_ms[a]! - end_ms[b]!)
  }

  #mayBeSeenTwice(at: number): boolean {
    const { input, start_ms, end_ms } = this.#grouping
    const isLooked = this.#withoutTokens ? input[at] !== FAILED : input[at]! > 0 || input[at] === FAILED
    return isLooked && !Number.isNaN(start_ms[at]!) && !Number.isNaN(end_ms[at]!)
  }

  /** Those of one call have a key in common: an input is told with or without the cached tokens. */
  #keysOf(at: number): number[] {
    if (this.#withoutTokens) return [ANY]
    const { input, cached } = this.#grouping
    const all = input[at]!
    return all === FAILED || cached[at] === 0 ? [all] : [all - cached[at]!, all]
  }
}
