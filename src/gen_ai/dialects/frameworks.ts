/** Frameworks that write spans by themselves: Pydantic AI, Strands, Google ADK, Mastra, Genkit, LiteLLM. */

import { NEWEST } from '../call_fields.ts'
import { legacyFields, newestFields } from './conventions.ts'
import { apart, type Dialect, inJson } from './dialect.ts'

/** Source: pydantic-ai 1 and 2 (models/instrumented.py). `gen_ai.usage.details.*` repeats parts of the counts. */
export const pydanticAi: Dialect = {
  id: 'pydantic-ai',
  marks: [
    { scope: 'pydantic-ai', key: NEWEST.operation },
    { scope: 'pydantic_ai', key: NEWEST.operation },
  ],
  fields: {
    ...newestFields,
    agentName: [NEWEST.agentName, 'agent_name'],
    // Version 1 has the names of each provider.
    cacheReadTokens: [
      NEWEST.cacheReadTokens,
      ...['cache_read_tokens', 'cache_read_input_tokens', 'cached_tokens', 'cached_content_tokens'].map(inDetails),
    ],
    cacheWriteTokens: [
      'gen_ai.usage.cache_creation.input_tokens',
      ...['cache_write_tokens', 'cache_creation_input_tokens', 'cache_write_input_tokens'].map(inDetails),
      NEWEST.cacheWriteTokens,
    ],
    reasoningTokens: [NEWEST.reasoningTokens, ...['reasoning_tokens', 'thoughts_tokens'].map(inDetails)],
    timeToFirstChunk: [NEWEST.timeToFirstChunk, 'gen_ai.client.operation.time_to_first_chunk'],
    cost: ['operation.cost'],
  },
  providers: { 'google-gla': 'gcp.gemini', 'google-vertex': 'gcp.vertex_ai' },
}

function inDetails(name: string): string {
  return `gen_ai.usage.details.${name}`
}

const { provider: _, ...withoutProvider } = legacyFields

/**
 * Source: strands-agents 1.62 (telemetry/tracer.py). `invoke_agent` repeats the sums of its calls in the same keys. What
 * it calls provider is itself.
 */
export const strands: Dialect = {
  id: 'strands',
  marks: [{ scope: 'strands.telemetry', key: NEWEST.operation }],
  fields: {
    ...withoutProvider,
    conversationId: [NEWEST.conversationId, 'session.id'],
    cacheReadTokens: [NEWEST.cacheReadTokens, 'gen_ai.usage.cache_read_input_tokens'],
    cacheWriteTokens: [
      NEWEST.cacheWriteTokens,
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_write_input_tokens',
    ],
    timeToFirstChunk: ['gen_ai.server.time_to_first_token'],
  },
  timeToFirstChunkUnit: 'ms',
  totalIsOfProvider: true,
}

const ADK_USAGE = 'gcp.vertex.agent.llm_response'

/**
 * Source: google-adk 1 and 2 (telemetry/tracing.py). The output of version 1 leaves out the thoughts, which stand in the
 * response with the sum of all; its first releases write no counts elsewhere.
 */
export const googleAdk: Dialect = {
  id: 'google-adk',
  marks: [{ scope: 'gcp.vertex.agent' }],
  fields: {
    ...newestFields,
    conversationId: [NEWEST.conversationId, 'gcp.vertex.agent.session_id'],
    inputTokens: [NEWEST.inputTokens, inJson(ADK_USAGE, 'usage_metadata.prompt_token_count')],
    outputTokens: [NEWEST.outputTokens, inJson(ADK_USAGE, 'usage_metadata.candidates_token_count')],
    cacheReadTokens: [NEWEST.cacheReadTokens, inJson(ADK_USAGE, 'usage_metadata.cached_content_token_count')],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      'gen_ai.usage.experimental.reasoning_tokens',
      apart(inJson(ADK_USAGE, 'usage_metadata.thoughts_token_count')),
    ],
    totalTokens: [inJson(ADK_USAGE, 'usage_metadata.total_token_count'), 'gen_ai.usage.total_tokens'],
  },
  totalIsOfProvider: true,
  spanNames: { call_llm: 'generate_content' },
}

