/**
 * The facts of a model call that are read from the attributes of a span or log record, and the names that they have in the newest
 * OpenTelemetry GenAI conventions. Everything behind the `gen_ai` processor reads these names only.
 */

/** Numbers of the fields. Texts come first, then numbers, then what has a form of its own. */
export const FIELD = {
  provider: 0,
  requestModel: 1,
  responseModel: 2,
  responseId: 3,
  conversationId: 4,
  errorType: 5,
  agentName: 6,
  taskType: 7,
  /** What the emitter says of a failure in words: looked at for rate limits, never copied. */
  errorText: 8,
  /** How it ended; the word `error`, in any case, says that the call failed. */
  outcome: 9,
  inputTokens: 10,
  outputTokens: 11,
  cacheReadTokens: 12,
  cacheWriteTokens: 13,
  reasoningTokens: 14,
  timeToFirstChunk: 15,
  cost: 16,
  operation: 17,
  stream: 18,
  finishReasons: 19,
  statusCode: 20,
  /** Milliseconds, where the item has no start of its own. */
  duration: 21,
  /** JSON in which the answer is to be looked for, where it stands beside the prompts. */
  answer: 22,
} as const

export type FieldName = keyof typeof FIELD
export const FIELD_NAMES = Object.keys(FIELD) as FieldName[]
export const FIELDS = FIELD_NAMES.length
/** How many fields are texts. */
export const TEXTS = FIELD.inputTokens

/** Names in the newest convention, of the fields that a normalised span has. */
export const NEWEST = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  conversationId: 'gen_ai.conversation.id',
  errorType: 'error.type',
  agentName: 'gen_ai.agent.name',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  stream: 'gen_ai.request.stream',
  finishReasons: 'gen_ai.response.finish_reasons',
} as const satisfies { [F in FieldName]?: string }

/** What this program adds to a model call under its own names. */
export const SLUICE = {
  dialect: 'sluice.dialect',
  cost: 'sluice.cost.usd',
  costSource: 'sluice.cost.source',
  rateLimited: 'sluice.rate_limited',
  qualityScore: 'sluice.quality.score',
  qualitySignals: 'sluice.quality.signals',
  /** Which numbers of the span are in no sum, because they cannot be true. */
  implausible: 'sluice.implausible',
  latency: 'sluice.latency.ms',
} as const
