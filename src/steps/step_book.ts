/**
 * The owner of calls. It reads the spans and log records that `gen_ai` has marked, once for all subscribers; recognises what
 * was sent twice; keeps the reports by trace until the trace has settled; and then tells each subscriber of each call once,
 * with all its reports. So metrics and log records cannot disagree on what a call is.
 *
 * Subscribers do not take a batch at the same time: a branch that refused takes it later. So a report is a row of numbers
 * (`calls.ts`) with two sets of bits, a bit for each subscriber: who has taken the report (`takers`), and who has been told
 * of its call (`told`).
 */
import type { Context } from '../component.ts'
import type { StepsSettings } from '../config/schema/steps.ts'
import { FIELD, SLUICE } from '../gen_ai/call_fields.ts'
import { ModelIds } from '../gen_ai/model_name.ts'
import { hasQuality, readQuality } from '../gen_ai/normalised.ts'
import type { Quality } from '../gen_ai/quality.ts'
import { STEP } from '../gen_ai/step_fields.ts'
import type { Clock } from '../self/clock.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import type { Services } from '../self/services.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { textId } from '../telemetry/hash.ts'
import { KeySet } from '../telemetry/key_set.ts'
import { RecordView } from '../telemetry/record_view.ts'
import { firstAttributeAmong } from '../telemetry/span_view.ts'
import { sharedSlices } from '../traces/slices.ts'
import { sharedTables } from '../traces/tables.ts'
import { shardOf } from '../traces/trace_id.ts'
import type { TraceTable } from '../traces/trace_table.ts'
import { StepReport } from './activity/step_report.ts'
import { BatchRows, NO_ROWS } from './batch_rows.ts'
import { NO_CALL } from './call_rows.ts'
import { Calls } from './calls.ts'
import { Emitters, NOBODY } from './emitters.ts'
import { type SpanLabels, sharedSpanLabels } from './labels/span_labels.ts'
import { LoneCalls } from './lone_calls.ts'
import { RecentSpans } from './recent_spans.ts'
import { Report, TEXT_AT } from './report.ts'
import { ResourceHashes } from './resource_hashes.ts'
import type { CallTexts } from './rows/report_row.ts'
import { type SpanLinks, sharedSpanLinks } from './span_links.ts'
import { type Teller, TracesOfCalls } from './traces_of_calls.ts'

/** A log record without a trace waits this many times `settle_after`, so that a span that tells of its call settles first. */
const LONE_WAITS = 2
/**
 * As many as a row has bits. The bit of a subscriber that has left is not given to another, which would seem to know what
 * that one was told.
 */
const SUBSCRIBERS_MAX = 31
/** Waiting calls take at most this share of the memory limit, reckoned at so many bytes each. */
const CALLS_SHARE = 1 / 16
const CALL_BYTES = 200
/** The memory of what came lately, to recognise duplicates, takes at most this share of the memory limit. */
const RECENT_SHARE = 1 / 16

/** The attribute that stands first in what `gen_ai` has marked. */
const MARKS = new KeySet([SLUICE.dialect, STEP.kind])
const AT_CALL = 0
const AT_STEP = 1

type Batch = TraceBatch | LogBatch

/** Who wants to know of calls. For every report there is one `keep`, and later one `settle` or `repeat` that names its row. */
export interface Subscriber {
  /** A report has come, and is in that row. `report` is to be read now. */
  keep(row: number, report: Report): void
  /** A call has settled: the rows of those of its reports that the subscriber has, the outermost first. `row` is what they say
   * together, until this returns. */
  settle(row: number, reports: readonly number[]): void
  /** The row's report belongs to a call that has been told already: it came late, or in another trace. */
  repeat?(row: number): void
  /** A step that is no call has come, which the subscriber has not had. `step` is to be read now. */
  step?(step: StepReport): void
  /** After each `keep`, when the report waits or has settled at once: a good moment to make room. */
  kept?(): void
}

