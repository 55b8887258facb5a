import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { FIELD_NAMES } from '../../gen_ai/call_fields.ts'
import { type AttributeList, batchOf } from '../../gen_ai/span.fixture.ts'
import { decode, type Message } from '../../otlp/codec.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { type GenAiConfig, lexiconOf, schema } from './config.ts'
import { ownDialects } from './own_dialects.ts'
import { processorForTests } from './processor.fixture.ts'

const page = readFileSync(new URL('../../../docs/gen_ai.md', import.meta.url), 'utf8')
const [, documented] = /```yaml\n(processors:[\s\S]*?dialects:[\s\S]*?)```/.exec(page)!
const config = parse(documented!).processors.gen_ai

/** Attributes of the first span by name. */
function attributesOf(batch: TraceBatch): Record<string, unknown> {
  const message = decode('TracesRequest', batch.bytes) as never as {
    resourceSpans: { scopeSpans: { spans: { attributes: { key: string; value: Message }[] }[] }[] }[]
  }
  const { attributes } = message.resourceSpans[0]!.scopeSpans[0]!.spans[0]!
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))
}

function plain(value: Message): unknown {
  const [one] = Object.values(value)
  if (typeof one === 'bigint') return Number(one)
  const list = value['arrayValue'] as { values: Message[] } | undefined
  return list === undefined ? one : list.values.map(plain)
}

async function written(attributes: AttributeList, given: unknown = config, scope = 'acme.llm') {
  return attributesOf(await processorForTests(given).normalise(batchOf({ scope, attributes })))
}

const span = {
  'acme.task': 'ask',
  'acme.vendor': 'open-ai',
  'acme.model': 'gpt-4o',
  'acme.tokens.in': 1000,
  'acme.tokens.out': 100,
  'acme.tokens.cached': 400,
  'acme.tokens.thinking': 50,
  'acme.end': 'cut',
  'acme.first_token_ms': 250,
  'acme.mode': 'live',
  'acme.session': 's1',
  'acme.price_usd': 0,
  'acme.response': '{"model": "gpt-4o-2024-08-06", "id": "r1", "usage": {"in": 7}}',
}

describe('the dialect in the documentation', () => {
  test('a span with all that it names', async () => {
    expect(await written(span)).toMatchObject({
      'sluice.dialect': 'acme',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.response.id': 'r1',
      'gen_ai.conversation.id': 's1',
      'gen_ai.usage.input_tokens': 1400,
      'gen_ai.usage.output_tokens': 150,
      'gen_ai.usage.cache_read.input_tokens': 400,
      'gen_ai.usage.reasoning.output_tokens': 50,
      'gen_ai.response.time_to_first_chunk': 0.25,
      'gen_ai.request.stream': true,
      'gen_ai.response.finish_reasons': ['length'],
      'sluice.cost.source': 'table',
      'sluice.cost.usd': (1000 * 2.5 + 400 * 1.25 + 150 * 10) / 1e6,
    })
  })

  test.each<[string, AttributeList, Record<string, unknown>]>([
    [
      'the second place',
      { 'acme.response': '{"usage": {"in": 7, "out": 3}}' },
      { 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 3 },
    ],
    [
      'names of the conventions',
      { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 5 },
      { 'sluice.dialect': 'acme' },
    ],
    ['embeddings', { 'acme.task': 'vectorise', 'acme.model': 'm' }, { 'gen_ai.operation.name': 'embeddings' }],
    ['a known word', { 'acme.task': 'chat', 'acme.model': 'm' }, { 'gen_ai.operation.name': 'chat' }],
    [
      'a cost',
      { 'acme.model': 'm', 'acme.tokens.in': 1, 'acme.price_usd': 0.5 },
      { 'sluice.cost.usd': 0.5, 'sluice.cost.source': 'reported' },
    ],
    ['a failure', { 'acme.model': 'm', 'acme.fault': 'Overloaded' }, { 'error.type': 'Overloaded' }],
  ])('%s', async (_, attributes, expected) => expect(await written(attributes)).toMatchObject(expected))

  test.each<[string, AttributeList, string]>([
    ['another operation', { 'acme.task': 'rank', 'acme.model': 'm' }, 'acme.llm'],
    ['neither model nor tokens', { 'acme.session': 's' }, 'acme.llm'],
    ['another scope without a mark', { 'acme.tokens.in': 1 }, 'other'],
  ])('no call: %s', async (_, attributes, scope) => {
    expect(await written(attributes, config, scope)).not.toHaveProperty('sluice.dialect')
  })

  test('by an attribute in any scope', async () => {
    expect(await written({ 'acme.model': 'm', 'acme.tokens.in': 1 }, config, 'x')).toMatchObject({
      'sluice.dialect': 'acme',
    })
  })

  test('without it the span is none', async () => {
    expect(await written(span, {})).not.toHaveProperty('sluice.dialect')
  })

  test('calls are counted under its name', async () => {
    const processor = processorForTests(config)
    await processor.normalise(batchOf({ scope: 'acme.llm', attributes: span }))
    expect(processor.count('sluice_gen_ai_calls{dialect=acme}')).toBe(1)
  })
})

const least = { id: 'own', marks: [{ key: 'own.mark' }], fields: {}, operation_optional: true }

