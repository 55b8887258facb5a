/**
 * The plain OpenTelemetry conventions, and what follows them nearly. Sources: semantic conventions 1.26 to 1.41 and the
 * GenAI conventions after them (gen-ai-spans.md, client-inference.md, migration.md).
 */

import { NEWEST } from '../call_fields.ts'
import type { Dialect } from './dialect.ts'

/** Names that others than their inventors have taken over. */
const elsewhere = {
  cacheRead: [
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.cache_read_tokens',
    'gen_ai.usage.cached_tokens',
    'gen_ai.usage.cached_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'gen_ai.usage.prompt_tokens_details.cached_tokens',
    'gen_ai.usage.input_tokens_details.cached_tokens',
  ],
  cacheWrite: [
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.cache_write_input_tokens',
    'gen_ai.usage.cache_write_tokens',
    'gen_ai.usage.input_tokens.cache_write',
  ],
  reasoning: [
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'gen_ai.usage.completion_tokens_details.reasoning_tokens',
    'gen_ai.usage.output_tokens_details.reasoning_tokens',
  ],
}

export const newestFields: Dialect['fields'] = {
  operation: [NEWEST.operation],
  provider: [NEWEST.provider, 'gen_ai.system'],
  requestModel: [NEWEST.requestModel],
  responseModel: [NEWEST.responseModel],
  responseId: [NEWEST.responseId],
  conversationId: [NEWEST.conversationId, 'gen_ai.thread.id'],
  errorType: [NEWEST.errorType],
  agentName: [NEWEST.agentName],
  taskType: ['llm.task_type'],
  inputTokens: [NEWEST.inputTokens, 'gen_ai.usage.prompt_tokens'],
  outputTokens: [NEWEST.outputTokens, 'gen_ai.usage.completion_tokens'],
  cacheReadTokens: [NEWEST.cacheReadTokens, ...elsewhere.cacheRead],
  cacheWriteTokens: [NEWEST.cacheWriteTokens, 'gen_ai.usage.cache_creation.input_tokens', ...elsewhere.cacheWrite],
  reasoningTokens: [NEWEST.reasoningTokens, ...elsewhere.reasoning],
  totalTokens: ['gen_ai.usage.total_tokens'],
  timeToFirstChunk: [NEWEST.timeToFirstChunk, 'gen_ai.client.operation.time_to_first_chunk'],
  timePerChunk: ['gen_ai.client.operation.time_per_output_chunk'],
  cost: ['llm.cost_usd'],
  stream: [NEWEST.stream, 'gen_ai.request.is_stream'],
  finishReasons: [NEWEST.finishReasons, 'gen_ai.response.finish_reason'],
  statusCode: ['http.response.status_code', 'http.status_code'],
}

export const legacyFields: Dialect['fields'] = {
  ...newestFields,
  provider: ['gen_ai.system', NEWEST.provider],
  finishReasons: [NEWEST.finishReasons, 'gen_ai.response.finish_reason', 'gen_ai.choice.finish_reason'],
}

/** Spans that the Anthropic SDKs make by themselves, since anthropic 0.80 (Python) and 1.0 (TypeScript). */
export const anthropicSdk: Dialect = {
  id: 'anthropic-sdk',
  marks: [{ scope: 'com.anthropic.sdk.' }],
  ofProvider: true,
  fields: { ...newestFields, finishReasons: [NEWEST.finishReasons, 'anthropic.message.stop_reason'] },
}

/**
 * Spans that Mistral's SDK makes by itself. Source: mistralai 1.9 to 2.6 (extra/observability/otel.py). Version 1
 * names neither operation nor provider where a request failed or streamed: those are no calls here, since an
 * instrumentation around the SDK tells of them in full, and nothing would show that it is the same call.
 */
export const mistralSdk: Dialect = {
  id: 'mistral-sdk',
  marks: [{ scope: 'mistralai_sdk_tracer' }],
  ofProvider: true,
  fields: { ...newestFields, totalTokens: ['gen_ai.usage.total_tokens', 'mistral_ai.request.total_tokens'] },
  operationOptional: 'with_usage',
}

