/** Reads off batches of spans, and of log records that tell of model calls, what the index keeps of their traces. */

import { OPERATIONS } from '../../gen_ai/known_values.ts'
import { modelId } from '../../gen_ai/model_name.ts'
import { hasQuality, isNormalised, isOwnRecord } from '../../gen_ai/normalised.ts'
import { hasFailed } from '../../gen_ai/step_failure.ts'
import { plainValue } from '../../items/plain_value.ts'
import type { Address } from '../../journal/journal.ts'
import { uint32 } from '../../otlp/cursor.ts'
import { Emitters } from '../../steps/emitters.ts'
import { boolOf, numberOf, textOf } from '../../telemetry/any_value.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { stringId, textId } from '../../telemetry/hash.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { RecordView } from '../../telemetry/record_view.ts'
import { hasPlausibleTimes, SPAN_DURATION_MAX_MS } from '../../telemetry/span_times.ts'
import { SpanView, STATUS_ERROR } from '../../telemetry/span_view.ts'
import { CALL } from './call_totals.ts'
import { GroupServices } from './group_services.ts'
import { SharedTexts } from './shared_texts.ts'
import { NOT_SAMPLED, type Sampling, type StoredTrace } from './stored_trace.ts'
import { timeAt } from './times.ts'

const names = [
  'sluice.dialect',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.response.id',
  'gen_ai.operation.name',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
  'sluice.cost.usd',
  'sluice.cost.source',
  'sluice.answer_cached',
  'sluice.implausible',
  'sluice.quality.score',
  'sluice.quality.signals',
  'sluice.latency.ms',
  'sluice.sampling.policy',
  'sluice.sampling.decision',
  'sluice.sampling.reason',
] as const
const keys = new KeySet(names)
type Name = (typeof names)[number]
const AT = Object.fromEntries(names.map((name, at) => [name, at])) as Record<Name, number>

const TEXT_MAX = 256

/** The year 2248: a start beyond it was never set. */
const FAR_MS = 2 ** 43

export class TraceReader {
  /** Without attributes: most spans are not asked for them. */
  readonly #light = new SpanView()
  readonly #full = new SpanView()
  readonly #record = new RecordView()
  /** What is read at the moment. */
  #view: SpanView = this.#full
  readonly #found = new Int32Array(names.length)
  readonly #services = new GroupServices()
  readonly #emitters = new Emitters()
  readonly #texts = new SharedTexts()
  readonly #samplings = new Map<string, Sampling>()
  readonly #call = new Array<number>(CALL.width).fill(0)

  constructor() {
    this.#light.wantsAttributes = false
  }

