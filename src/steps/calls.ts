import { areApart } from '../gen_ai/grouping/apart.ts'
import { RememberedSets } from '../gen_ai/grouping/emitter_sets.ts'
import { groupsOf } from '../gen_ai/grouping/group_calls.ts'
import type { Ancestry } from '../gen_ai/grouping/groups.ts'
import { StepCount } from '../gen_ai/grouping/pauses.ts'
import { type CallFacts, mergeReports } from '../gen_ai/grouping/same_call.ts'
import type { ModelCall } from '../gen_ai/model_call.ts'
import type { Quality } from '../gen_ai/quality.ts'
import type { RecordView } from '../telemetry/record_view.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import {
  ALL,
  ANSWER_CACHED,
  AWAITS_RECORD,
  FAILED,
  factsOf,
  INT,
  type IntName,
  MERGED,
  NO_CALL,
  NUMBER,
  type NumberName,
  RATE_LIMITED,
  RECORD,
  RowPlace,
  STREAM_RECORD,
  STREAMED,
  UNEXPLAINED_FAILURE,
} from './call_rows.ts'
import { OtherTraces } from './other_traces.ts'
import { Qualities } from './qualities.ts'
import { type CallTexts, writeReport } from './rows/report_row.ts'
import { type SpanLinks, traceOf } from './span_links.ts'

export { ANSWER_CACHED, FAILED, INT, NUMBER, RATE_LIMITED, RECORD, STREAMED } from './call_rows.ts'

/** Columns that a call takes from whichever report knows them; 0, or NaN, is unknown. */
const FROM_ANY_INTS = ['response', 'errorType', 'finishReasons'] as const
const FROM_ANY_NUMBERS = ['ttft_s', 'score', 'contextUtilization', 'perChunk_s', 'queue_s'] as const

export class Calls {
  /** Rows as INT and NUMBER say. Replaced when the store grows: read them anew after `add`. */
  ints = new Int32Array(256 * INT.width)
  numbers = new Float64Array(256 * NUMBER.width)
  #free = NO_CALL
  /** Row of what the reports of the call that is told say together. */
  #together = NO_CALL
  #used = 0
  readonly #otherTraces = new OtherTraces(this)
  readonly #links: SpanLinks | undefined
  readonly #place = new RowPlace()
  /** Scratch of `#fillQuality`. */
  readonly #quality: Quality = { score: Number.NaN, signals: 0 }
  readonly #emitters = new RememberedSets()
  #qualities: Qualities | undefined
  count = 0
  #serial = 0

  /** `links`: what is known of spans above calls. */
  constructor(links?: SpanLinks) {
    this.#links = links
  }

  get size_bytes(): number {
    return this.ints.byteLength + this.numbers.byteLength
  }

  /** A new row with what a call's span says. `takers`: bits of who has it. */
  keep(view: SpanView, call: ModelCall, texts: CallTexts, takers = 1): number {
    const row = this.add()
    writeReport(this, row, view, call, texts)
    this.setInt(row, 'takers', takers)
    this.setInt(row, 'told', 0)
    return row
  }

