/** From calls that have settled to metrics: which series a call belongs to. */

import type { Host } from '../../component.ts'
import { PROVIDERS } from '../../gen_ai/dialects/lexicon.ts'
import { OPERATIONS } from '../../gen_ai/known_values.ts'
import type { Calls } from '../../steps/calls.ts'
import type { Report } from '../../steps/report.ts'
import type { Subscriber } from '../../steps/step_book.ts'
import { CallLabels } from './call_labels.ts'
import { CallReader } from './call_reader.ts'
import { CallWeights } from './call_weights.ts'
import type { GenAiMetricsConfig } from './config.ts'
import { CALL_POINTS, CallSeries, type CountedCall, ERROR_POINTS, ErrorSeries } from './families.ts'
import { EMPTY, type LabelTexts, OTHER } from './label_texts.ts'
import { metricNamesOf } from './own/meanings.ts'
import { CLIENT_POINTS, ClientSeries, SERVER_POINTS, ServerSeries } from './semconv_families.ts'
import type { Lease, MetricSet, PointAttributes } from './series/metric_set.ts'
import { type SeriesKind, SeriesPlaces } from './series/series_places.ts'
import { UnpricedModels } from './unpriced_models.ts'
import { WEIGHTED_POINTS, WeightedSeries } from './weighted_families.ts'

/** Places of texts are below this: series' keys, which are made of them by this factor, are exact below 2^53. */
const TEXTS = 2 ** 18
/** In place of an error type: the call did not fail. */
const NO_ERROR = -1

/** Whose own metrics tell of calls. */
export interface OwnTold {
  /** Families (bits, `own/meanings.ts`) that are not to be counted of a call with these reports. */
  toldBy(reports: readonly number[]): number
  /** The service that lets only some of its spans through, if these reports are of one. */
  samplerOf(reports: readonly number[]): SampledService | undefined
}

/** A service whose own metrics may come later and tell of what was counted of its spans: that has series of its own. */
export interface SampledService {
  readonly name: string
  /** Families (bits) of its own metrics that have come. */
  readonly passed: number
}

interface Kinds {
  /** Attributes that its series have beside the others: of `llm_*`, and of the conventions' metrics. */
  readonly labels: PointAttributes
  readonly attributes: PointAttributes
  readonly call: SeriesKind<CallSeries>
  readonly error: SeriesKind<ErrorSeries>
  readonly client: SeriesKind<ClientSeries>
}

interface SampledKinds {
  readonly kinds: Kinds
  readonly without: Set<string>
}

/** Sets of families told apart, and services that sample at the head. */
const KINDS_MAX = 64
const SAMPLED_MAX = 100

export class CallCounts implements Pick<Subscriber, 'settle'> {
  readonly #texts: LabelTexts
  readonly #errorTypes: LabelTexts
  readonly places: SeriesPlaces
  readonly #own: OwnTold
  /** By the families (bits) in which they count nothing. */
  readonly #kinds = new Map<number, Kinds>()
  readonly #sampled = new Map<SampledService, SampledKinds>()
  readonly #weightedSeries: SeriesKind<WeightedSeries>
  readonly #serverSeries: SeriesKind<ServerSeries>
  readonly #labels: CallLabels
  readonly #reader: CallReader
  /** Undefined: estimates are not wanted. */
  readonly #weights: CallWeights | undefined
  readonly #unpriced: UnpricedModels

  /** `series_max`: counters and histograms held. `weighted_metrics`: are the estimates of `weighted_families.ts` wanted? */
  constructor(
    steps: { readonly calls: Calls },
    texts: LabelTexts,
    errorTypes: LabelTexts,
    set: MetricSet,
    { series_max, weighted_metrics }: Pick<GenAiMetricsConfig, 'series_max' | 'weighted_metrics'>,
    { clock, log }: Pick<Host, 'clock' | 'log'>,
    own: OwnTold = { toldBy: () => 0, samplerOf: () => undefined },
  ) {
    this.#own = own
    this.#texts = texts
    this.#unpriced = new UnpricedModels(log)
    this.#errorTypes = errorTypes
    this.#labels = new CallLabels(steps, texts, errorTypes)
    this.#reader = new CallReader(steps, this.#labels)
    this.places = new SeriesPlaces(set, series_max, clock)
    this.#kinds.set(0, newKinds(this.places, metricNamesOf(0)))
    this.#serverSeries = this.places.newKind<ServerSeries>(SERVER_POINTS)
    this.#weightedSeries = this.places.newKind<WeightedSeries>(WEIGHTED_POINTS)
    this.#weights = weighted_metrics ? new CallWeights() : undefined
    // Series are found by the places of their texts: before a place goes to another text, its series end.
    texts.onReplaced = (place) => this.places.endAll(({ models }) => models.includes(place))
    errorTypes.onReplaced = (place) => this.places.endAll(({ errorType }) => errorType === place)
  }

