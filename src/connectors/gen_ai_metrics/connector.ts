import type { Connector, Context, Host, Ports } from '../../component.ts'
import { Calls } from '../../gen_ai/calls.ts'
import { Emitters } from '../../gen_ai/emitters.ts'
import { FIELD } from '../../gen_ai/field.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { isJudged, isNormalised, readNormalisedCall, readQuality } from '../../gen_ai/normalised.ts'
import type { Quality } from '../../gen_ai/quality.ts'
import { ResourceHashes } from '../../gen_ai/resource_hashes.ts'
import { type SpanLinks, sharedSpanLinks } from '../../gen_ai/span_links.ts'
import { notAccounted } from '../../not_accounted.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { Throttle } from '../../self/log.ts'
import type { LogBatch, MetricBatch, TraceBatch } from '../../telemetry/batch.ts'
import { RecordView } from '../../telemetry/record_view.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { LoneCalls } from '../../traces/lone_calls.ts'
import { RecentSpans } from '../../traces/recent_spans.ts'
import { sharedSlices } from '../../traces/slices.ts'
import { sharedTables } from '../../traces/tables.ts'
import { shardOf, traceHashOf } from '../../traces/trace_id.ts'
import type { TraceTable } from '../../traces/trace_table.ts'
import { TracesOfCalls } from '../../traces/traces_of_calls.ts'
import { sharedVerdicts } from '../../traces/verdicts.ts'
import type { GenAiMetricsConfig } from './config.ts'
import { Counts } from './counts.ts'
import { Candidates } from './exemplars.ts'
import { LabelTexts } from './label_texts.ts'
import { MetricSet, type Now } from './metric_set.ts'

/** How often it is looked which traces have settled, and whether there are new series to show. */
const TICK_MS = 500
/** Error types told apart; response ids, which only have to differ while their calls wait, are hashed instead. */
const ERROR_TYPES_MAX = 200
/** What cannot change in place. */
const FIXED = ['models_max', 'series_max', 'calls_max', 'duplicates_window'] as const

/** So many times `settle_after` a log record without a trace waits, so that a span that tells of its call is counted first. */
const LONE_WAITS = 2
const quality: Quality = { score: Number.NaN, signals: 0 }

