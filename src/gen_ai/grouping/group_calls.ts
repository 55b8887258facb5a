/**
 * Which reports of one trace tell of the same call: any number of them, by index instead of by comparing each with each. The
 * result does not depend on the order in which the reports came. The work can be left and taken up again, since a trace
 * may have a hundred thousand reports.
 */
import { type Column, floats, ints } from './columns.ts'
import { EmitterSets } from './emitter_sets.ts'
import type { Ancestry, Groups, Reports } from './groups.ts'
import { MergedFacts } from './merged_facts.ts'
import { NumberIndex } from './number_index.ts'
import { type Paused, StepCount, sort } from './pauses.ts'
import { ReportTree } from './report_tree.ts'
import {
  type CallFacts,
  cachedOf,
  isAfter,
  isAround,
  isRecordOf,
  isSameAsParent,
  isStreamOf,
  mayBeStreamed,
  mergeCalls,
  startOf,
  TOLERANCE_ms,
  UNREAD_MAX_ms,
} from './same_call.ts'
import { FAILED, SeenTwice } from './seen_twice.ts'

const nothingAbove: Ancestry = { above: () => 0 }

/** For a record of a stream at most this many requests are compared. */
const STREAMS_MAX = 64
/** So far up is looked; further down a report may be below any other. */
const ABOVE_MAX = 64
const NONE = -1
/** Of a report that stands around more than one call, and of an id that several reports have. */
const SEVERAL = -2

/** Calls, each as the positions of its reports, outermost first. */
export function groupCalls(
  reports: readonly CallFacts[],
  ancestry = nothingAbove,
  steps = new StepCount(),
): number[][] {
  const list: Reports = { count: reports.length, facts: (at) => reports[at]! }
  return [...groupsOf(list, ancestry, steps)].filter((group) => group !== undefined)
}

/** The same, with pauses. The reports must not change meanwhile. `emitters` may know sets of other traces. */
export function groupsOf(
  reports: Reports,
  ancestry: Ancestry,
  steps = new StepCount(),
  emitters = new EmitterSets(),
): Paused<number[]> {
  return new Grouping(reports, steps, emitters).run(ancestry)
}

/**
 * Groups of reports, as a union-find: each report points up towards the outermost report of its group, its `top`. `run` joins
 * groups rule by rule, from the surest rule to the weakest.
 */
class Grouping implements Groups {
  readonly reports: Reports
  readonly steps: StepCount
  readonly emitters: EmitterSets
  readonly start_ms: Column
  readonly end_ms: Column
  readonly input: Column
  readonly cached: Column
  readonly #up: Column
  /** By group: what all of it says together, -1 for what the report says; and its emitters. */
  readonly #merged: Column
  readonly #mergedFacts = new MergedFacts()
  readonly #emitters: Column
  /** By report. */
  readonly #emitter: Column
  readonly #response: Column
  /** 1 for what tells of a call beside the report of its request: that one stands outside. */
  readonly #isBeside: Column
  readonly #streamRecords: number[] = []
  readonly #logRecords: number[] = []
  #hasResponses = false
  /** Are there reports without tokens; made above a provider's SDK; and around it or in it? */
  #hasUnknown = false
  #isOfFramework = false
  #isOfProvider = false
  readonly #tree: ReportTree
  readonly byTime = (a: number, b: number): number =>
    compare(this.start_ms[a]!, this.start_ms[b]!) || compare(this.end_ms[b]!, this.end_ms[a]!) || this.#byName(a, b)

  constructor(reports: Reports, steps: StepCount, emitters: EmitterSets) {
    const { count } = reports
    this.reports = reports
    this.steps = steps
    this.emitters = emitters
    this.#up = ints(count)
    this.#merged = ints(count, NONE)
    this.#emitters = ints(count)
    this.#emitter = floats(count)
    this.#response = floats(count)
    this.#isBeside = ints(count)
    this.start_ms = floats(count)
    this.end_ms = floats(count)
    this.input = floats(count)
    this.cached = floats(count)
    this.#tree = new ReportTree(count, steps)
  }

