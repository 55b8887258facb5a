/** Log records that are model calls, and those beside them that are none. */
import { describe, expect, test } from 'vitest'
import { FIELD } from '../call_fields.ts'
import { dialects } from '../dialects/dialects.ts'
import { FINISH_REASONS, OPERATIONS } from '../known_values.ts'
import { type RecordFixture, recordedCallOf } from '../record.fixture.ts'

const details = 'gen_ai.client.inference.operation.details'

/** The call's facts, without what is not known. */
function factsOf(record: RecordFixture): Record<string, unknown> | undefined {
  const call = recordedCallOf(record)
  if (call === undefined) return undefined
  const numbers = {
    input: call.inputTokens,
    output: call.outputTokens,
    read: call.cacheReadTokens,
    write: call.cacheWriteTokens,
    reasoning: call.reasoningTokens,
    ttft_s: call.timeToFirstChunk_s,
    cost: call.cost_usd,
    duration_ms: call.duration_ms,
  }
  const texts = {
    request: call.text(FIELD.requestModel),
    response: call.text(FIELD.responseModel),
    id: call.text(FIELD.responseId),
    conversation: call.text(FIELD.conversationId),
    agent: call.text(FIELD.agentName),
    error: call.text(FIELD.errorType),
  }
  const finish = Array.from(call.finishReasons.subarray(0, call.finishReasonCount), (at) => FINISH_REASONS[at])
  return {
    dialect: dialects[call.dialect]!.id,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => !Number.isNaN(number))),
    ...(OPERATIONS[call.operation] !== 'chat' && { operation: OPERATIONS[call.operation] }),
    ...(finish.length > 0 && { finish }),
    ...(call.failed && { failed: true }),
    ...(call.rateLimited && { rateLimited: true }),
  }
}

/** What AutoGen logs: other members stand before and behind, and messages may be long. */
function autogen(type: string, more: object = {}): RecordFixture {
  return { scope: 'autogen_core.events', body: JSON.stringify({ tools: [], type, ...more, agent_id: null }) }
}
const openaiResponse = {
  id: 'chatcmpl-9',
  model: 'gpt-4.1-mini-2025-04-14',
  choices: [{ index: 0, finish_reason: 'length', message: { content: '"model": "no"' } }],
  usage: {
    prompt_tokens: 350,
    completion_tokens: 28,
    prompt_tokens_details: { cached_tokens: 64 },
    completion_tokens_details: { reasoning_tokens: 5 },
  },
}
const claude = (name: string, attributes: RecordFixture['attributes']): RecordFixture => ({
  scope: 'com.anthropic.claude_code.events',
  body: `claude_code.${name}`,
  attributes: { 'event.name': name, 'session.id': 's-1', ...attributes },
})
const codex = (name: string, attributes: RecordFixture['attributes']): RecordFixture => ({
  scope: 'codex_otel.log_only',
  attributes: { 'event.name': `codex.${name}`, model: 'gpt-5-codex', 'conversation.id': 'c-1', ...attributes },
})
const gemini = (name: string, attributes: RecordFixture['attributes']): RecordFixture => ({
  scope: 'gemini-cli',
  attributes: { 'event.name': name, model: 'gemini-2.5-pro', 'session.id': 's-2', ...attributes },
})

