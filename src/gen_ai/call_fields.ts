/**
 * The facts of a model call that are read from the attributes of a span or log record, and the names that they have in the newest
 * OpenTelemetry GenAI conventions. Everything behind the `gen_ai` processor reads these names only.
 */

/**
 * Numbers of the fields. Texts come first, then numbers, then what has a form of its own. Those that have a name in the newest
 * convention, or counts that may stand apart, are bits somewhere: they are below 32.
 */
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
  /** How it ended; the word `error`, in any case, and `false` say that the call failed. */
  outcome: 9,
  /** In which tier the provider served the call, else the one that was asked for. */
  serviceTier: 10,
  /** Where the call went: host or URL. */
  serverAddress: 11,
  inputTokens: 12,
  outputTokens: 13,
  cacheReadTokens: 14,
  cacheWriteTokens: 15,
  reasoningTokens: 16,
  timeToFirstChunk: 17,
  cost: 18,
  operation: 19,
  stream: 20,
  finishReasons: 21,
  statusCode: 22,
  /** Milliseconds, where the item has no start of its own. */
  duration: 23,
  /** JSON in which the answer is to be looked for, where it stands beside the prompts. */
  answer: 24,
  /** Parts of the tokens written to a cache, by how long they stay. */
  cacheWrite5mTokens: 25,
  cacheWrite1hTokens: 26,
  /** Parts of the input, and of the output. */
  inputAudioTokens: 27,
  outputAudioTokens: 28,
  /** Part of the input's audio, and of what was read from a cache. */
  cacheReadAudioTokens: 29,
  inputImageTokens: 30,
  outputImageTokens: 31,
  webSearches: 32,
  /** A gateway answered from a cache of its own: the model was not asked. */
  answerCached: 33,
  /** Sum of all tokens: tells what input and output leave out. */
  totalTokens: 34,
  /** Seconds between one chunk of the answer and the next, on average. */
  timePerChunk: 35,
  /** Seconds that the call waited in the model server's queue. */
  queueTime: 36,
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
  /** What the call costs by the user's prices or the list, whatever its emitter says. */
  tableCost: 'sluice.cost.table_usd',
  costSource: 'sluice.cost.source',
  /** What the call would have cost more without a cache. */
  savedCost: 'sluice.cost.saved_usd',
  /** True where that is all of the cost: the answer came from a gateway's cache. */
  answerCached: 'sluice.answer_cached',
  rateLimited: 'sluice.rate_limited',
  qualityScore: 'sluice.quality.score',
  qualitySignals: 'sluice.quality.signals',
  /** What is dangerous in it: texts of SAFETY_SIGNALS. */
  safetySignals: 'sluice.safety.signals',
  /** Which numbers of the span are in no sum, because they cannot be true. */
  implausible: 'sluice.implausible',
  /** How full the model's context window was when it began to answer, 0 to 1. */
  contextUtilization: 'sluice.context_window.utilization',
  latency: 'sluice.latency.ms',
  timePerChunk: 'sluice.time_per_output_chunk.s',
  queueTime: 'sluice.queue_time.s',
} as const
