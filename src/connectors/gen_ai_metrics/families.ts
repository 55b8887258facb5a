/** The metrics of model calls: what they are called, and which numbers of a call go where. */

import { SAFETY_SIGNALS } from '../../content/safety/safety_signals.ts'
import { FINISH_REASONS } from '../../gen_ai/known_values.ts'
import { SIGNALS as SIGNAL_NAMES } from '../../gen_ai/quality.ts'
import {
  COST_BOUNDS_USD,
  DURATION_BOUNDS_S,
  FIRST_TOKEN_BOUNDS_S,
  LATENCY_BOUNDS_MS,
  PER_TOKEN_BOUNDS_S,
  QUEUE_BOUNDS_S,
  SCORE_BOUNDS,
  UTILIZATION_BOUNDS,
} from './series/bounds.ts'
import { IDS_BYTES, type ValueOrigin } from './series/bucket_exemplars.ts'
import type { Histogram } from './series/histogram.ts'
import type { CounterPoint, Description, Lease, PointAttributes } from './series/metric_set.ts'
import type { RecentMean } from './series/recent_mean.ts'

/** What is counted of a call. Numbers are NaN where unknown. */
export class CountedCall implements ValueOrigin {
  hasTrace = false
  readonly ids = Buffer.alloc(IDS_BYTES)
  end_ms = Number.NaN
  failed = false
  rateLimited = false
  /** Places of labels. */
  model = 0
  responseModel = 0
  errorType = 0
  /** Positions in PROVIDERS (-1: none) and OPERATIONS. */
  provider = -1
  operation = 0
  duration_s = Number.NaN
  ttft_s = Number.NaN
  input = Number.NaN
  output = Number.NaN
  cacheRead = Number.NaN
  cacheWrite = Number.NaN
  reasoning = Number.NaN
  cost_usd = Number.NaN
  /** What it would have cost more without a cache: the provider's, or a gateway's that answered. */
  saved_usd = Number.NaN
  isAnswerCached = false
  /** So many calls it stands for, where the sender samples at the head. */
  weight = 1
  /** How much more the emitter says that it cost than our prices do; NaN where one of them says nothing. */
  reportedMore_usd = Number.NaN
  /** Why nothing is known of its tokens, as far as that can be told; undefined: something is. */
  withoutUsage: 'failed' | 'streamed' | 'not_reported' | undefined
  /** It has tokens, and nobody knows a price. */
  isUnpriced = false
  score = Number.NaN
  perChunk_s = Number.NaN
  queue_s = Number.NaN
  contextUtilization = Number.NaN
  /** What the server that ran the model says of it, where its own span is among the reports: its duration, NaN where it is not. */
  server_s = Number.NaN
  /** Bits of FINISH_REASONS and of the signals of quality. */
  finishReasons = 0
  signals = 0
  safety = 0
}

/** Series of one combination of labels: held as long as it is counted in. */
export interface LeasedSeries {
  readonly lease: Lease
}

