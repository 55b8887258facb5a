/**
 * Applications that write their model calls as log records: AutoGen, Claude Code (which has spans too), Codex, Gemini CLI and
 * its forks.
 */
import { NEWEST } from '../call_fields.ts'
import { BODY, type Dialect, inJson } from './dialect.ts'

/** All of what the provider answered. */
const RESPONSE = 'response.'

/**
 * Source: autogen-core 0.7 (logging.py): the body is JSON, `response` is the provider's. What is told of a stream when it
 * has ended has neither model nor id.
 */
const autogen: Dialect = {
  id: 'autogen',
  inRecords: true,
  marks: [{ scope: 'autogen_core.events' }],
  fields: {
    operation: [inJson(BODY, 'type')],
    answer: [inJson(BODY, RESPONSE)],
    responseModel: [inJson(BODY, `${RESPONSE}model`)],
    responseId: [inJson(BODY, `${RESPONSE}id`)],
    inputTokens: [
      inJson(BODY, 'prompt_tokens'),
      inJson(BODY, `${RESPONSE}usage.prompt_tokens`),
      inJson(BODY, `${RESPONSE}usage.input_tokens`),
    ],
    outputTokens: [
      inJson(BODY, 'completion_tokens'),
      inJson(BODY, `${RESPONSE}usage.completion_tokens`),
      inJson(BODY, `${RESPONSE}usage.output_tokens`),
    ],
    cacheReadTokens: [
      inJson(BODY, `${RESPONSE}usage.prompt_tokens_details.cached_tokens`),
      apartOf('cache_read_input_tokens'),
    ],
    cacheWriteTokens: [apartOf('cache_creation_input_tokens')],
    reasoningTokens: [inJson(BODY, `${RESPONSE}usage.completion_tokens_details.reasoning_tokens`)],
    finishReasons: [
      inJson(BODY, `${RESPONSE}choices.0.finish_reason`),
      inJson(BODY, `${RESPONSE}finish_reason`),
      inJson(BODY, `${RESPONSE}stop_reason`),
    ],
  },
  operations: { LLMCall: 'chat', LLMStreamEnd: 'chat' },
}

/** Anthropic's usage, whose input leaves out what was cached. */
function apartOf(name: string) {
  return { ...inJson(BODY, `${RESPONSE}usage.${name}`), apart: true }
}

/** Source: Claude Code's documentation of its monitoring. The input leaves out what was cached. */
const claudeCode: Dialect = {
  id: 'claude-code',
  inRecords: true,
  marks: [
    { scope: 'com.anthropic.claude_code', event: 'api_request' },
    { scope: 'com.anthropic.claude_code', event: 'api_error', fails: true },
    { event: 'claude_code.api_request' },
    { event: 'claude_code.api_error', fails: true },
  ],
  fields: {
    requestModel: ['model'],
    conversationId: ['session.id'],
    agentName: ['query_source'],
    errorText: ['error'],
    inputTokens: ['input_tokens'],
    outputTokens: ['output_tokens'],
    cacheReadTokens: ['cache_read_tokens'],
    cacheWriteTokens: ['cache_creation_tokens'],
    timeToFirstChunk: ['ttft_ms'],
    cost: ['cost_usd'],
    finishReasons: ['stop_reason'],
    statusCode: ['status_code'],
    duration: ['duration_ms'],
  },
  operationOptional: true,
  timeToFirstChunkUnit: 'ms',
  inputIncludesCached: false,
}

const { duration: _, ...withoutDuration } = claudeCode.fields

/** The same names on spans. */
export const claudeCodeSpans: Dialect = {
  id: 'claude-code-spans',
  marks: [{ scope: 'com.anthropic.claude_code', key: 'span.type' }],
  fields: {
    ...withoutDuration,
    operation: ['span.type', NEWEST.operation],
    provider: ['gen_ai.system', NEWEST.provider],
    requestModel: [NEWEST.requestModel, 'model'],
    responseId: [NEWEST.responseId],
    inputTokens: ['input_tokens', NEWEST.inputTokens],
    outputTokens: ['output_tokens', NEWEST.outputTokens],
    outcome: ['success'],
    finishReasons: ['stop_reason', NEWEST.finishReasons],
  },
  operations: { llm_request: 'chat' },
  timeToFirstChunkUnit: 'ms',
  inputIncludesCached: false,
}

const codexFields: Dialect['fields'] = {
  requestModel: ['model', 'slug'],
  conversationId: ['conversation.id'],
  errorText: ['error.message'],
  statusCode: ['http.response.status_code'],
  duration: ['duration_ms'],
}

/** Source: openai/codex (codex-rs/otel): usage stands on the end of a stream; requests that failed have none. */
const codex: readonly Dialect[] = [
  {
    id: 'codex-cli',
    inRecords: true,
    marks: [{ event: 'codex.sse_event' }],
    fields: {
      ...codexFields,
      operation: ['event.kind'],
      inputTokens: ['input_token_count'],
      outputTokens: ['output_token_count'],
      cacheReadTokens: ['cached_token_count'],
      reasoningTokens: ['reasoning_token_count'],
      timeToFirstChunk: ['ttft_ms'],
    },
    operations: { 'response.completed': 'chat' },
    timeToFirstChunkUnit: 'ms',
    // The chunk itself is told of too, without usage.
    onlyWith: ['input_token_count'],
  },
  {
    id: 'codex-cli-failed',
    inRecords: true,
    marks: [{ event: 'codex.api_request' }],
    fields: { ...codexFields, errorType: ['error.type'] },
    operationOptional: true,
    onlyFailures: true,
  },
]

/**
 * Source: google-gemini/gemini-cli (packages/core/src/telemetry). Thoughts are not in the output; in that of forks that ask
 * other providers they are, as the sum tells.
 */
const geminiFields: Dialect['fields'] = {
  requestModel: ['model', 'model_name'],
  responseId: ['response_id'],
  conversationId: ['session.id'],
  errorType: ['error_type', 'error.type'],
  errorText: ['error.message', 'error'],
  inputTokens: ['input_token_count'],
  outputTokens: ['output_token_count'],
  cacheReadTokens: ['cached_content_token_count'],
  reasoningTokens: ['thoughts_token_count'],
  totalTokens: ['total_token_count'],
  finishReasons: ['finish_reasons'],
  statusCode: ['status_code'],
  duration: ['duration_ms'],
}

function geminiLike(id: string, prefix: string): Dialect {
  return {
    id,
    inRecords: true,
    marks: [{ event: `${prefix}.api_response` }, { event: `${prefix}.api_error`, fails: true }],
    repeatedInScope: id,
    fields: geminiFields,
    operationOptional: true,
    outputIncludesReasoning: false,
    totalIsOfProvider: true,
  }
}

export const recordDialects: readonly Dialect[] = [
  autogen,
  claudeCode,
  ...codex,
  geminiLike('gemini-cli', 'gemini_cli'),
  geminiLike('qwen-code', 'qwen-code'),
]