  *run(ancestry: Ancestry): Paused<number[]> {
    yield* this.#read()
    yield* this.#tree.build(ancestry)
    yield* this.#joinByResponse()
    if (this.#logRecords.length > 0) yield* this.#joinLogRecords(this.#logRecords)
    if (this.#streamRecords.length > 0) yield* this.#joinStreams(this.#streamRecords)
    if (this.#tree.hasLevels) yield* this.#joinParents()
    yield* new SeenTwice(this).join()
    if (this.#tree.hasSpansBetween) yield* this.#joinAround()
    if (this.#hasUnknown && this.#isOfFramework && this.#isOfProvider) yield* new SeenTwice(this, true).join()
    yield* this.#groups()
  }

  facts(top: number): CallFacts {
    const facts = this.reports.facts(top)
    const merged = this.#merged[top]!
    return merged === NONE ? facts : this.#mergedFacts.read(merged, facts)
  }

  emittersOf(top: number): number {
    return this.#emitters[top]!
  }

  top(at: number): number {
    const up = this.#up
    while (up[at] !== at) at = up[at] = up[up[at]!]!
    return at
  }

  isAbove(a: number, b: number): boolean {
    const [outer, inner] = this.#tree.depthOf(a) < this.#tree.depthOf(b) ? [a, b] : [b, a]
    let at = inner
    for (let steps = 0; steps < ABOVE_MAX; steps++) {
      at = this.#tree.parentOf(at)
      if (at < 0) return false
      if (this.top(at) === outer) return true
    }
    return true
  }

  join(a: number, b: number): number {
    const [one, other] = [this.top(a), this.top(b)]
    if (one === other) return one
    const [outer, inner] = this.#fromOutside(one, other) <= 0 ? [one, other] : [other, one]
    const facts = mergeCalls(this.facts(outer), this.facts(inner))
    this.#up[inner] = outer
    this.#merged[outer] = this.#mergedFacts.write(this.#merged[outer]!, facts)
    this.#emitters[outer] = this.emitters.union(this.#emitters[outer]!, this.#emitters[inner]!)
    this.end_ms[outer] = facts.end_ms
    this.#noteInput(outer, facts)
    return outer
  }

  *#read(): Paused<never> {
    for (let at = 0; at < this.#up.length; at++) {
      const facts = this.reports.facts(at)
      const { emitter, responseId } = facts
      this.#up[at] = at
      this.#emitter[at] = emitter
      this.#emitters[at] = this.emitters.of(emitter)
      // Hashes may be negative; 0 stands for none.
      if (responseId !== 0) {
        this.#response[at] = (responseId >>> 0) + 1
        this.#hasResponses = true
      }
      if (Number.isNaN(facts.inputTokens)) this.#hasUnknown = true
      if (facts.nearness > 0) this.#isOfProvider = true
      else this.#isOfFramework = true
      this.start_ms[at] = startOf(facts)
      this.end_ms[at] = facts.end_ms
      this.#noteInput(at, facts)
      this.#tree.add(at, facts.spanId, facts.parentId)
      if (facts.isStreamRecord) this.#streamRecords.push(at)
      if (facts.isRecord) this.#logRecords.push(at)
      this.#isBeside[at] = facts.isStreamRecord || facts.isRecord ? 1 : 0
      if (this.steps.next()) yield
    }
  }

  #noteInput(at: number, facts: CallFacts): void {
    this.input[at] = facts.failed ? FAILED : facts.inputTokens
    this.cached[at] = cachedOf(facts)
  }

  /**
   * Reports with the same response id are one call, wherever their spans are, if one is above the other or they overlap in
   * time: a cache or a stub that answers with one id again was called again.
   */
  *#joinByResponse(): Paused<never> {
    if (!this.#hasResponses) return
    const seen = new NumberIndex(this.#up.length)
    let isRepeated = false
    for (let at = 0; at < this.#up.length; at++) {
      if (this.steps.next()) yield
      const id = this.#response[at]!
      if (id === 0) continue
      const isFirst = seen.find(id) === NONE
      seen.set(id, isFirst ? at : SEVERAL)
      if (!isFirst) isRepeated = true
    }
    if (isRepeated) yield* this.#joinRepeated(seen)
  }

  /** In the order of their begin. `seen`: SEVERAL for ids that are repeated. */
  *#joinRepeated(seen: NumberIndex): Paused<never> {
    const all = ints(this.#up.length).map((_, at) => at)
    const order = all.filter((at) => this.#response[at] !== 0 && seen.find(this.#response[at]!) === SEVERAL)
    yield* sort(order, this.byTime, this.steps)
    /** Of each id the report that ends last. */
    const under = new Map<number, number>()
    for (const at of order) {
      if (this.steps.next()) yield
      const id = this.#response[at]!
      const above = this.#tree.parentOf(at)
      if (above >= 0 && this.#response[above] === id) this.join(above, at)
      const other = under.get(id)
      this.steps.compared++
      if (other !== undefined && !isAfter(this.reports.facts(other), this.reports.facts(at))) {
        this.join(other, at)
        if (!(this.end_ms[at]! > this.reports.facts(other).end_ms)) continue
      }
      under.set(id, at)
    }
  }

  /** Joins each log record to the span that it names; those that say most come first. */
  *#joinLogRecords(records: number[]): Paused<never> {
    const known = (at: number) => knownOf(this.reports.facts(at))
    const order = ints(records.length).map((_, place) => records[place]!)
    yield* sort(order, (a, b) => known(b) - known(a) || this.byTime(a, b), this.steps)
    for (const at of order) {
      if (this.steps.next()) yield
      const parent = this.#tree.directParentOf(at)
      if (parent < 0 || this.top(parent) === this.top(at)) continue
      this.steps.compared++
      if (isRecordOf(this.facts(this.top(parent)), this.facts(this.top(at)))) this.join(parent, at)
    }
  }

  /** Joins each record of a stream, in the order of their begin, to the nearest request of the same parent. */
  *#joinStreams(records: number[]): Paused<never> {
    const order = ints(this.#up.length).map((_, at) => at)
    yield* sort(order, (a, b) => compare(this.end_ms[a]!, this.end_ms[b]!) || this.#byName(a, b), this.steps)
    const requests = new Map<number, number[]>()
    for (const at of order) {
      if (this.steps.next()) yield
      const facts = this.reports.facts(at)
      if (!mayBeStreamed(facts) || Number.isNaN(facts.end_ms)) continue
      const beside = requests.get(facts.parentId)
      if (beside === undefined) requests.set(facts.parentId, [at])
      else beside.push(at)
    }
    for (const record of records.sort(this.byTime)) {
      if (this.steps.next()) yield
      if (this.top(record) !== record || this.#merged[record] !== NONE) continue
      const request = this.#requestOf(record, requests.get(this.reports.facts(record).parentId) ?? [])
      if (request >= 0) this.join(request, record)
    }
  }

  /** Of requests by their end, the one that ended nearest to the record's begin and has no record yet. */
  #requestOf(record: number, requests: readonly number[]): number {
    const facts = this.reports.facts(record)
    const distance = (at: number) => Math.abs(this.end_ms[at]! - facts.start_ms)
    let best = NONE
    const behind = countUntil(requests, (at) => this.end_ms[at]! <= facts.start_ms + TOLERANCE_ms)
    for (let place = behind - 1; place >= 0 && behind - place <= STREAMS_MAX; place--) {
      const at = requests[place]!
      if (this.end_ms[at]! < facts.start_ms - UNREAD_MAX_ms) break
      // Who has a record has been joined: the group ends with its stream.
      if (this.#merged[at] !== NONE || (best !== NONE && distance(at) >= distance(best))) continue
      this.steps.compared++
      if (isStreamOf(this.reports.facts(at), facts)) best = at
    }
    return best
  }

  /** Joins parent and child, from the deepest up. Of several children that could be the parent's call it is the last, whose answer went on. */
  *#joinParents(): Paused<never> {
    const best = ints(this.#up.length, NONE)
    for (const level of this.#tree.levels()) {
      for (const at of level) {
        if (this.steps.next()) yield
        const parent = this.#tree.directParentOf(at)
        if (parent < 0 || this.top(parent) === this.top(at)) continue
        this.steps.compared++
        if (!isSameAsParent(this.facts(this.top(parent)), this.facts(this.top(at)))) continue
        if (best[parent] === NONE || this.#isBetter(at, best[parent]!)) best[parent] = at
      }
      for (const at of level) {
        if (this.steps.next()) yield
        const parent = this.#tree.directParentOf(at)
        if (parent >= 0 && best[parent] === at) this.join(parent, at)
      }
    }
  }

  /** Joins a report that stands around exactly one call to that call, from the deepest up, whatever stands between. */
  *#joinAround(): Paused<never> {
    const only = ints(this.#up.length, NONE)
    for (const level of this.#tree.levels()) {
      for (const at of level) {
        if (this.steps.next()) yield
        const [outer, inner] = [this.top(this.#tree.parentOf(at)), this.top(at)]
        if (only[outer] === inner || only[outer] === SEVERAL) continue
        if (outer === inner) {
          only[outer] = SEVERAL
          continue
        }
        this.steps.compared++
        if (isAround(this.facts(outer), this.facts(inner))) only[outer] = only[outer] === NONE ? inner : SEVERAL
      }
      for (const at of level) {
        if (this.steps.next()) yield
        const outer = this.top(this.#tree.parentOf(at))
        const inner = only[outer]!
        if (inner >= 0) this.join(outer, inner)
      }
    }
  }

  *#groups(): Paused<number[]> {
    const { length } = this.#up
    const first = ints(length, NONE)
    const next = ints(length)
    for (let at = length - 1; at >= 0; at--) {
      if (this.steps.next()) yield
      const top = this.top(at)
      next[at] = first[top]!
      first[top] = at
    }
    for (let top = 0; top < length; top++) {
      if (first[top] === NONE) continue
      const group: number[] = []
      for (let at = first[top]!; at !== NONE; at = next[at]!) group.push(at)
      if (group.length > 1) group.sort((a, b) => this.#fromOutside(a, b))
      yield group
    }
  }

  /** Of two attempts of one parent: one that tells its tokens, then the one that ended last. */
  #isBetter(at: number, other: number): boolean {
    const [one, two] = [this.facts(this.top(at)), this.facts(this.top(other))]
    const [tells, othersTell] = [one.inputTokens > 0, two.inputTokens > 0]
    if (tells !== othersTell) return tells
    return one.end_ms > two.end_ms || (!(two.end_ms > one.end_ms) && this.byTime(at, other) < 0)
  }

  #fromOutside(a: number, b: number): number {
    if (this.#tree.parentOf(b) === a) return -1
    if (this.#tree.parentOf(a) === b) return 1
    const { start_ms, end_ms } = this
    return (
      this.#isBeside[a]! - this.#isBeside[b]! ||
      compare(end_ms[b]! - start_ms[b]!, end_ms[a]! - start_ms[a]!) ||
      this.#tree.depthOf(a) - this.#tree.depthOf(b) ||
      this.#byName(a, b)
    )
  }

  #byName(a: number, b: number): number {
    return this.#emitter[a]! - this.#emitter[b]! || this.#tree.idOf(a) - this.#tree.idOf(b)
  }
}

/** A response id tells most, then tokens. */
function knownOf({ responseId, inputTokens }: CallFacts): number {
  return (responseId !== 0 ? 2 : 0) + (inputTokens > 0 ? 1 : 0)
}

/** How many of the first hold, where all that hold stand first. */
function countUntil(list: readonly number[], holds: (at: number) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(list[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

/** Unknown ones last. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a - b
}