export class StepBook implements Teller {
  readonly calls: Calls
  readonly #clock: Clock
  readonly #links: SpanLinks
  readonly #labels: SpanLabels
  /** By bit; empty where one has left. */
  readonly #subscribers: (Subscriber | undefined)[] = []
  #active = 0
  readonly #record = new RecordView()
  readonly #quality: Quality = { score: Number.NaN, signals: 0 }
  readonly #resources = new ResourceHashes()
  readonly #models = new ModelIds()
  readonly #emitters = new Emitters()
  readonly #recent: RecentSpans
  readonly #shards: readonly TracesOfCalls[]
  readonly #lone: LoneCalls
  readonly #tables: readonly TraceTable[]
  /** Where the reports of a batch are, for subscribers that take it after the first; kept as long as the batch itself. */
  readonly #batches = new WeakMap<Batch, BatchRows>()
  readonly #texts: { -readonly [Name in keyof CallTexts]: CallTexts[Name] } = {
    model: 0,
    responseModel: 0,
    errorType: 0,
    emitter: NOBODY,
  }
  readonly #report = new Report()
  readonly #step = new StepReport()
  readonly #release: () => void

  constructor(
    host: Services,
    { calls_max, duplicates_window }: Pick<StepsSettings, 'calls_max' | 'duplicates_window'>,
  ) {
    const memory = memoryOf(host)
    this.#clock = host.clock
    this.#links = sharedSpanLinks(host)
    this.#labels = sharedSpanLabels(host)
    this.calls = new Calls(this.#links)
    this.#recent = new RecentSpans(duplicates_window, () => memory.limit_bytes * RECENT_SHARE)
    this.#tables = sharedTables(host)
    const slices = sharedSlices(host)
    const most = () => Math.min(calls_max, (memory.limit_bytes * CALLS_SHARE) / CALL_BYTES)
    const most_each = () => most() / host.shards
    this.#shards = this.#tables.map((table) => new TracesOfCalls(table, this.calls, this, most_each, slices))
    this.#lone = new LoneCalls(this.calls, this, most)
    this.#release = memory.hold('steps', () => this.calls.size_bytes + this.#recent.size_bytes)
  }

  /** Nobody is left to be told. */
  get isOver(): boolean {
    return this.#active === 0
  }

  get hasRoom(): boolean {
    return this.#subscribers.length < SUBSCRIBERS_MAX
  }

  /** The subscriber's bit. */
  join(subscriber: Subscriber): number {
    this.#active++
    return 1 << (this.#subscribers.push(subscriber) - 1)
  }

  /** Tells the subscriber of everything that it still waits for, and of nothing after that. */
  leave(bit: number): void {
    if (this.#active > 1) {
      for (const shard of this.#shards) shard.leave(bit)
      this.#lone.leave(bit)
    } else {
      for (const shard of this.#shards) shard.close()
      this.#lone.close()
      this.#release()
    }
    this.#active--
    this.#subscribers[placeOf(bit)] = undefined
  }

  /** The subscriber takes all reports of the batch; returns how many of them it has had before. */
  take(bit: number, batch: Batch, context: Context): number {
    const now_ms = this.#clock.monotonic_ms()
    const known = this.#batches.get(batch)
    const rows = known ?? (this.#active > 1 ? new BatchRows() : undefined)
    if (known === undefined && batch.signal === 'traces') {
      this.#links.note(batch, this.#labels)
      this.#labels.forget()
    }
    this.#report.begin(batch, context)
    const duplicates = this.#takeAll(bit, batch, rows, known !== undefined, now_ms)
    if (rows !== known) this.#batches.set(batch, rows!.isEmpty ? NO_ROWS : rows!)
    this.#forget()
    return duplicates
  }

  /** Settles what has waited long enough. */
  tick({ settle_after, settle_max }: Pick<StepsSettings, 'settle_after' | 'settle_max'>): void {
    const now_ms = this.#clock.monotonic_ms()
    for (const shard of this.#shards) shard.settle(now_ms, settle_after, settle_max)
    this.#lone.settle(now_ms, settle_after * LONE_WAITS)
  }

  /** Does a piece of settling what has waited longest; false if nothing waits. */
  settleSome(): boolean {
    let settled = this.#lone.settleOldest()
    for (const shard of this.#shards) if (shard.settleSome()) settled = true
    return settled
  }

  /** Of `Teller`: tells the subscribers of `bits`, but those who know the call from another trace. */
  settle(reports: readonly number[], bits: number): void {
    const { calls } = this
    const row = calls.merge(reports)
    const elsewhere = calls.toldInOtherTrace(row, bits)
    if (elsewhere !== bits) calls.rememberInOtherTraces(row, bits & ~elsewhere)
    // From the lowest bit up.
    for (let left = bits; left !== 0; left &= left - 1) {
      const bit = left & -left
      if ((elsewhere & bit) === 0) this.#subscriber(bit)?.settle(row, reports)
      else for (const report of reports) this.repeat(report, bit)
    }
  }

  repeat(row: number, bits: number): void {
    for (let left = bits; left !== 0; left &= left - 1) this.#subscriber(left & -left)?.repeat?.(row)
  }

  #subscriber(bit: number): Subscriber | undefined {
    return this.#subscribers[placeOf(bit)]
  }

  #takeAll(bit: number, batch: Batch, rows: BatchRows | undefined, isReread: boolean, now_ms: number): number {
    const { calls } = this
    const report = this.#report
    const subscriber = this.#subscriber(bit)!
    let duplicates = 0
    let place = 0
    for (let item = 0; item < batch.items; item++) {
      const mark = firstAttributeAmong(batch, item, MARKS)
      if (mark !== AT_CALL) {
        if (mark === AT_STEP && batch.signal === 'traces' && subscriber.step !== undefined)
          duplicates += this.#takeStep(bit, batch, item, subscriber)
        if (!isReread && batch.signal === 'logs' && hasQuality(batch, item)) this.#keepQuality(batch, item)
        continue
      }
      report.look(item)
      const known = isReread ? rows!.restore(place++, report, calls) : NO_CALL
      let row = NO_CALL
      if (known !== NO_CALL || report.read()) {
        if (this.#isRepeated(bit) || this.#isTaken(bit, known)) duplicates++
        else if (known !== NO_CALL) this.#addTaker(bit, known, now_ms)
        else row = this.#add(bit, now_ms)
      }
      if (!isReread) rows?.push(row, report, calls)
    }
    return duplicates
  }

  /** 1: it is one that the subscriber has had. */
  #takeStep(bit: number, batch: TraceBatch, item: number, subscriber: Subscriber): number {
    const step = this.#step
    if (!step.read(batch, item)) return 0
    if (this.#recent.seen(step.traceHash, step.bytes, step.spanId, bit)) return 1
    subscriber.step?.(step)
    return 0
  }

  /** A log record with the answer of a call whose span may say nothing of it. */
  #keepQuality(batch: LogBatch, item: number): void {
    this.#record.readRecord(batch, item)
    if (readQuality(this.#record, this.#quality)) this.calls.keepQuality(this.#record, this.#quality)
  }

  /** Does the row say that the subscriber has taken the report? `#recent` does not know all: spans without id, and older ones. */
  #isTaken(bit: number, row: number): boolean {
    return row !== NO_CALL && (this.calls.takers(row) & bit) !== 0
  }

  #isRepeated(bit: number): boolean {
    const { bytes, isRecord, trace, spanId, start, end } = this.#report
    if (isRecord) return this.#recent.seenRecord(this.#resource, bytes, start, end, bit)
    return trace >= 0 && spanId >= 0 && this.#recent.seen(trace, bytes, spanId, bit)
  }

  /**
   * A report that is in no row yet. It waits with its trace; without one, a log record with a response id waits for a span that
   * has the same, and everything else settles at once.
   */
  #add(bit: number, now_ms: number): number {
    const { calls } = this
    const report = this.#report
    const row = calls.keep(report.view, report.call, this.#textsOf(report), bit)
    const subscriber = this.#subscriber(bit)!
    subscriber.keep(row, report)
    const inTable = this.#obtain(report)
    if (inTable >= 0) this.#shardOf(report.trace).add(inTable, row, now_ms)
    else if (report.isRecord && report.call.has(FIELD.responseId)) this.#lone.add(row, now_ms)
    else {
      this.settle([row], bit)
      calls.remove(row)
    }
    subscriber.kept?.()
    return row
  }

  /** A report that is in a row already, because another subscriber has taken it. */
  #addTaker(bit: number, row: number, now_ms: number): void {
    const report = this.#report
    const subscriber = this.#subscriber(bit)!
    subscriber.keep(row, report)
    const inTable = this.#obtain(report)
    if (inTable >= 0) this.#shardOf(report.trace).addTakers(inTable, row, bit, now_ms)
    else this.calls.addTakers(row, bit)
    subscriber.kept?.()
  }

  #textsOf(report: Report): CallTexts {
    const texts = this.#texts
    texts.model = this.#modelOf(report, TEXT_AT.model)
    texts.responseModel = this.#modelOf(report, TEXT_AT.responseModel)
    texts.errorType = hashOfText(report, TEXT_AT.errorType)
    texts.resource = this.#resource
    texts.emitter = this.#emitters.of(report.batch, report.scope)
    return texts
  }

  #modelOf(report: Report, text: number): number {
    return this.#models.of(report.bytes, report.textStart(text), report.textEnd(text))
  }

  get #resource(): number {
    return this.#resources.of(this.#report.batch, this.#report.scope)
  }

  /** Row of the trace in its table; -1 without one, or if there is no room. */
  #obtain({ trace, bytes, traceId }: Report): number {
    return trace < 0 ? -1 : this.#tables[this.#shardAt(trace)]!.obtain(bytes, traceId, trace)
  }

  #shardOf(trace: number): TracesOfCalls {
    return this.#shards[this.#shardAt(trace)]!
  }

  #shardAt(trace: number): number {
    return shardOf(trace, this.#shards.length)
  }

  /** Nothing of a batch stays when it is over. */
  #forget(): void {
    this.#record.forget()
    this.#report.forget()
    this.#step.forget()
    this.#resources.forget()
    this.#emitters.forget()
  }
}

function hashOfText(report: Report, text: number): number {
  return textId(report.bytes, report.textStart(text), report.textEnd(text))
}

function placeOf(bit: number): number {
  return 31 - Math.clz32(bit)
}
