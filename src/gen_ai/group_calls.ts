/**
 * Which reports of one trace tell of the same call: any number of them, in one pass over an index instead of by comparing
 * each with each. The result does not depend on the order in which the reports came.
 */
import {
  type CallFacts,
  cachedOf,
  type Id,
  isRecordOf,
  isSameAsParent,
  isSeenTwice,
  mergeCalls,
  TOLERANCE_ms,
} from './same_call.ts'

/** So many calls that could be the same by their numbers and are under way at once are looked at. */
const OPEN_MAX = 64

/** Calls, each as the positions of its reports, outermost first. `onCompare` counts comparisons, for tests. */
export function groupCalls(reports: readonly CallFacts[], onCompare: () => void = () => {}): number[][] {
  if (reports.length === 1) return [[0]]
  const grouping = new Grouping(reports, onCompare)
  grouping.joinByResponse()
  grouping.joinRecords()
  grouping.joinParents()
  grouping.joinSeenTwice()
  return grouping.groups()
}

class Grouping {
  readonly #reports: readonly CallFacts[]
  readonly #onCompare: () => void
  /** Union-find: of each report another of its group, itself if it stands for the group. */
  readonly #up: Int32Array
  /** Of reports that stand for a group: what all of it says together. */
  readonly #facts: CallFacts[]
  /** Who reports, of groups with more than one report. */
  readonly #emitters = new Map<number, readonly Id[]>()
  /** Reports above one in the trace, without end in a circle of parents. */
  readonly #depth: Int32Array
  readonly #bySpan = new Map<Id, number>()

