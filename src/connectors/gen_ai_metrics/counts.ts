/** From calls that have settled to metrics: which series a call belongs to. */
import { type Calls, FAILED, INT, NUMBER, RATE_LIMITED, RECORD } from '../../gen_ai/calls.ts'
import { FIELD } from '../../gen_ai/field.ts'
import { PROVIDERS } from '../../gen_ai/lexicon.ts'
import { OPERATIONS } from '../../gen_ai/values.ts'
import type { Clock } from '../../self/clock.ts'
import type { Keeper, Report, Texts } from '../../steps/step_book.ts'
import { isTraceId } from '../../traces/trace_id.ts'
import {
  CALL_POINTS,
  CallSeries,
  CLIENT_POINTS,
  ClientSeries,
  CountedCall,
  ERROR_POINTS,
  ErrorSeries,
} from './families.ts'
import { EMPTY, type LabelTexts, OTHER } from './label_texts.ts'
import type { Lease, MetricSet } from './metric_set.ts'
import { type SeriesKind, SeriesPlaces } from './series_places.ts'

/** Factor of the series' keys: places of texts are below this, so the keys are exact below 2^53. */
const TEXTS = 2 ** 18
const TRACE_ID_BYTES = 16
/** In place of an error type: the call did not fail. */
const NO_ERROR = -1

export class Counts implements Keeper {
  readonly #calls: Calls
  readonly #texts: LabelTexts
  readonly #errorTypes: LabelTexts
  readonly #counted = new CountedCall()
  readonly places: SeriesPlaces
  readonly #callSeries: SeriesKind<CallSeries>
  readonly #errorSeries: SeriesKind<ErrorSeries>
  readonly #clientSeries: SeriesKind<ClientSeries>
  /** Of the calls by their number, 16 bytes each; zeros stand for none. Calls leave their numbers to others. */
  #traceIds = Buffer.alloc(0)

  /** `series_max`: counters and histograms held. */
  constructor(
    calls: Calls,
    texts: LabelTexts,
    errorTypes: LabelTexts,
    set: MetricSet,
    series_max: number,
    clock: Clock,
  ) {
    this.#calls = calls
    this.#texts = texts
    this.#errorTypes = errorTypes
    this.places = new SeriesPlaces(set, series_max, clock)
    this.#callSeries = this.places.newKind<CallSeries>(CALL_POINTS)
    this.#errorSeries = this.places.newKind<ErrorSeries>(ERROR_POINTS)
    this.#clientSeries = this.places.newKind<ClientSeries>(CLIENT_POINTS)
    // Series are found by places: those of a text end before another has its place.
    texts.onReplaced = (place) => this.places.endAll(({ models }) => models.includes(place))
    errorTypes.onReplaced = (place) => this.places.endAll(({ errorType }) => errorType === place)
  }

