import { describe, expect, test } from 'vitest'
import { FIELD } from '../call_fields.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { OPERATIONS } from '../known_values.ts'
import { type AttributeList, batchOf, callOf, finishReasonsOf, type SpanFixture, START_MS } from '../span.fixture.ts'
import { ScopeMarks } from './recognise.ts'

describe('what is a model call', () => {
  const provider = { 'gen_ai.provider.name': 'openai' }
  test.each<[string, AttributeList, boolean]>([
    ['chat', { ...provider, 'gen_ai.operation.name': 'chat' }, true],
    ['text_completion', { ...provider, 'gen_ai.operation.name': 'text_completion' }, true],
    ['generate_content', { ...provider, 'gen_ai.operation.name': 'generate_content' }, true],
    ['embeddings', { ...provider, 'gen_ai.operation.name': 'embeddings' }, true],
    ...['rerank', 'image_generation', 'tts', 'speech_to_text'].flatMap((name): [string, AttributeList, boolean][] => [
      [name, { ...provider, 'gen_ai.operation.name': name, 'gen_ai.request.model': 'm' }, true],
      [`${name} of no model`, { ...provider, 'gen_ai.operation.name': name }, false],
    ]),
    ['rerank of the Vercel AI SDK', { 'ai.operationId': 'ai.rerank.doRerank', 'ai.model.id': 'rerank-v3.5' }, true],
    ['what stands around it', { 'ai.operationId': 'ai.rerank', 'ai.model.id': 'rerank-v3.5' }, false],
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
    ['a kind of span', { 'gen_ai.span.kind': 'LLM', 'gen_ai.request.model': 'gpt-4o' }, true],
    ...['AGENT', 'CHAIN', 'TOOL', 'RETRIEVER', 'RERANKER', 'TASK'].map((kind): [string, AttributeList, boolean] => [
      `a span of kind ${kind}`,
      { 'gen_ai.span.kind': kind, 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 5 },
      false,
    ]),
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

test('more scopes than are remembered', () => {
  const names = Array.from({ length: 600 }, (_, at) => (at % 3 === 0 ? `openlit.of.${at}` : `an.application.${at}`))
  const batch = batchOf(...[...names, ...names].map((scope) => ({ scope, attributes: {} })))
  const marks = new ScopeMarks()
  for (let scope = 0; scope < names.length * 2; scope++)
    expect(marks.of(batch, scope).byScope, names[scope % 600]).toBe(scope % 3 === 0)
})

test('a step of the Vercel AI SDK 7 is no call, though OpenInference’s processor says so', () => {
  const attributes = { 'gen_ai.operation.name': 'agent_step', 'openinference.span.kind': 'LLM' }
  expect(callOf({ scope: 'gen_ai', attributes })).toBeUndefined()
  expect(callOf({ scope: 'gen_ai', attributes: { ...attributes, 'gen_ai.operation.name': 'chat' } })).toBeDefined()
})
