/** SDKs of platforms that show traces: Langfuse, LangSmith, MLflow, Logfire. */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import { apart, type Dialect, inJson } from './dialect.ts'

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
    timeToFirstChunk: ['langfuse.observation.completion_start_time'],
    cost: [inJson('langfuse.observation.cost_details', 'total')],
    finishReasons: [
      'langfuse.observation.metadata.finish_reason',
      inJson('langfuse.observation.metadata.incomplete_details', 'reason'),
      NEWEST.finishReasons,
    ],
    statusCode: ['http.response.status_code'],
  },
  operations: { generation: 'chat', embedding: 'embeddings' },
  zeroCostIsUnknown: true,
  quotedTexts: true,
  timeToFirstChunkUnit: 'moment',
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
    inputTokens: [NEWEST.inputTokens, inJson('langsmith.usage_metadata', 'input_tokens')],
    outputTokens: [NEWEST.outputTokens, inJson('langsmith.usage_metadata', 'output_tokens')],
    cacheReadTokens: [
      NEWEST.cacheReadTokens,
      inJson('gen_ai.usage.input_token_details', 'cache_read'),
      inJson('langsmith.usage_metadata', 'input_token_details.cache_read'),
    ],
    cacheWriteTokens: [
      NEWEST.cacheWriteTokens,
      'gen_ai.usage.cache_creation.input_tokens',
      inJson('gen_ai.usage.input_token_details', 'cache_creation'),
      inJson('langsmith.usage_metadata', 'input_token_details.cache_creation'),
    ],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      'gen_ai.usage.reasoning_tokens',
      inJson('gen_ai.usage.output_token_details', 'reasoning'),
      inJson('langsmith.usage_metadata', 'output_token_details.reasoning'),
    ],
    cost: [inJson('langsmith.usage_metadata', 'total_cost')],
    stream: [NEWEST.stream, 'langsmith.request.streaming'],
  },
  operations: { llm: 'chat', embedding: 'embeddings', chat: 'chat' },
  providers: {
    amazon_bedrock: 'aws.bedrock',
    azure: 'azure.ai.openai',
    google_genai: 'gcp.gemini',
    google_vertexai: 'gcp.vertex_ai',
    mistralai: 'mistral_ai',
  },
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
    conversationId: ['session.id', 'mlflow.trace.session'],
    inputTokens: [
      inJson('mlflow.chat.tokenUsage', 'input_tokens'),
      inJson('mlflow.spanOutputs', 'usage.prompt_tokens'),
    ],
    outputTokens: [inJson('mlflow.chat.tokenUsage', 'output_tokens')],
    cacheReadTokens: [inJson('mlflow.chat.tokenUsage', 'cache_read_input_tokens')],
    cacheWriteTokens: [inJson('mlflow.chat.tokenUsage', 'cache_creation_input_tokens')],
    reasoningTokens: [
      inJson('mlflow.spanOutputs', 'usage.completion_tokens_details.reasoning_tokens'),
      inJson('mlflow.spanOutputs', 'usage.output_tokens_details.reasoning_tokens'),
    ],
    cost: [inJson('mlflow.llm.cost', 'total_cost')],
    stream: ['stream'],
    finishReasons: [inJson('mlflow.spanOutputs', 'choices.0.finish_reason')],
  },
  operations: { '"CHAT_MODEL"': 'chat', '"LLM"': 'chat', '"EMBEDDING"': 'embeddings' },
  quotedTexts: true,
  firstChunkEvent: 'mlflow.chunk.item.0',
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
    cacheWriteTokens: [NEWEST.cacheWriteTokens, inJson(RAW, 'cache_creation_input_tokens')],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      inJson(RAW, 'completion_tokens_details.reasoning_tokens'),
      inJson(RAW, 'output_tokens_details.reasoning_tokens'),
    ],
    cost: ['operation.cost'],
    stream: [NEWEST.stream, inJson('request_data', 'stream')],
  },
  streamDuration: 'duration',
}