/** The `llm_*` metrics of one model and endpoint. */
export class CallSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #labels: PointAttributes
  /** Is there room for a series more? */
  readonly #hasRoom: () => boolean
  /** Which counts what there is no room for; undefined: there always is. */
  readonly #other: (() => CallSeries) | undefined
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
  /** What only some calls have; made when the first comes. */
  readonly #finishReasons: (CounterPoint | undefined)[] = []
  readonly #signals: (CounterPoint | undefined)[] = []
  readonly #safety: (CounterPoint | undefined)[] = []
  readonly #counters: Partial<Record<keyof typeof COUNTERS, CounterPoint>> = {}
  readonly #means: Partial<Record<keyof typeof MEANS, RecentMean>> = {}
  readonly #histograms: Partial<Record<keyof typeof HISTOGRAMS, Histogram>> = {}

  constructor(lease: Lease, labels: PointAttributes, hasRoom: () => boolean, other: (() => CallSeries) | undefined) {
    this.lease = lease
    this.#labels = labels
    this.#hasRoom = hasRoom
    this.#other = other
    const counter = (name: string, help: string, more: PointAttributes = {}) =>
      lease.counter({ name, help }, { ...labels, ...more })
    const histogram = (name: string, help: string, bounds: readonly number[]) =>
      lease.histogram({ name, help, exemplars: true }, bounds, labels)
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
    for (let bit = 0; call.finishReasons >>> bit !== 0; bit++)
      if ((call.finishReasons >>> bit) & 1) this.#finishReason(bit)
    for (let bit = 0; call.signals >>> bit !== 0; bit++) if ((call.signals >>> bit) & 1) this.#signal(bit)
    for (let bit = 0; call.safety >>> bit !== 0; bit++) if ((call.safety >>> bit) & 1) this.#danger(bit)
    if (!Number.isNaN(call.ttft_s)) this.#histogram('firstToken')
    if (!Number.isNaN(perToken(call))) this.#histogram('perToken')
    if (!Number.isNaN(call.perChunk_s)) this.#histogram('perChunk')
    if (!Number.isNaN(call.queue_s)) this.#histogram('queue')
    if (!Number.isNaN(call.score)) this.#histogram('score')
    if (!Number.isNaN(call.contextUtilization)) this.#histogram('context')
    if (call.saved_usd > 0) this.#counterOf(savingOf(call))
    const difference = differenceOf(call)
    if (difference !== undefined) this.#counterOf(difference)
    if (call.isUnpriced) this.#counterOf('unpriced')
    if (call.withoutUsage !== undefined) this.#counterOf(call.withoutUsage)
  }

  count(call: CountedCall): void {
    this.#requests.add(1)
    this.#input.add(call.input)
    this.#output.add(call.output)
    this.#cacheRead.add(call.cacheRead)
    this.#cacheWrite.add(call.cacheWrite)
    this.#reasoning.add(call.reasoning)
    if (call.duration_s >= 0) {
      this.#duration.record(call.duration_s, call)
      this.#latency.record(call.duration_s * 1000, call)
    }
    if (!Number.isNaN(call.cost_usd)) this.#cost.record(call.cost_usd, call)
    if (call.rateLimited) for (const counter of this.#rateLimited) counter.add(1)
    for (let bit = 0; call.finishReasons >>> bit !== 0; bit++)
      if ((call.finishReasons >>> bit) & 1) this.#finishReason(bit).add(1)
    for (let bit = 0; call.signals >>> bit !== 0; bit++) if ((call.signals >>> bit) & 1) this.#signal(bit).add(1)
    for (let bit = 0; call.safety >>> bit !== 0; bit++) if ((call.safety >>> bit) & 1) this.#danger(bit).add(1)
    if (!Number.isNaN(call.ttft_s)) this.#histogram('firstToken').record(call.ttft_s, call)
    const perToken_s = perToken(call)
    if (!Number.isNaN(perToken_s)) this.#histogram('perToken').record(perToken_s)
    if (!Number.isNaN(call.perChunk_s)) this.#histogram('perChunk').record(call.perChunk_s)
    if (!Number.isNaN(call.queue_s)) this.#histogram('queue').record(call.queue_s, call)
    if (!Number.isNaN(call.score)) {
      this.#histogram('score').record(call.score)
      this.#mean('score').record(call.score)
    }
    if (!Number.isNaN(call.contextUtilization)) {
      this.#histogram('context').record(call.contextUtilization)
      this.#mean('context').record(call.contextUtilization)
    }
    if (call.saved_usd > 0) this.#counterOf(savingOf(call)).add(call.saved_usd)
    const difference = differenceOf(call)
    if (difference !== undefined) this.#counterOf(difference).add(Math.abs(call.reportedMore_usd))
    if (call.isUnpriced) this.#counterOf('unpriced').add(1)
    if (call.withoutUsage !== undefined) this.#counterOf(call.withoutUsage).add(1)
  }

  #counterOf(which: keyof typeof COUNTERS): CounterPoint {
    const known = this.#counters[which]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#counterOf(which)
    const { more, ...description } = COUNTERS[which]
    return (this.#counters[which] = this.#counter(description, more))
  }

  #finishReason(bit: number): CounterPoint {
    const known = this.#finishReasons[bit]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#finishReason(bit)
    return (this.#finishReasons[bit] = this.#counter(FINISHED, { finish_reason: FINISH_REASONS[bit]! }))
  }

  #signal(bit: number): CounterPoint {
    const known = this.#signals[bit]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#signal(bit)
    return (this.#signals[bit] = this.#counter(SIGNALS, { signal: SIGNAL_NAMES[bit]! }))
  }

  #danger(bit: number): CounterPoint {
    const known = this.#safety[bit]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#danger(bit)
    return (this.#safety[bit] = this.#counter(DANGERS, { signal: SAFETY_SIGNALS[bit]! }))
  }

  #histogram(which: keyof typeof HISTOGRAMS): Histogram {
    const known = this.#histograms[which]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#histogram(which)
    const { bounds, ...description } = HISTOGRAMS[which]
    return (this.#histograms[which] = this.lease.histogram(description, bounds, this.#labels))
  }

  #mean(which: keyof typeof MEANS): RecentMean {
    const known = this.#means[which]
    if (known !== undefined) return known
    if (this.#isFull()) return this.#other!().#mean(which)
    return (this.#means[which] = this.lease.recentMean(MEANS[which], this.#labels))
  }

  #counter(description: Description, more: PointAttributes): CounterPoint {
    return this.lease.counter(description, { ...this.#labels, ...more })
  }

  #isFull(): boolean {
    return this.#other !== undefined && !this.#hasRoom()
  }
}

/** Series that a model and endpoint has in any case. */
export const CALL_POINTS = 11

/** Series of one way to fail. */
export const ERROR_POINTS = 1

/** Calls of one model and endpoint that failed in one way. */
export class ErrorSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #errors: CounterPoint

  constructor(lease: Lease, labels: PointAttributes) {
    this.lease = lease
    this.#errors = lease.counter(ERRORS, labels)
  }

  count(): void {
    this.#errors.add(1)
  }
}

