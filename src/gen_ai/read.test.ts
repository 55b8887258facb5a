import { describe, expect, test } from 'vitest'
import { dialects } from './dialects.ts'
import { FIELD, type FieldName } from './field.ts'
import { PROVIDERS } from './lexicon.ts'
import type { ModelCall } from './model_call.ts'
import { type AttributeList, callOf, type SpanFixture } from './span.fixture.ts'
import { FINISH_REASONS, finishReasonSpellings, OPERATIONS, providerSpellings } from './values.ts'

/** The least that makes a span a call in each dialect. */
const least: Readonly<Record<string, SpanFixture>> = {
  'anthropic-sdk': {
    scope: 'com.anthropic.sdk.python',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'anthropic' },
  },
  'otel-botocore-bedrock': {
    scope: 'opentelemetry.instrumentation.botocore.bedrock-runtime',
    attributes: { 'gen_ai.operation.name': 'chat' },
  },
  'llm-attributes': { attributes: { 'llm.model': 'gpt-4o', 'gen_ai.operation.name': 'chat' } },
  'otel-genai-newest': {
    scope: 'opentelemetry.instrumentation.genai.openai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  'otel-genai-v1.37-v1.41': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' } },
  'otel-genai-legacy-v1.26-v1.36': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai' } },
}

/** A value for a field, and how it is read back. */
const samples: Readonly<
  Record<FieldName, readonly [value: AttributeValue, read: (call: ModelCall) => unknown, is: unknown]>
> = {
  provider: ['cohere', (call) => call.text(FIELD.provider), 'cohere'],
  requestModel: ['m-1', (call) => call.text(FIELD.requestModel), 'm-1'],
  responseModel: ['m-2', (call) => call.text(FIELD.responseModel), 'm-2'],
  responseId: ['r-1', (call) => call.text(FIELD.responseId), 'r-1'],
  conversationId: ['c-1', (call) => call.text(FIELD.conversationId), 'c-1'],
  errorType: ['timeout', (call) => [call.text(FIELD.errorType), call.failed], ['timeout', true]],
  agentName: ['a-1', (call) => call.text(FIELD.agentName), 'a-1'],
  taskType: ['classify', (call) => call.text(FIELD.taskType), 'classify'],
  inputTokens: [101, (call) => call.inputTokens, 101],
  outputTokens: [102, (call) => call.outputTokens, 102],
  cacheReadTokens: [103, (call) => call.cacheReadTokens, 103],
  cacheWriteTokens: [104, (call) => call.cacheWriteTokens, 104],
  reasoningTokens: [105, (call) => call.reasoningTokens, 105],
  timeToFirstChunk: [0.25, (call) => call.timeToFirstChunk_s, 0.25],
  cost: [0.125, (call) => call.cost_usd, 0.125],
  operation: ['embeddings', (call) => OPERATIONS[call.operation], 'embeddings'],
  stream: [true, (call) => call.stream, true],
  finishReasons: [['length'], finishReasonsOf, ['length']],
  statusCode: [503, (call) => [call.statusCode, call.failed], [503, true]],
}
type AttributeValue = string | number | boolean | readonly string[]

const everyName = dialects.flatMap((dialect) =>
  Object.entries(dialect.fields).flatMap(([field, names]) =>
    names.map((name) => ({ dialect: dialect.id, field: field as FieldName, name })),
  ),
)

describe('fields', () => {
  test.each(everyName)('$dialect: $field from $name', ({ dialect, field, name }) => {
    const span = least[dialect]!
    const [value, read, is] = samples[field]
    const call = callOf({ ...span, attributes: { ...emptied(span, field), [name]: value } })
    expect(call).toBeDefined()
    expect(read(call!)).toEqual(is)
  })

  test.each(Object.entries(least))('%s is recognised', (id, span) => {
    expect(dialects[callOf(span)!.dialect]!.id).toBe(id)
  })
})

/** The attributes, without a text in those that the field could be taken from; as marks they still count. */
function emptied(span: SpanFixture, field: FieldName): Record<string, AttributeValue> {
  const attributes = { ...(span.attributes as Record<string, AttributeValue>) }
  for (const key of Object.keys(attributes)) {
    if (!dialects.some((row) => row.fields[field]?.includes(key))) continue
    if (field === 'operation') delete attributes[key]
    else attributes[key] = ''
  }
  return attributes
}