describe('a call', () => {
  test.each<[string, RecordFixture, Record<string, unknown>]>([
    [
      "the conventions' event",
      {
        event: details,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': 'gpt-4.1',
          'gen_ai.response.id': 'r-1',
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.usage.input_tokens': 20,
          'gen_ai.usage.output_tokens': 3,
          'gen_ai.usage.cache_creation.input_tokens': 7,
        },
      },
      {
        dialect: 'otel-genai-v1.37-v1.41',
        request: 'gpt-4.1',
        id: 'r-1',
        finish: ['stop'],
        input: 20,
        output: 3,
        write: 7,
      },
    ],
    [
      'its name as an attribute, and in the dialect of its scope',
      {
        scope: 'openlit.instrumentation.openai',
        attributes: {
          'event.name': details,
          'gen_ai.operation.name': 'embeddings',
          'gen_ai.request.model': 'text-embedding-3-large',
          'gen_ai.provider.name': 'openai',
        },
      },
      { dialect: 'openlit', request: 'text-embedding-3-large', operation: 'embeddings' },
    ],
    [
      'without an operation',
      { event: details, attributes: { 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.usage.input_tokens': 4 } },
      { dialect: 'otel-genai-v1.37-v1.41', input: 4 },
    ],
    [
      'without operation and provider',
      { event: details, attributes: { 'gen_ai.request.model': 'm', 'error.type': 'RateLimitError' } },
      {
        dialect: 'otel-genai-without-provider',
        request: 'm',
        error: 'RateLimitError',
        failed: true,
        rateLimited: true,
      },
    ],
    [
      'AutoGen',
      autogen('LLMCall', { messages: [{ content: 'x' }], response: openaiResponse, prompt_tokens: 350 }),
      {
        dialect: 'autogen',
        response: 'gpt-4.1-mini-2025-04-14',
        id: 'chatcmpl-9',
        finish: ['length'],
        input: 350,
        output: 28,
        read: 64,
        reasoning: 5,
      },
    ],
    [
      'AutoGen, behind many messages',
      autogen('LLMCall', { messages: [{ content: 'x'.repeat(200_000) }], response: openaiResponse }),
      {
        dialect: 'autogen',
        response: 'gpt-4.1-mini-2025-04-14',
        id: 'chatcmpl-9',
        finish: ['length'],
        input: 350,
        output: 28,
        read: 64,
        reasoning: 5,
      },
    ],
    [
      'AutoGen, what is null is unknown',
      autogen('LLMCall', { response: { id: null, model: null }, prompt_tokens: 2 }),
      { dialect: 'autogen', input: 2 },
    ],
    [
      "AutoGen with Anthropic's usage",
      autogen('LLMCall', {
        response: {
          id: 'msg_1',
          model: 'claude-haiku-4-5',
          stop_reason: 'end_turn',
          usage: {
            input_tokens: 10,
            output_tokens: 4,
            cache_read_input_tokens: 30,
            cache_creation_input_tokens: 2,
          },
        },
        prompt_tokens: 10,
        completion_tokens: 4,
      }),
      {
        dialect: 'autogen',
        response: 'claude-haiku-4-5',
        id: 'msg_1',
        finish: ['stop'],
        input: 42,
        output: 4,
        read: 30,
        write: 2,
      },
    ],
    [
      'AutoGen, the end of a stream',
      autogen('LLMStreamEnd', { response: { finish_reason: 'stop', content: 'a' }, prompt_tokens: 7 }),
      { dialect: 'autogen', finish: ['stop'], input: 7 },
    ],
    [
      'Claude Code',
      claude('api_request', {
        model: 'claude-sonnet-4-5',
        cost_usd: '0.25',
        duration_ms: 1800,
        input_tokens: '12',
        output_tokens: 40,
        cache_read_tokens: 900,
        cache_creation_tokens: 88,
        query_source: 'subagent',
        ttft_ms: 400,
      }),
      {
        dialect: 'claude-code',
        request: 'claude-sonnet-4-5',
        conversation: 's-1',
        agent: 'subagent',
        input: 1000,
        output: 40,
        read: 900,
        write: 88,
        ttft_s: 0.4,
        cost: 0.25,
        duration_ms: 1800,
      },
    ],
    [
      'Claude Code, a limit',
      claude('api_error', { model: 'claude-sonnet-4-5', error: 'slow down', status_code: '429', duration_ms: 90 }),
      {
        dialect: 'claude-code',
        request: 'claude-sonnet-4-5',
        conversation: 's-1',
        duration_ms: 90,
        failed: true,
        rateLimited: true,
      },
    ],
    [
      'Claude Code, an error without a status',
      { event: 'claude_code.api_error', attributes: { model: 'claude-sonnet-4-5', error: 'socket hang up' } },
      { dialect: 'claude-code', request: 'claude-sonnet-4-5', failed: true },
    ],
    [
      'Codex',
      codex('sse_event', {
        'event.kind': 'response.completed',
        input_token_count: '500',
        output_token_count: '60',
        cached_token_count: 128,
        reasoning_token_count: 32,
        tool_token_count: '560',
        duration_ms: '900',
      }),
      {
        dialect: 'codex-cli',
        request: 'gpt-5-codex',
        conversation: 'c-1',
        input: 500,
        output: 60,
        read: 128,
        reasoning: 32,
        duration_ms: 900,
      },
    ],
    [
      'Codex, where the record is named after a place in the code',
      {
        ...codex('sse_event', { 'event.kind': 'response.completed', input_token_count: 500, output_token_count: 60 }),
        event: 'event otel/src/events/session_telemetry.rs:1187',
      },
      { dialect: 'codex-cli', request: 'gpt-5-codex', conversation: 'c-1', input: 500, output: 60 },
    ],
    [
      'Codex, a request that failed',
      codex('api_request', { 'http.response.status_code': 500, 'error.message': 'no', duration_ms: '40', attempt: 1 }),
      {
        dialect: 'codex-cli-failed',
        request: 'gpt-5-codex',
        conversation: 'c-1',
        duration_ms: 40,
        failed: true,
      },
    ],
    ...(
      [
        ['beside the output', 550, 250],
        ['in the output', 340, 40],
      ] as const
    ).map(([where, total_token_count, output]): [string, RecordFixture, Record<string, unknown>] => [
      `a fork of Gemini CLI: thoughts are ${where}, as the sum tells`,
      {
        ...gemini('qwen-code.api_response', {
          input_token_count: 300,
          output_token_count: 40,
          thoughts_token_count: output === 40 ? 30 : 210,
          total_token_count,
          response_id: 'r-1',
        }),
        scope: 'qwen-code',
      },
      {
        dialect: 'qwen-code',
        request: 'gemini-2.5-pro',
        id: 'r-1',
        conversation: 's-2',
        input: 300,
        output,
        reasoning: output === 40 ? 30 : 210,
      },
    ]),
    [
      'Gemini CLI: thoughts are apart',
      gemini('gemini_cli.api_response', {
        input_token_count: 300,
        output_token_count: 40,
        cached_content_token_count: 96,
        thoughts_token_count: 210,
        status_code: 200,
        duration_ms: 1200,
        finish_reasons: ['MAX_TOKENS'],
      }),
      {
        dialect: 'gemini-cli',
        request: 'gemini-2.5-pro',
        conversation: 's-2',
        finish: ['length'],
        input: 300,
        output: 250,
        read: 96,
        reasoning: 210,
        duration_ms: 1200,
      },
    ],
    [
      'Gemini CLI, an error',
      gemini('gemini_cli.api_error', { error_type: 'ApiError', status_code: 503, duration_ms: 5 }),
      {
        dialect: 'gemini-cli',
        request: 'gemini-2.5-pro',
        conversation: 's-2',
        error: 'ApiError',
        duration_ms: 5,
        failed: true,
      },
    ],
  ])('%s', (_, record, facts) => {
    expect(factsOf(record)).toEqual(facts)
  })

  test('a duration that cannot be true', () => {
    expect(factsOf(claude('api_request', { model: 'm', duration_ms: 1e12 }))).not.toHaveProperty('duration_ms')
  })
})

describe('no call', () => {
  const usage = { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 1, 'gen_ai.provider.name': 'openai' }
  test.each<[string, RecordFixture]>([
    ['an application log with the attributes of a call', { body: 'done', attributes: usage }],
    ['an answer', { event: 'gen_ai.choice', attributes: usage }],
    ['an evaluation', { event: 'gen_ai.evaluation.result', attributes: usage }],
    ['details of an agent', { event: details, attributes: { ...usage, 'gen_ai.operation.name': 'invoke_agent' } }],
    ['content alone', { event: details, attributes: { 'gen_ai.output.messages': '[]' } }],
    ['judged before', { event: details, attributes: { ...usage, 'sluice.dialect': 'openlit' } }],
    ["a call's summary", { event: 'sluice.gen_ai.summary', attributes: usage }],
    ["a call's content", { event: 'sluice.gen_ai.content', attributes: usage }],
    ['AutoGen: a tool', autogen('ToolCall', { prompt_tokens: 3 })],
    ['AutoGen: a stream begins', autogen('LLMStreamStart', { prompt_tokens: 3 })],
    ['AutoGen: a text that is no JSON', { scope: 'autogen_core.events', body: 'LLMCall' }],
    ['AutoGen: a list', { scope: 'autogen_core.events', body: ['LLMCall'] }],
    ['AutoGen: no body', { scope: 'autogen_core.events' }],
    ['an agent of AutoGen', { ...autogen('LLMCall', { response: openaiResponse }), scope: 'autogen_agentchat.events' }],
    ['Claude Code: a tool', claude('tool_result', { model: 'm', duration_ms: 4 })],
    ['an event of the same name elsewhere', { event: 'api_request', attributes: { model: 'm', input_tokens: 4 } }],
    ['Codex: a chunk', codex('sse_event', { 'event.kind': 'response.output_text.delta' })],
    ['Codex: the last chunk', codex('sse_event', { 'event.kind': 'response.completed', duration_ms: 3 })],
    ['Codex: a request that went well', codex('api_request', { 'http.response.status_code': 200 })],
    ['Gemini CLI: a request', gemini('gemini_cli.api_request', {})],
    ['Gemini CLI: the same call a second time', gemini(details, usage)],
  ])('%s', (_, record) => {
    expect(factsOf(record)).toBeUndefined()
  })
})
