/**
 * OpenInference (Arize Phoenix, AX). Sources: its specification (spec/semantic_conventions.md, spec/llm_spans.md) and
 * the instrumentations for Python and JavaScript of 2026.
 */

import { NEWEST } from '../call_fields.ts'
import { type Dialect, inGenerations, inJson } from './dialect.ts'

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
  agentName: ['agent.name', NEWEST.agentName, 'graph.node.name'],
  inputTokens: ['llm.token_count.prompt', NEWEST.inputTokens],
  outputTokens: ['llm.token_count.completion', NEWEST.outputTokens],
  cacheReadTokens: [
    'llm.token_count.prompt_details.cache_read',
    'llm.token_count.prompt_details.cache_input',
    NEWEST.cacheReadTokens,
  ],
  cacheWriteTokens: ['llm.token_count.prompt_details.cache_write', NEWEST.cacheWriteTokens],
  reasoningTokens: ['llm.token_count.completion_details.reasoning', NEWEST.reasoningTokens],
  totalTokens: ['llm.token_count.total', 'gen_ai.usage.total_tokens'],
  timeToFirstChunk: [NEWEST.timeToFirstChunk],
  cost: ['llm.cost.total'],
  stream: [NEWEST.stream, inJson('llm.invocation_parameters', 'stream')],
  finishReasons: ['llm.finish_reason', NEWEST.finishReasons],
  statusCode: ['http.response.status_code'],
}

/** In LangChain's result. */
const MESSAGE = 'generations.0.0.message.kwargs'

/** AGENT and CHAIN spans repeat the token counts of what is below them; only these two kinds are calls. */
const common = { firstChunkEvent: 'First Token Stream Event' }

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
    marks: ['openinference.instrumentation.langchain', '@arizeai/openinference-instrumentation-langchain'].map(
      (scope) => ({ scope, key: 'openinference.span.kind' }),
    ),
    fields: {
      ...fields,
      responseId: [
        NEWEST.responseId,
        ...['llm_output.id', 'llmOutput.id', `${MESSAGE}.response_metadata.id`, `${MESSAGE}.additional_kwargs.id`].map(
          (path) => inJson('output.value', path),
        ),
      ],
      cacheWriteTokens: [
        ...fields.cacheWriteTokens!,
        inJson('output.value', `${MESSAGE}.usage_metadata.input_token_details.cache_creation`),
      ],
      finishReasons: ['llm.finish_reason', NEWEST.finishReasons, ...inGenerations('output.value')],
    },
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
    // Of Converse the provider's own counts, which leave out cached tokens, and in newer versions with these, as the
    // provider's sum tells. Of InvokeModel there is no sum, and they are always in.
    id: 'openinference-bedrock',
    marks: [{ scope: 'openinference.instrumentation.bedrock', key: 'openinference.span.kind' }],
    fields,
    ...common,
    totalIsOfProvider: true,
  },
  {
    // The providers' own counts, which leave out cached tokens; newer versions add these, as the sum tells.
    id: 'openinference-exclusive',
    marks: [
      'openinference.instrumentation.claude_agent_sdk',
      ...['bedrock', 'claude-agent-sdk'].map((sdk) => `@arizeai/openinference-instrumentation-${sdk}`),
    ].map((scope) => ({ scope, key: 'openinference.span.kind' })),
    fields: {
      ...fields,
      // Those for JavaScript tell of the cache only in the answer as it came.
      cacheReadTokens: [...fields.cacheReadTokens!, inJson('output.value', 'usage.cacheReadInputTokens')],
      cacheWriteTokens: [...fields.cacheWriteTokens!, inJson('output.value', 'usage.cacheWriteInputTokens')],
    },
    ...common,
    inputIncludesCached: false,
    totalIsOfProvider: true,
  },
  {
    // Its spans of kind LLM include those of methods that only prepare a request.
    id: 'openinference-llama-index',
    marks: [{ scope: 'openinference.instrumentation.llama_index', key: 'openinference.span.kind' }],
    fields,
    ...common,
    onlyWith: ['llm.input_messages.', 'llm.output_messages.', 'llm.prompts', 'llm.choices.'],
  },
  { id: 'openinference', marks: [{ key: 'openinference.span.kind' }], fields, ...common },
]