  number({ view: { bytes }, call }: Report, texts: Texts): void {
    const place = (labels: LabelTexts, field: number) => labels.intern(bytes, call.start(field), call.end(field))
    texts.model = place(this.#texts, FIELD.requestModel)
    texts.responseModel = place(this.#texts, FIELD.responseModel)
    texts.errorType = place(this.#errorTypes, FIELD.errorType)
  }

  /** Makes the series of a call that is not settled yet, so that it is seen to begin at zero. */
  keep(row: number, { view, hasTrace }: Report): void {
    this.#keepTraceId(row, view.bytes, hasTrace ? view.traceId : -1)
    const counted = this.#read(row)
    this.#callSeriesOf(row).prepare(counted)
    if (isError(counted)) this.#errorSeriesOf(row)
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
    this.#callSeriesOf(call).count(counted)
    if (isError(counted)) this.#errorSeriesOf(call).count()
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

  #callSeriesOf(call: number): CallSeries {
    const model = this.#modelOf(call)
    const operation = this.#calls.int(call, 'operation')
    return this.#callSeriesFor(model, operation) ?? this.#callSeriesFor(OTHER, operation)!
  }

  /** Undefined if there is no room for that model. */
  #callSeriesFor(model: number, operation: number): CallSeries | undefined {
    const key = model * OPERATIONS.length + operation
    const known = this.#callSeries.find(key)
    if (known !== undefined) return known
    const make = (lease: Lease) => {
      const labels = { model: this.#modelText(model), endpoint: OPERATIONS[operation]! }
      const other = model === OTHER ? undefined : () => this.#callSeriesFor(OTHER, operation)!
      return new CallSeries(lease, labels, this.places.hasRoom, other)
    }
    return this.#callSeries.add(key, { models: [model], errorType: EMPTY }, make, model === OTHER)
  }

  #errorSeriesOf(call: number): ErrorSeries {
    const errorType = this.#errorTypes.placeOf(this.#calls.int(call, 'errorType'))
    const operation = this.#calls.int(call, 'operation')
    return (
      this.#errorSeriesFor(this.#modelOf(call), errorType, operation) ?? this.#errorSeriesFor(OTHER, OTHER, operation)!
    )
  }

  #errorSeriesFor(model: number, errorType: number, operation: number): ErrorSeries | undefined {
    const key = (errorType * TEXTS + model) * OPERATIONS.length + operation
    const known = this.#errorSeries.find(key)
    if (known !== undefined) return known
    const make = (lease: Lease) =>
      new ErrorSeries(lease, {
        model: this.#modelText(model),
        endpoint: OPERATIONS[operation]!,
        error_type: this.#errorText(errorType),
      })
    const always = model === OTHER && errorType === OTHER
    return this.#errorSeries.add(key, { models: [model], errorType }, make, always)
  }

  #clientSeriesOf(call: number, { failed }: CountedCall): ClientSeries {
    const [model, response] = [this.#placeOf(call, 'model'), this.#placeOf(call, 'responseModel')]
    const error = failed ? this.#errorTypes.placeOf(this.#calls.int(call, 'errorType')) : NO_ERROR
    const [provider, operation] = [this.#calls.int(call, 'provider'), this.#calls.int(call, 'operation')]
    return (
      this.#clientSeriesFor(model, response, error, provider, operation) ??
      this.#clientSeriesFor(folded(model), folded(response), error === NO_ERROR ? error : OTHER, provider, operation)!
    )
  }

  /** Undefined if there is no room for that combination. */
  #clientSeriesFor(
    model: number,
    response: number,
    error: number,
    provider: number,
    operation: number,
  ): ClientSeries | undefined {
    const key = ((((error + 1) * TEXTS + model) * TEXTS + response) * 64 + provider + 1) * 8 + operation
    const known = this.#clientSeries.find(key)
    if (known !== undefined) return known
    const [otherModel, otherResponse, otherError] = [
      folded(model),
      folded(response),
      error === NO_ERROR ? error : OTHER,
    ]
    const isFolded = model === otherModel && response === otherResponse && error === otherError
    const make = (lease: Lease) => {
      const attributes = {
        'gen_ai.operation.name': OPERATIONS[operation]!,
        'gen_ai.provider.name': PROVIDERS[provider] ?? 'other',
        ...(model !== EMPTY && { 'gen_ai.request.model': this.#texts.text(model) }),
        ...(response !== EMPTY && { 'gen_ai.response.model': this.#texts.text(response) }),
      }
      const other = isFolded
        ? undefined
        : () => this.#clientSeriesFor(otherModel, otherResponse, otherError, provider, operation)!
      const errorType = error === NO_ERROR ? undefined : this.#errorText(error)
      return new ClientSeries(lease, attributes, errorType, this.places.hasRoom, other)
    }
    return this.#clientSeries.add(key, { models: [model, response], errorType: error }, make, isFolded)
  }

  /** The request's model, the response's where there is none. */
  #modelOf(call: number): number {
    const model = this.#placeOf(call, 'model')
    return model === EMPTY ? this.#placeOf(call, 'responseModel') : model
  }

  #placeOf(call: number, name: 'model' | 'responseModel'): number {
    return this.#texts.placeOf(this.#calls.int(call, name))
  }

  #modelText(place: number): string {
    return place === EMPTY ? 'unknown' : this.#texts.text(place)
  }

  #errorText(place: number): string {
    return place === EMPTY ? 'unknown' : this.#errorTypes.text(place)
  }

  /** The same object every time: it is read at once. */
  #read(call: number): CountedCall {
    const { ints, numbers } = this.#calls
    const int = call * INT.width
    const number = call * NUMBER.width
    const counted = this.#counted
    counted.failed = (ints[int + INT.flags]! & FAILED) !== 0
    counted.rateLimited = (ints[int + INT.flags]! & RATE_LIMITED) !== 0
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

/** Rate limits have metrics of their own. */
function isError({ failed, rateLimited }: CountedCall): boolean {
  return failed && !rateLimited
}

/** What a text counts under that has no room; that there is none needs no room. */
function folded(place: number): number {
  return place === EMPTY ? EMPTY : OTHER
}
