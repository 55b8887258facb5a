import { describe, expect, test } from 'vitest'
import { FIELD, type FieldName } from '../call_fields.ts'
import type { Dialect, FieldSource } from '../dialects/dialect.ts'
import { dialects } from '../dialects/dialects.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { FINISH_REASONS, finishReasonSpellings, OPERATIONS, providerSpellings } from '../known_values.ts'
import type { ModelCall } from '../model_call.ts'
import { type AttributeList, callOf, type SpanFixture, START_MS } from '../span.fixture.ts'

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
  'vercel-ai-sdk-7': {
    scope: 'gen_ai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  'vercel-ai-sdk': { scope: 'ai', attributes: { 'ai.operationId': 'ai.generateText.doGenerate' } },
  langfuse: { scope: 'langfuse-sdk', attributes: { 'langfuse.observation.type': 'generation' } },
  langsmith: { attributes: { 'langsmith.span.kind': 'llm' } },
  mlflow: { scope: 'mlflow.tracing', attributes: { 'mlflow.spanType': '"CHAT_MODEL"' } },
  genkit: { scope: 'genkit-tracer', attributes: { 'genkit:metadata:subtype': 'model' } },
  litellm: { scope: 'litellm', attributes: { 'gen_ai.operation.name': 'acompletion', 'gen_ai.system': 'openai' } },
  openlit: {
    scope: 'openlit.instrumentation.openai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  'pydantic-ai': { scope: 'pydantic-ai', attributes: { 'gen_ai.operation.name': 'chat' } },
  logfire: {
    scope: 'logfire.openai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  strands: { scope: 'strands.telemetry.tracer', attributes: { 'gen_ai.operation.name': 'chat' } },
  'google-adk': { scope: 'gcp.vertex.agent', attributes: { 'gen_ai.operation.name': 'generate_content' } },
  mastra: { scope: '@mastra/otel-exporter', attributes: { 'gen_ai.operation.name': 'chat' } },
  'openinference-sdk': {
    scope: 'openinference.instrumentation.openai',
    attributes: { 'openinference.span.kind': 'LLM' },
  },
  'openinference-langchain': {
    scope: 'openinference.instrumentation.langchain',
    attributes: { 'openinference.span.kind': 'LLM' },
  },
  'openinference-haystack': {
    scope: 'openinference.instrumentation.haystack',
    attributes: { 'openinference.span.kind': 'LLM' },
  },
  'openinference-bedrock': {
    scope: 'openinference.instrumentation.bedrock',
    attributes: { 'openinference.span.kind': 'LLM' },
  },
  openinference: { attributes: { 'openinference.span.kind': 'LLM' } },
  traceloop: {
    scope: '@traceloop/instrumentation-openai',
    attributes: { 'gen_ai.system': 'openai', 'llm.request.type': 'chat' },
  },
  'llm-attributes': { attributes: { 'llm.model': 'gpt-4o', 'gen_ai.operation.name': 'chat' } },
  'otel-genai-newest': {
    scope: 'opentelemetry.instrumentation.genai.openai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  'otel-genai-v1.37-v1.41': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' } },
  'otel-genai-legacy-v1.26-v1.36': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai' } },
  'otel-genai-without-provider': { attributes: { 'gen_ai.operation.name': 'chat' } },
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
  errorText: ['slow down', (call) => call.text(FIELD.errorText), 'slow down'],
  outcome: ['ERROR', (call) => call.failed, true],
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
  duration: [250, (call) => call.duration_ms, 250],
  answer: ['{}', (call) => call.answerEnd - call.answerStart, 2],
  statusCode: [503, (call) => [call.statusCode, call.failed], [503, true]],
}
type AttributeValue = string | number | boolean | readonly string[]

/** Those of log records: `read_record.test.ts`. */
const everySource = dialects
  .filter(({ inRecords }) => !inRecords)
  .flatMap((dialect) =>
    Object.entries(dialect.fields).flatMap(([field, sources]) =>
      sources.map((source) => ({
        dialect,
        id: dialect.id,
        field: field as FieldName,
        source,
        name: typeof source === 'string' ? source : `${source.attribute} ${source.path}`,
      })),
    ),
  )

describe('fields', () => {
  test.each(everySource)('$id: $field from $name', ({ dialect, field, source }) => {
    const span = least[dialect.id]!
    const [value, read, is] = sampleFor(dialect, field, source)
    const name = typeof source === 'string' ? source : source.attribute
    const call = callOf({ ...span, attributes: { ...emptied(span, field), [name]: value } })
    expect(call).toBeDefined()
    expect(read(call!)).toEqual(is)
  })

  test.each(Object.entries(least))('%s is recognised', (id, span) => {
    expect(dialects[callOf(span)!.dialect]!.id).toBe(id)
  })
})

/** The sample as the dialect would write it. */
function sampleFor(dialect: Dialect, field: FieldName, source: FieldSource): (typeof samples)[FieldName] {
  const [value, read, is] = samples[field]
  if (field === 'operation' && dialect.operations !== undefined) {
    const word = Object.entries(dialect.operations).find(([, operation]) => operation === 'embeddings')
    if (word !== undefined) return [word[0], read, is]
  }
  if (field === 'stream' && dialect.streamWords !== undefined) return [dialect.streamWords[0]!, read, is]
  if (field === 'timeToFirstChunk' && dialect.timeToFirstChunkUnit === 'ms') return [250, read, is]
  if (field === 'timeToFirstChunk' && dialect.timeToFirstChunkUnit === 'moment')
    return [new Date(START_MS + 250).toISOString(), read, is]
  if (typeof source === 'string' || source.path === '') return [value, read, is]
  const inner = Array.isArray(value) ? value[0]! : value
  return [JSON.stringify(source.path.split('.').reduceRight<unknown>(wrap, inner)), read, is]
}

/** `choices.0.x` is a list in an object. */
function wrap(value: unknown, key: string): unknown {
  return key === '0' ? [value] : { before: ['}', { [key]: 1 }], [key]: value, after: '"' }
}

/** The attributes, without a text in those that the field could be taken from; as marks they still count. */
function emptied(span: SpanFixture, field: FieldName): Record<string, AttributeValue> {
  const attributes = { ...(span.attributes as Record<string, AttributeValue>) }
  for (const key of Object.keys(attributes)) {
    if (!dialects.some((row) => row.fields[field]?.includes(key))) continue
    if (field === 'operation') delete attributes[key]
    else if (!isOperation(span, key)) attributes[key] = ''
  }
  return attributes
}

/** One attribute may be the operation and something else besides. */
function isOperation(span: SpanFixture, key: string): boolean {
  return dialects[callOf(span)!.dialect]!.fields.operation!.includes(key)
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
    ...['AGENT', 'CHAIN', 'TOOL', 'RETRIEVER', 'RERANKER', 'PROMPT', 'EVALUATOR'].map(
      (kind): [string, AttributeList, boolean] => [
        `OpenInference ${kind}`,
        { 'openinference.span.kind': kind, 'llm.token_count.prompt': 5, 'llm.model_name': 'gpt-4o' },
        false,
      ],
    ),
    ...['ai.generateText', 'ai.streamText', 'ai.embed', 'ai.toolCall'].map((id): [string, AttributeList, boolean] => [
      id,
      { 'ai.operationId': id, 'ai.model.id': 'gpt-4o', 'ai.usage.inputTokens': 5 },
      false,
    ]),
    ...['span', 'agent', 'tool', 'retriever', 'event'].map((type): [string, AttributeList, boolean] => [
      `Langfuse ${type}`,
      { 'langfuse.observation.type': type, 'langfuse.observation.usage_details': '{"input":5}' },
      false,
    ]),
    ['a LangSmith retriever', { 'langsmith.span.kind': 'retriever', 'gen_ai.operation.name': 'embeddings' }, false],
    ['a LangSmith prompt', { 'langsmith.span.kind': 'prompt', 'gen_ai.operation.name': 'chat' }, false],
    ['a Traceloop workflow', { 'traceloop.span.kind': 'workflow', 'traceloop.workflow.name': 'w' }, false],
    [
      'HTTP below a Traceloop workflow',
      { 'traceloop.workflow.name': 'w', 'http.method': 'POST', 'http.status_code': 200 },
      false,
    ],
    ['a Genkit flow', { 'genkit:metadata:subtype': 'flow', 'genkit:output': '{"usage":{"inputTokens":5}}' }, false],
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

describe('token counts that dialects tell in their own way', () => {
  const usage = (value: object) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': JSON.stringify(value),
  })
  const ai = (provider: string, more: Record<string, number | string>) => ({
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.provider': provider,
    'gen_ai.usage.input_tokens': 50,
    'gen_ai.usage.output_tokens': 5,
    ...more,
  })
  test.each<[string, Record<string, string | number>, readonly number[]]>([
    [
      'Langfuse with OpenAI’s details',
      usage({
        prompt_tokens: 50,
        completion_tokens: 9,
        prompt_tokens_details: { cached_tokens: 30 },
        completion_tokens_details: { reasoning_tokens: 4 },
      }),
      [50, 9, 30, Number.NaN, 4],
    ],
    [
      'Langfuse’s own keys',
      usage({ input: 20, output: 5, total: 59, input_cached_tokens: 30, output_reasoning_tokens: 4 }),
      [50, 9, 30, Number.NaN, 4],
    ],
    [
      'Langfuse with Anthropic’s keys',
      usage({ input_tokens: 20, output_tokens: 9, cache_read_input_tokens: 30, cache_creation_input_tokens: 7 }),
      [57, 9, 30, 7, Number.NaN],
    ],
    ['AI SDK 5, OpenAI', ai('openai.chat', { 'ai.usage.cachedInputTokens': 30 }), [50, 5, 30, Number.NaN, Number.NaN]],
    [
      'AI SDK 5, Anthropic',
      ai('anthropic.messages', {
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata': '{"anthropic":{"cacheCreationInputTokens":7}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 6, Anthropic',
      ai('anthropic.messages', {
        'ai.usage.inputTokenDetails.cacheReadTokens': 30,
        'ai.usage.inputTokenDetails.cacheWriteTokens': 7,
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata': '{"anthropic":{"cacheCreationInputTokens":7}}',
      }),
      [50, 5, 30, 7, Number.NaN],
    ],
    [
      'a Python object',
      {
        'gen_ai.system': 'openai',
        'llm.request.type': 'completion',
        'gen_ai.usage.input_tokens': 50,
        'metadata.usage_object':
          "{'prompt_tokens': 50, 'details': Details(a='}'), 'prompt_tokens_details': {'audio': None, 'cached_tokens': 30}}",
      },
      [50, Number.NaN, 30, Number.NaN, Number.NaN],
    ],
  ])('%s', (name, attributes, is) => {
    const call = callOf({ scope: name === 'a Python object' ? 'litellm' : 'any', attributes })!
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = call
    expect([inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens]).toEqual(is)
  })

  test('a cost of nothing is no cost where the emitter does not know the model', () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.usage.cost': 0 }
    expect(callOf({ scope: 'openlit.x', attributes })!.cost_usd).toBeNaN()
  })
})

describe('streams', () => {
  const first = (name: string, after_ms: number) => [{ name, attributes: {}, time_ms: START_MS + after_ms }]
  const inference = { 'openinference.span.kind': 'LLM' }
  const lit = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' }
  test.each<[string, SpanFixture, boolean, number]>([
    ['an event', { attributes: inference, events: first('First Token Stream Event', 40) }, true, 0.04],
    ['another event', { attributes: inference, events: first('Something', 40) }, false, Number.NaN],
    [
      'an event before the span',
      { attributes: inference, events: first('First Token Stream Event', -40) },
      false,
      Number.NaN,
    ],
    [
      'a moment in quotes',
      {
        attributes: {
          'langfuse.observation.type': 'generation',
          'langfuse.observation.completion_start_time': `"${new Date(START_MS + 40).toISOString()}"`,
        },
      },
      true,
      0.04,
    ],
    [
      'no moment',
      {
        attributes: {
          'langfuse.observation.type': 'generation',
          'langfuse.observation.completion_start_time': 'soon',
        },
      },
      false,
      Number.NaN,
    ],
    [
      'a call that says it did not stream',
      {
        scope: 'openlit.x',
        attributes: { ...lit, 'gen_ai.server.time_to_first_token': 0.3, 'gen_ai.request.stream': false },
      },
      false,
      Number.NaN,
    ],
    ['ai.streamText', { attributes: { 'ai.operationId': 'ai.streamText.doStream' } }, true, Number.NaN],
    ['True', { scope: 'litellm', attributes: { ...lit, 'llm.is_streaming': 'True' } }, true, Number.NaN],
    ['False', { scope: 'litellm', attributes: { ...lit, 'llm.is_streaming': 'False' } }, false, Number.NaN],
  ])('%s', (_, span, stream, timeToFirstChunk_s) => {
    const call = callOf(span)!
    expect([call.stream, call.timeToFirstChunk_s]).toEqual([stream, timeToFirstChunk_s])
  })
})

describe('values', () => {
  test('texts between quotes', () => {
    const call = callOf({
      scope: 'mlflow.x',
      attributes: { 'mlflow.spanType': '"LLM"', model: '"m"', 'mlflow.llm.model': '""' },
    })!
    expect([call.text(FIELD.requestModel), call.has(FIELD.responseModel)]).toEqual(['m', false])
  })

  test('an embedding that its emitter calls a generation', () => {
    const attributes = {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': 'text-embedding-3',
    }
    expect(OPERATIONS[callOf({ attributes })!.operation]).toBe('embeddings')
  })

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
    ['no list, and not taken apart', 'stop, ada@example.org', ['?']],
    ['no list among others', ['stop', 'ada@example.org'], ['stop', '?']],
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
  const said = (text: string) => ({
    'langfuse.observation.level': 'ERROR',
    'langfuse.observation.status_message': text,
  })
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
    [
      'a text of the emitter’s own',
      { attributes: { 'langfuse.observation.type': 'generation', ...said('Error: 429 slow down') } },
      true,
      true,
      '',
    ],
    [
      'another of them',
      { attributes: { 'langfuse.observation.type': 'generation', ...said('Error: 500') } },
      true,
      false,
      '',
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
