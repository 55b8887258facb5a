/** From calls that have settled to metrics: which series a call belongs to. */
import { type Calls, FAILED, INT, NUMBER, RATE_LIMITED, RECORD } from '../../gen_ai/calls.ts'
import { PROVIDERS } from '../../gen_ai/lexicon.ts'
import { OPERATIONS } from '../../gen_ai/values.ts'
import { EMPTY_TEXT, type Interner } from '../../telemetry/interner.ts'
import { isTraceId } from '../../traces/trace_id.ts'
import type { SettledCalls } from '../../traces/traces_of_calls.ts'
import { CallSeries, ClientSeries, CountedCall } from './families.ts'
import type { MetricSet } from './metric_set.ts'

/** Factors of the series' key: numbers of texts are below this, so the key is exact below 2^53. */
const TEXTS = 2 ** 18
const TRACE_ID_BYTES = 16

export class Counts implements SettledCalls {
  readonly #calls: Calls
  readonly #texts: Interner
  readonly #errorTypes: Interner
  readonly #set: MetricSet
  readonly #counted = new CountedCall()
  readonly #series = new Map<number, CallSeries>()
  readonly #clientSeries = new Map<number, ClientSeries>()
  /** Of the calls by their number, 16 bytes each; zeros stand for none. Calls leave their numbers to others. */
  #traceIds = Buffer.alloc(0)

  constructor(calls: Calls, texts: Interner, errorTypes: Interner, set: MetricSet) {
    this.#calls = calls
    this.#texts = texts
    this.#errorTypes = errorTypes
    this.#set = set
  }

  /** Makes the series of a call that has come and is not settled yet. Its trace id stands at `traceId`; -1: it has none. */
  prepare(call: number, bytes: Buffer, traceId: number): void {
    this.#keepTraceId(call, bytes, traceId)
    this.#seriesOf(call).prepare(this.#read(call))
  }

  settle(reports: readonly number[]): void {
    const calls = this.#calls
    const settled = calls.merge(reports)
    if (calls.isInOtherTrace(settled)) return
    calls.rememberInOtherTraces(settled)
    this.count(settled)
  }

  count(call: number): void {
    const counted = this.#read(call)
    this.#seriesOf(call).count(counted)
    this.#clientSeriesOf(call, counted).count(counted)
  }

  #keepTraceId(call: number, bytes: Buffer, traceId: number): void {
    const at = call * TRACE_ID_BYTES
    if (at >= this.#traceIds.length) {
      const larger = Buffer.alloc(Math.max(4096, at * 2))
      larger.set(this.#traceIds)
      this.#traceIds = larger
    }
    if (traceId < 0) this.#traceIds.fill(0, at, at + TRACE_ID_BYTES)
    else bytes.copy(this.#traceIds, at, traceId, traceId + TRACE_ID_BYTES)
  }

  #seriesOf(call: number): CallSeries {
    const model = this.#modelOf(call)
    const operation = this.#calls.int(call, 'operation')
    const key = model * OPERATIONS.length + operation
    let series = this.#series.get(key)
    if (series === undefined) {
      const labels = {
        model: model === EMPTY_TEXT ? 'unknown' : this.#texts.text(model),
        endpoint: OPERATIONS[operation]!,
      }
      this.#series.set(key, (series = new CallSeries(this.#set, labels)))
    }
    return series
  }

  #clientSeriesOf(call: number, { failed, errorType }: CountedCall): ClientSeries {
    const calls = this.#calls
    const [model, response] = [calls.int(call, 'model'), calls.int(call, 'responseModel')]
    const [provider, operation] = [calls.int(call, 'provider'), calls.int(call, 'operation')]
    const error = failed ? calls.int(call, 'errorType') + 1 : 0
    const key = (((error * TEXTS + model) * TEXTS + response) * 64 + provider + 1) * 8 + operation
    let series = this.#clientSeries.get(key)
    if (series === undefined) {
      const attributes = {
        'gen_ai.operation.name': OPERATIONS[operation]!,
        'gen_ai.provider.name': PROVIDERS[provider] ?? 'other',
        ...(model !== EMPTY_TEXT && { 'gen_ai.request.model': this.#texts.text(model) }),
        ...(response !== EMPTY_TEXT && { 'gen_ai.response.model': this.#texts.text(response) }),
      }
      this.#clientSeries.set(key, (series = new ClientSeries(this.#set, attributes, failed ? errorType : '')))
    }
    return series
  }

  /** The request's model, the response's where there is none. */
  #modelOf(call: number): number {
    const model = this.#calls.int(call, 'model')
    return model === EMPTY_TEXT ? this.#calls.int(call, 'responseModel') : model
  }

  /** The same object every time: it is read at once. */
  #read(call: number): CountedCall {
    const { ints, numbers } = this.#calls
    const int = call * INT.width
    const number = call * NUMBER.width
    const counted = this.#counted
    const errorType = ints[int + INT.errorType]!
    counted.failed = (ints[int + INT.flags]! & FAILED) !== 0
    counted.rateLimited = (ints[int + INT.flags]! & RATE_LIMITED) !== 0
    counted.errorType = errorType === EMPTY_TEXT ? 'unknown' : this.#errorTypes.text(errorType)
    counted.hasTrace = isTraceId(this.#traceIds, call * TRACE_ID_BYTES)
    if (counted.hasTrace) this.#traceIds.copy(counted.ids, 0, call * TRACE_ID_BYTES, (call + 1) * TRACE_ID_BYTES)
    // A log record has no id of its own: the span that it names is as near as one comes.
    const isRecord = (ints[int + INT.flags]! & RECORD) !== 0
    counted.ids.writeInt32LE(ints[int + (isRecord ? INT.parentHigh : INT.spanHigh)]!, TRACE_ID_BYTES)
    counted.ids.writeInt32LE(ints[int + (isRecord ? INT.parentLow : INT.spanLow)]!, TRACE_ID_BYTES + 4)
    counted.end_ms = numbers[number + NUMBER.end_ms]!
    counted.duration_s = (numbers[number + NUMBER.end_ms]! - numbers[number + NUMBER.start_ms]!) / 1000
    counted.ttft_s = numbers[number + NUMBER.ttft_s]!
    counted.input = numbers[number + NUMBER.input]!
    counted.output = numbers[number + NUMBER.output]!
    counted.cacheRead = numbers[number + NUMBER.cacheRead]!
    counted.cacheWrite = numbers[number + NUMBER.cacheWrite]!
    counted.reasoning = numbers[number + NUMBER.reasoning]!
    counted.cost_usd = numbers[number + NUMBER.cost_usd]!
    counted.score = numbers[number + NUMBER.score]!
    counted.finishReasons = ints[int + INT.finishReasons]!
    counted.signals = ints[int + INT.signals]!
    return counted
  }
}