/** Source: @mastra/otel-exporter 1.4. A failed call's own span says so only by its finish reason. */
export const mastra: Dialect = {
  id: 'mastra',
  marks: [{ scope: '@mastra/', key: NEWEST.operation }],
  fields: {
    ...newestFields,
    reasoningTokens: [NEWEST.reasoningTokens, 'gen_ai.usage.reasoning_tokens'],
    timeToFirstChunk: ['mastra.completion_start_time'],
    outcome: [inJson(NEWEST.finishReasons, '0')],
  },
  timeToFirstChunkUnit: 'moment',
}

const OUTPUT = 'genkit:output'

/** Anthropic's plugin passes on the provider's input, which leaves out what was cached. */
function inAnthropic(name: string) {
  return ['usage.custom', 'raw.usage'].map((path) => apart(inJson(OUTPUT, `${path}.${name}`)))
}

/** Source: @genkit-ai/core 1.42. Only actions of the kind `model` are calls: `generate` and flows repeat their output. */
export const genkit: Dialect = {
  id: 'genkit',
  marks: [{ key: 'genkit:metadata:subtype' }],
  fields: {
    operation: ['genkit:metadata:subtype'],
    requestModel: ['genkit:name'],
    inputTokens: [inJson(OUTPUT, 'usage.inputTokens')],
    outputTokens: [inJson(OUTPUT, 'usage.outputTokens')],
    totalTokens: [inJson(OUTPUT, 'usage.totalTokens')],
    responseId: [inJson(OUTPUT, 'raw.id')],
    cacheReadTokens: [
      inJson(OUTPUT, 'usage.cachedContentTokens'),
      inJson(OUTPUT, 'raw.usage.prompt_tokens_details.cached_tokens'),
      ...inAnthropic('cache_read_input_tokens'),
    ],
    cacheWriteTokens: inAnthropic('cache_creation_input_tokens'),
    cacheWrite1hTokens: [inJson(OUTPUT, 'usage.custom.ephemeral_1h_input_tokens')],
    reasoningTokens: [
      inJson(OUTPUT, 'usage.thoughtsTokens'),
      inJson(OUTPUT, 'raw.usage.completion_tokens_details.reasoning_tokens'),
    ],
    outcome: ['genkit:state'],
    finishReasons: [inJson(OUTPUT, 'finishReason')],
  },
  operations: { model: 'chat', embedder: 'embeddings' },
}

const LITELLM_USAGE = 'metadata.usage_object'

/** Source: litellm 1.60 to 1.106 (integrations/opentelemetry.py): `metadata.usage_object` is a Python object's print. */
export const liteLlm: Dialect = {
  id: 'litellm',
  marks: [
    { scope: 'litellm', key: 'gen_ai.system' },
    { scope: 'litellm', key: NEWEST.provider },
  ],
  fields: {
    ...legacyFields,
    operation: [NEWEST.operation, 'llm.request.type'],
    errorText: ['error.message'],
    cacheReadTokens: [NEWEST.cacheReadTokens, inJson(LITELLM_USAGE, 'prompt_tokens_details.cached_tokens')],
    cacheWriteTokens: [
      NEWEST.cacheWriteTokens,
      'gen_ai.usage.cache_creation.input_tokens',
      inJson(LITELLM_USAGE, 'cache_creation_input_tokens'),
    ],
    reasoningTokens: [NEWEST.reasoningTokens, inJson(LITELLM_USAGE, 'completion_tokens_details.reasoning_tokens')],
    cost: ['gen_ai.cost.total_cost', 'litellm.cost.total'],
    responseModel: [NEWEST.responseModel, 'litellm.provider.model'],
    finishReasons: [NEWEST.finishReasons, 'gen_ai.completion.0.finish_reason'],
    stream: [NEWEST.stream, 'llm.is_streaming', 'litellm.request.streaming'],
    statusCode: ['http.response.status_code', 'error.code'],
  },
  operations: {
    acompletion: 'chat',
    completion: 'chat',
    aembedding: 'embeddings',
    arerank: 'rerank',
    aimage_generation: 'image_generation',
    aimage_edit: 'image_generation',
    aspeech: 'speech',
    atranscription: 'transcription',
    aresponses: 'chat',
    atext_completion: 'text_completion',
    anthropic_messages: 'chat',
  },
  zeroCostIsUnknown: true,
  spanNames: { litellm_request: 'chat' },
}
