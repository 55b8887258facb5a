/** The Vercel AI SDK. Sources: ai 3.3, 4.3, 5.0, 6.0 (packages/ai) and 7.0 (packages/otel). */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import { apart, type Dialect, EXCLUSIVE, inJson, type PlaceInJson } from './dialect.ts'

const MODEL_PROVIDERS = {
  'azure-openai.chat': 'azure.ai.openai',
  'azure-openai.responses': 'azure.ai.openai',
  'google.vertex.chat': 'gcp.vertex_ai',
  'vertex.anthropic.messages': 'gcp.vertex_ai',
  'groq.chat': 'groq',
  'mistral.chat': 'mistral_ai',
  'mistral.embedding': 'mistral_ai',
  'cohere.chat': 'cohere',
  'xai.chat': 'x_ai',
  'deepseek.chat': 'deepseek',
}

/** Where providers say by themselves what was cached: Anthropic (also by way of others) and Bedrock, which count it apart. */
const METADATA = 'ai.response.providerMetadata'
const CACHE_READ = [
  'anthropic.usage.cache_read_input_tokens',
  'anthropic.cacheReadInputTokens',
  'bedrock.usage.cacheReadInputTokens',
]
const CACHE_WRITE = [
  'anthropic.usage.cache_creation_input_tokens',
  'anthropic.cacheCreationInputTokens',
  'bedrock.usage.cacheWriteInputTokens',
]

/** The spans around these (`ai.generateText` …) hold the sums of their calls. */
const CALLS = {
  'ai.generateText.doGenerate': 'chat',
  'ai.generateObject.doGenerate': 'chat',
  'ai.streamText.doStream': 'chat',
  'ai.streamObject.doStream': 'chat',
  'ai.embed.doEmbed': 'embeddings',
  'ai.embedMany.doEmbed': 'embeddings',
  'ai.rerank.doRerank': 'rerank',
}

/** Users name compatible providers as they like, and what these tell stands below that name: OpenAI's way, or Google's. */
function inMetadata(path: string): PlaceInJson {
  return inJson(METADATA, `*.${path}`)
}

/**
 * Versions 3 to 6; names in the order 6, 5, 4, 3. Before 6 the provider's own input count was passed on, and Anthropic's
 * leaves out cached tokens; only 6 has `inputTokenDetails`.
 */
const spans: Dialect = {
  id: 'vercel-ai-sdk',
  marks: [{ key: 'ai.operationId' }, { scope: 'ai', key: 'ai.model.id' }],
  fields: {
    ...newestFields,
    operation: ['ai.operationId'],
    provider: ['gen_ai.system', 'ai.model.provider'],
    requestModel: [NEWEST.requestModel, 'ai.model.id'],
    responseModel: [NEWEST.responseModel, 'ai.response.model'],
    responseId: [NEWEST.responseId, 'ai.response.id'],
    conversationId: [
      NEWEST.conversationId,
      'ai.telemetry.metadata.sessionId',
      'ai.telemetry.metadata.conversationId',
      'ai.telemetry.metadata.threadId',
    ],
    agentName: [NEWEST.agentName, 'ai.telemetry.functionId'],
    inputTokens: [
      NEWEST.inputTokens,
      'gen_ai.usage.prompt_tokens',
      'ai.usage.inputTokens',
      'ai.usage.promptTokens',
      'ai.usage.tokens',
    ],
    outputTokens: [
      NEWEST.outputTokens,
      'gen_ai.usage.completion_tokens',
      'ai.usage.outputTokens',
      'ai.usage.completionTokens',
    ],
    cacheReadTokens: [
      'ai.usage.inputTokenDetails.cacheReadTokens',
      ...CACHE_READ.map((path) => apart(inJson(METADATA, path))),
      apart('ai.usage.cachedInputTokens', ...EXCLUSIVE),
      ...['cachedPromptTokens', 'promptCacheHitTokens', 'usageMetadata.cachedContentTokenCount'].map(inMetadata),
    ],
    cacheWriteTokens: [
      'ai.usage.inputTokenDetails.cacheWriteTokens',
      ...CACHE_WRITE.map((path) => apart(inJson(METADATA, path))),
    ],
    reasoningTokens: [
      'ai.usage.outputTokenDetails.reasoningTokens',
      'ai.usage.reasoningTokens',
      inMetadata('reasoningTokens'),
      apart(inMetadata('usageMetadata.thoughtsTokenCount')),
    ],
    totalTokens: ['ai.usage.totalTokens', 'gen_ai.usage.total_tokens'],
    timeToFirstChunk: ['ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk'],
    stream: ['ai.operationId'],
    finishReasons: [NEWEST.finishReasons, 'ai.response.finishReason', 'ai.finishReason'],
  },
  operations: CALLS,
  // Before 3.3 nothing but the name says what a span is.
  spanNames: CALLS,
  providers: MODEL_PROVIDERS,
  streamWords: ['ai.streamText.doStream', 'ai.streamObject.doStream'],
  timeToFirstChunkUnit: 'ms',
}

export const vercel: readonly Dialect[] = [
  {
    // The `OpenTelemetry` integration: metric names as span attributes; `invoke_agent` has the sums of its calls.
    id: 'vercel-ai-sdk-7',
    // Its steps have no provider; OpenInference's processor calls them LLM.
    marks: [NEWEST.provider, 'openinference.span.kind'].map((key) => ({ scope: 'gen_ai', key })),
    fields: {
      ...newestFields,
      conversationId: [NEWEST.conversationId, 'ai.settings.context.sessionId'],
      reasoningTokens: [NEWEST.reasoningTokens, 'ai.usage.outputTokenDetails.reasoningTokens'],
      timeToFirstChunk: [NEWEST.timeToFirstChunk, 'gen_ai.client.operation.time_to_first_chunk'],
    },
    providers: MODEL_PROVIDERS,
  },
  spans,
]