  /** Adds each span to its trace, which `obtain` finds by the id's 16 bytes as a latin1 string. */
  read(batch: TraceBatch, record: Address, obtain: (key: string) => StoredTrace): void {
    const view = this.#light
    const { bytes } = batch
    let trace: StoredTrace | undefined
    let idAt = -1
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      if (view.traceId < 0) continue
      if (trace === undefined || bytes.compare(bytes, idAt, idAt + 16, view.traceId, view.traceId + 16) !== 0) {
        trace = obtain(bytes.toString('latin1', view.traceId, view.traceId + 16))
        idAt = view.traceId
      }
      trace.addRecord(record)
      this.#readSpan(batch, item, trace)
    }
    view.forget()
    this.#full.forget()
    this.#emitters.forget()
    this.#services.forget()
  }

  /** Adds what log records tell of calls and their answers to the traces, which `obtain` finds by the id. */
  readRecords(batch: LogBatch, obtain: (key: string) => StoredTrace): void {
    const view = this.#record
    for (let item = 0; item < batch.items; item++) {
      const isCall = isNormalised(batch, item)
      if (!isCall && !hasQuality(batch, item)) continue
      view.readRecord(batch, item)
      const { bytes, traceId } = view
      if (traceId < 0 || isOwnRecord(view)) continue
      const trace = obtain(bytes.toString('latin1', traceId, traceId + 16))
      if (!trace.isNew(recordNumber(view))) continue
      this.#view = view
      view.attributes.find(bytes, keys, this.#found)
      if (isCall) this.#readRecordedCall(batch, trace)
      this.#readQuality(trace)
    }
    view.forget()
    this.#emitters.forget()
  }

  #readRecordedCall(batch: LogBatch, trace: StoredTrace): void {
    const view = this.#record
    const failed = hasFailed(view)
    if (failed) trace.failed = true
    const end_ms = view.endTime < 0 ? Number.NaN : timeAt(view.bytes, view.endTime)
    this.#readCall(batch, trace, end_ms - this.#amount('sluice.latency.ms'), end_ms, failed)
  }

  #readSpan(batch: TraceBatch, item: number, trace: StoredTrace): void {
    const view = this.#light
    const { bytes } = batch
    if (view.spanId >= 0 && !trace.addSpan(spanNumber(bytes, view.spanId))) return
    if (view.spanId < 0) trace.spans++
    const service = this.#texts.one(this.#services.nameOf(batch, view.scope))
    trace.services = this.#texts.add(trace.services, service)
    // One span with a time that was never set would make its trace 570 years long.
    const begun_ms = view.startTime < 0 ? 0 : timeAt(bytes, view.startTime)
    const start_ms = begun_ms > 0 && begun_ms < FAR_MS ? begun_ms : Number.POSITIVE_INFINITY
    const end_ms = hasPlausibleTimes(view, SPAN_DURATION_MAX_MS) ? timeAt(bytes, view.endTime) : start_ms
    const isRoot = view.parentId < 0
    // Until the root is there, the earliest span stands for it.
    if ((isRoot && !trace.hasRoot) || (!trace.hasRoot && !(start_ms >= trace.start_ms))) {
      trace.hasRoot = isRoot
      trace.service = service
      trace.rootName = this.#texts.one(
        bytes.toString('utf8', view.nameStart, Math.min(view.nameEnd, view.nameStart + TEXT_MAX)),
      )
    }
    if (start_ms < trace.start_ms) trace.start_ms = start_ms
    if (end_ms > trace.end_ms && end_ms < FAR_MS) trace.end_ms = end_ms
    if (view.statusCode === STATUS_ERROR) trace.failed = true
    const isCall = isNormalised(batch, item)
    if (!isCall && trace.sampling !== undefined && trace.failed) return
    this.#full.read(batch, item)
    this.#view = this.#full
    const failed = hasFailed(this.#full)
    if (failed) trace.failed = true
    this.#full.attributes.find(bytes, keys, this.#found)
    trace.sampling ??= this.#sampling()
    if (!isCall) return
    this.#readCall(batch, trace, start_ms, end_ms, failed)
    this.#readQuality(trace)
  }

  #readCall(batch: TraceBatch | LogBatch, trace: StoredTrace, start_ms: number, end_ms: number, failed: boolean): void {
    const view = this.#view
    const call = this.#call
    const model = this.#text('gen_ai.request.model').replace(/^models\//, '')
    const responseModel = this.#text('gen_ai.response.model')
    trace.models = this.#texts.add(trace.models, model === '' ? responseModel : model)
    const [span, parent] = view.isRecord ? [-1, view.spanId] : [view.spanId, view.parentId]
    call[CALL.span] = span < 0 ? 0 : spanNumber(view.bytes, span)
    call[CALL.parent] = parent < 0 ? 0 : spanNumber(view.bytes, parent)
    call[CALL.record] = view.isRecord ? 1 : 0
    call[CALL.response] = stringId(this.#text('gen_ai.response.id'))
    call[CALL.model] = modelNumber(model)
    call[CALL.responseModel] = modelNumber(responseModel)
    call[CALL.start_ms] = start_ms
    call[CALL.end_ms] = end_ms
    call[CALL.cost_usd] = this.#amount('sluice.cost.usd')
    call[CALL.costStated] =
      this.#text('sluice.cost.source') === 'reported' || this.#isTrue('sluice.answer_cached') ? 1 : 0
    const implausible = this.#found[AT['sluice.implausible']]!
    const unbelieved = implausible < 0 ? [] : this.#list(implausible)
    const tokens = (name: Name, word: string) => (unbelieved.includes(word) ? Number.NaN : this.#amount(name))
    call[CALL.input] = tokens('gen_ai.usage.input_tokens', 'input_tokens')
    call[CALL.output] = tokens('gen_ai.usage.output_tokens', 'output_tokens')
    call[CALL.cacheRead] = this.#amount('gen_ai.usage.cache_read.input_tokens')
    call[CALL.cacheWrite] = this.#amount('gen_ai.usage.cache_write.input_tokens')
    call[CALL.reasoning] = this.#amount('gen_ai.usage.reasoning.output_tokens')
    const emitter = this.#emitters.of(batch, view.scope).hash || stringId(this.#text('sluice.dialect'))
    // Records are another making than the spans of the same scope.
    call[CALL.emitter] = view.isRecord ? -emitter : emitter
    call[CALL.failed] = failed ? 1 : 0
    call[CALL.operation] = OPERATIONS.indexOf(this.#text('gen_ai.operation.name') as (typeof OPERATIONS)[number])
    trace.addCall(call)
  }

  #readQuality(trace: StoredTrace): void {
    const score = this.#amount('sluice.quality.score')
    if (!(score >= trace.score)) trace.score = Number.isNaN(score) ? trace.score : score
    const signals = this.#found[AT['sluice.quality.signals']]!
    if (signals < 0) return
    for (const signal of this.#list(signals)) trace.signals = this.#texts.add(trace.signals, signal)
  }

  #sampling(): Sampling {
    const policy = this.#text('sluice.sampling.policy')
    const decision = this.#text('sluice.sampling.decision')
    const reason = this.#text('sluice.sampling.reason')
    if (policy === '' && decision === '' && reason === '') return NOT_SAMPLED
    const key = `${policy}\0${decision}\0${reason}`
    const known = this.#samplings.get(key)
    if (known !== undefined) return known
    const sampling = { policy, decision, reason }
    if (this.#samplings.size >= 1000) this.#samplings.clear()
    this.#samplings.set(key, sampling)
    return sampling
  }

  #list(row: number): string[] {
    const { bytes, attributes } = this.#view
    const value = plainValue(bytes, attributes.valueStart(row), attributes.valueEnd(row))
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  }

  #text(name: Name): string {
    const row = this.#found[AT[name]]!
    if (row < 0) return ''
    const { bytes, attributes } = this.#view
    const start = attributes.valueStart(row)
    // Cut as bytes: a piece of a long string keeps all of it in memory.
    return textOf(bytes, start, Math.min(attributes.valueEnd(row), start + TEXT_MAX)) ?? ''
  }

  #isTrue(name: Name): boolean {
    const row = this.#found[AT[name]]!
    const { bytes, attributes } = this.#view
    return row >= 0 && boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) === true
  }

  /** NaN if it is not there, or no amount. */
  #amount(name: Name): number {
    const row = this.#found[AT[name]]!
    if (row < 0) return Number.NaN
    const { bytes, attributes } = this.#view
    const value = numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
    return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
  }
}

/** 31 bits of a span id, never 0: enough to tell the spans of one trace apart. */
function spanNumber(bytes: Uint8Array, at: number): number {
  return (uint32(bytes, at) ^ Math.imul(uint32(bytes, at + 4), 0x9e3779b1)) >>> 1 || 1
}

/** The same of a log record, which has no id: of its bytes, and negative. */
function modelNumber(name: string): number {
  const bytes = Buffer.from(name)
  return modelId(bytes, 0, bytes.length)
}

function recordNumber({ bytes, start, end }: RecordView): number {
  return -(textId(bytes, start, end) >>> 1) - 1
}