  /** What a log record says of the answer of the call whose span it names: it counts where the span itself says nothing. */
  keepQuality(view: RecordView, quality: Quality): void {
    if (view.traceId >= 0 && view.spanId >= 0)
      (this.#qualities ??= new Qualities()).add(traceOf(view), view.bytes, view.spanId, quality)
  }

  /** A new row; all columns are the caller's to set. */
  add(): number {
    this.count++
    const call = this.#newRow()
    this.setInt(call, 'serial', (this.#serial = (this.#serial + 1) | 0))
    return call
  }

  remove(call: number): void {
    this.count--
    // By its serial, whoever has noted the row finds out that it is that of another report now (`BatchRows`).
    this.setInt(call, 'serial', 0)
    this.setInt(call, 'next', this.#free)
    this.#free = call
  }

  int(call: number, name: IntName): number {
    return this.ints[call * INT.width + INT[name]]!
  }

  setInt(call: number, name: IntName, value: number): void {
    this.ints[call * INT.width + INT[name]] = value
  }

  number(call: number, name: NumberName): number {
    return this.numbers[call * NUMBER.width + NUMBER[name]]!
  }

  setNumber(call: number, name: NumberName, value: number): void {
    this.numbers[call * NUMBER.width + NUMBER[name]] = value
  }

  setFlags(call: number, flags: number): void {
    this.ints[call * INT.width + INT.flags]! |= flags
  }

  has(call: number, flag: number): boolean {
    return (this.ints[call * INT.width + INT.flags]! & flag) !== 0
  }

  /** The call that stands behind this one in its trace. */
  next(call: number): number {
    return this.int(call, 'next')
  }

  link(call: number, next: number): void {
    this.setInt(call, 'next', next)
  }

  takers(call: number): number {
    return this.int(call, 'takers')
  }

  addTakers(call: number, bits: number): void {
    this.ints[call * INT.width + INT.takers]! |= bits
  }

  told(call: number): number {
    return this.int(call, 'told')
  }

  addTold(call: number, bits: number): void {
    this.ints[call * INT.width + INT.told]! |= bits
  }

  /** 1: another report of the call will come, maybe late; -1: this is it. */
  awaits(call: number): number {
    if (this.has(call, STREAM_RECORD)) return -1
    return this.has(call, AWAITS_RECORD) ? 1 : 0
  }

  isVague(call: number): boolean {
    const input = this.number(call, 'input')
    // 0 beside an answer is what some write of a stream whose first part they did not read.
    const isUnknown = Number.isNaN(input) || (input === 0 && this.number(call, 'output') > 0)
    return isUnknown && !this.has(call, FAILED)
  }

  /** Of the calls from that one back: do more requests miss their stream's record than there are records? What a request's own child tells of tokens, its record would not tell anew. */
  awaitsMore(newest: number): boolean {
    const told = new Set<number>()
    for (let call = newest; call !== NO_CALL; call = this.next(call))
      if (this.number(call, 'input') > 0) told.add(this.facts(call).parentId)
    let missed = 0
    for (let call = newest; call !== NO_CALL; call = this.next(call)) {
      const awaits = this.awaits(call)
      if (awaits < 0 || (awaits > 0 && !told.has(this.facts(call).spanId))) missed += awaits
    }
    return missed > 0
  }

  /** Who of `bits` has been told of the call because of a report in another trace. */
  toldInOtherTrace(call: number, bits = 1): number {
    return this.#otherTraces.find(call, bits)
  }

  /** Those of `bits` are told of the call: from now on `toldInOtherTrace` knows it. */
  rememberInOtherTraces(call: number, bits = 1): void {
    this.#otherTraces.add(call, bits)
  }

  /** True: each of them reports a call of its own. False says nothing. */
  areApart(calls: readonly number[]): boolean {
    if (calls.length === 1) return true
    const place = (at: number) => this.#place.read(this.ints, calls[at]!)
    return areApart({ count: calls.length, place }, this.#ancestry(calls[0]!))
  }

  /** Which of them report one call to `bits`, in lists with the outermost first; undefined where a pause may be made. */
  *group(calls: readonly number[], bits = ALL): Generator<readonly number[] | undefined> {
    if (this.areApart(calls)) for (const call of calls) yield [call]
    else {
      const reports = { count: calls.length, facts: (at: number) => this.facts(calls[at]!, bits) }
      const groups = groupsOf(reports, this.#ancestry(calls[0]!), new StepCount(), this.#emitters.current)
      for (const group of groups) yield group?.map((at) => calls[at]!)
    }
  }

  /**
   * Row of what the reports of one call say together. Of one report it is its own row; of several it is a row that the next
   * merge overwrites, with what `mergeCalls` decides, and for the rest what the outermost report says that says something.
   */
  merge(reports: readonly number[]): number {
    if (this.#qualities !== undefined) for (const call of reports) this.#fillQuality(call, this.#qualities)
    const row = reports.length > 1 ? this.#mergeAll(reports) : reports[0]!
    if (this.has(row, FAILED) && !this.has(row, RATE_LIMITED) && this.#isRateLimitedAbove(reports))
      this.setFlags(row, RATE_LIMITED)
    return row
  }

  /** The reports' own rows stay as they are: another subscriber may have only some of them, or be told later. */
  #mergeAll(reports: readonly number[]): number {
    if (this.#together === NO_CALL) this.#together = this.#newRow()
    const row = this.#together
    this.#copy(reports[0]!, row)
    const facts = mergeReports(reports.map((call) => this.facts(call)))
    for (const call of reports) this.#fillFrom(row, call)
    const named = reports.findLast((call) => this.int(call, 'provider') !== -1)
    if (named !== undefined) this.setInt(row, 'provider', this.int(named, 'provider'))
    this.setInt(row, 'model', facts.requestModel as number)
    this.setInt(row, 'responseModel', facts.responseModel as number)
    this.setNumber(row, 'cost_usd', facts.cost_usd)
    this.#copyCostFacts(row, reports, facts.cost_usd)
    this.setNumber(row, 'input', facts.inputTokens)
    this.setNumber(row, 'output', facts.outputTokens)
    this.setNumber(row, 'cacheRead', facts.cacheReadTokens)
    this.setNumber(row, 'cacheWrite', facts.cacheWriteTokens)
    this.setNumber(row, 'reasoning', facts.reasoningTokens)
    this.setNumber(row, 'end_ms', facts.end_ms)
    const streamed = reports.some((call) => this.has(call, STREAMED | STREAM_RECORD)) ? STREAMED : 0
    this.setFlags(row, MERGED | streamed | (facts.failed ? FAILED : 0) | (facts.rateLimited ? RATE_LIMITED : 0))
    if (reports.some((call) => this.has(call, STREAM_RECORD))) this.setFlags(row, STREAM_RECORD)
    return row
  }

  /** What belongs to a cost goes with it: where it is from, what we say that it is, what was saved. */
  #copyCostFacts(row: number, reports: readonly number[], cost_usd: number): void {
    const counted =
      reports.findLast(
        (call) => Object.is(this.number(call, 'cost_usd'), cost_usd) && this.int(call, 'costSource') >= 0,
      ) ?? reports.at(-1)!
    this.setInt(row, 'costSource', this.int(counted, 'costSource'))
    const flags = this.int(row, 'flags') & ~ANSWER_CACHED
    this.setInt(row, 'flags', flags | (this.int(counted, 'flags') & ANSWER_CACHED))
    this.setNumber(row, 'table_usd', this.number(counted, 'table_usd'))
    this.setNumber(row, 'saved_usd', this.number(counted, 'saved_usd'))
  }

  #copy(from: number, to: number): void {
    this.ints.copyWithin(to * INT.width, from * INT.width, (from + 1) * INT.width)
    this.numbers.copyWithin(to * NUMBER.width, from * NUMBER.width, (from + 1) * NUMBER.width)
  }

  /** If no report says why the call failed, the nearest span above that says it tells. */
  #isRateLimitedAbove(reports: readonly number[]): boolean {
    if (
      this.#links === undefined ||
      reports.some((call) => this.has(call, FAILED) && !this.has(call, UNEXPLAINED_FAILURE))
    )
      return false
    const innermost = reports.at(-1)!
    return this.#links.isRateLimitedAbove(this.int(innermost, 'trace'), this.facts(innermost).parentId)
  }

  #ancestry(call: number): Ancestry {
    const trace = this.int(call, 'trace')
    return { above: (spanId) => this.#links?.above(trace, spanId) ?? 0 }
  }

  #fillQuality(call: number, qualities: Qualities): void {
    if (this.int(call, 'signals') !== 0 || !Number.isNaN(this.number(call, 'score')) || this.has(call, RECORD)) return
    const quality = this.#quality
    if (!qualities.find(this.int(call, 'trace'), this.int(call, 'spanHigh'), this.int(call, 'spanLow'), quality)) return
    this.setNumber(call, 'score', quality.score)
    this.setInt(call, 'signals', quality.signals)
  }

  #fillFrom(call: number, other: number): void {
    for (const name of FROM_ANY_INTS) if (this.int(call, name) === 0) this.setInt(call, name, this.int(other, name))
    this.setInt(call, 'signals', this.int(call, 'signals') | this.int(other, 'signals'))
    this.setInt(call, 'safety', this.int(call, 'safety') | this.int(other, 'safety'))
    for (const name of FROM_ANY_NUMBERS)
      if (Number.isNaN(this.number(call, name))) this.setNumber(call, name, this.number(other, name))
  }

  /** The call as the rules of `same_call.ts` want it, for those of `bits`. */
  facts(call: number, bits = ALL): CallFacts {
    return factsOf(this.ints, this.numbers, call, bits)
  }

  #newRow(): number {
    const call = this.#free
    if (call !== NO_CALL) this.#free = this.int(call, 'next')
    else if (this.#used * INT.width === this.ints.length) this.#grow()
    return call === NO_CALL ? this.#used++ : call
  }

  #grow(): void {
    const { ints, numbers } = this
    this.ints = new Int32Array(ints.length * 2)
    this.ints.set(ints)
    this.numbers = new Float64Array(numbers.length * 2)
    this.numbers.set(numbers)
  }
}
