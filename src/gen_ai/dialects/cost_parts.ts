/**
 * What a price depends on beside the model and the plain counts of tokens. Emitters write it beside their own dialect, under
 * names of the provider or of a framework: these are looked for in every dialect, after those of its row.
 */
import { apart, type Dialect, inJson } from './dialect.ts'

const LANGFUSE = 'langfuse.observation.usage_details'
const LANGSMITH_INPUT = 'gen_ai.usage.input_token_details'
const LANGSMITH_OUTPUT = 'gen_ai.usage.output_token_details'
const LANGSMITH = 'langsmith.usage_metadata'
/** Of the run, where the tracer of LangChain puts it. */
const LANGSMITH_RUN = 'langsmith.metadata.usage_metadata'
const LITELLM = 'metadata.usage_object'
const RAW = 'gen_ai.usage.raw'
const VERCEL = 'ai.response.providerMetadata'

export const costParts: Dialect['fields'] = {
  // What was served stands before what was asked for.
  serviceTier: [
    'openai.response.service_tier',
    'gen_ai.openai.response.service_tier',
    'gen_ai.response.service_tier',
    'anthropic.response.service_tier',
    'aws.bedrock.response.service_tier',
    'llm.openai.service_tier',
    'langfuse.observation.metadata.service_tier',
    inJson(VERCEL, 'openai.serviceTier'),
    inJson(VERCEL, 'azure.serviceTier'),
    inJson(VERCEL, 'anthropic.usage.service_tier'),
    inJson(RAW, 'service_tier'),
    inJson(LITELLM, 'service_tier'),
    'service_tier',
    'openai.request.service_tier',
    'gen_ai.openai.request.service_tier',
    'gen_ai.request.service_tier',
    'aws.bedrock.request.service_tier',
    inJson('llm.invocation_parameters', 'service_tier'),
    inJson('langfuse.observation.model.parameters', 'service_tier'),
  ],
  serverAddress: ['server.address', 'gen_ai.openai.api_base', 'openai.api_base', 'llm.openai.api_base'],
  cacheWrite5mTokens: [
    'anthropic.usage.cache_creation.ephemeral_5m_input_tokens',
    inJson(LANGSMITH_INPUT, 'ephemeral_5m_input_tokens'),
    inJson(LANGSMITH, 'input_token_details.ephemeral_5m_input_tokens'),
    inJson(LANGSMITH_RUN, 'input_token_details.ephemeral_5m_input_tokens'),
    inJson(RAW, 'cache_creation.ephemeral_5m_input_tokens'),
    inJson(LITELLM, 'prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens'),
    inJson(VERCEL, 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens'),
    inJson(LANGFUSE, 'cache_creation.ephemeral_5m_input_tokens'),
  ],
  cacheWrite1hTokens: [
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
    inJson(LANGSMITH_INPUT, 'ephemeral_1h_input_tokens'),
    inJson(LANGSMITH_INPUT, 'ephemeral_1hr_input_tokens'),
    inJson(LANGSMITH, 'input_token_details.ephemeral_1h_input_tokens'),
    inJson(LANGSMITH_RUN, 'input_token_details.ephemeral_1h_input_tokens'),
    inJson(LANGSMITH, 'input_token_details.ephemeral_1hr_input_tokens'),
    inJson(RAW, 'cache_creation.ephemeral_1h_input_tokens'),
    inJson(LITELLM, 'prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens'),
    inJson(VERCEL, 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens'),
    inJson(LANGFUSE, 'cache_creation.ephemeral_1h_input_tokens'),
  ],
  inputAudioTokens: [
    'gen_ai.usage.audio.input_tokens',
    'gen_ai.usage.input_audio_tokens',
    'gen_ai.usage.details.input_audio_tokens',
    'gen_ai.usage.experimental.input_audio_tokens',
    'gen_ai.usage.prompt_tokens_details.audio_tokens',
    'llm.token_count.prompt_details.audio',
    inJson(LANGSMITH_INPUT, 'audio'),
    inJson(LANGSMITH, 'input_token_details.audio'),
    inJson(LANGSMITH_RUN, 'input_token_details.audio'),
    inJson(RAW, 'prompt_tokens_details.audio_tokens'),
    inJson(RAW, 'input_token_details.audio_tokens'),
    inJson(LITELLM, 'prompt_tokens_details.audio_tokens'),
    inJson(LANGFUSE, 'prompt_tokens_details.audio_tokens'),
    apart(inJson(LANGFUSE, 'input_audio_tokens')),
    apart(inJson(LANGFUSE, 'input_audio')),
  ],
  outputAudioTokens: [
    'gen_ai.usage.audio.output_tokens',
    'gen_ai.usage.output_audio_tokens',
    'gen_ai.usage.details.output_audio_tokens',
    'gen_ai.usage.experimental.output_audio_tokens',
    'gen_ai.usage.completion_tokens_details.audio_tokens',
    'llm.token_count.completion_details.audio',
    inJson(LANGSMITH_OUTPUT, 'audio'),
    inJson(LANGSMITH, 'output_token_details.audio'),
    inJson(LANGSMITH_RUN, 'output_token_details.audio'),
    inJson(RAW, 'completion_tokens_details.audio_tokens'),
    inJson(RAW, 'output_token_details.audio_tokens'),
    inJson(LITELLM, 'completion_tokens_details.audio_tokens'),
    inJson(LANGFUSE, 'completion_tokens_details.audio_tokens'),
    apart(inJson(LANGFUSE, 'output_audio_tokens')),
    apart(inJson(LANGFUSE, 'output_audio')),
  ],
  cacheReadAudioTokens: [
    'gen_ai.usage.audio.cache_read.input_tokens',
    'gen_ai.usage.details.cache_audio_read_tokens',
    inJson(RAW, 'prompt_tokens_details.cached_tokens_details.audio_tokens'),
    inJson(RAW, 'input_token_details.cached_tokens_details.audio_tokens'),
    inJson(LITELLM, 'prompt_tokens_details.cached_tokens_details.audio_tokens'),
  ],
  inputImageTokens: [
    'gen_ai.usage.image.input_tokens',
    'gen_ai.usage.details.input_image_tokens',
    inJson(RAW, 'input_tokens_details.image_tokens'),
    inJson(LITELLM, 'prompt_tokens_details.image_tokens'),
  ],
  outputImageTokens: [
    'gen_ai.usage.image.output_tokens',
    'gen_ai.usage.details.output_image_tokens',
    inJson(RAW, 'completion_tokens_details.image_tokens'),
    inJson(LITELLM, 'completion_tokens_details.image_tokens'),
  ],
  answerCached: ['gen_ai.response.cached', 'gen_ai.response.cache_hit', 'litellm.cache_hit'],
  webSearches: [
    'gen_ai.usage.details.web_search_requests',
    inJson(RAW, 'server_tool_use.web_search_requests'),
    inJson(LITELLM, 'server_tool_use.web_search_requests'),
    inJson(VERCEL, 'anthropic.usage.server_tool_use.web_search_requests'),
  ],
}

/** The row with the parts of a price behind its own places of them. */
export function withCostParts(dialect: Dialect): Dialect {
  const fields = { ...dialect.fields } as Record<string, Dialect['fields'][keyof Dialect['fields']]>
  for (const [name, places] of Object.entries(costParts))
    fields[name] = [...(dialect.fields[name as keyof Dialect['fields']] ?? []), ...places]
  return { ...dialect, fields }
}
