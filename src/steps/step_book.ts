/**
 * From reports to calls: reads the spans and log records that `gen_ai` has marked, knows those that came before, keeps them
 * by trace until the trace has settled, and tells its keeper of each call once, with all its reports. Metrics and log
 * records have a book each and the same rules, so they cannot disagree on what a call is.
 */
import type { Context, Host } from '../component.ts'
import type { Steps } from '../config/steps.ts'
import type { Calls, CallTexts } from '../gen_ai/calls.ts'
import { Emitters, NOBODY } from '../gen_ai/emitters.ts'
import { FIELD } from '../gen_ai/field.ts'
import { ModelCall } from '../gen_ai/model_call.ts'
import { isJudged, isNormalised, readNormalisedCall, readQuality } from '../gen_ai/normalised.ts'
import type { Quality } from '../gen_ai/quality.ts'
import { ResourceHashes } from '../gen_ai/resource_hashes.ts'
import { type SpanLinks, sharedSpanLinks } from '../gen_ai/span_links.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { RecordView } from '../telemetry/record_view.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { LoneCalls } from '../traces/lone_calls.ts'
import { RecentSpans } from '../traces/recent_spans.ts'
import { sharedSlices } from '../traces/slices.ts'
import { sharedTables } from '../traces/tables.ts'
import { shardOf, traceHashOf } from '../traces/trace_id.ts'
import type { TraceTable } from '../traces/trace_table.ts'
import { type SettledCalls, TracesOfCalls } from '../traces/traces_of_calls.ts'

/** So many times `settle_after` a log record without a trace waits, so that a span that tells of its call settles first. */
const LONE_WAITS = 2
const quality: Quality = { score: Number.NaN, signals: 0 }

/** A span or log record that reports a call, while it is looked at: the same object every time. */
export interface Report {
  batch: TraceBatch | LogBatch
  context: Context
  view: SpanView
  readonly call: ModelCall
  /** Has it a valid trace id? */
  hasTrace: boolean
}

/** What a keeper gives numbers to. The same object every time. */
export type Texts = { -readonly [Name in 'model' | 'responseModel' | 'errorType']: CallTexts[Name] }

/** Who is told: when a report has come, and when its call has settled. */
export interface Keeper extends SettledCalls {
  /** Fills in the numbers that stand for the report's texts. */
  number(report: Report, texts: Texts): void
  /** It is in that row now, until the row is settled or repeated. */
  keep(row: number, report: Report): void
  /** It waits, or has settled at once: time to make room. */
  kept?(): void
}

