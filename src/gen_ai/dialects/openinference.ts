/**
 * OpenInference (Arize Phoenix, AX). Sources: its specification (spec/semantic_conventions.md, spec/llm_spans.md) and
 * the instrumentations for Python and JavaScript of 2026.
 */

import { NEWEST } from '../call_fields.ts'
import { type Dialect, inJson } from './dialect.ts'

const fields: Dialect['fields'] = {
  operation: ['openinference.span.kind'],
  provider: ['llm.provider', 'llm.system', NEWEST.provider, inJson('metadata', 'ls_provider')],
  // `llm.model_name` is the response's model where there was one, and the request's before.
  requestModel: [
    'llm.request.model_name',
    inJson('llm.invocation_parameters', 'model'),
    inJson('embedding.invocation_parameters', 'model'),
    NEWEST.requestModel,
    'llm.model_name',
    'embedding.model_name',
  ],
  responseModel: ['llm.response.model_name', NEWEST.responseModel, 'llm.model_name', 'embedding.model_name'],
  responseId: [NEWEST.responseId],
  conversationId: ['session.id', NEWEST.conversationId],
  errorType: [NEWEST.errorType],
  agentName: ['agent.name', NEWEST.agentName],
  inputTokens: ['llm.token_count.prompt', NEWEST.inputTokens],
  outputTokens: ['llm.token_count.completion', NEWEST.outputTokens],
  cacheReadTokens: [
    'llm.token_count.prompt_details.cache_read',
    'llm.token_count.prompt_details.cache_input',
    NEWEST.cacheReadTokens,
  ],
  cacheWriteTokens: ['llm.token_count.prompt_details.cache_write', NEWEST.cacheWriteTokens],
  reasoningTokens: ['llm.token_count.completion_details.reasoning', NEWEST.reasoningTokens],
  timeToFirstChunk: [NEWEST.timeToFirstChunk],
  cost: ['llm.cost.total'],
  stream: [NEWEST.stream],
  finishReasons: ['llm.finish_reason', NEWEST.finishReasons],
  statusCode: ['http.response.status_code'],
}

/** AGENT and CHAIN spans repeat the token counts of what is below them; only these two kinds are calls. */
const operations = { LLM: 'chat', EMBEDDING: 'embeddings' }
const providers = {
  aws: 'aws.bedrock',
  azure: 'azure.ai.openai',
  google: 'gcp.gemini',
  mistralai: 'mistral_ai',
  vertexai: 'gcp.vertex_ai',
}
const common = { operations, providers, firstChunkEvent: 'First Token Stream Event' }

export const openInference: readonly Dialect[] = [
  {
    // Around a provider's SDK: `output.value` is the provider's answer as it came, so it begins with the answer's id.
    id: 'openinference-sdk',
    marks: ['openai', 'anthropic', 'groq', 'mistralai'].flatMap((sdk) => [
      { scope: `openinference.instrumentation.${sdk}`, key: 'openinference.span.kind' },
      { scope: `@arizeai/openinference-instrumentation-${sdk}`, key: 'openinference.span.kind' },
    ]),
    fields: { ...fields, responseId: [NEWEST.responseId, inJson('output.value', 'id')] },
    ...common,
  },
  {
    // Of LangChain's result only what the provider itself calls its answer's id; a run's id is no answer's.
    id: 'openinference-langchain',
    marks: [{ scope: 'openinference.instrumentation.langchain', key: 'openinference.span.kind' }],
    fields: { ...fields, responseId: [NEWEST.responseId, inJson('output.value', 'llm_output.id')] },
    ...common,
  },
  {
    // Its embedders report tokens only in what they return.
    id: 'openinference-haystack',
    marks: [{ scope: 'openinference.instrumentation.haystack', key: 'openinference.span.kind' }],
    fields: {
      ...fields,
      inputTokens: ['llm.token_count.prompt', inJson('output.value', 'meta.usage.prompt_tokens')],
    },
    ...common,
  },
  {
    // Bedrock's own count leaves out cached tokens.
    id: 'openinference-bedrock',
    marks: [{ scope: 'openinference.instrumentation.bedrock', key: 'openinference.span.kind' }],
    fields,
    ...common,
    inputIncludesCached: false,
  },
  { id: 'openinference', marks: [{ key: 'openinference.span.kind' }], fields, ...common },
]
