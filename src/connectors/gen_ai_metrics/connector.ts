import type { Connector, Context, Host, Ports } from '../../component.ts'
import { FIELD } from '../../gen_ai/field.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { readNormalisedCall } from '../../gen_ai/normalised.ts'
import { finishSignals } from '../../gen_ai/quality.ts'
import { notAccounted } from '../../not_accounted.ts'
import { nanosAsMillis, uint32 } from '../../otlp/cursor.ts'
import type { Timer } from '../../self/clock.ts'
import type { MetricBatch, TraceBatch } from '../../telemetry/batch.ts'
import { Interner } from '../../telemetry/interner.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { sharedTables } from '../../traces/tables.ts'
import { hashTraceId, shardOf } from '../../traces/trace_id.ts'
import { Calls, FAILED, RATE_LIMITED } from './calls.ts'
import type { GenAiMetricsConfig } from './config.ts'
import { Counts } from './counts.ts'
import { MetricSet } from './metric_set.ts'
import { RecentSpans } from './recent_spans.ts'
import { TracesOfCalls } from './traces.ts'

/** How often it is looked which traces have settled, and whether there are new series to show. */
const TICK_MS = 500
/** Error types told apart; response ids, which only have to differ while their calls wait, are hashed instead. */
const ERROR_TYPES_MAX = 200

