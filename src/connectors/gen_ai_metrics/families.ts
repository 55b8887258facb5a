/** The metrics of model calls: what they are called, and which numbers of a call go where. */
import { FINISH_SIGNALS } from '../../gen_ai/quality.ts'
import { FINISH_REASONS } from '../../gen_ai/values.ts'
import {
  COST_BOUNDS_USD,
  DURATION_BOUNDS_S,
  FIRST_TOKEN_BOUNDS_S,
  type Histogram,
  LATENCY_BOUNDS_MS,
  PER_TOKEN_BOUNDS_S,
  SCORE_BOUNDS,
  TOKEN_BOUNDS,
} from './histogram.ts'
import type { Attributes, CounterPoint, MetricSet } from './metric_set.ts'

/** What is counted of a call. Numbers are NaN where unknown. */
export interface CountedCall {
  readonly failed: boolean
  readonly rateLimited: boolean
  readonly errorType: string
  readonly duration_s: number
  readonly ttft_s: number
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
  readonly cost_usd: number
  readonly score: number
  /** Bits of FINISH_REASONS and FINISH_SIGNALS. */
  readonly finishReasons: number
  readonly signals: number
}

/** The `llm_*` metrics of one model and endpoint. */
export class CallSeries {
  readonly #set: MetricSet
  readonly #labels: Attributes
  readonly #requests: CounterPoint
  readonly #input: CounterPoint
  readonly #output: CounterPoint
  readonly #cacheRead: CounterPoint
  readonly #cacheWrite: CounterPoint
  readonly #reasoning: CounterPoint
  readonly #rateLimited: readonly CounterPoint[]
  readonly #duration: Histogram
  readonly #latency: Histogram
  readonly #cost: Histogram

  constructor(set: MetricSet, labels: Attributes) {
    this.#set = set
    this.#labels = labels
    const counter = (name: string, help: string, more: Attributes = {}) =>
      set.counter({ name, help }, { ...labels, ...more })
    const histogram = (name: string, help: string, bounds: readonly number[]) =>
      set.histogram({ name, help }, bounds, labels)
    this.#requests = counter('llm_requests_total', 'Model calls, failed ones included')
    this.#input = counter('llm_tokens_input_total', 'Input tokens, cached ones included')
    this.#output = counter('llm_tokens_output_total', 'Output tokens, reasoning included')
    this.#cacheRead = counter('llm_tokens_cached_total', CACHED_HELP, { kind: 'read' })
    this.#cacheWrite = counter('llm_tokens_cached_total', CACHED_HELP, { kind: 'write' })
    this.#reasoning = counter('llm_tokens_reasoning_total', 'Output tokens that were reasoning')
    this.#rateLimited = ['llm_rate_limited_total', 'llm_rateLimited_total'].map((name) =>
      counter(name, 'Model calls that the provider refused because of a rate limit'),
    )
    this.#duration = histogram('llm_request_duration_seconds', 'Duration of model calls, end to end', DURATION_BOUNDS_S)
    this.#latency = histogram('llm_latency_ms', 'Duration of model calls in milliseconds', LATENCY_BOUNDS_MS)
    this.#cost = histogram('llm_cost_usd', 'Cost of model calls in USD', COST_BOUNDS_USD)
  }

  /** Makes the series that the call will need, so that they are shown at zero before they count it. */
  prepare(call: CountedCall): void {
    this.#touch(call, false)
  }

  count(call: CountedCall): void {
    this.#requests.add(1)
    this.#input.add(call.input)
    this.#output.add(call.output)
    this.#cacheRead.add(call.cacheRead)
    this.#cacheWrite.add(call.cacheWrite)
    this.#reasoning.add(call.reasoning)
    if (call.rateLimited) for (const counter of this.#rateLimited) counter.add(1)
    if (call.duration_s >= 0) {
      this.#duration.record(call.duration_s)
      this.#latency.record(call.duration_s * 1000)
    }
    if (!Number.isNaN(call.cost_usd)) this.#cost.record(call.cost_usd)
    this.#touch(call, true)
  }

  /** The series that only some calls have. */
  #touch(call: CountedCall, count: boolean): void {
    const one = count ? 1 : 0
    if (call.failed && !call.rateLimited) {
      this.#counter('llm_errors_total', 'Model calls that failed, other than by a rate limit', {
        error_type: call.errorType,
      }).add(one)
    }
    for (let bit = 0; call.finishReasons >>> bit !== 0; bit++) {
      if (((call.finishReasons >>> bit) & 1) === 0) continue
      this.#counter('llm_finish_reasons_total', 'Finish reasons of model calls', {
        finish_reason: FINISH_REASONS[bit]!,
      }).add(one)
    }
    for (let bit = 0; call.signals >>> bit !== 0; bit++) {
      if (((call.signals >>> bit) & 1) === 0) continue
      this.#counter('llm_quality_signals_total', 'What speaks against an answer', { signal: FINISH_SIGNALS[bit]! }).add(
        one,
      )
    }
    this.#record('llm_time_to_first_token_seconds', 'Time to the first token', FIRST_TOKEN_BOUNDS_S, call.ttft_s, count)
    this.#record(
      'llm_time_per_output_token_seconds',
      'Time per output token after the first',
      PER_TOKEN_BOUNDS_S,
      perToken(call),
      count,
    )
    this.#record('llm_quality_score', 'Quality of answers, 0 to 1', SCORE_BOUNDS, call.score, count)
  }

  #counter(name: string, help: string, more: Attributes): CounterPoint {
    return this.#set.counter({ name, help }, { ...this.#labels, ...more })
  }

  #record(name: string, help: string, bounds: readonly number[], value: number, count: boolean): void {
    if (Number.isNaN(value)) return
    const histogram = this.#set.histogram({ name, help }, bounds, this.#labels)
    if (count) histogram.record(value)
  }
}

