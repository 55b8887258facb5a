/** How instrumentations write down a model call: the same facts in several dialects. */
import type { PlainAttributes } from '../support/otlp.ts'

/** What happened, and what a report of it says. */
export interface CallTruth {
  readonly model: string
  /** What the provider says that it answered with. */
  readonly responseModel: string
  readonly provider: 'openai' | 'anthropic'
  /** Cached ones included; undefined: nobody was told, as with a failed call or a stream that was cut. */
  readonly input: number | undefined
  readonly output: number | undefined
  readonly cached: number
  readonly failure: 'error' | 'rate_limit' | undefined
  readonly responseId: string
}

/** Where reports differ. */
export interface Told {
  readonly tokens: boolean
  readonly responseId: boolean
  readonly responseModel: boolean
}

export interface Emitter {
  readonly scope: string
  /** Does it know ids of the provider's answers? */
  readonly knowsIds: boolean
  /** Does it tell of rate limits? */
  readonly knowsLimits: boolean
  write(call: CallTruth, told: Told): PlainAttributes
}

type Entries = Record<string, string | number | undefined>

function known(entries: Entries): PlainAttributes {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as PlainAttributes
}

const ERROR_TYPES = { error: 'APIConnectionError', rate_limit: 'RateLimitError' } as const

function conventions(scope: string): Emitter {
  return {
    scope,
    knowsIds: true,
    knowsLimits: true,
    write: (call, told) =>
      known({
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': call.provider,
        'gen_ai.request.model': call.model,
        'gen_ai.response.model': told.responseModel ? call.responseModel : undefined,
        'gen_ai.response.id': told.responseId ? call.responseId : undefined,
        'gen_ai.usage.input_tokens': told.tokens ? call.input : undefined,
        'gen_ai.usage.output_tokens': told.tokens ? call.output : undefined,
        'gen_ai.usage.cache_read.input_tokens': told.tokens && call.cached > 0 ? call.cached : undefined,
        'error.type': call.failure && ERROR_TYPES[call.failure],
        'http.response.status_code': call.failure === 'rate_limit' ? 429 : undefined,
      }),
  }
}

const openInference: Emitter = {
  scope: 'openinference.instrumentation.langchain',
  knowsIds: false,
  knowsLimits: false,
  write: (call, told) =>
    known({
      'openinference.span.kind': 'LLM',
      'llm.provider': call.provider,
      'llm.model_name': call.model,
      'llm.token_count.prompt': told.tokens ? call.input : undefined,
      'llm.token_count.completion': told.tokens ? call.output : undefined,
      'llm.token_count.prompt_details.cache_read': told.tokens && call.cached > 0 ? call.cached : undefined,
    }),
}

const openLlmetry: Emitter = {
  scope: 'opentelemetry.instrumentation.langchain',
  knowsIds: false,
  knowsLimits: true,
  write: (call, told) =>
    known({
      'llm.request.type': 'chat',
      'gen_ai.system': call.provider,
      'gen_ai.request.model': call.model,
      'gen_ai.response.model': told.responseModel ? call.responseModel : undefined,
      'gen_ai.usage.input_tokens': told.tokens ? call.input : undefined,
      'gen_ai.usage.output_tokens': told.tokens ? call.output : undefined,
      'gen_ai.usage.cache_read_input_tokens': told.tokens && call.cached > 0 ? call.cached : undefined,
      'error.type': call.failure && ERROR_TYPES[call.failure],
    }),
}

/** Around a provider's SDK. */
export const SDKS = [conventions('opentelemetry.instrumentation.openai_v2'), conventions('an.sdk.of.its.own')] as const
/** Above one. */
export const FRAMEWORKS = [openInference, openLlmetry, conventions('a.framework')] as const
/** What instrumentations call the log record of a call. */
export const CALL_EVENT = 'gen_ai.client.inference.operation.details'
/** Tells of a streamed call in two spans: one ends when the stream is handed over, one is written when it has been read. */
export const STREAMER = conventions('logfire.openai')
export const GATEWAY = conventions('a.gateway')