export class GenAiMetrics implements Connector {
  readonly inputs = { traces: { consume: (batch: TraceBatch, context: Context) => this.#consume(batch, context) } }
  readonly #host: Host
  readonly #next: Ports
  #config: GenAiMetricsConfig
  readonly #view = new SpanView()
  readonly #call = new ModelCall()
  readonly #calls = new Calls()
  readonly #texts: Interner
  readonly #errorTypes: Interner
  readonly #recent: RecentSpans
  readonly #set: MetricSet
  readonly #counts: Counts
  readonly #shards: readonly TracesOfCalls[]
  readonly #tables
  #timers: Timer[] = []
  #sending: Promise<void> = Promise.resolve()

  constructor(config: GenAiMetricsConfig, host: Host, next: Ports) {
    this.#config = config
    this.#host = host
    this.#next = next
    this.#texts = new Interner(config.models_max)
    this.#errorTypes = new Interner(ERROR_TYPES_MAX)
    this.#recent = new RecentSpans(config.duplicates_window)
    this.#set = new MetricSet(host.clock.now_ms())
    this.#counts = new Counts(this.#calls, this.#texts, this.#errorTypes, this.#set)
    this.#tables = sharedTables(host)
    this.#shards = this.#tables.map((table) => new TracesOfCalls(table, this.#calls, this.#counts))
  }

  async start(): Promise<void> {
    const { clock, meter } = this.#host
    meter.gauge(
      'sluice_gen_ai_metrics_calls_waiting',
      'Model calls in memory, waiting or to compare later ones with.',
      {},
      () => this.#calls.count,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_models_overflowed',
      'Model names that were counted as "other".',
      {},
      () => this.#texts.overflowed,
    )
    this.#timers = [
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(this.#config.metrics_flush_interval, () =>
        this.#flush(this.#config.metrics_flush_interval - TICK_MS),
      ),
    ]
  }

  /** Everything that waits is counted and shown. */
  async shutdown(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    for (const shard of this.#shards) shard.settle(Number.POSITIVE_INFINITY, 0, 0)
    this.#flush(Number.NEGATIVE_INFINITY)
    await this.#sending
  }

  async #consume(batch: TraceBatch, context: Context): Promise<void> {
    const now_ms = this.#host.clock.monotonic_ms()
    let duplicates = 0
    for (let item = 0; item < batch.items; item++) {
      this.#view.read(batch, item)
      if (readNormalisedCall(this.#view, this.#call) && !this.#add(now_ms)) duplicates++
    }
    context.account.duplicate(duplicates)
    context.account.deliver(batch.count - duplicates)
  }

  /** False if the span has come before. */
  #add(now_ms: number): boolean {
    const view = this.#view
    const hash = view.traceId < 0 ? 0 : hashTraceId(view.bytes, view.traceId)
    if (view.spanId >= 0 && this.#recent.seen(hash, view.bytes, view.spanId)) return false
    const call = this.#keep()
    const shard = shardOf(hash, this.#shards.length)
    const row = view.traceId < 0 ? -1 : this.#tables[shard]!.obtain(view.bytes, view.traceId, hash)
    this.#counts.prepare(call)
    if (row >= 0) this.#shards[shard]!.add(row, call, now_ms)
    else {
      this.#counts.count(call)
      this.#calls.remove(call)
    }
    return true
  }

  /** Copies what is counted of the call to a row. */
  #keep(): number {
    const [view, call, calls] = [this.#view, this.#call, this.#calls]
    const { bytes } = view
    const row = calls.add()
    const text = (texts: Interner, field: number) => texts.intern(bytes, call.start(field), call.end(field))
    const word = (at: number, offset: number) => (at < 0 ? 0 : uint32(bytes, at + offset) | 0)
    calls.setInt(row, 'flags', (call.failed ? FAILED : 0) | (call.rateLimited ? RATE_LIMITED : 0))
    calls.setInt(row, 'spanHigh', word(view.spanId, 0))
    calls.setInt(row, 'spanLow', word(view.spanId, 4))
    calls.setInt(row, 'parentHigh', word(view.parentId, 0))
    calls.setInt(row, 'parentLow', word(view.parentId, 4))
    calls.setInt(row, 'response', hashOf(bytes, call.start(FIELD.responseId), call.end(FIELD.responseId)))
    calls.setInt(row, 'operation', call.operation)
    calls.setInt(row, 'provider', call.provider)
    calls.setInt(row, 'model', text(this.#texts, FIELD.requestModel))
    calls.setInt(row, 'responseModel', text(this.#texts, FIELD.responseModel))
    calls.setInt(row, 'errorType', text(this.#errorTypes, FIELD.errorType))
    calls.setInt(row, 'finishReasons', finishBits(call))
    calls.setInt(row, 'signals', finishSignals(call.finishReasons, call.finishReasonCount))
    calls.setNumber(row, 'start_ms', view.startTime < 0 ? Number.NaN : nanosAsMillis(bytes, view.startTime))
    calls.setNumber(row, 'end_ms', view.endTime < 0 ? Number.NaN : nanosAsMillis(bytes, view.endTime))
    calls.setNumber(row, 'input', call.inputTokens)
    calls.setNumber(row, 'output', call.outputTokens)
    calls.setNumber(row, 'cacheRead', call.cacheReadTokens)
    calls.setNumber(row, 'cacheWrite', call.cacheWriteTokens)
    calls.setNumber(row, 'reasoning', call.reasoningTokens)
    calls.setNumber(row, 'ttft_s', call.timeToFirstChunk_s)
    calls.setNumber(row, 'cost_usd', call.cost_usd)
    calls.setNumber(row, 'score', call.qualityScore)
    return row
  }

  #tick(): void {
    const { settle_after, settle_max } = this.#config
    for (const shard of this.#shards) shard.settle(this.#host.clock.monotonic_ms(), settle_after, settle_max)
    if (this.#set.fresh > 0) this.#send(this.#set.showFresh(this.#host.clock.now_ms()))
  }

  #flush(settle_ms: number): void {
    this.#send(this.#set.show(this.#host.clock.now_ms(), settle_ms))
  }

  /** A refusal is no loss: the next flush has the same series with newer values. */
  #send(batch: MetricBatch | undefined): void {
    if (batch === undefined) return
    const context: Context = { account: notAccounted, metadata: new Map() }
    this.#sending = this.#sending
      .then(() => this.#next.metrics?.consume(batch, context))
      .catch((error: unknown) =>
        this.#host.log.warn({ err: error }, 'metrics were refused; the next flush will have them'),
      )
  }
}

function finishBits(call: ModelCall): number {
  let bits = 0
  for (let at = 0; at < call.finishReasonCount; at++)
    if (call.finishReasons[at]! >= 0) bits |= 1 << call.finishReasons[at]!
  return bits
}

/** FNV-1a; 0 stands for no text. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash | 1
}