  constructor(reports: readonly CallFacts[], onCompare: () => void) {
    this.#reports = reports
    this.#onCompare = onCompare
    this.#up = Int32Array.from(reports, (_, at) => at)
    this.#facts = [...reports]
    reports.forEach(({ spanId }, at) => {
      if (!this.#bySpan.has(spanId)) this.#bySpan.set(spanId, at)
    })
    this.#depth = this.#depths()
  }

  /** Equal response ids decide, wherever the spans are. */
  joinByResponse(): void {
    const first = new Map<Id, number>()
    this.#reports.forEach(({ responseId }, at) => {
      if (!responseId) return
      const other = first.get(responseId)
      if (other === undefined) first.set(responseId, at)
      else this.#join(other, at)
    })
  }

  /** Log records go to the span that they name, those with most to compare first. */
  joinRecords(): void {
    const records = this.#reports.map((_, at) => at).filter((at) => this.#reports[at]!.isRecord)
    records.sort((a, b) => compareKnown(this.#reports[a]!, this.#reports[b]!) || this.#byTime(a, b))
    for (const at of records) {
      const parent = this.#parentOf(at)
      if (parent < 0 || this.#top(parent) === this.#top(at)) continue
      this.#onCompare()
      if (isRecordOf(this.#facts[this.#top(parent)]!, this.#facts[this.#top(at)]!)) this.#join(parent, at)
    }
  }

  /** From the deepest up. Of several children that could be the parent's call it is the last: its answer was handed on. */
  joinParents(): void {
    const deepestFirst = this.#reports.map((_, at) => at).filter((at) => this.#depth[at]! > 0)
    deepestFirst.sort((a, b) => this.#depth[b]! - this.#depth[a]! || this.#byTime(a, b))
    const best = new Map<number, number>()
    let depth = 0
    const joinAll = () => {
      for (const [parent, child] of best) this.#join(parent, child)
      best.clear()
    }
    for (const at of deepestFirst) {
      if (this.#depth[at] !== depth) joinAll()
      depth = this.#depth[at]!
      const parent = this.#parentOf(at)
      if (parent < 0 || this.#top(parent) === this.#top(at)) continue
      this.#onCompare()
      if (!isSameAsParent(this.#facts[this.#top(parent)]!, this.#facts[this.#top(at)]!)) continue
      const other = best.get(parent)
      if (other === undefined || this.#isBetter(at, other)) best.set(parent, at)
    }
    joinAll()
  }

  /** In the order of their begin, those that are under way and have equal numbers are looked at: the one begun last first. */
  joinSeenTwice(): void {
    const open = new Map<string, number[]>()
    const tops = this.#reports
      .map((_, at) => at)
      .filter((at) => this.#top(at) === at && mayBeSeenTwice(this.#facts[at]!))
    tops.sort((a, b) => this.#byTime(a, b))
    for (const at of tops) {
      let top = at
      for (const key of keysOf(this.#facts[at]!)) {
        const others = open.get(key)
        if (others === undefined) open.set(key, [at])
        else top = this.#match(top, others)
      }
    }
  }

  groups(): number[][] {
    const groups = new Map<number, number[]>()
    this.#reports.forEach((_, at) => {
      const top = this.#top(at)
      const group = groups.get(top)
      if (group === undefined) groups.set(top, [at])
      else group.push(at)
    })
    for (const group of groups.values()) if (group.length > 1) group.sort((a, b) => this.#fromOutside(a, b))
    return [...groups.values()]
  }

  /** Joins it with one of the others, or adds it to them. */
  #match(at: number, others: number[]): number {
    const { start_ms } = this.#facts[at]!
    let looked = 0
    for (let place = others.length - 1; place >= 0 && looked < OPEN_MAX; place--) {
      const other = this.#top(others[place]!)
      if (this.#facts[other]!.end_ms + TOLERANCE_ms < start_ms) {
        others.splice(place, 1)
        continue
      }
      looked++
      if (other === this.#top(at) || this.#shareEmitter(other, this.#top(at))) continue
      this.#onCompare()
      if (isSeenTwice(this.#facts[other]!, this.#facts[this.#top(at)]!)) return this.#join(other, at)
    }
    others.push(at)
    return at
  }

  /** Returns the one that stands for both. */
  #join(a: number, b: number): number {
    const [one, other] = [this.#top(a), this.#top(b)]
    if (one === other) return one
    const [outer, inner] = this.#fromOutside(one, other) <= 0 ? [one, other] : [other, one]
    this.#emitters.set(outer, [...this.#emittersOf(outer), ...this.#emittersOf(inner)])
    this.#emitters.delete(inner)
    this.#up[inner] = outer
    this.#facts[outer] = mergeCalls(this.#facts[outer]!, this.#facts[inner]!)
    return outer
  }

  #emittersOf(top: number): readonly Id[] {
    return this.#emitters.get(top) ?? [this.#reports[top]!.emitter]
  }

  #shareEmitter(one: number, other: number): boolean {
    const [these, those] = [this.#emitters.get(one), this.#emitters.get(other)]
    if (these === undefined && those === undefined) return this.#reports[one]!.emitter === this.#reports[other]!.emitter
    return this.#emittersOf(one).some((emitter) => this.#emittersOf(other).includes(emitter))
  }

  #top(at: number): number {
    const up = this.#up
    while (up[at] !== at) at = up[at] = up[up[at]!]!
    return at
  }

  #parentOf(at: number): number {
    const { parentId, spanId } = this.#reports[at]!
    if (!parentId || parentId === spanId) return -1
    return this.#bySpan.get(parentId) ?? -1
  }

  #depths(): Int32Array {
    const depth = new Int32Array(this.#reports.length).fill(-1)
    const path: number[] = []
    for (let at = 0; at < depth.length; at++) {
      let top = at
      for (; top >= 0 && depth[top] === -1; top = this.#parentOf(top)) {
        depth[top] = 0
        path.push(top)
      }
      let above = top < 0 ? -1 : depth[top]!
      while (path.length > 0) depth[path.pop()!] = ++above
    }
    return depth
  }

  /** Of two attempts of one parent: one that tells its tokens, then the one that ended last. */
  #isBetter(at: number, other: number): boolean {
    const [one, two] = [this.#facts[this.#top(at)]!, this.#facts[this.#top(other)]!]
    const [tells, othersTell] = [one.inputTokens > 0, two.inputTokens > 0]
    return tells === othersTell ? one.end_ms > two.end_ms : tells
  }

  #byTime(a: number, b: number): number {
    const [one, other] = [this.#reports[a]!, this.#reports[b]!]
    return compare(one.start_ms, other.start_ms) || compare(other.end_ms, one.end_ms) || this.#byName(one, other)
  }

  #fromOutside(a: number, b: number): number {
    const [one, other] = [this.#reports[a]!, this.#reports[b]!]
    if (this.#parentOf(b) === a) return -1
    if (this.#parentOf(a) === b) return 1
    const isOutside = Number(one.isRecord ?? false) - Number(other.isRecord ?? false)
    return (
      isOutside ||
      compare(lengthOf(other), lengthOf(one)) ||
      this.#depth[a]! - this.#depth[b]! ||
      this.#byName(one, other)
    )
  }

  #byName(one: CallFacts, other: CallFacts): number {
    return compareIds(one.emitter, other.emitter) || compareIds(one.spanId, other.spanId)
  }
}

/** Those with a response id first, then those with tokens. */
function compareKnown(one: CallFacts, other: CallFacts): number {
  return knownOf(other) - knownOf(one)
}

function knownOf({ responseId, inputTokens }: CallFacts): number {
  return (responseId ? 2 : 0) + (inputTokens > 0 ? 1 : 0)
}

function mayBeSeenTwice({ failed, inputTokens, end_ms }: CallFacts): boolean {
  return (failed || inputTokens > 0) && !Number.isNaN(end_ms)
}

/** Those of one call have a key in common: an input is told with or without the cached tokens. */
function keysOf(facts: CallFacts): string[] {
  if (facts.failed) return ['failed']
  const without = facts.inputTokens - cachedOf(facts)
  return without === facts.inputTokens ? [`${without}`] : [`${without}`, `${facts.inputTokens}`]
}

function lengthOf({ start_ms, end_ms }: CallFacts): number {
  return end_ms - start_ms
}

function compareIds(one: Id, other: Id): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Unknown ones last. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a - b
}
