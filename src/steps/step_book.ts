/**
 * The owner of calls. Reads the spans and log records that `gen_ai` has marked, once for all who subscribe, knows those that
 * came before, keeps them by trace until the trace has settled, and tells each subscriber of each call once, with all its
 * reports. So metrics and log records cannot disagree on what a call is.
 *
 * A subscriber takes each batch when it has room for it, maybe long after the others: what a report says is in one row, and
 * bits in it say who has the report and who has been told of its call.
 */
import type { Context } from '../component.ts'
import type { StepsSettings } from '../config/schema/steps.ts'
import { FIELD } from '../gen_ai/call_fields.ts'
import { hashOf } from '../gen_ai/hash.ts'
import { hasQuality, isNormalised, readQuality } from '../gen_ai/normalised.ts'
import type { Quality } from '../gen_ai/quality.ts'
import type { Clock } from '../self/clock.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import type { Services } from '../self/services.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { RecordView } from '../telemetry/record_view.ts'
import { sharedSlices } from '../traces/slices.ts'
import { sharedTables } from '../traces/tables.ts'
import { shardOf } from '../traces/trace_id.ts'
import type { TraceTable } from '../traces/trace_table.ts'
import { BatchRows, NO_ROWS } from './batch_rows.ts'
import { NO_CALL } from './call_rows.ts'
import { Calls, type CallTexts } from './calls.ts'
import { Emitters, NOBODY } from './emitters.ts'
import { LoneCalls } from './lone_calls.ts'
import { RecentSpans } from './recent_spans.ts'
import { Report, TEXT_AT } from './report.ts'
import { ResourceHashes } from './resource_hashes.ts'
import { type SpanLinks, sharedSpanLinks } from './span_links.ts'
import { type Teller, TracesOfCalls } from './traces_of_calls.ts'

/** So many times `settle_after` a log record without a trace waits, so that a span that tells of its call settles first. */
const LONE_WAITS = 2
/** Bits in a row. A subscriber's bit is nobody else's afterwards: what is told to it may be compared for long. */
const SUBSCRIBERS_MAX = 31
/** Calls that wait take no more than this share of the memory limit, at so many bytes each. */
const CALLS_SHARE = 1 / 16
const CALL_BYTES = 200
/** What came lately is known in this share of the memory limit. */
const RECENT_SHARE = 1 / 16
const quality: Quality = { score: Number.NaN, signals: 0 }

type Batch = TraceBatch | LogBatch

/** Who is told: when a report has come, and when its call has settled. */
export interface Subscriber {
  /** The report is in that row now, until `settle` or `repeat` name the row. */
  keep(row: number, report: Report): void
  /** All reports of a call that it has, the outermost first. `row` says what they say together, until this returns. */
  settle(row: number, reports: readonly number[]): void
  /** The row's call has been told: because of other reports, or of another trace. */
  repeat?(row: number): void
  /** The report waits, or has settled at once: time to make room. */
  kept?(): void
}

export class StepBook implements Teller {
  readonly calls: Calls
  readonly #clock: Clock
  readonly #links: SpanLinks
  /** By bit; empty where one has left. */
  readonly #subscribers: (Subscriber | undefined)[] = []
  #active = 0
  readonly #record = new RecordView()
  readonly #resources = new ResourceHashes()
  readonly #emitters = new Emitters()
  readonly #recent: RecentSpans
  readonly #shards: readonly TracesOfCalls[]
  readonly #lone: LoneCalls
  readonly #tables: readonly TraceTable[]
  /** Rows of batches that have been taken while there was more than one subscriber; as long as somebody holds the batch. */
  readonly #batches = new WeakMap<Batch, BatchRows>()
  readonly #texts: { -readonly [Name in keyof CallTexts]: CallTexts[Name] } = {
    model: 0,
    responseModel: 0,
    errorType: 0,
    emitter: NOBODY,
  }
  readonly #report = new Report()
  readonly #release: () => void

  constructor(
    host: Services,
    { calls_max, duplicates_window }: Pick<StepsSettings, 'calls_max' | 'duplicates_window'>,
  ) {
    const memory = memoryOf(host)
    this.#clock = host.clock
    this.#links = sharedSpanLinks(host)
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

  /** It is told of everything that it has. */
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
    if (known === undefined && batch.signal === 'traces') this.#links.note(batch)
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

  /** Of `Teller`: to those of `bits`, unless a report in another trace has told them. */
  settle(reports: readonly number[], bits: number): void {
    const { calls } = this
    const row = calls.merge(reports)
    const elsewhere = calls.toldInOtherTrace(row, bits)
    if (elsewhere !== bits) calls.rememberInOtherTraces(row, bits & ~elsewhere)
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
    let duplicates = 0
    let place = 0
    for (let item = 0; item < batch.items; item++) {
      if (!isNormalised(batch, item)) {
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

  /** A log record with the answer of a call whose span may say nothing of it. */
  #keepQuality(batch: LogBatch, item: number): void {
    this.#record.readRecord(batch, item)
    if (readQuality(this.#record, quality)) this.calls.keepQuality(this.#record, quality)
  }

  /** Has the subscriber that very report? One without an id, or one that is not among those that came lately any more. */
  #isTaken(bit: number, row: number): boolean {
    return row !== NO_CALL && (this.calls.takers(row) & bit) !== 0
  }

  #isRepeated(bit: number): boolean {
    const { bytes, isRecord, trace, spanId, start, end } = this.#report
    if (isRecord) return this.#recent.seenRecord(this.#resource, bytes, start, end, bit)
    return trace >= 0 && spanId >= 0 && this.#recent.seen(trace, bytes, spanId, bit)
  }

  /** Without a trace nothing is waited for, but by a log record for a span that has its response id. */
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

  /** The report is in that row for others, and waits or has been told. */
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
    texts.model = hashOfText(report, TEXT_AT.model)
    texts.responseModel = hashOfText(report, TEXT_AT.responseModel)
    texts.errorType = hashOfText(report, TEXT_AT.errorType)
    texts.resource = this.#resource
    texts.emitter = this.#emitters.of(report.batch, report.scope)
    return texts
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
    this.#resources.forget()
    this.#emitters.forget()
  }
}

function hashOfText(report: Report, text: number): number {
  return hashOf(report.bytes, report.textStart(text), report.textEnd(text))
}

function placeOf(bit: number): number {
  return 31 - Math.clz32(bit)
}