const ERRORS = { name: 'llm_errors_total', help: 'Model calls that failed, other than by a rate limit' }
const FINISHED = { name: 'llm_finish_reasons_total', help: 'Finish reasons of model calls' }
const DANGERS = { name: 'llm_safety_signals_total', help: 'What is dangerous in model calls' }
const SIGNALS = { name: 'llm_quality_signals_total', help: 'What speaks against an answer' }
const HISTOGRAMS = {
  firstToken: {
    name: 'llm_time_to_first_token_seconds',
    help: 'Time to the first token',
    exemplars: true,
    bounds: FIRST_TOKEN_BOUNDS_S,
  },
  perToken: {
    name: 'llm_time_per_output_token_seconds',
    help: 'Time per output token after the first',
    bounds: PER_TOKEN_BOUNDS_S,
  },
  perChunk: {
    name: 'llm_time_between_chunks_seconds',
    help: 'Time between one chunk of a streamed answer and the next: the mean of each call',
    bounds: PER_TOKEN_BOUNDS_S,
  },
  queue: {
    name: 'llm_queue_time_seconds',
    help: 'Time that calls waited in the queue of the server that runs the model',
    exemplars: true,
    bounds: QUEUE_BOUNDS_S,
  },
  score: { name: 'llm_quality_score_distribution', help: 'Quality of answers, 0 to 1', bounds: SCORE_BOUNDS },
  context: {
    name: 'llm_context_window_utilization_distribution',
    help: 'Part of the context window that the input of a call takes, 0 to 1',
    bounds: UTILIZATION_BOUNDS,
  },
} as const
const MEANS = {
  score: { name: 'llm_quality_score', help: 'Quality of answers, 0 to 1: the mean of the last five minutes' },
  context: {
    name: 'llm_context_window_utilization',
    help: 'Part of the context window that the input of calls takes, 0 to 1: the mean of the last five minutes',
  },
} as const
const SAVED = {
  name: 'llm_cost_saved_usd_total',
  help: 'What tokens read from a prompt cache, and answers from a cache, would have cost more without it',
}
const DIFFERENCE = {
  name: 'llm_cost_difference_usd_total',
  help: 'Cost by which what emitters report is more, or less, than by the own prices and the list',
}
const WITHOUT_USAGE = {
  name: 'llm_calls_without_usage_total',
  help: 'Model calls of whose tokens nothing is known: they are in no sum of tokens or costs',
}
const COUNTERS = {
  savedByPrompts: { ...SAVED, more: { by: 'prompt_cache' } },
  savedByAnswers: { ...SAVED, more: { by: 'answer_cache' } },
  reportedMore: { ...DIFFERENCE, more: { reported: 'more' } },
  reportedLess: { ...DIFFERENCE, more: { reported: 'less' } },
  unpriced: { name: 'llm_unpriced_requests_total', help: 'Model calls with tokens and without a price', more: {} },
  failed: { ...WITHOUT_USAGE, more: { reason: 'failed' } },
  streamed: { ...WITHOUT_USAGE, more: { reason: 'streamed' } },
  not_reported: { ...WITHOUT_USAGE, more: { reason: 'not_reported' } },
} as const satisfies Record<string, Description & { readonly more: PointAttributes }>
const CACHED_HELP = 'Input tokens read from and written to a prompt cache'

function savingOf({ isAnswerCached }: CountedCall): 'savedByPrompts' | 'savedByAnswers' {
  return isAnswerCached ? 'savedByAnswers' : 'savedByPrompts'
}

/** Which counter has the difference between the emitter's cost and ours; undefined: there is none worth a name. */
function differenceOf({ reportedMore_usd }: CountedCall): 'reportedMore' | 'reportedLess' | undefined {
  if (reportedMore_usd > SAME_COST_USD) return 'reportedMore'
  return reportedMore_usd < -SAME_COST_USD ? 'reportedLess' : undefined
}

/** Costs that differ by less are the same, rounded. */
const SAME_COST_USD = 1e-9

/** Seconds for each output token after the first; NaN where it cannot be told. */
export function perToken({
  duration_s,
  ttft_s,
  output,
}: Pick<CountedCall, 'duration_s' | 'ttft_s' | 'output'>): number {
  return output > 1 && duration_s >= ttft_s ? (duration_s - ttft_s) / (output - 1) : Number.NaN
}