  /** Makes the series of a call that is not settled yet, so that it is seen to begin at zero. `weight`: how many it stands for. */
  keep(row: number, report: Report, weight: number): void {
    this.#labels.keep(row, report)
    this.#weights?.keep(row, weight)
    const counted = this.#reader.read(row, [row])
    const kinds = this.#kindsFor([row])
    if (this.#weights !== undefined) this.#weightedSeriesOf(counted)
    this.#callSeriesOf(kinds, counted).prepare(counted)
    if (isError(counted)) this.#errorSeriesOf(kinds, counted)
  }

  /** Returns what it has counted: the same object every time. */
  settle(row: number, reports: readonly number[]): CountedCall {
    const counted = this.#reader.read(row, reports)
    const kinds = this.#kindsFor(reports)
    this.#callSeriesOf(kinds, counted).count(counted)
    if (isError(counted)) this.#errorSeriesOf(kinds, counted).count()
    this.#clientSeriesOf(kinds, counted).count(counted)
    if (counted.server_s >= 0) this.#serverSeriesOf(counted).count(counted)
    if (this.#weights !== undefined) {
      counted.weight = this.#weights.weightOf(reports)
      this.#weightedSeriesOf(counted).count(counted)
    }
    if (counted.isUnpriced) this.#unpriced.tell(this.#modelText(modelOf(counted)))
    return counted
  }

  /** Text of the label `model` of a call, and of the model that answered: empty where that is not told. */
  modelOf(counted: CountedCall): string {
    return this.#modelText(modelOf(counted))
  }

  versionOf({ responseModel }: CountedCall): string {
    return this.#texts.text(responseModel)
  }

  /** Series that count the call only where the service's own metrics do not tell of it. */
  #kindsFor(reports: readonly number[]): Kinds {
    const service = this.#own.samplerOf(reports)
    const ofService = service && this.#kindsOf(service)
    if (ofService !== undefined) return ofService
    const told = this.#own.toldBy(reports)
    const known = this.#kinds.get(told)
    if (known !== undefined) return known
    // Services that send the same metrics have the same set: there are few.
    if (this.#kinds.size >= KINDS_MAX) return this.#kinds.get(0)!
    const kinds = newKinds(this.places, metricNamesOf(told))
    this.#kinds.set(told, kinds)
    return kinds
  }

  /** Undefined: there are too many such services. */
  #kindsOf(service: SampledService): Kinds | undefined {
    const known = this.#sampled.get(service)
    if (known !== undefined) return known.kinds
    if (this.#sampled.size >= SAMPLED_MAX) return undefined
    const without = new Set(metricNamesOf(service.passed))
    const kinds = newKinds(this.places, without, service.name)
    this.#sampled.set(service, { kinds, without })
    return kinds
  }

  /** Its own metrics of more families have come: they tell also of what was counted of its few spans. False: nothing was. */
  leaveOut(service: SampledService): boolean {
    const known = this.#sampled.get(service)
    if (known === undefined) return false
    const names = metricNamesOf(service.passed)
    for (const name of names) known.without.add(name)
    const { call, error, client } = known.kinds
    for (const kind of [call, error, client]) kind.leaveOut(names)
    return true
  }

  #callSeriesOf(kinds: Kinds, counted: CountedCall): CallSeries {
    const { operation } = counted
    const model = modelOf(counted)
    return this.#callSeriesFor(kinds, model, operation) ?? this.#callSeriesFor(kinds, OTHER, operation)!
  }

  /** Undefined if there is no room for that model. */
  #callSeriesFor(kinds: Kinds, model: number, operation: number): CallSeries | undefined {
    const key = model * OPERATIONS.length + operation
    const known = kinds.call.find(key)
    if (known !== undefined) return known
    const make = (lease: Lease) => {
      const labels = { model: this.#modelText(model), endpoint: OPERATIONS[operation]!, ...kinds.labels }
      const other = model === OTHER ? undefined : () => this.#callSeriesFor(kinds, OTHER, operation)!
      return new CallSeries(lease, labels, this.places.hasRoom, other)
    }
    return kinds.call.add(key, { models: [model], errorType: EMPTY }, make, model === OTHER)
  }