test('it is tried before those that are built in, which stay what they are', async () => {
  const own = { ...least, marks: [{ key: 'gen_ai.system' }], fields: { request_model: ['own.model'] } }
  const legacy = {
    'gen_ai.system': 'openai',
    'gen_ai.request.model': 'theirs',
    'own.model': 'ours',
    'gen_ai.usage.input_tokens': 1,
  }
  expect(await written(legacy, { dialects: [own] }, 'x')).toMatchObject({ 'sluice.dialect': 'own' })
  const spring = { 'gen_ai.provider.name': 'openai', 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }
  const [before, after] = [await written(spring, {}, 'x'), await written(spring, { dialects: [own] }, 'x')]
  expect(after).toEqual(before)
  expect(before['sluice.dialect']).toBeDefined()
})

test('a server of one’s own has no list price', async () => {
  const call = { 'own.mark': 'x', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 1 }
  expect(await written(call, { dialects: [least] }, 'x')).toMatchObject({ 'sluice.cost.source': 'table' })
  expect(await written(call, { dialects: [{ ...least, of_own_server: true }] }, 'x')).toMatchObject({
    'sluice.cost.source': 'unknown_model',
  })
})

test('a reload takes a dialect that has changed, and one that is gone', async () => {
  const processor = processorForTests({ dialects: [least] })
  const dialectOf = async () => {
    const attributes = { 'own.mark': 'x', 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 1 }
    return attributesOf(await processor.normalise(batchOf({ scope: 'x', attributes })))['sluice.dialect']
  }
  expect(await dialectOf()).toBe('own')
  expect(await processor.reconfigure({ dialects: [{ ...least, id: 'renamed' }] })).toBe(true)
  expect(await dialectOf()).toBe('renamed')
  await processor.reconfigure({})
  const builtIn = await dialectOf()
  expect(builtIn).not.toBe('renamed')
  await processor.reconfigure({ dialects: [least] })
  expect(await dialectOf()).toBe('own')
})

test('every field of a call may be named', () => {
  const named = Object.keys(ownDialects.element.shape.fields.shape)
  expect(named.length).toBe(FIELD_NAMES.length)
  for (const field of named) {
    const parsed = schema.parse({ dialects: [{ ...least, fields: { [field]: [`own.${field}`] } }] })
    expect(lexiconOf(parsed as GenAiConfig).keys.names).toContain(`own.${field}`)
  }
})

describe('what is wrong with a dialect is told', () => {
  const issues = (dialect: unknown) => {
    const result = schema.safeParse({ dialects: Array.isArray(dialect) ? dialect : [dialect] })
    return (result.error?.issues ?? []).map(
      ({ path, message, ...rest }) => `${path.slice(1).join('.')}: ${(rest as { keys?: string[] }).keys ?? message}`,
    )
  }

  test.each<[string, unknown, string]>([
    ['no marks', { ...least, marks: [] }, '0.marks: Too small'],
    ['an empty mark', { ...least, marks: [{}] }, '0.marks.0: expected a scope, a key or an event'],
    ['an unknown field', { ...least, fields: { tokens: ['a'] } }, '0.fields: tokens'],
    ['an unknown key', { ...least, colour: 1 }, '0: colour'],
    ['a field without places', { ...least, fields: { cost: [] } }, '0.fields.cost: Too small'],
    ['a key for two fields', { ...least, fields: { cost: ['a'], operation: ['a'] } }, 'expected another place: `'],
    [
      'a key twice',
      { ...least, fields: { cost: ['a', 'a'] } },
      '0.fields.cost.1: expected another place: `cost` stands there',
    ],
    ['an operation that is none', { ...least, operations: { ask: 'talking' } }, '0.operations.ask: Invalid option'],
    ['a provider that is none', { ...least, providers: { a: 'acme' } }, '0.providers.a: Invalid option'],
    ['an id that is built in', { ...least, id: 'openlit' }, '0.id: expected an id that no other dialect has'],
    ['an id twice', [least, { ...least, marks: [{ key: 'b' }] }], '1.id: expected an id that no other dialect has'],
    ['a mark twice', [least, { ...least, id: 'other' }], '1.marks.0: expected a mark that is not there yet'],
    ['an id with blanks', { ...least, id: 'My SDK' }, '0.id: Invalid string'],
    ['an event of spans', { ...least, marks: [{ event: 'e' }] }, '0.marks.0: expected a scope or a key'],
    ['an attribute as mark of records', { ...least, in_records: true }, '0.marks.0.key: expected an event or a scope'],
    [
      'content as a fact',
      { ...least, fields: { agent_name: ['a'] }, content: { user: ['a'] } },
      '0.fields.agent_name.0: expected an attribute that is no content',
    ],
    [
      'too many stars',
      { ...least, content: { user: ['a*b*c*d*e'] } },
      '0.content.user.0: expected a name with at most three *',
    ],
    ['content of nobody', { ...least, content: { people: ['a'] } }, '0.content: people'],
    [
      'too many',
      Array.from({ length: 21 }, (_, at) => ({ ...least, id: `d${at}`, marks: [{ key: `k${at}` }] })),
      ': Too big',
    ],
    [
      'too many places',
      { ...least, fields: { cost: Array.from({ length: 21 }, (_, at) => `a${at}`) } },
      '0.fields.cost: Too big',
    ],
  ])('%s', (_, dialect, expected) => expect(issues(dialect).join('\n')).toContain(expected))

  test('the least one is good', () => expect(issues(least)).toEqual([]))
})
