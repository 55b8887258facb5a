/**
 * The facts of a model call that are read from a span's attributes, and the names that they have in the newest
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
  inputTokens: 8,
  outputTokens: 9,
  cacheReadTokens: 10,
  cacheWriteTokens: 11,
  reasoningTokens: 12,
  timeToFirstChunk: 13,
  cost: 14,
  operation: 15,
  stream: 16,
  finishReasons: 17,
  statusCode: 18,
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
} as const