const CACHED_HELP = 'Input tokens read from and written to a prompt cache'

/** Seconds for each output token after the first; NaN where it cannot be told. */
function perToken({ duration_s, ttft_s, output }: CountedCall): number {
  return output > 1 && duration_s >= ttft_s ? (duration_s - ttft_s) / (output - 1) : Number.NaN
}

/** The metrics of the OpenTelemetry GenAI conventions for one combination of their attributes. */
export class ClientSeries {
  readonly #input: Histogram
  readonly #output: Histogram
  readonly #duration: Histogram
  readonly #set: MetricSet
  readonly #attributes: Attributes

  constructor(set: MetricSet, attributes: Attributes, errorType: string) {
    this.#set = set
    this.#attributes = attributes
    const tokens = (type: string) =>
      set.histogram(TOKEN_USAGE, TOKEN_BOUNDS, { ...attributes, 'gen_ai.token.type': type })
    this.#input = tokens('input')
    this.#output = tokens('output')
    const failure = errorType === '' ? {} : { 'error.type': errorType }
    this.#duration = set.histogram(OPERATION_DURATION, DURATION_BOUNDS_S, { ...attributes, ...failure })
  }

  count(call: CountedCall): void {
    if (!Number.isNaN(call.input)) this.#input.record(call.input)
    if (!Number.isNaN(call.output)) this.#output.record(call.output)
    if (call.duration_s >= 0) this.#duration.record(call.duration_s)
    if (!Number.isNaN(call.ttft_s))
      this.#set.histogram(FIRST_CHUNK, FIRST_TOKEN_BOUNDS_S, this.#attributes).record(call.ttft_s)
  }
}

const TOKEN_USAGE = { name: 'gen_ai.client.token.usage', help: 'Tokens of model calls by type', unit: '{token}' }
const OPERATION_DURATION = { name: 'gen_ai.client.operation.duration', help: 'Duration of model calls', unit: 's' }
const FIRST_CHUNK = { name: 'gen_ai.client.operation.time_to_first_chunk', help: 'Time to the first chunk', unit: 's' }
