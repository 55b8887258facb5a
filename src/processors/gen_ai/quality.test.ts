import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf, type LogOptions, logBatch, type Plain } from '../../../test/support/otlp.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { readNormalisedCall } from '../../gen_ai/normalised.ts'
import { SIGNALS } from '../../gen_ai/quality.ts'
import { type AttributeList, batchOf, type SpanFixture } from '../../gen_ai/span.fixture.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { processorForTests, recordProcessorForTests } from './processor.fixture.ts'

const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' }
const sorry = "I'm sorry, but I can't help with that."
const fine = 'The gate opens at dawn.'

function messages(...parts: object[]): AttributeList {
  return { ...chat, 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]) }
}

function words(content: string, more: AttributeList = {}): AttributeList {
  return { ...messages({ type: 'text', content }), ...more }
}

/** Score and signals of a span, as they are read back. */
async function qualityOf(span: SpanFixture): Promise<[score: number, ...signals: string[]]> {
  const batch = await processorForTests().normalise(batchOf(span))
  const view = new SpanView()
  const call = new ModelCall()
  view.read(batch, 0)
  expect(readNormalisedCall(view, call)).toBe(true)
  return [call.qualityScore, ...SIGNALS.filter((_, at) => (call.qualitySignals & (1 << at)) !== 0)]
}

const unknown = Number.NaN
const openInference = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'gpt-4o' }

describe('where the answer stands', () => {
  test.each<[string, AttributeList, (number | string)[]]>([
    ['nowhere', chat, [unknown]],
    ['messages', words(fine), [1]],
    ['messages with a refusal', words(sorry), [0.4, 'refusal']],
    ['a part that says so', messages({ type: 'refusal', content: 'Never!' }), [0.4, 'refusal']],
    ['tool calls', messages({ type: 'text', content: '' }, { type: 'tool_call', name: 'f', arguments: {} }), [1]],
    [
      'numbered',
      { ...chat, 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': sorry },
      [0.4, 'refusal'],
    ],
    ['numbered, empty', { ...chat, 'gen_ai.completion.0.content': '' }, [0.4, 'empty']],
    [
      'numbered tool call',
      { ...chat, 'gen_ai.completion.0.content': '', 'gen_ai.completion.0.tool_calls.0.name': 'f' },
      [1],
    ],
    ['numbered refusal', { ...chat, 'gen_ai.completion.0.refusal': 'Never!' }, [0.4, 'refusal']],
    ['OpenInference', { ...openInference, 'llm.output_messages.0.message.content': fine, 'output.value': 'x' }, [1]],
    [
      'OpenInference, the refusal only in the whole',
      {
        ...openInference,
        'llm.output_messages.0.message.role': 'assistant',
        'output.value': JSON.stringify({ choices: [{ message: { content: null, refusal: 'Never!' } }] }),
      },
      [0.4, 'refusal'],
    ],
    ['hidden', { ...openInference, 'llm.output_messages.0.message.content': '__REDACTED__' }, [unknown]],
    [
      'prompts are no answers',
      { ...chat, 'gen_ai.prompt.0.content': sorry, 'gen_ai.input.messages': sorry },
      [unknown],
    ],
    ['a list without messages', { ...chat, 'gen_ai.output.messages': '[]' }, [unknown]],
  ])('%s', async (_, attributes, expected) => {
    expect(await qualityOf({ attributes })).toEqual(expected)
  })

  test.each<[string, AttributeList, (number | string)[]]>([
    ['gen_ai.choice', { message: JSON.stringify([{ text: sorry }]), finish_reason: 'end_turn' }, [0.4, 'refusal']],
    ['gen_ai.choice', { message: JSON.stringify([{ toolUse: { name: 'f' } }]) }, [1]],
    ['gen_ai.choice', { message: fine, finish_reason: 'max_tokens' }, [0.4, 'truncated']],
    [
      'gen_ai.content.completion',
      { 'gen_ai.completion': JSON.stringify([{ role: 'assistant', content: '' }]) },
      [0.4, 'empty'],
    ],
    [
      'gen_ai.client.inference.operation.details',
      { 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: fine }] }]) },
      [1],
    ],
    ['gen_ai.user.message', { content: sorry }, [unknown]],
  ])('event %s %j', async (name, attributes, expected) => {
    expect(await qualityOf({ attributes: chat, events: [{ name, attributes }] })).toEqual(expected)
  })
})

