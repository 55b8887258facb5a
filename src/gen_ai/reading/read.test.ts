import { describe, expect, test } from 'vitest'
import { FIELD, type FieldName } from '../call_fields.ts'
import type { Dialect, FieldSource } from '../dialects/dialect.ts'
import { dialects } from '../dialects/dialects.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { finishReasonSpellings, OPERATIONS, providerSpellings } from '../known_values.ts'
import type { ModelCall } from '../model_call.ts'
import { callOf, finishReasonsOf, type SpanFixture, START_MS } from '../span.fixture.ts'

/** The least that makes a span a call in each dialect. */
const least: Readonly<Record<string, SpanFixture>> = {
  'anthropic-sdk': {
    scope: 'com.anthropic.sdk.python',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'anthropic' },
  },
  'mistral-sdk': { scope: 'mistralai_sdk_tracer', attributes: { 'gen_ai.operation.name': 'chat' } },
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
  'openinference-exclusive': {
    scope: 'openinference.instrumentation.claude_agent_sdk',
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
  'traceloop-bedrock': {
    scope: 'opentelemetry.instrumentation.bedrock',
    attributes: { 'gen_ai.system': 'AWS', 'gen_ai.operation.name': 'chat' },
  },
  'traceloop-haystack': {
    scope: 'opentelemetry.instrumentation.haystack',
    attributes: { 'gen_ai.system': 'OpenAI', 'llm.request.type': 'chat' },
  },
  haystack: { scope: 'haystack', attributes: { 'haystack.component.type': 'OpenAITextEmbedder' } },
  'traceloop-js-anthropic': {
    scope: '@traceloop/instrumentation-anthropic',
    attributes: { 'gen_ai.system': 'anthropic', 'gen_ai.operation.name': 'chat' },
  },
  traceloop: {
    scope: '@traceloop/instrumentation-openai',
    attributes: { 'gen_ai.system': 'openai', 'llm.request.type': 'chat' },
  },
  'llm-attributes': { attributes: { 'llm.model': 'gpt-4o', 'gen_ai.operation.name': 'chat' } },
  'otel-genai-bedrock': {
    scope: 'opentelemetry.instrumentation.genai.bedrock',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'aws.bedrock' },
  },
  'otel-genai-newest': {
    scope: 'opentelemetry.instrumentation.genai.openai',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
  },
  'otel-genai-v1.37-v1.41': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' } },
  'otel-genai-legacy-v1.26-v1.36': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai' } },
  'otel-genai-without-provider': { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } },
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
  timePerChunk: [0.02, (call) => call.timePerChunk_s, 0.02],
  queueTime: ['12.5ms', (call) => call.queueTime_s, 0.0125],
  errorText: ['slow down', (call) => call.text(FIELD.errorText), 'slow down'],
  outcome: ['ERROR', (call) => call.failed, true],
  serviceTier: ['flex', (call) => call.text(FIELD.serviceTier), 'flex'],
  serverAddress: ['localhost', (call) => call.text(FIELD.serverAddress), 'localhost'],
  answerCached: [true, (call) => call.isAnswerCached, true],
  cacheWrite5mTokens: [106, (call) => call.cacheWriteTokens, 106],
  cacheWrite1hTokens: [107, (call) => [call.cacheWrite1hTokens, call.cacheWriteTokens], [107, 107]],
  inputAudioTokens: [108, (call) => call.inputAudioTokens, 108],
  outputAudioTokens: [109, (call) => call.outputAudioTokens, 109],
  cacheReadAudioTokens: [110, (call) => call.cacheReadAudioTokens, 110],
  inputImageTokens: [111, (call) => call.inputImageTokens, 111],
  outputImageTokens: [112, (call) => call.outputImageTokens, 112],
  webSearches: [113, (call) => call.webSearches, 113],
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
    [
      'a server that measures all calls',
      { attributes: { 'gen_ai.latency.time_to_first_token': 0.3, 'gen_ai.response.model': 'm' } },
      false,
      0.3,
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