export class StepBook {
  readonly #host: Host
  readonly #calls: Calls
  readonly #keeper: Keeper
  readonly #links: SpanLinks
  readonly #span = new SpanView()
  readonly #record = new RecordView()
  readonly #resources = new ResourceHashes()
  readonly #emitters = new Emitters()
  readonly #recent: RecentSpans
  readonly #shards: readonly TracesOfCalls[]
  readonly #lone: LoneCalls
  readonly #tables: readonly TraceTable[]
  readonly #texts: { -readonly [Name in keyof CallTexts]: CallTexts[Name] } = {
    model: 0,
    responseModel: 0,
    errorType: 0,
    emitter: NOBODY,
  }
  readonly #report = { call: new ModelCall(), hasTrace: false } as Report

  /** `calls`: made with the links of the same host. */
  constructor(host: Host, { calls_max, duplicates_window }: Steps, calls: Calls, keeper: Keeper) {
    this.#host = host
    this.#calls = calls
    this.#keeper = keeper
    this.#links = sharedSpanLinks(host)
    this.#recent = new RecentSpans(duplicates_window)
    this.#tables = sharedTables(host)
    const [slices, shard_max] = [sharedSlices(host), Math.ceil(calls_max / host.shards)]
    this.#shards = this.#tables.map((table) => new TracesOfCalls(table, calls, keeper, shard_max, slices))
    this.#lone = new LoneCalls(calls, keeper, calls_max)
  }

  /** Takes all reports of the batch; returns how many have come before. */
  take(batch: TraceBatch | LogBatch, context: Context): number {
    const now_ms = this.#host.clock.monotonic_ms()
    this.#report.batch = batch
    this.#report.context = context
    const duplicates = batch.signal === 'traces' ? this.#takeSpans(batch, now_ms) : this.#takeRecords(batch, now_ms)
    this.#forget()
    return duplicates
  }

  /** Settles what has waited long enough. */
  settle({ settle_after, settle_max }: Steps): void {
    const now_ms = this.#host.clock.monotonic_ms()
    for (const shard of this.#shards) shard.settle(now_ms, settle_after, settle_max)
    this.#lone.settle(now_ms, settle_after * LONE_WAITS)
  }

  /** Does a piece of settling what has waited longest; false if nothing waits. */
  settleSome(): boolean {
    let settled = this.#lone.settleOldest()
    for (const shard of this.#shards) if (shard.settleSome()) settled = true
    return settled
  }

  /** Settles everything. */
  close(): void {
    for (const shard of this.#shards) shard.close()
    this.#lone.close()
  }

  #takeSpans(batch: TraceBatch, now_ms: number): number {
    this.#links.note(batch)
    const view = this.#span
    let duplicates = 0
    for (let item = 0; item < batch.items; item++) {
      if (!isNormalised(batch, item)) continue
      view.read(batch, item)
      if (!readNormalisedCall(view, this.#report.call)) continue
      const trace = traceHashOf(view)
      if (trace >= 0 && view.spanId >= 0 && this.#recent.seen(trace, view.bytes, view.spanId)) duplicates++
      else this.#add(view, trace, now_ms)
    }
    return duplicates
  }

  /** Log records that are calls, and those with the answer of a call whose span may say nothing of it. */
  #takeRecords(batch: LogBatch, now_ms: number): number {
    const view = this.#record
    let duplicates = 0
    for (let item = 0; item < batch.items; item++) {
      const isCall = isNormalised(batch, item)
      if (!isCall && !isJudged(batch, item)) continue
      view.readRecord(batch, item)
      const trace = traceHashOf(view)
      if (isCall && readNormalisedCall(view, this.#report.call)) {
        const origin = this.#resources.of(batch, view.scope)
        if (this.#recent.seenRecord(origin, view.bytes, view.start, view.end)) duplicates++
        else this.#add(view, trace, now_ms)
      } else if (!isCall && trace >= 0 && readQuality(view, quality)) this.#calls.keepQuality(view, quality)
    }
    return duplicates
  }

  /** Without a trace (-1) nothing is waited for, but by a log record for a span that has its response id. */
  #add(view: SpanView, trace: number, now_ms: number): void {
    const report = this.#report
    report.view = view
    report.hasTrace = trace >= 0
    const texts = this.#texts
    this.#keeper.number(report, texts)
    texts.resource = this.#resources.of(report.batch, view.scope)
    texts.emitter = this.#emitters.of(report.batch, view.scope)
    const call = this.#calls.keep(view, report.call, texts)
    this.#keeper.keep(call, report)
    const shard = shardOf(Math.max(trace, 0), this.#shards.length)
    const row = trace < 0 ? -1 : this.#tables[shard]!.obtain(view.bytes, view.traceId, trace)
    if (row >= 0) this.#shards[shard]!.add(row, call, now_ms)
    else if (view.isRecord && report.call.has(FIELD.responseId)) this.#lone.add(call, now_ms)
    else {
      this.#keeper.settle([call])
      this.#calls.remove(call)
    }
    this.#keeper.kept?.()
  }

  /** Nothing of a batch stays when it is over. */
  #forget(): void {
    this.#span.forget()
    this.#record.forget()
    this.#report.call.forget()
    this.#resources.forget()
    this.#emitters.forget()
    this.#report.batch = this.#report.context = this.#report.view = undefined as never
  }
}