  #errorSeriesOf(kinds: Kinds, counted: CountedCall): ErrorSeries {
    const { operation, errorType } = counted
    return (
      this.#errorSeriesFor(kinds, modelOf(counted), errorType, operation) ??
      this.#errorSeriesFor(kinds, OTHER, OTHER, operation)!
    )
  }

  #errorSeriesFor(kinds: Kinds, model: number, errorType: number, operation: number): ErrorSeries | undefined {
    const key = (errorType * TEXTS + model) * OPERATIONS.length + operation
    const known = kinds.error.find(key)
    if (known !== undefined) return known
    const make = (lease: Lease) =>
      new ErrorSeries(lease, {
        model: this.#modelText(model),
        endpoint: OPERATIONS[operation]!,
        error_type: this.#errorText(errorType),
        ...kinds.labels,
      })
    const always = model === OTHER && errorType === OTHER
    return kinds.error.add(key, { models: [model], errorType }, make, always)
  }

  #clientSeriesOf(
    kinds: Kinds,
    { failed, model, responseModel: response, errorType, provider, operation }: CountedCall,
  ): ClientSeries {
    const error = failed ? errorType : NO_ERROR
    return (
      this.#clientSeriesFor(kinds, model, response, error, provider, operation) ??
      this.#clientSeriesFor(
        kinds,
        folded(model),
        folded(response),
        error === NO_ERROR ? error : OTHER,
        provider,
        operation,
      )!
    )
  }

  /** Undefined if there is no room for that combination. */
  #clientSeriesFor(
    kinds: Kinds,
    model: number,
    response: number,
    error: number,
    provider: number,
    operation: number,
  ): ClientSeries | undefined {
    const key = clientKey(model, response, error, provider, operation)
    const known = kinds.client.find(key)
    if (known !== undefined) return known
    const [otherModel, otherResponse, otherError] = [
      folded(model),
      folded(response),
      error === NO_ERROR ? error : OTHER,
    ]
    const isFolded = model === otherModel && response === otherResponse && error === otherError
    const make = (lease: Lease) => {
      const attributes = { ...this.#semconvOf(model, response, provider, operation), ...kinds.attributes }
      const other = isFolded
        ? undefined
        : () => this.#clientSeriesFor(kinds, otherModel, otherResponse, otherError, provider, operation)!
      const errorType = error === NO_ERROR ? undefined : this.#errorText(error)
      return new ClientSeries(lease, attributes, errorType, this.places.hasRoom, other)
    }
    return kinds.client.add(key, { models: [model, response], errorType: error }, make, isFolded)
  }

  #semconvOf(model: number, response: number, provider: number, operation: number): PointAttributes {
    return {
      'gen_ai.operation.name': OPERATIONS[operation]!,
      'gen_ai.provider.name': PROVIDERS[provider] ?? 'other',
      ...(model !== EMPTY && { 'gen_ai.request.model': this.#texts.text(model) }),
      ...(response !== EMPTY && { 'gen_ai.response.model': this.#texts.text(response) }),
    }
  }

  #serverSeriesOf({
    failed,
    model,
    responseModel: response,
    errorType,
    provider,
    operation,
  }: CountedCall): ServerSeries {
    const error = failed ? errorType : NO_ERROR
    const otherError = failed ? OTHER : NO_ERROR
    return (
      this.#serverSeriesFor(model, response, error, provider, operation) ??
      this.#serverSeriesFor(folded(model), folded(response), otherError, provider, operation)!
    )
  }

  /** Undefined if there is no room for that combination. */
  #serverSeriesFor(
    model: number,
    response: number,
    error: number,
    provider: number,
    operation: number,
  ): ServerSeries | undefined {
    const key = clientKey(model, response, error, provider, operation)
    const known = this.#serverSeries.find(key)
    if (known !== undefined) return known
    const isFolded = model === folded(model) && response === folded(response) && (error === NO_ERROR || error === OTHER)
    const errorType = error === NO_ERROR ? undefined : this.#errorText(error)
    const make = (lease: Lease) =>
      new ServerSeries(lease, this.#semconvOf(model, response, provider, operation), errorType)
    return this.#serverSeries.add(key, { models: [model, response], errorType: error }, make, isFolded)
  }

  #weightedSeriesOf(counted: CountedCall): WeightedSeries {
    const { operation } = counted
    return this.#weightedSeriesFor(modelOf(counted), operation) ?? this.#weightedSeriesFor(OTHER, operation)!
  }

  #weightedSeriesFor(model: number, operation: number): WeightedSeries | undefined {
    const key = model * OPERATIONS.length + operation
    const known = this.#weightedSeries.find(key)
    if (known !== undefined) return known
    const make = (lease: Lease) =>
      new WeightedSeries(lease, { model: this.#modelText(model), endpoint: OPERATIONS[operation]! })
    return this.#weightedSeries.add(key, { models: [model], errorType: EMPTY }, make, model === OTHER)
  }

  #modelText(place: number): string {
    return place === EMPTY ? 'unknown' : this.#texts.text(place)
  }

  #errorText(place: number): string {
    return place === EMPTY ? 'unknown' : this.#errorTypes.text(place)
  }
}

/** `service`: whose calls alone they count. */
function newKinds(places: SeriesPlaces, without: ReadonlySet<string>, service?: string): Kinds {
  return {
    labels: service === undefined ? {} : { service_name: service },
    attributes: service === undefined ? {} : { 'service.name': service },
    call: places.newKind(CALL_POINTS, without),
    error: places.newKind(ERROR_POINTS, without),
    client: places.newKind(CLIENT_POINTS, without),
  }
}

function clientKey(model: number, response: number, error: number, provider: number, operation: number): number {
  return ((((error + 1) * TEXTS + model) * TEXTS + response) * 64 + provider + 1) * 8 + operation
}

/** The request's model, the response's where there is none. */
function modelOf({ model, responseModel }: CountedCall): number {
  return model === EMPTY ? responseModel : model
}

/** Rate limits have metrics of their own. */
function isError({ failed, rateLimited }: CountedCall): boolean {
  return failed && !rateLimited
}

/** The place under which a text counts when there is no room for it; no text stays no text. */
function folded(place: number): number {
  return place === EMPTY ? EMPTY : OTHER
}