describe('signals', () => {
  const json = { 'gen_ai.output.type': 'json' }
  test.each<[string, AttributeList, (number | string)[]]>([
    ['a finish reason alone', { ...chat, 'gen_ai.response.finish_reasons': ['length'] }, [0.4, 'truncated']],
    [
      'a finish reason inside the messages',
      {
        ...chat,
        'gen_ai.output.messages': JSON.stringify([
          { role: 'assistant', parts: [{ type: 'text', content: fine }], finish_reason: 'max_tokens' },
        ]),
      },
      [0.4, 'truncated'],
    ],
    [
      'filtered, and so empty',
      words('', { 'gen_ai.response.finish_reasons': ['content_filter'] }),
      [0.4, 'content_filter'],
    ],
    ...(
      [
        ['MALFORMED_FUNCTION_CALL', 'invalid_output'],
        ['UNEXPECTED_TOOL_CALL', 'invalid_output'],
        ['malformed_tool_use', 'invalid_output'],
        ['error', 'invalid_output'],
        ['IMAGE_SAFETY', 'content_filter'],
        ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
        ['ERROR_TOXIC', 'content_filter'],
      ] as const
    ).map(([reason, signal]): [string, AttributeList, (number | string)[]] => [
      `ended with ${reason}`,
      { ...chat, 'gen_ai.response.finish_reasons': [reason] },
      [0.4, signal],
    ]),
    [
      'ended with an error, and failed',
      { ...chat, 'gen_ai.response.finish_reasons': ['error'], 'error.type': 'timeout' },
      [unknown],
    ],
    [
      'a stream that its reader left',
      words('A long answer', { 'gen_ai.request.stream': true, 'gen_ai.response.finish_reasons': ['error'] }),
      [1],
    ],
    [
      'a stream that ended with an error',
      words('A long answer', {
        'gen_ai.request.stream': true,
        'gen_ai.usage.output_tokens': 4,
        'gen_ai.response.finish_reasons': ['error'],
      }),
      [0.4, 'invalid_output'],
    ],
    ['ended for a reason that nobody knows', { ...chat, 'gen_ai.response.finish_reasons': ['tea_time'] }, [unknown]],
    ['empty, but tools were called', words('', { 'gen_ai.response.finish_reasons': ['tool_calls'] }), [unknown]],
    ['two', words(sorry, { 'gen_ai.response.finish_reasons': ['length'] }), [0.3, 'truncated', 'refusal']],
    ['doubt', words("I'm not sure, but it may be at dawn."), [0.7, 'hedging']],
    ['JSON', words('{"gate": "open"}', json), [1]],
    ['no JSON', words('The gate is open.', json), [0.4, 'invalid_output']],
    ['JSON in a fence', words('```json\n{}\n```', json), [0.4, 'invalid_output']],
    ['no JSON, not asked for', words('{', { 'gen_ai.output.type': 'text' }), [1]],
    ['a refusal instead of JSON', words(sorry, json), [0.4, 'refusal']],
    [
      'JSON asked for among parameters',
      {
        ...openInference,
        'llm.output_messages.0.message.content': '{"a"',
        'llm.invocation_parameters': '{"response_format":{"type":"json_schema","json_schema":{}}}',
      },
      [0.4, 'invalid_output'],
    ],
    [
      'a tool with a schema is no wish for JSON',
      {
        ...openInference,
        'llm.output_messages.0.message.content': 'a',
        'llm.invocation_parameters': '{"tools":[{"json_schema":{"type":"object"}}]}',
      },
      [1],
    ],
    ['JSON of the whole, asked for', { ...openInference, 'output.value': '{"order": 1}', ...json }, [1]],
    [
      'embeddings',
      { 'gen_ai.operation.name': 'embeddings', 'gen_ai.provider.name': 'openai', 'output.value': '' },
      [unknown],
    ],
  ])('%s', async (_, attributes, expected) => {
    expect(await qualityOf({ attributes })).toEqual(expected)
  })

  test('a failed call is not blamed for saying nothing', async () => {
    expect(await qualityOf({ attributes: words(''), status: { code: 2 } })).toEqual([unknown])
    expect(await qualityOf({ attributes: words(fine), status: { code: 2 } })).toEqual([unknown])
  })
})

