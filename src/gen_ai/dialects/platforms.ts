/** SDKs of platforms that show traces: Langfuse, LangSmith, MLflow, Logfire. */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import { apart, type Dialect, EXCLUSIVE, inGenerations, inJson, type PlaceInJson } from './dialect.ts'

const USAGE = 'langfuse.observation.usage_details'

/**
 * Langfuse. Sources: langfuse 3 to 5 (Python, langfuse/_client/attributes.py), @langfuse/otel 4 and 5. The usage's keys
 * are the integration's: OpenAI's as they came (details are part of the whole), or Langfuse's own and Anthropic's
 * (`input`, `input_cached_tokens`, `cache_read_input_tokens`), which are counted apart.
 */
export const langfuse: Dialect = {
  id: 'langfuse',
  marks: [{ key: 'langfuse.observation.type' }],
  fields: {
    operation: ['langfuse.observation.type'],
    provider: [NEWEST.provider, 'gen_ai.system'],
    requestModel: ['langfuse.observation.model.name', NEWEST.requestModel],
    responseModel: [NEWEST.responseModel, 'langfuse.observation.model.name'],
    responseId: [NEWEST.responseId, 'langfuse.observation.metadata.id'],
    conversationId: ['session.id', 'langfuse.session.id', NEWEST.conversationId],
    errorType: [NEWEST.errorType],
    errorText: ['langfuse.observation.status_message'],
    outcome: ['langfuse.observation.level'],
    inputTokens: [inJson(USAGE, 'prompt_tokens'), inJson(USAGE, 'input_tokens'), inJson(USAGE, 'input')],
    outputTokens: [inJson(USAGE, 'completion_tokens'), inJson(USAGE, 'output_tokens'), inJson(USAGE, 'output')],
    cacheReadTokens: [
      inJson(USAGE, 'prompt_tokens_details.cached_tokens'),
      inJson(USAGE, 'input_tokens_details.cached_tokens'),
      apart(inJson(USAGE, 'input_cached_tokens')),
      apart(inJson(USAGE, 'input_cache_read')),
      apart(inJson(USAGE, 'cache_read_input_tokens')),
    ],
    cacheWriteTokens: [
      apart(inJson(USAGE, 'input_cache_creation')),
      apart(inJson(USAGE, 'cache_creation_input_tokens')),
    ],
    reasoningTokens: [
      inJson(USAGE, 'completion_tokens_details.reasoning_tokens'),
      inJson(USAGE, 'output_tokens_details.reasoning_tokens'),
      apart(inJson(USAGE, 'output_reasoning_tokens')),
      apart(inJson(USAGE, 'output_reasoning')),
    ],
    totalTokens: [inJson(USAGE, 'total_tokens'), inJson(USAGE, 'total')],
    timeToFirstChunk: ['langfuse.observation.completion_start_time'],
    cost: [inJson('langfuse.observation.cost_details', 'total')],
    finishReasons: [
      'langfuse.observation.metadata.finish_reason',
      inJson('langfuse.observation.metadata.incomplete_details', 'reason'),
      NEWEST.finishReasons,
    ],
    statusCode: ['http.response.status_code'],
  },
  operations: { generation: 'chat' },
  zeroCostIsUnknown: true,
  quotedTexts: true,
  timeToFirstChunkUnit: 'moment',
}

/** LangChain's usage, under either of LangSmith's names. */
function inUsage(path: string): PlaceInJson[] {
  return ['langsmith.usage_metadata', 'langsmith.metadata.usage_metadata'].map((name) => inJson(name, path))
}

/**
 * LangSmith's export. Sources: langsmith 0.4 to 0.14 (python/langsmith/_internal/otel/_otel_exporter.py) and
 * js/src/experimental/otel. `gen_ai.operation.name` calls a retriever `embeddings` and a prompt `chat`, so the run's
 * kind decides. `langsmith.trace.session_id` is the project, no conversation.
 */
export const langSmith: Dialect = {
  id: 'langsmith',
  marks: [{ key: 'langsmith.span.kind' }],
  fields: {
    ...newestFields,
    operation: ['langsmith.span.kind'],
    provider: ['gen_ai.system', NEWEST.provider, 'langsmith.metadata.ls_provider'],
    requestModel: [NEWEST.requestModel, 'langsmith.metadata.ls_model_name'],
    conversationId: [
      NEWEST.conversationId,
      'langsmith.metadata.thread_id',
      'langsmith.metadata.session_id',
      'langsmith.metadata.conversation_id',
    ],
    inputTokens: [NEWEST.inputTokens, ...inUsage('input_tokens')],
    outputTokens: [NEWEST.outputTokens, ...inUsage('output_tokens')],
    totalTokens: ['gen_ai.usage.total_tokens', ...inUsage('total_tokens')],
    cacheReadTokens: [
      NEWEST.cacheReadTokens,
      inJson('gen_ai.usage.input_token_details', 'cache_read'),
      ...inUsage('input_token_details.cache_read'),
    ],
    cacheWriteTokens: [
      NEWEST.cacheWriteTokens,
      'gen_ai.usage.cache_creation.input_tokens',
      inJson('gen_ai.usage.input_token_details', 'cache_creation'),
      ...inUsage('input_token_details.cache_creation'),
    ],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      'gen_ai.usage.reasoning_tokens',
      inJson('gen_ai.usage.output_token_details', 'reasoning'),
      ...inUsage('output_token_details.reasoning'),
    ],
    cost: inUsage('total_cost'),
    finishReasons: [NEWEST.finishReasons, ...inGenerations('gen_ai.completion')],
    stream: [NEWEST.stream, 'langsmith.request.streaming'],
  },
  failsByException: true,
}