export class GenAiMetrics implements Connector {
  readonly inputs = {
    traces: { consume: async (batch: TraceBatch, context: Context) => this.#consume(batch, context) },
    logs: { consume: async (batch: LogBatch, context: Context) => this.#consume(batch, context) },
  }
  readonly #host: Host
  readonly #next: Ports
  #config: GenAiMetricsConfig
  readonly #span = new SpanView()
  readonly #record = new RecordView()
  readonly #call = new ModelCall()
  readonly #links: SpanLinks
  readonly #calls: Calls
  readonly #resources = new ResourceHashes()
  readonly #emitters = new Emitters()
  readonly #texts: LabelTexts
  readonly #errorTypes: LabelTexts
  readonly #recent: RecentSpans
  readonly #candidates: Candidates
  readonly #set: MetricSet
  readonly #counts: Counts
  readonly #shards: readonly TracesOfCalls[]
  readonly #lone: LoneCalls
  readonly #tables: readonly TraceTable[]
  readonly #throttle: Throttle
  /** Bounds that the log has told of. */
  readonly #told = new Set<string>()
  #timers: Timer[] = []
  #sending: Promise<void> = Promise.resolve()
  /** Of metrics to be handed on: with the next consumer, or behind those. */
  #underWay = 0
  #stopped = false

  constructor(config: GenAiMetricsConfig, host: Host, next: Ports) {
    this.#config = config
    this.#host = host
    this.#next = next
    this.#links = sharedSpanLinks(host)
    this.#calls = new Calls(this.#links)
    this.#texts = new LabelTexts(config.models_max, host.clock)
    this.#errorTypes = new LabelTexts(ERROR_TYPES_MAX, host.clock)
    this.#recent = new RecentSpans(config.duplicates_window)
    this.#candidates = new Candidates(sharedVerdicts(host), host.clock)
    this.#set = new MetricSet(host.clock, this.#candidates)
    this.#counts = new Counts(this.#calls, this.#texts, this.#errorTypes, this.#set, config.series_max, host.clock)
    this.#throttle = new Throttle(host.clock)
    this.#tables = sharedTables(host)
    const slices = sharedSlices(host)
    this.#shards = this.#tables.map(
      (table) => new TracesOfCalls(table, this.#calls, this.#counts, shareOf(config.calls_max, host.shards), slices),
    )
    this.#lone = new LoneCalls(this.#calls, this.#counts, config.calls_max)
  }

  async start(): Promise<void> {
    const { meter, id } = this.#host
    const labels = { connector: id }
    meter.gauge(
      'sluice_gen_ai_metrics_calls_waiting',
      'Model calls in memory, waiting or to compare later ones with.',
      labels,
      () => this.#calls.count,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_models_overflowed',
      'How often a model name was counted as "other".',
      labels,
      () => this.#texts.overflowed,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_series_refused',
      'How often the series of a call were those of "other" because there are series_max.',
      labels,
      () => this.#counts.places.refused,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_exemplar_candidates',
      'Calls that may be shown as exemplars, most of which wait for the verdict on their trace.',
      labels,
      () => this.#candidates.count,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_error_types_overflowed',
      'How often an error type was counted as "other".',
      labels,
      () => this.#errorTypes.overflowed,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_labels_replaced',
      'Model names and error types that lost their place to others that are used more.',
      labels,
      () => this.#texts.replaced + this.#errorTypes.replaced,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_series_ended',
      'Series that ended to make room for others.',
      labels,
      () => this.#set.ended,
    )
    this.#startTimers()
  }

  /** Only what state is made for needs a new instance, whose counters begin at zero. */
  async update(config: unknown): Promise<boolean> {
    const next = config as GenAiMetricsConfig
    if (FIXED.some((key) => next[key] !== this.#config[key])) return false
    this.#config = next
    this.#startTimers()
    return true
  }

  /** Everything that waits is counted and shown; new series at zero first. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    for (const shard of this.#shards) shard.close()
    this.#lone.close()
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    if (deadline.aborted) resolve()
    deadline.addEventListener('abort', () => resolve(), { once: true })
    await Promise.race([this.#sendLast(), aborted])
  }

  async #sendLast(): Promise<void> {
    await this.#sending
    const now = this.#now()
    await this.#send(() => this.#set.showFresh(now))
    // Later than the zeros: of two values of one moment a backend keeps the first.
    await this.#send(() => this.#set.show({ ...now, unix_ms: now.unix_ms + 1 }, 0))
  }

  #startTimers(): void {
    const { clock } = this.#host
    for (const timer of this.#timers) timer.cancel()
    this.#timers = [
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(this.#config.metrics_flush_interval, () => this.#flush()),
    ]
  }

  #consume(batch: TraceBatch | LogBatch, context: Context): void {
    if (this.#stopped) throw retryLater('shutdown', 'the connector has stopped')
    if (batch.signal === 'traces') this.#links.note(batch as TraceBatch)
    const now_ms = this.#host.clock.monotonic_ms()
    const duplicates = batch.signal === 'traces' ? this.#addSpans(batch, now_ms) : this.#addRecords(batch, now_ms)
    this.#span.forget()
    this.#record.forget()
    this.#call.forget()
    this.#resources.forget()
    this.#emitters.forget()
    context.account.duplicate(duplicates)
    context.account.deliver(batch.count - duplicates)
  }

  /** Returns how many have come before. */
  #addSpans(batch: TraceBatch, now_ms: number): number {
    const view = this.#span
    let duplicates = 0
    for (let item = 0; item < batch.items; item++) {
      if (!isNormalised(batch, item)) continue
      view.read(batch, item)
      if (!readNormalisedCall(view, this.#call)) continue
      const trace = traceHashOf(view)
      if (trace >= 0 && view.spanId >= 0 && this.#recent.seen(trace, view.bytes, view.spanId)) duplicates++
      else this.#add(batch, view, trace, now_ms)
    }
    return duplicates
  }

  /** The same of log records: calls, and answers of calls whose spans may say nothing of them. */
  #addRecords(batch: LogBatch, now_ms: number): number {
    const view = this.#record
    let duplicates = 0
    for (let item = 0; item < batch.items; item++) {
      const isCall = isNormalised(batch, item)
      if (!isCall && !isJudged(batch, item)) continue
      view.readRecord(batch, item)
      const trace = traceHashOf(view)
      if (isCall && readNormalisedCall(view, this.#call)) {
        const origin = this.#resources.of(batch, view.scope)
        if (this.#recent.seenRecord(origin, view.bytes, view.start, view.end)) duplicates++
        else this.#add(batch, view, trace, now_ms)
      } else if (!isCall && trace >= 0 && readQuality(view, quality)) this.#calls.keepQuality(view, quality)
    }
    return duplicates
  }

  /** Without a trace (-1) nothing is waited for, but by a log record for a span that has its response id. */
  #add(batch: TraceBatch | LogBatch, view: SpanView, trace: number, now_ms: number): void {
    const call = this.#keep(batch, view)
    const shard = shardOf(Math.max(trace, 0), this.#shards.length)
    const row = trace < 0 ? -1 : this.#tables[shard]!.obtain(view.bytes, view.traceId, trace)
    this.#counts.prepare(call, view.bytes, trace < 0 ? -1 : view.traceId)
    if (row >= 0) this.#shards[shard]!.add(row, call, now_ms)
    else if (view.isRecord && this.#call.has(FIELD.responseId)) this.#lone.add(call, now_ms)
    else {
      this.#counts.settle([call])
      this.#calls.remove(call)
    }
  }

  /** Copies what is counted of the call to a row. */
  #keep(batch: TraceBatch | LogBatch, view: SpanView): number {
    const call = this.#call
    const text = (texts: LabelTexts, field: number) => texts.intern(view.bytes, call.start(field), call.end(field))
    return this.#calls.keep(view, call, {
      model: text(this.#texts, FIELD.requestModel),
      responseModel: text(this.#texts, FIELD.responseModel),
      errorType: text(this.#errorTypes, FIELD.errorType),
      resource: this.#resources.of(batch, view.scope),
      emitter: this.#emitters.of(batch, view.scope),
    })
  }

  #tick(): void {
    const { settle_after, settle_max } = this.#config
    const { clock } = this.#host
    for (const shard of this.#shards) shard.settle(clock.monotonic_ms(), settle_after, settle_max)
    this.#lone.settle(clock.monotonic_ms(), settle_after * LONE_WAITS)
    this.#tellBounds()
    // What is under way may show them, and must not keep the place of the next flush.
    if (this.#set.fresh > 0 && this.#underWay === 0) this.#send(() => this.#set.showFresh(this.#now()))
  }

  /** Once for each bound that is reached: totals stay true, but what is told apart does not. */
  #tellBounds(): void {
    const reached = {
      models_max: this.#texts.overflowed,
      error_types: this.#errorTypes.overflowed,
      series_max: this.#counts.places.refused,
    }
    for (const [bound, count] of Object.entries(reached)) {
      if (count === 0 || this.#told.has(bound)) continue
      this.#told.add(bound)
      this.#host.log.warn({ bound }, 'a bound is reached: what is used least is counted as "other", totals stay true')
    }
  }

  #now(): Now {
    const { clock } = this.#host
    return { unix_ms: clock.now_ms(), monotonic_ms: clock.monotonic_ms() }
  }

  #flush(): void {
    const now = this.#now()
    this.#send(() => this.#set.show(now, this.#config.metrics_flush_interval - TICK_MS))
  }

  /** While the next consumer is slow, one waits and the others are left out: the next flush has newer values. */
  #send(show: () => Iterable<MetricBatch>): Promise<void> {
    if (this.#underWay === 2) return this.#sending
    this.#underWay++
    this.#sending = this.#sending.then(() => this.#handOn(show())).finally(() => this.#underWay--)
    return this.#sending
  }

  async #handOn(batches: Iterable<MetricBatch>): Promise<void> {
    let isFirst = true
    try {
      for (const batch of batches) {
        // Each is made when its turn has come, and others have their turn in between.
        if (!isFirst) await new Promise((resolve) => setImmediate(resolve))
        isFirst = false
        await this.#next.metrics?.consume(batch, { account: notAccounted, metadata: new Map() })
      }
    } catch (error) {
      this.#throttle.log('refused', (repeats) =>
        this.#host.log.warn({ err: error, repeats }, 'metrics were refused; the next flush will have them'),
      )
    }
  }
}

function shareOf(total: number, shards: number): number {
  return Math.ceil(total / shards)
}