/** Bedrock's own count of the input leaves out cached tokens, and the instrumentation passes it on. */
export const botocoreBedrock: Dialect = {
  id: 'otel-botocore-bedrock',
  marks: [{ scope: 'opentelemetry.instrumentation.botocore' }],
  fields: { ...legacyFields, conversationId: [NEWEST.conversationId, 'session.id'] },
  inputIncludesCached: false,
}

/** Names in tutorials that predate the conventions or were never in them. */
export const tutorials: Dialect = {
  id: 'llm-attributes',
  marks: [
    { key: 'llm.prompt_tokens' },
    { key: 'llm.completion_tokens' },
    { key: 'llm.model' },
    { key: 'gen_ai.choice.finish_reason' },
  ],
  fields: {
    ...legacyFields,
    operation: [NEWEST.operation, 'llm.operation'],
    provider: [NEWEST.provider, 'gen_ai.system', 'llm.provider'],
    requestModel: [NEWEST.requestModel, 'llm.model'],
    inputTokens: [NEWEST.inputTokens, 'gen_ai.usage.prompt_tokens', 'llm.prompt_tokens'],
    outputTokens: [NEWEST.outputTokens, 'gen_ai.usage.completion_tokens', 'llm.completion_tokens'],
  },
  operationOptional: true,
}

const { provider: _, ...withoutProvider } = legacyFields

/** Beginnings of the scopes of what follows the conventions and of which nobody else names spans. */
const instrumentations = [
  ...['openai', 'anthropic', 'vertexai', 'google_genai', 'langchain'].map(
    (name) => `opentelemetry.instrumentation.${name}`,
  ),
  ...['opentelemetry.instrumentation.genai', 'opentelemetry.util.genai', 'io.opentelemetry.openai'],
  ...['@opentelemetry/instrumentation-openai', '@elastic/opentelemetry-instrumentation-openai'],
  ...['Experimental.Microsoft.', 'agent_framework', 'semantic_kernel', 'Microsoft.SemanticKernel', 'OpenAI.'],
  ...['azure.ai.', 'Azure.AI.'],
]

/** Where others say `LLM`, `AGENT`, `TOOL` … instead of an operation: LoongSuite, AgentOps, TraceAI. */
const SPAN_KIND = 'gen_ai.span.kind'
const operation = [NEWEST.operation, SPAN_KIND, 'agentops.span.kind', 'fi.span.kind']

/** The three ages of the conventions, the newest first, and what names no provider. They are the last in the table. */
export const conventions: readonly Dialect[] = [
  {
    // Bedrock's own count, as with botocore's (1.3): of Converse, and of InvokeModel.
    id: 'otel-genai-bedrock',
    marks: [{ scope: 'opentelemetry.instrumentation.genai.bedrock', key: NEWEST.provider }],
    fields: { ...newestFields, operation },
    operationOptional: 'with_usage',
    inputIncludesCached: false,
  },
  {
    id: 'otel-genai-newest',
    marks: [
      { scope: 'opentelemetry.instrumentation.genai.', key: NEWEST.provider },
      { scope: 'opentelemetry.util.genai.', key: NEWEST.provider },
      { key: NEWEST.cacheWriteTokens },
    ],
    fields: { ...newestFields, operation },
    operationOptional: 'with_usage',
  },
  {
    id: 'otel-genai-v1.37-v1.41',
    marks: [{ key: NEWEST.provider }],
    fields: {
      ...newestFields,
      operation,
      cacheWriteTokens: ['gen_ai.usage.cache_creation.input_tokens', NEWEST.cacheWriteTokens, ...elsewhere.cacheWrite],
    },
    operationOptional: 'with_usage',
    scopes: instrumentations,
  },
  {
    id: 'otel-genai-legacy-v1.26-v1.36',
    marks: [{ key: 'gen_ai.system' }],
    fields: { ...legacyFields, operation },
    operationOptional: true,
  },
  {
    // By hand, or by a gateway: the conventions ask for the provider, but what was called and its numbers are there.
    id: 'otel-genai-without-provider',
    marks: [NEWEST.operation, SPAN_KIND, NEWEST.requestModel, NEWEST.responseModel].map((key) => ({ key })),
    fields: { ...withoutProvider, operation },
    operationOptional: 'with_usage',
  },
]
