/**
 * The plain OpenTelemetry conventions, and what follows them nearly. Sources: semantic conventions 1.26 to 1.41 and the
 * GenAI conventions after them (gen-ai-spans.md, client-inference.md, migration.md).
 */

import { NEWEST } from '../call_fields.ts'
import type { Dialect } from './dialect.ts'

export const newestFields: Dialect['fields'] = {
  operation: [NEWEST.operation],
  provider: [NEWEST.provider, 'gen_ai.system'],
  requestModel: [NEWEST.requestModel],
  responseModel: [NEWEST.responseModel],
  responseId: [NEWEST.responseId],
  conversationId: [NEWEST.conversationId],
  errorType: [NEWEST.errorType],
  agentName: [NEWEST.agentName],
  taskType: ['llm.task_type'],
  inputTokens: [NEWEST.inputTokens],
  outputTokens: [NEWEST.outputTokens],
  cacheReadTokens: [NEWEST.cacheReadTokens],
  cacheWriteTokens: [NEWEST.cacheWriteTokens, 'gen_ai.usage.cache_creation.input_tokens'],
  reasoningTokens: [NEWEST.reasoningTokens],
  timeToFirstChunk: [NEWEST.timeToFirstChunk],
  cost: ['llm.cost_usd'],
  stream: [NEWEST.stream],
  finishReasons: [NEWEST.finishReasons],
  statusCode: ['http.response.status_code', 'http.status_code'],
}

export const legacyFields: Dialect['fields'] = {
  ...newestFields,
  provider: ['gen_ai.system', NEWEST.provider],
  inputTokens: [NEWEST.inputTokens, 'gen_ai.usage.prompt_tokens'],
  outputTokens: [NEWEST.outputTokens, 'gen_ai.usage.completion_tokens'],
  finishReasons: [NEWEST.finishReasons, 'gen_ai.response.finish_reason', 'gen_ai.choice.finish_reason'],
}

/** Spans that the Anthropic SDKs make by themselves, since anthropic 0.80 (Python) and 1.0 (TypeScript). */
export const anthropicSdk: Dialect = {
  id: 'anthropic-sdk',
  marks: [{ scope: 'com.anthropic.sdk.' }],
  ofProvider: true,
  fields: { ...newestFields, finishReasons: [NEWEST.finishReasons, 'anthropic.message.stop_reason'] },
}

/** Bedrock's own count of the input leaves out cached tokens, and the instrumentation passes it on. */
export const botocoreBedrock: Dialect = {
  id: 'otel-botocore-bedrock',
  marks: [{ scope: 'opentelemetry.instrumentation.botocore' }],
  fields: legacyFields,
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

/** The three ages of the conventions, the newest first, and what names no provider. They are the last in the table. */
export const conventions: readonly Dialect[] = [
  {
    id: 'otel-genai-newest',
    marks: [
      { scope: 'opentelemetry.instrumentation.genai.', key: NEWEST.provider },
      { scope: 'opentelemetry.util.genai.', key: NEWEST.provider },
      { key: NEWEST.cacheWriteTokens },
    ],
    fields: newestFields,
  },
  {
    id: 'otel-genai-v1.37-v1.41',
    marks: [{ key: NEWEST.provider }],
    fields: {
      ...newestFields,
      cacheWriteTokens: ['gen_ai.usage.cache_creation.input_tokens', NEWEST.cacheWriteTokens],
    },
  },
  {
    id: 'otel-genai-legacy-v1.26-v1.36',
    marks: [{ key: 'gen_ai.system' }],
    fields: legacyFields,
    operationOptional: true,
  },
  {
    // By hand, or by a gateway: the conventions ask for the provider, but what was called and its numbers are there.
    id: 'otel-genai-without-provider',
    marks: [{ key: NEWEST.operation }],
    fields: withoutProvider,
  },
]