describe('what is a model call', () => {
  const provider = { 'gen_ai.provider.name': 'openai' }
  test.each<[string, AttributeList, boolean]>([
    ['chat', { ...provider, 'gen_ai.operation.name': 'chat' }, true],
    ['text_completion', { ...provider, 'gen_ai.operation.name': 'text_completion' }, true],
    ['generate_content', { ...provider, 'gen_ai.operation.name': 'generate_content' }, true],
    ['embeddings', { ...provider, 'gen_ai.operation.name': 'embeddings' }, true],
    ...['invoke_agent', 'create_agent', 'execute_tool', 'invoke_workflow', 'retrieval', 'fetch_response', 'plan'].map(
      (name): [string, AttributeList, boolean] => [
        name,
        {
          ...provider,
          'gen_ai.operation.name': name,
          'gen_ai.request.model': 'gpt-4o',
          'gen_ai.usage.input_tokens': 5,
        },
        false,
      ],
    ),
    ['no operation, newer convention', { ...provider, 'gen_ai.request.model': 'gpt-4o' }, false],
    ['no operation, older convention, a model', { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o' }, true],
    ['no operation, older convention, tokens', { 'gen_ai.system': 'openai', 'gen_ai.usage.prompt_tokens': 4 }, true],
    ['no operation, older convention, neither', { 'gen_ai.system': 'openai' }, false],
    ['agent in the older convention', { 'gen_ai.system': 'openai', 'gen_ai.operation.name': 'invoke_agent' }, false],
    ['a routing span', { 'llm.routed_model': 'gpt-4o', 'llm.task_type': 'classify' }, false],
    ['a retrieval span', { 'retrieval.doc_count': 5 }, false],
    ['HTTP', { 'http.response.status_code': 429, 'error.type': '429' }, false],
    ['no attributes', {}, false],
    ['already judged', { ...provider, 'gen_ai.operation.name': 'chat', 'sluice.dialect': 'x' }, false],
  ])('%s', (_, attributes, is) => {
    expect(callOf({ attributes }) !== undefined).toBe(is)
  })

  test.each([
    ['text-embedding-3-small', 'embeddings'],
    ['gpt-4o', 'chat'],
  ])('without an operation %s is %s', (model, operation) => {
    const call = callOf({ attributes: { 'gen_ai.system': 'openai', 'gen_ai.request.model': model } })
    expect(OPERATIONS[call!.operation]).toBe(operation)
  })

  test('spans as tutorials write them', () => {
    const first = callOf({
      attributes: {
        'gen_ai.system': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'llm.prompt_tokens': 12,
        'gen_ai.response.id': 'r',
        'gen_ai.choice.finish_reason': 'stop',
      },
    })!
    expect([first.inputTokens, finishReasonsOf(first)]).toEqual([12, ['stop']])
    const second = callOf({
      attributes: {
        'llm.model': 'gpt-4o-mini',
        'llm.operation': 'chat.completion',
        'llm.prompt_tokens': 7,
        'llm.completion_tokens': 3,
        'llm.cost_usd': 0.002,
      },
    })!
    expect([second.text(FIELD.requestModel), second.inputTokens, second.outputTokens, second.cost_usd]).toEqual([
      'gpt-4o-mini',
      7,
      3,
      0.002,
    ])
  })
})

describe('token counts', () => {
  const bedrock = { scope: 'opentelemetry.instrumentation.botocore.bedrock-runtime' }
  test.each<[string, { scope?: string }, Record<string, number>, number, number, number]>([
    ['inclusive', {}, { input: 1573, read: 1531, write: 23 }, 1573, 5, 0],
    ['cached is more than input', {}, { input: 19, read: 1531, write: 23 }, 1573, 5, 1554],
    ['Bedrock, cached is less than input', bedrock, { input: 227, read: 100 }, 327, 5, 100],
    ['Bedrock without cached', bedrock, { input: 227 }, 227, 5, 0],
    ['input unknown', bedrock, { read: 100 }, Number.NaN, 5, 0],
    ['reasoning is part of output', {}, { input: 1, reasoning: 4 }, 1, 5, 0],
    ['reasoning is more than output', {}, { input: 1, reasoning: 64 }, 1, 69, 64],
  ])('%s', (_, scope, tokens, input, output, corrected) => {
    const attributes: Record<string, string | number> = {
      'gen_ai.system': 'aws.bedrock',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.output_tokens': 5,
    }
    if (tokens['input'] !== undefined) attributes['gen_ai.usage.input_tokens'] = tokens['input']
    if (tokens['read'] !== undefined) attributes['gen_ai.usage.cache_read.input_tokens'] = tokens['read']
    if (tokens['write'] !== undefined) attributes['gen_ai.usage.cache_creation.input_tokens'] = tokens['write']
    if (tokens['reasoning'] !== undefined) attributes['gen_ai.usage.reasoning.output_tokens'] = tokens['reasoning']
    const call = callOf({ ...scope, attributes })!
    expect([call.inputTokens, call.outputTokens, call.correctedTokens]).toEqual([input, output, corrected])
  })

  test.each<[string, string | number | boolean, number]>([
    ['an int', 12, 12],
    ['a double', 12.0001, 12],
    ['a text', '12', 12],
    ['a negative', -1, Number.NaN],
    ['no number', 'many', Number.NaN],
    ['a bool', true, Number.NaN],
    ['absurd', 1e300, Number.NaN],
  ])('from %s', (_, value, is) => {
    const attributes = {
      'gen_ai.provider.name': 'x',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': value,
    }
    expect(callOf({ attributes })!.inputTokens).toEqual(is)
  })
})

describe('values', () => {
  test.each(Object.entries(providerSpellings))('provider %s is %s', (spelling, provider) => {
    const call = callOf({ attributes: { 'gen_ai.provider.name': spelling, 'gen_ai.operation.name': 'chat' } })!
    expect(PROVIDERS[call.provider]).toBe(provider)
    expect((call.replaced & (1 << FIELD.provider)) !== 0).toBe(spelling !== provider)
  })

  test.each<[string, string | readonly string[], readonly string[]]>([
    ...Object.entries(finishReasonSpellings).map(([from, to]): [string, string, string[]] => [from, from, [to]]),
    ['array', ['end_turn', 'tool_use'], ['stop', 'tool_call']],
    ['JSON in a text', '["stop","max_tokens"]', ['stop', 'length']],
    ['a list in a text', 'stop, length', ['stop', 'length']],
    ['hyphens', ['tool-calls'], ['tool_call']],
    ['upper case', 'MAX_TOKENS', ['length']],
    ['of an enum', 'FinishReason.SAFETY', ['content_filter']],
    ['unknown', ['pause_turn'], ['?']],
    ['empty', '', []],
  ])('finish reason %s', (_, value, is) => {
    const attributes = {
      'gen_ai.provider.name': 'x',
      'gen_ai.operation.name': 'chat',
      'gen_ai.response.finish_reasons': value,
    }
    expect(finishReasonsOf(callOf({ attributes })!)).toEqual(is)
  })
})

describe('failures', () => {
  const chat = { 'gen_ai.provider.name': 'x', 'gen_ai.operation.name': 'chat' }
  const error = { code: 2 }
  const exception = (type: string, message: string) => [
    { name: 'exception', attributes: { 'exception.message': message, 'exception.type': type } },
  ]
  test.each<[string, Omit<SpanFixture, 'attributes'> & { attributes?: AttributeList }, boolean, boolean, string]>([
    ['nothing', {}, false, false, ''],
    ['status', { status: error }, true, false, ''],
    ['status OK', { status: { code: 1 } }, false, false, ''],
    ['error type alone', { attributes: { 'error.type': 'timeout' } }, true, false, 'timeout'],
    ...[
      '429',
      'RateLimitError',
      'openai.RateLimitError',
      'rate_limit_error',
      'rate_limit_exceeded',
      'ThrottlingException',
      'ModelThrottledException',
      'TooManyRequests',
      'RESOURCE_EXHAUSTED',
    ].map((type): [string, { attributes: AttributeList }, boolean, boolean, string] => [
      type,
      { attributes: { 'error.type': type } },
      true,
      true,
      type,
    ]),
    [
      'InternalServerError',
      { attributes: { 'error.type': 'InternalServerError' } },
      true,
      false,
      'InternalServerError',
    ],
    ['HTTP 429', { attributes: { 'http.response.status_code': 429 } }, true, true, ''],
    ['HTTP 429, older name', { status: error, attributes: { 'http.status_code': 429 } }, true, true, ''],
    [
      'HTTP 500 that mentions 429',
      { status: { code: 2, message: '429' }, attributes: { 'http.status_code': 500 } },
      true,
      false,
      '',
    ],
    [
      'an error type beats the text',
      { status: { code: 2, message: 'rate limit' }, attributes: { 'error.type': 'timeout' } },
      true,
      false,
      'timeout',
    ],
    ['text of the status', { status: { code: 2, message: '429 Rate limit reached' } }, true, true, ''],
    ['a number that only contains 429', { status: { code: 2, message: 'request 14290 failed' } }, true, false, ''],
    ['text of the exception', { status: error, events: exception('E', 'got 429: slow down') }, true, true, 'E'],
    [
      'type of the exception',
      { status: error, events: exception('a.RateLimitException', '') },
      true,
      true,
      'a.RateLimitException',
    ],
    ['an exception of a good call', { events: exception('E', '429') }, false, false, ''],
  ])('%s', (_, span, failed, rateLimited, type) => {
    const call = callOf({ ...span, attributes: { ...chat, ...(span.attributes as object) } })!
    expect([call.failed, call.rateLimited, call.text(FIELD.errorType)]).toEqual([failed, rateLimited, type])
  })
})

function finishReasonsOf(call: ModelCall): string[] {
  return Array.from(call.finishReasons.subarray(0, call.finishReasonCount), (at) => FINISH_REASONS[at] ?? '?')
}
