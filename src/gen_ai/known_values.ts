/**
 * Values that mean the same, spelled as the conventions of one time or another, or one SDK, spell them.
 * Left: every spelling; right: the one that is written.
 */

/** What counts as a model call. Anything else under the operation's name (agents, tools, retrieval …) does not. */
export const OPERATIONS = [
  ...(['chat', 'text_completion', 'generate_content', 'embeddings'] as const),
  ...(['rerank', 'image_generation', 'speech', 'transcription'] as const),
] as const
export const EMBEDDINGS = OPERATIONS.indexOf('embeddings')

/** Three names for one thing: the model answers in words, which can be judged. `operation`: position in OPERATIONS. */
export function answersInWords(operation: number): boolean {
  return operation < EMBEDDINGS
}

/** Of these the conventions say nothing, and applications use the names for work of their own: without a model they are no call. */
export function needsModel(operation: number): boolean {
  return operation > EMBEDDINGS
}

export const operationSpellings: Readonly<Record<string, (typeof OPERATIONS)[number]>> = {
  ...all('chat', 'chat', 'chat.completion', 'chat.completions', 'chat_completion', 'chat_completions', 'responses'),
  ...all('chat', 'messages', 'converse', 'Converse', 'ConverseStream', 'LLM', 'llm'),
  ...all('text_completion', 'text_completion', 'text.completion', 'text-completion', 'completion'),
  ...all('generate_content', 'generate_content', 'generate_content_stream', 'generateContent', 'streamGenerateContent'),
  ...all('embeddings', 'embeddings', 'embedding', 'embed', 'EMBEDDING'),
  // Not the kind of span RERANKER: it may stand around calls, with their model and tokens.
  rerank: 'rerank',
  ...all('image_generation', 'image_generation', 'generate_image', 'image', 'image_edit', 'image_variation'),
  ...all('speech', 'speech', 'text_to_speech', 'tts', 'generate_speech'),
  ...all('transcription', 'transcription', 'transcribe', 'speech_to_text', 'stt'),
}

/** Providers of the newest convention, and older or shorter names for them. */
export const providerSpellings: Readonly<Record<string, string>> = {
  ...all('openai', 'openai', 'OpenAI', 'openai.responses', 'openai.chat', 'openai.completion', 'openai.embedding'),
  ...all('anthropic', 'anthropic', 'Anthropic', 'anthropic.messages'),
  ...all('aws.bedrock', 'aws.bedrock', 'aws_bedrock', 'bedrock', 'amazon_bedrock', 'amazon-bedrock', 'aws', 'AWS'),
  ...all('azure.ai.inference', 'azure.ai.inference', 'az.ai.inference'),
  ...all('azure.ai.openai', 'azure.ai.openai', 'az.ai.openai', 'azure', 'Azure', 'azure_openai', 'AzureOpenAI'),
  ...all('cohere', 'cohere', 'Cohere'),
  ...all('deepseek', 'deepseek', 'DeepSeek'),
  ...all('gcp.gemini', 'gcp.gemini', 'gemini', 'google', 'Google', 'google_genai', 'google.generative-ai'),
  'gcp.gen_ai': 'gcp.gen_ai',
  ...all('gcp.vertex_ai', 'gcp.vertex_ai', 'vertex_ai', 'vertexai', 'VertexAI', 'google_vertexai'),
  ...all('groq', 'groq', 'Groq'),
  ...all('ibm.watsonx.ai', 'ibm.watsonx.ai', 'watsonx', 'Watsonx'),
  ...all('mistral_ai', 'mistral_ai', 'mistralai', 'MistralAI', 'mistral'),
  ...all('moonshot_ai', 'moonshot_ai', 'moonshotai', 'moonshot'),
  ...all('perplexity', 'perplexity', 'Perplexity'),
  ...all('x_ai', 'x_ai', 'xai', 'xAI'),
}

/**
 * `stop`, `length`, `content_filter`, `tool_call` and `error` are the convention's; `refusal` stays apart, because the
 * model's own refusal is another signal than a filter's. `other` is what says nothing of the answer; where calls are
 * counted, reasons that no spelling has are `other` too.
 */
export const FINISH_REASONS = ['stop', 'length', 'content_filter', 'tool_call', 'error', 'refusal', 'other'] as const

type FinishReason = (typeof FINISH_REASONS)[number]

/** Spellings by what they mean: in lower case; a prefix up to a dot (`FinishReason.STOP`) does not count, `-` counts as `_`. */
const finishReasonsByMeaning: Readonly<Record<FinishReason, readonly string[]>> = {
  stop: [
    ...['stop', 'end_turn', 'stop_sequence', 'stop_criteria_met', 'finish', 'finished', 'complete', 'completed'],
    ...['eos', 'eos_token', 'end_of_text'],
  ],
  length: [
    ...['length', 'max_tokens', 'max_output_tokens', 'max_length', 'incomplete', 'model_length', 'token_limit'],
    ...['model_context_window_exceeded', 'context_length', 'context_length_exceeded', 'time_limit'],
  ],
  content_filter: [
    ...['content_filter', 'content_filtered', 'contentfilter', 'guardrail_intervened', 'moderation', 'safety'],
    ...['prohibited_content', 'blocklist', 'spii', 'recitation', 'model_armor', 'error_toxic', 'content_blocked'],
    ...['image_safety', 'image_prohibited_content', 'image_recitation'],
  ],
  tool_call: ['tool_call', 'tool_calls', 'tool_use', 'function_call', 'function_calls'],
  // The model's answer is of no use to the program: a call that cannot be read, or of a tool that there is not.
  error: [
    ...['error', 'failed', 'error_limit', 'timeout', 'malformed_function_call', 'unexpected_tool_call'],
    ...[
      'malformed_tool_use',
      'malformed_tool_call',
      'malformed_model_output',
      'malformed_response',
      'invalid_tool_call',
    ],
    ...['too_many_tool_calls', 'missing_thought_signature', 'no_image'],
  ],
  refusal: ['refusal'],
  other: [
    ...['other', 'image_other', 'unknown', 'finish_reason_unspecified', 'language', 'pause_turn', 'cancelled', 'abort'],
    ...['user_cancel', 'not_finished'],
  ],
}

export const finishReasonSpellings: Readonly<Record<string, FinishReason>> = Object.assign(
  {},
  ...FINISH_REASONS.map((meaning) => all(meaning, ...finishReasonsByMeaning[meaning])),
)

/** Each spelling with its meaning. */
function all<Meaning extends string>(meaning: Meaning, ...spellings: readonly string[]): Record<string, Meaning> {
  return Object.fromEntries(spellings.map((spelling) => [spelling, meaning]))
}