describe('evaluations on the span win', () => {
  test.each<[string, AttributeList, number]>([
    ['a score', { 'gen_ai.evaluation.name': 'relevance', 'gen_ai.evaluation.score.value': 0.25 }, 0.25],
    ['a label', { 'gen_ai.evaluation.name': 'correct', 'gen_ai.evaluation.score.label': 'fail' }, 0],
    ['another scale', { 'gen_ai.evaluation.name': 'stars', 'gen_ai.evaluation.score.value': 4 }, 1],
    ['something bad', { 'gen_ai.evaluation.name': 'Toxicity', 'gen_ai.evaluation.score.value': 0.01 }, 1],
    [
      'the lowest of several',
      { 'evaluations.0.evaluation.score': 0.9, 'evaluations.1.evaluation.score': 0.125 },
      0.125,
    ],
  ])('%s', async (_, more, score) => {
    expect(await qualityOf({ attributes: words(fine, more) })).toEqual([score])
  })

  test('in an event; signals stay facts', async () => {
    const attributes = { 'gen_ai.evaluation.name': 'helpful', 'gen_ai.evaluation.score.value': 0.75 }
    const events = [{ name: 'gen_ai.evaluation.result', attributes }]
    expect(await qualityOf({ attributes: words(sorry), events })).toEqual([0.75, 'refusal'])
  })
})

