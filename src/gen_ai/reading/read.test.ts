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
  'openinference-llama-index': {
    scope: 'openinference.instrumentation.llama_index',
    attributes: { 'openinference.span.kind': 'LLM', 'llm.input_messages.0.message.role': 'user' },
  },
  'claude-code-spans': { scope: 'com.anthropic.claude_code.tracing', attributes: { 'span.type': 'llm_request' } },
  'livekit-agents': { scope: 'livekit-agents', name: 'llm_request', attributes: {} },
  pipecat: { scope: 'pipecat', attributes: { 'gen_ai.operation.name': 'chat' } },
  laminar: { attributes: { 'lmnr.span.type': 'LLM' } },
  vllm: { attributes: { 'gen_ai.latency.e2e': 0.5, 'gen_ai.response.model': 'm' } },
  tgi: { scope: 'text-generation-inference.router', name: 'generate', attributes: {} },
  sentry: { scope: 'sentry.javascript.node', attributes: { 'sentry.op': 'gen_ai.chat' } },
  openinference: { attributes: { 'openinference.span.kind': 'LLM' } },
  'traceloop-js-anthropic': {
    scope: '@traceloop/instrumentation-anthropic',
    attributes: { 'gen_ai.system': 'anthropic', 'gen_ai.operation.name': 'chat' },
  },
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
  // What a sum tells: below.
  totalTokens: [106, (call) => call.correctedTokens, 0],
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
    [
      'no operation, newer convention, a model and tokens',
      { ...provider, 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.output_tokens': 4 },
      true,
    ],
    ['neither operation nor provider', { 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 4 }, true],
    ['a model alone', { 'gen_ai.request.model': 'gpt-4o' }, false],
    ['tokens alone', { 'gen_ai.usage.input_tokens': 4 }, false],
    ...['traceloop.span.kind', 'gen_ai.tool.name', 'gen_ai.tool.call.id', 'gen_ai.workflow.name'].map(
      (key): [string, AttributeList, boolean] => [
        `no operation, but ${key}`,
        { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 5, [key]: 'x' },
        false,
      ],
    ),
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

  const failed = { status: { code: 2, message: '' }, attributes: {} }
  const openLit = 'openlit.instrumentation.openai'
  test.each<[string, SpanFixture, [model: string, operation: string] | undefined]>([
    ['chat and a model', { ...failed, scope: openLit, name: 'chat gpt-4o' }, ['gpt-4o', 'chat']],
    ['embeddings', { ...failed, scope: 'openlit.otel', name: 'embeddings m-large' }, ['m-large', 'embeddings']],
    [
      'in the conventions',
      { ...failed, scope: 'opentelemetry.instrumentation.openai_v2', name: 'chat m' },
      ['m', 'chat'],
    ],
    ['in .NET', { ...failed, scope: 'Experimental.Microsoft.Extensions.AI', name: 'chat m' }, ['m', 'chat']],
    [
      'with a type of error as its only attribute',
      { ...failed, scope: openLit, name: 'chat m', attributes: { 'error.type': 'timeout' } },
      ['m', 'chat'],
    ],
    [
      'with a model of its own',
      { ...failed, scope: 'litellm', name: 'chat m', attributes: { 'gen_ai.request.model': 'other' } },
      ['other', 'chat'],
    ],
    ['a client without a model', { ...failed, kind: 3, scope: openLit, name: 'chat' }, ['', 'chat']],
    ['as OpenLLMetry names them', { ...failed, kind: 3, scope: '@traceloop/x', name: 'openai.chat' }, ['', 'chat']],
    ['no client', { ...failed, scope: openLit, name: 'chat' }, undefined],
    ['an agent', { ...failed, scope: openLit, name: 'invoke_agent planner' }, undefined],
    ['prose', { ...failed, scope: openLit, name: 'chat with room 7' }, undefined],
    ['an endless name', { ...failed, scope: openLit, name: `chat ${'m'.repeat(300)}` }, undefined],
    [
      'an operation that is none',
      {
        ...failed,
        scope: openLit,
        name: 'chat m',
        attributes: { 'gen_ai.operation.name': 'plan', 'gen_ai.provider.name': 'x' },
      },
      undefined,
    ],
    ['one that did not fail', { scope: openLit, name: 'chat gpt-4o', attributes: {} }, undefined],
    ['somebody else’s', { ...failed, scope: 'orchard.rooms', name: 'chat room-7' }, undefined],
    ['a scope whose spans users name', { ...failed, scope: 'logfire', name: 'chat room-7' }, undefined],
    ['Google ADK', { scope: 'gcp.vertex.agent', name: 'call_llm', attributes: {} }, ['', 'generate_content']],
    ['Google ADK, failed', { ...failed, scope: 'gcp.vertex.agent', name: 'call_llm' }, ['', 'generate_content']],
    ['Google ADK, what stands around', { ...failed, scope: 'gcp.vertex.agent', name: 'invocation' }, undefined],
    ['LiveKit, what stands around', { ...failed, scope: 'livekit-agents', name: 'llm_node' }, undefined],
    [
      'TGI, what stands around',
      { scope: 'text-generation-inference', name: 'compat_generate', attributes: {} },
      undefined,
    ],
  ])('by its name: %s', (_, span, is) => {
    const call = callOf(span)
    expect(call && [call.text(FIELD.requestModel), OPERATIONS[call.operation]]).toEqual(is)
    if (call !== undefined) expect(call.failed).toBe(span.status !== undefined)
  })

  const llamaIndex = { scope: 'openinference.instrumentation.llama_index' }
  const prepared = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'output.value': '{"messages": []}' }
  test.each<[string, SpanFixture, boolean]>([
    ['only prepares a request', { ...llamaIndex, attributes: prepared }, false],
    ['elsewhere', { attributes: prepared }, true],
    ['with tokens', { ...llamaIndex, attributes: { ...prepared, 'llm.token_count.prompt': 3 } }, true],
    [
      'a stream without usage',
      { ...llamaIndex, attributes: { ...prepared, 'llm.output_messages.0.message.role': 'a' } },
      true,
    ],
    ['finished', { ...llamaIndex, attributes: { ...prepared, 'llm.finish_reason': 'stop' } }, true],
    ['failed', { ...llamaIndex, attributes: prepared, status: { code: 2 } }, true],
    [
      'a first chunk',
      {
        ...llamaIndex,
        attributes: prepared,
        events: [{ name: 'First Token Stream Event', attributes: {}, time_ms: START_MS + 5 }],
      },
      true,
    ],
    ['an embedding', { ...llamaIndex, attributes: { ...prepared, 'openinference.span.kind': 'EMBEDDING' } }, true],
  ])('a span of kind LLM: %s', (_, span, is) => {
    expect(callOf(span) !== undefined).toBe(is)
  })

  test('Claude Code’s spans', () => {
    const attributes = {
      'span.type': 'llm_request',
      'gen_ai.system': 'anthropic',
      'gen_ai.request.model': 'claude-opus-4-5',
      input_tokens: 2,
      output_tokens: 1200,
      cache_read_tokens: 84562,
      cache_creation_tokens: 7096,
      ttft_ms: 900,
      success: true,
      stop_reason: 'tool_use',
    }
    const scope = 'com.anthropic.claude_code.tracing'
    const call = callOf({ scope, attributes })!
    expect([call.inputTokens, call.outputTokens, call.timeToFirstChunk_s]).toEqual([91660, 1200, 0.9])
    expect([call.failed, finishReasonsOf(call), PROVIDERS[call.provider]]).toEqual([false, ['tool_call'], 'anthropic'])
    for (const success of [false, 'false'])
      expect(callOf({ scope, attributes: { ...attributes, success } })!.failed).toBe(true)
    expect(callOf({ scope, attributes: { ...attributes, 'span.type': 'tool' } })).toBeUndefined()
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
      'AI SDK 5, Anthropic’s own usage, by way of Google',
      ai('vertex.anthropic.messages', {
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata':
          '{"anthropic":{"usage":{"input_tokens":50,"cache_creation_input_tokens":7,"cache_read_input_tokens":30},"cacheCreationInputTokens":7}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 5, Bedrock’s own usage',
      ai('amazon-bedrock', {
        'ai.response.providerMetadata': '{"bedrock":{"usage":{"cacheReadInputTokens":30,"cacheWriteInputTokens":7}}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'Langfuse, reads as a detail and writes beside it',
      usage({
        prompt_tokens: 50,
        completion_tokens: 9,
        prompt_tokens_details: { cached_tokens: 30 },
        cache_creation_input_tokens: 7,
      }),
      [50, 9, 30, 7, Number.NaN],
    ],
    ...['usage_metadata', 'metadata.usage_metadata'].map((name): [string, Record<string, string>, number[]] => [
      `LangSmith’s ${name}`,
      {
        'langsmith.span.kind': 'llm',
        [`langsmith.${name}`]:
          '{"input_tokens":50,"output_tokens":9,"input_token_details":{"cache_read":30,"cache_creation":7},"output_token_details":{"reasoning":4}}',
      },
      [50, 9, 30, 7, 4],
    ]),
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

  const of = (scope: string) => ({ scope, 'gen_ai.system': 'anthropic', 'gen_ai.operation.name': 'chat' })
  test.each<[string, { scope: string }, number, number]>([
    ['OpenLLMetry for JavaScript, Anthropic', of('@traceloop/instrumentation-anthropic'), 87, 9],
    ['OpenLLMetry for JavaScript, Bedrock', of('@traceloop/instrumentation-bedrock'), 87, 9],
    ['OpenLLMetry for JavaScript, others', of('@traceloop/instrumentation-openai'), 50, 9],
    ['OpenLLMetry for Python, Anthropic', of('opentelemetry.instrumentation.anthropic'), 50, 9],
    ['Bedrock', of('opentelemetry.instrumentation.botocore.bedrock-runtime'), 87, 9],
  ])('by scope: %s', (_, { scope, ...attributes }, input, output) => {
    const tokens = {
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.total_tokens': 59,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.cache_creation.input_tokens': 7,
    }
    const call = callOf({ scope, attributes: { ...attributes, ...tokens } })!
    expect([call.inputTokens, call.outputTokens]).toEqual([input, output])
  })

  const bedrock = 'openinference.instrumentation.bedrock'
  const others = 'openinference.instrumentation.langchain'
  test.each<[string, string, number, number, number]>([
    ['is the provider’s, and no more than both', bedrock, 59, 50, 9],
    ['is not there', bedrock, Number.NaN, 87, 9],
    ['fits nothing', bedrock, 77, 87, 9],
    ['is added up by the emitter', others, 59, 50, 9],
    ['has the cached tokens beside', others, 96, 87, 9],
    ['has only the reads beside', others, 89, 80, 9],
    ['has the reasoning beside', others, 63, 50, 13],
    ['has both beside', others, 100, 87, 13],
    ['is less than both', others, 20, 50, 9],
    ['fits nothing, elsewhere', others, 77, 50, 9],
  ])('a sum that %s, %s', (_, scope, total, input, output) => {
    const attributes: Record<string, string | number> = {
      'openinference.span.kind': 'LLM',
      'llm.token_count.prompt': 50,
      'llm.token_count.completion': 9,
      'llm.token_count.prompt_details.cache_read': 30,
      'llm.token_count.prompt_details.cache_write': 7,
      'llm.token_count.completion_details.reasoning': 4,
    }
    if (total > 0) attributes['llm.token_count.total'] = total
    const call = callOf({ scope, attributes })!
    expect([call.inputTokens, call.outputTokens]).toEqual([input, output])
  })

  test.each<[string, Record<string, string | number>, number]>([
    ['thoughts in the response', {}, 250],
    ['thoughts in the output, as the sum tells', { 'gen_ai.usage.output_tokens': 250 }, 250],
    [
      'thoughts in the output, by name',
      { 'gen_ai.usage.reasoning.output_tokens': 210, 'gcp.vertex.agent.llm_response': '{}' },
      250,
    ],
    ['thoughts beside the output, by name', { 'gen_ai.usage.experimental.reasoning_tokens': 210 }, 250],
  ])('Google ADK: %s', (_, more, output) => {
    const usage = { prompt_token_count: 300, candidates_token_count: 40, thoughts_token_count: 210 }
    const attributes = {
      'gen_ai.operation.name': 'generate_content',
      'gen_ai.usage.input_tokens': 300,
      'gen_ai.usage.output_tokens': 40,
      'gcp.vertex.agent.llm_response': JSON.stringify({ usage_metadata: { ...usage, total_token_count: 550 } }),
      ...more,
    }
    expect(callOf({ scope: 'gcp.vertex.agent', attributes })!.outputTokens).toBe(output)
  })

  test.each<[string, readonly number[]]>([
    ['cache_read_tokens cache_write_tokens reasoning_tokens', [30, 7, 4]],
    ['cache_read_input_tokens cache_creation_input_tokens thinking', [30, 7, Number.NaN]],
    ['cached_tokens none reasoning_tokens', [30, Number.NaN, 4]],
    ['cached_content_tokens none thoughts_tokens', [30, Number.NaN, 4]],
  ])('pydantic-ai with details %s', (names, is) => {
    const [read, write, reasoning] = names.split(' ')
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 9,
      [`gen_ai.usage.details.${read}`]: 30,
      [`gen_ai.usage.details.${write}`]: 7,
      [`gen_ai.usage.details.${reasoning}`]: 4,
    }
    const call = callOf({ scope: 'pydantic-ai', attributes })!
    expect([call.cacheReadTokens, call.cacheWriteTokens, call.reasoningTokens]).toEqual(is)
    expect([call.inputTokens, call.outputTokens]).toEqual([50, 9])
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
    ['unknown', ['tea_time'], ['?']],
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
  type Case = [string, Omit<SpanFixture, 'attributes'> & { attributes?: AttributeList }, boolean, boolean, string]
  /** A library's own error around the provider's. */
  const wrapped = (
    [
      ['the status in the message', 'ChatClientException("failed: Error code: 429 - {}")', true],
      ['another status in it', 'ChatClientException("failed: Error code: 400 - you asked for 429 tokens")', false],
      ['the class in the message', 'ServiceException: ("failed", RateLimitError("slow down"))', true],
      ['another class inside', 'failed: RateLimitGuardError(BadRequestError("no 429 here"))', false],
      ['the status alone', 'API error occurred: Status 429. Body: {}', true],
      ['the status first', '429 RESOURCE_EXHAUSTED. {}', true],
      ['another status first', '503 UNAVAILABLE. The rate limit service is down', false],
      ['a status as a field', "status_code: 429, model_name: m, body: {'error': 1}", true],
      ['the status of HTTP', 'HTTP/1.1 429 Too Many Requests', true],
      ['an echo behind the status', "Error code: 400 - Invalid prompt: 'the page says 429 Too Many Requests'", false],
      ['words alone', 'Rate limit reached for requests per min', true],
      ['a number that is no status', 'maximum is 1024 tokens, you asked for 429 tokens', false],
      ['nothing', 'call failed', false],
    ] as const
  ).map(([name, message, limited]): Case => {
    const attributes = { 'error.type': 'ClientException' }
    return [`wrapped: ${name}`, { status: { code: 2, message }, attributes }, true, limited, 'ClientException']
  })
  test.each<Case>([
    ['nothing', {}, false, false, ''],
    [
      'a wrapper’s type, the provider’s in the exception',
      {
        status: { code: 2, message: 'call failed' },
        attributes: { 'error.type': 'Exception' },
        events: exception('openai.RateLimitError', 'Error code: 429'),
      },
      true,
      true,
      'Exception',
    ],
    [
      'a class as Python prints it',
      { attributes: { 'error.type': "<class 'openai.RateLimitError'>" } },
      true,
      true,
      "<class 'openai.RateLimitError'>",
    ],
    [
      'a status as the type, with the words',
      { status: { code: 2, message: 'upstream rate limit service down' }, attributes: { 'error.type': '500' } },
      true,
      false,
      '500',
    ],
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
    ...wrapped,
  ])('%s', (_, span, failed, rateLimited, type) => {
    const call = callOf({ ...span, attributes: { ...chat, ...(span.attributes as object) } })!
    expect([call.failed, call.rateLimited, call.text(FIELD.errorType)]).toEqual([failed, rateLimited, type])
  })
})

function finishReasonsOf(call: ModelCall): string[] {
  return Array.from(call.finishReasons.subarray(0, call.finishReasonCount), (at) => FINISH_REASONS[at] ?? '?')
}
