/**
 * OpenLLMetry (Traceloop). Sources: opentelemetry-semantic-conventions-ai and the instrumentations 0.44 to 0.62 (Python),
 * @traceloop/instrumentation-* 0.27 (JavaScript).
 */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import type { Dialect, Mark } from './dialect.ts'

/** Packages whose scope is `opentelemetry.instrumentation.` and this. OpenTelemetry's own are named otherwise. */
const packages = [
  ...['alephalpha', 'anthropic', 'bedrock', 'cohere', 'crewai', 'google_generativeai', 'groq', 'haystack', 'langchain'],
  ...['litellm', 'llamaindex', 'mistralai', 'ollama', 'openai.v', 'replicate', 'sagemaker', 'together'],
  ...['transformers', 'voyageai', 'watsonx', 'writer'],
]
const ownScopes = ['@traceloop/', ...packages.map((name) => `opentelemetry.instrumentation.${name}`)]
/** Attributes of calls that nobody else writes. */
const ownKeys = ['llm.request.type', 'gen_ai.is_streaming', 'llm.is_streaming', 'llm.usage.total_tokens']

function marksIn(scope: string): Mark[] {
  return [
    { scope, key: NEWEST.provider },
    { scope, key: 'gen_ai.system' },
  ]
}

/** Names in the order of 0.55 and later, 0.53, 0.4. */
const common: Dialect = {
  id: 'traceloop',
  marks: [...ownScopes.flatMap(marksIn), ...ownKeys.map((key) => ({ key }))],
  fields: {
    ...newestFields,
    operation: [NEWEST.operation, 'llm.request.type'],
    inputTokens: [NEWEST.inputTokens, 'gen_ai.usage.prompt_tokens', 'llm.usage.prompt_tokens'],
    outputTokens: [NEWEST.outputTokens, 'gen_ai.usage.completion_tokens', 'llm.usage.completion_tokens'],
    cacheReadTokens: [NEWEST.cacheReadTokens, 'gen_ai.usage.cache_read_input_tokens'],
    cacheWriteTokens: [
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
      NEWEST.cacheWriteTokens,
    ],
    reasoningTokens: [NEWEST.reasoningTokens, 'gen_ai.usage.reasoning_tokens', 'llm.usage.reasoning_tokens'],
    totalTokens: ['gen_ai.usage.total_tokens', 'llm.usage.total_tokens'],
    conversationId: [
      NEWEST.conversationId,
      'traceloop.association.properties.session_id',
      'traceloop.association.properties.thread_id',
      'traceloop.association.properties.conversation_id',
    ],
    stream: [NEWEST.stream, 'gen_ai.is_streaming', 'llm.is_streaming'],
    finishReasons: [
      NEWEST.finishReasons,
      'gen_ai.response.finish_reason',
      'gen_ai.response.stop_reason',
      'llm.response.finish_reason',
      'llm.response.stop_reason',
      'gen_ai.completion.0.finish_reason',
    ],
  },
  operationOptional: true,
}

/**
 * Those for JavaScript pass on what Anthropic and Bedrock count, that for Python what Bedrock does, and that leaves out
 * cached tokens. The one for Anthropic in Python adds them.
 */
const asProviderCounts: readonly Dialect[] = [
  {
    ...common,
    id: 'traceloop-js-anthropic',
    marks: ['anthropic', 'bedrock'].flatMap((sdk) => marksIn(`@traceloop/instrumentation-${sdk}`)),
    inputIncludesCached: false,
  },
  {
    ...common,
    id: 'traceloop-bedrock',
    marks: marksIn('opentelemetry.instrumentation.bedrock'),
    inputIncludesCached: false,
  },
]

/** Its calls of Haystack name neither model nor tokens: the workflow's output has both (`reading/workflow_output.ts`). */
const ofHaystack: Dialect = {
  ...common,
  id: 'traceloop-haystack',
  marks: marksIn('opentelemetry.instrumentation.haystack'),
}

const hosts = ['OpenAI', 'AzureOpenAI', 'Cohere', 'Mistral', 'Jina', 'AmazonBedrock', 'GoogleGenAI', 'HuggingFaceAPI']
const embedders = [...hosts, 'Ollama', 'Voyage', 'Nvidia', 'Watsonx'].flatMap((host) =>
  ['Text', 'Document'].map((kind) => `${host}${kind}Embedder`),
)

/** Source: haystack-ai 2.31. Embedders have no span but that of Haystack's own tracer: calls, where a workflow has their usage. */
const haystackComponents: Dialect = {
  id: 'haystack',
  marks: [{ scope: 'haystack', key: 'haystack.component.type' }],
  fields: { operation: ['haystack.component.type'] },
  operations: Object.fromEntries(embedders.map((type) => [type, 'embeddings'])),
  namesAreFree: true,
}

export const traceloop: readonly Dialect[] = [...asProviderCounts, ofHaystack, haystackComponents, common]