describe('log records', () => {
  async function judged(record: LogOptions): Promise<[unknown, unknown]> {
    const batch = logBatch([record])
    const { normalise } = recordProcessorForTests()
    const once = await normalise(batch)
    expect((await normalise(once)).bytes.equals(once.bytes)).toBe(true)
    const found = Object.fromEntries(attributesOf(itemsOf(once)[0]))
    if (found['sluice.quality.score'] === undefined) expect(once).toBe(batch)
    return [found['sluice.quality.score'], found['sluice.quality.signals']]
  }

  const details = 'gen_ai.client.inference.operation.details'
  const choice = (message: object, finish_reason = 'stop') =>
    ({ index: 0, finish_reason, message: { role: 'assistant', ...message } }) as unknown as Plain
  const choices = (content: string) => ({ choices: [{ message: { role: 'assistant', content } }] })
  const outputs = (...parts: Plain[]) => ({ 'gen_ai.output.messages': [{ role: 'assistant', parts }] })

  const autogen = (type: string, messages: object[], response: object) =>
    JSON.stringify({ tools: [], type, messages, response, prompt_tokens: 5 })
  const refused = [{ role: 'assistant', content: sorry }]
  test.each<[string, string, unknown]>([
    ['an answer', autogen('LLMCall', [], choices(fine)), 1],
    ['a refusal', autogen('LLMCall', [], choices(sorry)), 0.4],
    ['an answer behind a refusal before', autogen('LLMCall', refused, choices(fine)), 1],
    ['the end of a stream', autogen('LLMStreamEnd', refused, { finish_reason: 'stop', content: fine }), 1],
    ['a refusal at the end of a stream', autogen('LLMStreamEnd', [], { content: sorry }), 0.4],
    ['nothing', autogen('LLMCall', refused, { choices: [] }), undefined],
  ])('a call of AutoGen: %s', async (_, body, score) => {
    const batch = logBatch([{ body }], { scope: { name: 'autogen_core.events' } })
    const [record] = itemsOf(await recordProcessorForTests().normalise(batch))
    expect(Object.fromEntries(attributesOf(record))['sluice.quality.score']).toBe(score)
  })

  test.each<[string, LogOptions, unknown, unknown]>([
    ['a choice', { event: 'gen_ai.choice', body: choice({ content: fine }) }, 1, undefined],
    [
      'its name as an attribute',
      { attributes: { 'event.name': 'gen_ai.choice' }, body: choice({ content: sorry }) },
      0.4,
      ['refusal'],
    ],
    ['truncated', { event: 'gen_ai.choice', body: choice({ content: fine }, 'max_tokens') }, 0.4, ['truncated']],
    ['without content', { event: 'gen_ai.choice', body: choice({}) }, undefined, undefined],
    ['tools', { event: 'gen_ai.choice', body: choice({ tool_calls: [{ id: '1' }] }, 'tool_calls') }, 1, undefined],
    ['as a JSON text', { event: 'gen_ai.choice', body: JSON.stringify(choice({ content: '' })) }, 0.4, ['empty']],
    ['details', { event: details, attributes: outputs({ type: 'text', content: sorry }) }, 0.4, ['refusal']],
    ['details without parts', { event: details, attributes: outputs() }, 0.4, ['empty']],
    [
      'details of a failure',
      { event: details, attributes: { ...outputs(), 'error.type': '500' } },
      undefined,
      undefined,
    ],
    ['a prompt', { event: 'gen_ai.user.message', body: { content: sorry } }, undefined, undefined],
    ['an application log', { body: sorry, attributes: { a: 'b' } }, undefined, undefined],
    [
      'judged by a trusted tier',
      { event: 'gen_ai.choice', body: choice({ content: sorry }), attributes: { 'sluice.quality.score': 0.9 } },
      0.9,
      undefined,
    ],
  ])('%s', async (_, record, score, signals) => {
    expect(await judged(record)).toEqual([score, signals])
  })
})

describe('the context window', () => {
  const of = (input: number, more: AttributeList = {}): AttributeList => ({
    ...chat,
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.usage.input_tokens': input,
    ...more,
  })
  const refused = (message: string, type = 'BadRequestError'): SpanFixture => ({
    attributes: { ...chat, 'error.type': type },
    status: { code: 2, message },
  })

  test.each<[string, SpanFixture, string[]]>([
    ['half full', { attributes: of(64_000) }, []],
    ['nearly full', { attributes: of(108_800) }, ['context_window']],
    ['just below', { attributes: of(108_799) }, []],
    [
      'the answer ended with it',
      { attributes: of(200, { 'gen_ai.response.finish_reasons': ['model_context_window_exceeded'] }) },
      ['truncated', 'context_exceeded'],
    ],
    [
      'the answer ended at another bound',
      { attributes: of(200, { 'gen_ai.response.finish_reasons': ['max_tokens'] }) },
      ['truncated'],
    ],
    ['a code', refused('', 'context_length_exceeded'), ['context_exceeded']],
    [
      'OpenAI’s sentence',
      refused(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
      ),
      ['context_exceeded'],
    ],
    ['Anthropic’s', refused('prompt is too long: 208310 tokens > 200000 maximum'), ['context_exceeded']],
    ['Bedrock’s', refused('Input is too long for requested model.', 'ValidationException'), ['context_exceeded']],
    [
      'Gemini’s',
      refused('The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
      ['context_exceeded'],
    ],
    ['another failure', refused('The model does not exist.'), []],
    ['a rate limit in tokens', refused('Too many tokens, please wait before trying again.', 'ThrottlingException'), []],
  ])('%s', async (_, span, signals) => {
    const [, ...found] = await qualityOf(span)
    expect(found).toEqual(signals)
  })
})
