/**
 * Values that mean the same, spelled as the conventions of one time or another, or one SDK, spell them.
 * Left: every spelling; right: the one that is written.
 */

/** What counts as a model call. Anything else under the operation's name (agents, tools, retrieval …) does not. */
export const OPERATIONS = ['chat', 'text_completion', 'generate_content', 'embeddings'] as const
/** Position among them of calls that answer nothing. */
export const EMBEDDINGS = OPERATIONS.indexOf('embeddings')

export const operationSpellings: Readonly<Record<string, (typeof OPERATIONS)[number]>> = {
  chat: 'chat',
  'chat.completion': 'chat',
  'chat.completions': 'chat',
  chat_completion: 'chat',
  responses: 'chat',
  messages: 'chat',
  text_completion: 'text_completion',
  completion: 'text_completion',
  'text.completion': 'text_completion',
  generate_content: 'generate_content',
  embeddings: 'embeddings',
  embedding: 'embeddings',
}

/** Providers of the newest convention, and older or shorter names for them. */
export const providerSpellings: Readonly<Record<string, string>> = {
  openai: 'openai',
  OpenAI: 'openai',
  'openai.responses': 'openai',
  'openai.chat': 'openai',
  anthropic: 'anthropic',
  Anthropic: 'anthropic',
  'anthropic.messages': 'anthropic',
  'aws.bedrock': 'aws.bedrock',
  aws_bedrock: 'aws.bedrock',
  bedrock: 'aws.bedrock',
  'azure.ai.inference': 'azure.ai.inference',
  'az.ai.inference': 'azure.ai.inference',
  'azure.ai.openai': 'azure.ai.openai',
  'az.ai.openai': 'azure.ai.openai',
  cohere: 'cohere',
  deepseek: 'deepseek',
  'gcp.gemini': 'gcp.gemini',
  gemini: 'gcp.gemini',
  'gcp.gen_ai': 'gcp.gen_ai',
  'gcp.vertex_ai': 'gcp.vertex_ai',
  vertex_ai: 'gcp.vertex_ai',
  groq: 'groq',
  'ibm.watsonx.ai': 'ibm.watsonx.ai',
  mistral_ai: 'mistral_ai',
  moonshot_ai: 'moonshot_ai',
  perplexity: 'perplexity',
  x_ai: 'x_ai',
  xai: 'x_ai',
}

/**
 * `stop`, `length`, `content_filter`, `tool_call` and `error` are the convention's; `refusal` stays apart, because the
 * model's own refusal is another signal than a filter's.
 */
export const FINISH_REASONS = ['stop', 'length', 'content_filter', 'tool_call', 'error', 'refusal'] as const

/** In lower case; a prefix up to a dot (`FinishReason.STOP`) does not count, `-` counts as `_`. */
export const finishReasonSpellings: Readonly<Record<string, (typeof FINISH_REASONS)[number]>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  finish: 'stop',
  complete: 'stop',
  completed: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  incomplete: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  content_filter: 'content_filter',
  content_filtered: 'content_filter',
  contentfilter: 'content_filter',
  guardrail_intervened: 'content_filter',
  safety: 'content_filter',
  prohibited_content: 'content_filter',
  blocklist: 'content_filter',
  spii: 'content_filter',
  recitation: 'content_filter',
  tool_call: 'tool_call',
  tool_calls: 'tool_call',
  tool_use: 'tool_call',
  function_call: 'tool_call',
  error: 'error',
  refusal: 'refusal',
}

/** Ids in the price table, of providers whose convention name the table does not know or takes for another's. */
export const priceProviders: Readonly<Record<string, string>> = {
  'aws.bedrock': 'aws',
  'azure.ai.inference': 'azure',
  'azure.ai.openai': 'azure',
  'gcp.gemini': 'google',
  'gcp.gen_ai': 'google',
  'gcp.vertex_ai': 'google',
  mistral_ai: 'mistral',
  moonshot_ai: 'moonshotai',
  x_ai: 'x-ai',
}

/** Servers that people run themselves: a hosted model of the same name says nothing about their price. */
export const unpricedProviders: readonly string[] = [
  'ollama',
  'vllm',
  'lm_studio',
  'lmstudio',
  'llama_cpp',
  'tgi',
  'sglang',
  'local',
]

/** Beginnings of model names that the price table knows only together with their provider. */
export const modelProviders: Readonly<Record<string, string>> = {
  'text-embedding-3': 'openai',
  'text-embedding-ada': 'openai',
}