const CHAT_USAGE = 'mlflow.chat.tokenUsage'

/** The usage in the provider's answer as it came. */
function inOutputs(name: string): PlaceInJson {
  return inJson('mlflow.spanOutputs', `usage.${name}`)
}

/**
 * MLflow Tracing. Source: mlflow 2.14 to 3.17 (mlflow/tracing/constant.py). Every value is JSON, texts are quoted. The
 * answer as it came stands in `mlflow.spanOutputs`.
 */
export const mlflow: Dialect = {
  id: 'mlflow',
  marks: [{ scope: 'mlflow.', key: 'mlflow.spanType' }],
  fields: {
    operation: ['mlflow.spanType'],
    provider: ['mlflow.llm.provider', 'mlflow.message.format'],
    requestModel: ['model', 'mlflow.llm.model'],
    responseModel: [inJson('mlflow.spanOutputs', 'model'), 'mlflow.llm.model'],
    responseId: [inJson('mlflow.spanOutputs', 'id')],
    serviceTier: [inJson('mlflow.spanOutputs', 'service_tier')],
    conversationId: ['session.id', 'mlflow.trace.session'],
    // As the provider counts, in either place.
    inputTokens: [inJson(CHAT_USAGE, 'input_tokens'), inOutputs('prompt_tokens'), inOutputs('input_tokens')],
    outputTokens: [inJson(CHAT_USAGE, 'output_tokens'), inOutputs('completion_tokens'), inOutputs('output_tokens')],
    totalTokens: [inJson(CHAT_USAGE, 'total_tokens')],
    cacheReadTokens: [
      apart(inJson(CHAT_USAGE, 'cache_read_input_tokens'), ...EXCLUSIVE),
      inOutputs('prompt_tokens_details.cached_tokens'),
      inOutputs('input_tokens_details.cached_tokens'),
      apart(inOutputs('cache_read_input_tokens')),
    ],
    cacheWriteTokens: [
      apart(inJson(CHAT_USAGE, 'cache_creation_input_tokens'), ...EXCLUSIVE),
      apart(inOutputs('cache_creation_input_tokens')),
    ],
    reasoningTokens: [
      inOutputs('completion_tokens_details.reasoning_tokens'),
      inOutputs('output_tokens_details.reasoning_tokens'),
    ],
    cost: [inJson('mlflow.llm.cost', 'total_cost')],
    stream: ['stream'],
    finishReasons: [inJson('mlflow.spanOutputs', 'choices.0.finish_reason')],
  },
  operations: { '"CHAT_MODEL"': 'chat', '"LLM"': 'chat', '"EMBEDDING"': 'embeddings' },
  quotedTexts: true,
  firstChunkEvent: 'mlflow.chunk.item.0',
  namesAreFree: true,
}

const RAW = 'gen_ai.usage.raw'

/**
 * Pydantic Logfire's own integrations. Source: logfire 3 to 5 (logfire/_internal/integrations/llm_providers). A streamed
 * answer's tokens come on a second span, `streaming response from …`.
 */
export const logfire: Dialect = {
  id: 'logfire',
  marks: [
    { scope: 'logfire', key: NEWEST.provider },
    { scope: 'logfire', key: 'gen_ai.system' },
  ],
  fields: {
    ...newestFields,
    cacheReadTokens: [
      NEWEST.cacheReadTokens,
      inJson(RAW, 'prompt_tokens_details.cached_tokens'),
      inJson(RAW, 'input_tokens_details.cached_tokens'),
      inJson(RAW, 'cache_read_input_tokens'),
    ],
    cacheWriteTokens: [
      NEWEST.cacheWriteTokens,
      'gen_ai.usage.cache_creation.input_tokens',
      inJson(RAW, 'cache_creation_input_tokens'),
    ],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      inJson(RAW, 'completion_tokens_details.reasoning_tokens'),
      inJson(RAW, 'output_tokens_details.reasoning_tokens'),
    ],
    cost: ['operation.cost'],
    stream: [NEWEST.stream, inJson('request_data', 'stream')],
  },
  streamDuration: 'duration',
  namesAreFree: true,
}
