import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  attributesOf,
  batchOf,
  itemsOf,
  logBatch,
  metricBatch,
  type Plain,
  requestOf,
  traceBatch,
} from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { receive } from '../../telemetry/receive.ts'
import { redaction } from './index.ts'
import { redactAs } from './redaction.fixture.ts'

const KEY = ['sk-proj-', 'Canary7q2xKd93mZpLw0aTbRtYuIoP', 'T3BlbkFJ', 'q8Zx5Cv6Bn7Mm1Qw2Er3Ty4Ui'].join('')
const CARD = '4111 1111 1111 1111'

/** The attributes of one span after redaction, by key. */
async function attributes(given: [string, Plain][], config: unknown = {}): Promise<[string, Plain][]> {
  const { batch } = await redactAs('traces', traceBatch([{ attributes: given }]), config)
  return attributesOf(itemsOf(batch!)[0])
}

const values: readonly (readonly [what: string, key: string, value: Plain, expected: Plain])[] = [
  ['an address', 'note', 'mail a.b@example.com now', 'mail [EMAIL] now'],
  ['a card', 'note', `card ${CARD}.`, 'card [CREDIT_CARD].'],
  ['an API key', 'note', `use ${KEY}`, 'use [API_KEY]'],
  ['a number that is a card', 'n', 4111111111111111n, '[CREDIT_CARD]'],
  ['a negative one', 'n', -4111111111111111n, '-[CREDIT_CARD]'],
  ['a number that is none', 'n', 4111111111111112n, 4111111111111112],
  ['a time in nanoseconds', 'n', 1_700_000_000_000_000_001n, 1_700_000_000_000_000_001n],
  ['bytes', 'b', Buffer.from('x a@example.com'), Buffer.from('x [EMAIL]')],
  ['a list', 'l', ['ok', 'a@example.com', ['b@example.com']], ['ok', '[EMAIL]', ['[EMAIL]']]],
  ['a map', 'm', { who: 'a@example.com', 'b@example.com': 1 }, { who: '[EMAIL]', '[EMAIL]': 1 }],
  ['a named secret', 'http.request.header.authorization', ['Bearer abc'], '[API_KEY]'],
  ['a named secret in a map', 'm', { client_secret: 'hunter2' }, { client_secret: '[API_KEY]' }],
  ['a named secret that is no text', 'db.password', true, true],
  ['an empty secret', 'db.password', '', ''],
  ['a count with a name like a secret', 'time_to_first_token', '0.25', '0.25'],
  ['token counts', 'gen_ai.usage.input_tokens', '4321', '4321'],
  ['a session id', 'session.id', 'conv-A', 'conv-A'],
  ['a feature flag', 'feature_flag.key', 'new-checkout', 'new-checkout'],
  ['an ordinary text', 'note', 'nothing to see', 'nothing to see'],
  ['a model', 'gen_ai.request.model', 'gpt-4o-2024-08-06', 'gpt-4o-2024-08-06'],
  ['nothing', 'note', null, null],
]

test.each(values)('%s', async (_, key, value, expected) => {
  const [[, found]] = (await attributes([[key, value]])) as [[string, Plain]]
  expect(found).toEqual(expected)
})

test('double card numbers', async () => {
  const batch = traceBatch([{ more: { attributes: [{ key: 'n', value: { doubleValue: 4111111111111111 } }] } }])
  const redacted = await redactAs('traces', batch)
  expect(attributesOf(itemsOf(redacted.batch!)[0])[0]).toEqual(['n', '[CREDIT_CARD]'])
})

const json: readonly (readonly [what: string, text: string, expected: unknown])[] = [
  ['a bare number', '{"card": 4111111111111111}', { card: '[CREDIT_CARD]' }],
  ['a bare number in a list', ' [1,4111111111111111 ,2]', [1, '[CREDIT_CARD]', 2]],
  ['a negative number', '{"a":-4111111111111111}', { a: '[CREDIT_CARD]' }],
  ['two numbers', '[4111111111111111,4012888888881881]', ['[CREDIT_CARD]', '[CREDIT_CARD]']],
  ['in a string', '{"a":"x 4111111111111111, y","b":1}', { a: 'x [CREDIT_CARD], y', b: 1 }],
  ['behind an escaped quote', String.raw`{"a":"\"","b":4111111111111111}`, { a: '"', b: '[CREDIT_CARD]' }],
  [
    'an address',
    String.raw`[{"role":"user","content":"I\nam a@example.com\n"}]`,
    [{ role: 'user', content: 'I\nam [EMAIL]\n' }],
  ],
]

test.each(json)('JSON stays JSON: %s', async (_, text, expected) => {
  const [[, found]] = (await attributes([['gen_ai.input.messages', text]], { content: 'mask' })) as [[string, string]]
  expect(JSON.parse(found)).toEqual(expected)
})

test('JSON inside of a JSON string stays JSON', async () => {
  const inner = JSON.stringify({ to: 'x', card: 4111111111111111 })
  const text = JSON.stringify([{ role: 'assistant', arguments: inner, again: JSON.stringify({ inner }) }])
  const [[, found]] = (await attributes([['gen_ai.output.messages', text]], { content: 'mask' })) as [[string, string]]
  const [message] = JSON.parse(found)
  expect(JSON.parse(message.arguments)).toEqual({ to: 'x', card: '[CREDIT_CARD]' })
  expect(JSON.parse(JSON.parse(message.again).inner)).toEqual({ to: 'x', card: '[CREDIT_CARD]' })
})

test('content is dropped to its length and number of messages, and counted', async () => {
  const messages = JSON.stringify([
    { role: 'system', parts: [] },
    { role: 'user', parts: [{ type: 'text', content: 'my "role": a@example.com' }] },
  ])
  const { batch, meter } = await redactAs(
    'traces',
    traceBatch([
      {
        attributes: [
          ['gen_ai.input.messages', messages],
          ['gen_ai.output.messages', ['one', 'two', 'three']],
          ['gen_ai.tool.call.arguments', { city: 'Lisbon' }],
          ['gen_ai.usage.input_tokens', 5],
          ['gen_ai.prompt', ''],
          ['input.value', 'Hello'],
        ],
      },
    ]),
  )
  const found = new Map(attributesOf(itemsOf(batch!)[0]))
  expect(found.get('gen_ai.input.messages')).toBe(`[DROPPED length=${messages.length} parts=2]`)
  expect(found.get('gen_ai.output.messages')).toMatch(/^\[DROPPED length=\d+ parts=3\]$/)
  expect(found.get('gen_ai.tool.call.arguments')).toMatch(/^\[DROPPED length=\d+\]$/)
  expect(found.get('gen_ai.usage.input_tokens')).toBe(5)
  expect(found.get('gen_ai.prompt')).toBe('')
  expect(found.get('input.value')).toBe('[DROPPED length=5]')
  expect(found.get('sluice.redacted.content')).toBe(4)
  expect(meter.value('sluice_redaction_dropped_content', { role: 'input' })).toBe(1)
  expect(meter.value('sluice_redaction_dropped_content', { role: 'any' })).toBe(1)
  expect(meter.value('sluice_redaction_dropped_content', { role: 'tool_call' })).toBe(1)
})

test('each role has its policy; mixed messages get the strictest', async () => {
  const config = { content: { default: 'keep', user: 'mask', tool_result: 'drop', reasoning: 'mask' } }
  const text = 'a@example.com'
  const found = new Map(
    await attributes(
      [
        ['gen_ai.system_instructions', text],
        ['gen_ai.retrieval.query.text', text],
        ['gen_ai.tool.call.result', text],
        ['gen_ai.output.messages', text],
        ['gen_ai.input.messages', text],
        ['note', text],
      ],
      config,
    ),
  )
  expect(Object.fromEntries(found)).toEqual({
    'gen_ai.system_instructions': text,
    'gen_ai.retrieval.query.text': '[EMAIL]',
    'gen_ai.tool.call.result': '[DROPPED length=13]',
    'gen_ai.output.messages': '[EMAIL]',
    'gen_ai.input.messages': '[DROPPED length=13]',
    note: '[EMAIL]',
    'sluice.redacted.email': 3,
    'sluice.redacted.content': 2,
  })
})

test('hashed content: the same text has the same hash, under one key', async () => {
  const given: [string, Plain][] = [
    ['gen_ai.prompt', 'words a@example.com'],
    ['input.value', 'words a@example.com'],
    ['output.value', ['words']],
    ['gen_ai.completion', ''],
    ['gen_ai.usage.input_tokens', 5],
  ]
  const config = { content: 'hash', hash_key: 'sixteen characters' }
  const found = new Map(await attributes(given, config))
  const other = new Map(await attributes(given, { content: 'hash', hash_key: 'sixteen other ones' }))
  const expected = createHmac('sha256', 'sixteen characters').update('words a@example.com').digest('hex')
  expect(found.get('gen_ai.prompt')).toBe(`[HASHED hmac-sha256=${expected}]`)
  expect(found.get('input.value')).toBe(found.get('gen_ai.prompt'))
  expect(found.get('output.value')).toMatch(/^\[HASHED hmac-sha256=[\da-f]{64}\]$/)
  expect(other.get('gen_ai.prompt')).not.toBe(found.get('gen_ai.prompt'))
  expect([found.get('gen_ai.completion'), found.get('gen_ai.usage.input_tokens')]).toEqual(['', 5])
  const again = await attributes([...found.entries()].slice(0, 5), config)
  expect(new Map(again).get('gen_ai.prompt')).toBe(found.get('gen_ai.prompt'))
})

test('truncated content: masked first, then cut between characters', async () => {
  const config = { content: 'truncate', truncate: { length: 12 } }
  const given: [string, Plain][] = [
    ['gen_ai.prompt', 'I am a@example.com, äöüäöüäöü'],
    ['input.value', 'äöüäöüäöüäöüäöü'],
    ['output.value', ['short', 'a@example.com', 'long enough to be cut']],
    ['note', 'an ordinary text is left as it is'],
  ]
  const found = await attributes(given, config)
  expect(found).toEqual([
    ['gen_ai.prompt', 'I am [EMAIL] [TRUNCATED length=38]'],
    ['input.value', 'äöüäöüäöüäöü [TRUNCATED length=30]'],
    ['output.value', ['short', '[EMAIL]', 'long enough  [TRUNCATED length=21]']],
    ['note', 'an ordinary text is left as it is'],
    ['sluice.redacted.email', 2],
    ['sluice.redacted.content', 3],
  ])
  expect((await attributes(found.slice(0, 4), config)).slice(0, 4)).toEqual(found.slice(0, 4))
})

const addresses: readonly (readonly [key: string, value: Plain, expected: Plain])[] = [
  ['server.address', '203.0.113.9', '203.0.113.9'],
  ['host.ip', ['10.0.0.1', '2001:db8::5'], ['10.0.0.1', '2001:db8::5']],
  ['k8s.pod.ip', '10.1.2.3', '10.1.2.3'],
  ['network.peer.address', '10.1.2.3', '10.1.2.3'],
  ['network.peer.address', '203.0.113.9', '[IP]'],
  ['url.full', 'http://10.1.2.3:8000/v1?ip=203.0.113.9', 'http://10.1.2.3:8000/v1?ip=[IP]'],
  ['client.address', '10.1.2.3', '[IP]'],
  ['note', 'from 10.1.2.3', 'from [IP]'],
  ['server.address', 'a@example.com', '[EMAIL]'],
  ['user.phone', '2813882583', '[PHONE]'],
  ['user.phone', 2_813_882_583, '[PHONE]'],
  ['customer_ssn', 219_099_999, '[SSN]'],
  ['phone.model', '2813882583', '2813882583'],
  ['order.number', '2813882583', '2813882583'],
]

test.each(addresses)('what keys say of numbers: %s %s', async (key, value, expected) => {
  expect((await attributes([[key, value]]))[0]).toEqual([key, expected])
})

test('GenAI events: bodies and attributes are content, what describes the event is not', async () => {
  const records = logBatch([
    {
      event: 'gen_ai.user.message',
      body: { content: 'secret words', role: 'user' },
      attributes: { 'gen_ai.system': 'openai' },
    },
    { attributes: { 'event.name': 'gen_ai.choice', content: 'secret words' }, body: 'secret words' },
    {
      event: 'gen_ai.client.inference.operation.details',
      attributes: { 'gen_ai.output.messages': 'secret words', 'gen_ai.request.model': 'm' },
    },
    { body: 'a plain line', attributes: { content: 'a plain text' } },
  ])
  const logs = await redactAs('logs', records)
  expect(logs.batch!.bytes.includes('secret words')).toBe(false)
  const [user, choice, details, plain] = itemsOf(logs.batch!)
  expect(attributesOf(user)).toEqual([
    ['gen_ai.system', 'openai'],
    ['sluice.redacted.content', 1],
  ])
  expect((user!['body'] as Message)['stringValue']).toMatch(/^\[DROPPED length=\d+\]$/)
  expect(attributesOf(choice)).toEqual([
    ['event.name', 'gen_ai.choice'],
    ['content', '[DROPPED length=12]'],
    ['sluice.redacted.content', 2],
  ])
  expect(attributesOf(details)).toContainEqual(['gen_ai.request.model', 'm'])
  expect((plain!['body'] as Message)['stringValue']).toBe('a plain line')
  expect(attributesOf(plain)).toEqual([['content', 'a plain text']])

  const events = [
    { name: 'gen_ai.assistant.message', attributes: { content: 'secret words', role: 'assistant' } },
    { name: 'note', attributes: { content: 'a plain text' } },
  ]
  const spans = await redactAs('traces', traceBatch([{ events }]))
  const [first, second] = itemsOf(spans.batch!)[0]!['events'] as Message[]
  expect(attributesOf(first)).toEqual([
    ['content', '[DROPPED length=12]'],
    ['role', 'assistant'],
  ])
  expect(attributesOf(second)).toEqual([['content', 'a plain text']])
})

test('common names are content in scopes of LLM tools only', async () => {
  const items = [{ attributes: { input: 'words' } }]
  for (const [name, expected] of [
    ['pydantic-ai', '[DROPPED length=5]'],
    ['http', 'words'],
  ] as const) {
    const { batch } = await redactAs('traces', traceBatch(items, { scope: { name } }))
    expect(attributesOf(itemsOf(batch!)[0])[0]).toEqual(['input', expected])
  }
})

test('what has nothing in it stays byte for byte, and is the same batch', async () => {
  const batch = traceBatch([{ attributes: { 'http.route': '/v1/x' } }], { resource: { 'service.name': 'shop' } })
  const redacted = await redactAs('traces', batch)
  expect(redacted.batch).toBe(batch)
  expect(redacted.meter.value('sluice_redaction_findings')).toBe(0)
})

test('every duplicate of a key is judged, and every copy of a field after receiving', async () => {
  const found = await attributes([
    ['note', 'safe'],
    ['note', 'a@example.com'],
    ['gen_ai.prompt', 'x'],
    ['gen_ai.prompt', 'secret words'],
  ])
  expect(found.slice(0, 4).map(([, value]) => value)).toEqual([
    'safe',
    '[EMAIL]',
    '[DROPPED length=1]',
    '[DROPPED length=12]',
  ])
  // KeyValue{key, value: safe, value: secret}: protobuf merges the two values, a reader that does not sees either.
  const value = (text: string) =>
    Buffer.concat([Buffer.from([0x12, text.length + 2, 0x0a, text.length]), Buffer.from(text)])
  const pair = Buffer.concat([Buffer.from([0x0a, 1, 0x6b]), value('safe'), value('a@example.com')])
  const span = Buffer.concat([Buffer.from([0x4a, pair.length]), pair])
  const wrap = (field: number, inner: Buffer) => Buffer.concat([Buffer.from([field * 8 + 2, inner.length]), inner])
  const { batch } = receive('traces', wrap(1, wrap(2, wrap(2, span))))
  const redacted = await redactAs('traces', batch)
  expect(redacted.batch!.bytes.includes('a@example.com')).toBe(false)
  expect(attributesOf(itemsOf(redacted.batch!)[0])[0]).toEqual(['k', '[EMAIL]'])
})

test('a value in front of its key is judged by it', async () => {
  const text = Buffer.from('secret words')
  const value = Buffer.concat([Buffer.from([0x12, text.length + 2, 0x0a, text.length]), text])
  const key = Buffer.from('gen_ai.prompt')
  const pair = Buffer.concat([value, Buffer.from([0x0a, key.length]), key])
  const attribute = Buffer.concat([Buffer.from([0x4a, pair.length]), pair])
  const wrap = (field: number, inner: Buffer) => Buffer.concat([Buffer.from([field * 8 + 2, inner.length]), inner])
  const { batch } = receive('traces', wrap(1, wrap(2, wrap(2, attribute))))
  const redacted = await redactAs('traces', batch)
  expect(attributesOf(itemsOf(redacted.batch!)[0])[0]).toEqual(['gen_ai.prompt', '[DROPPED length=12]'])
})

test('fields that OTLP does not have go, at every level; numbers stay', async () => {
  const hidden = Buffer.concat([Buffer.from([0xc2, 0x3e, 5]), Buffer.from('words')])
  const number = Buffer.from([0xb8, 0x3e, 7])
  const wrap = (field: number, ...inner: Buffer[]) => {
    const content = Buffer.concat(inner)
    return Buffer.concat([Buffer.from([field * 8 + 2, content.length]), content])
  }
  const key = wrap(1, Buffer.from('k'))
  const span = wrap(2, hidden, number, wrap(9, key, hidden), wrap(9, key, wrap(2, hidden)))
  const body = Buffer.concat([wrap(1, wrap(2, span, hidden), hidden, number), hidden])
  const redacted = await redactAs('traces', receive('traces', body).batch)
  expect(redacted.batch!.bytes.includes('words')).toBe(false)
  expect(redacted.meter.value('sluice_redaction_unknown_fields')).toBe(6)
  expect(
    redacted.batch!.bytes.equals(wrap(1, wrap(2, wrap(2, number, wrap(9, key), wrap(9, key, wrap(2)))), number)),
  ).toBe(true)
})

test('only the kinds that are asked for are looked for', async () => {
  const given: [string, Plain][] = [
    ['note', `a@example.com ${CARD}`],
    ['client_secret', 'hunter2'],
  ]
  expect(await attributes(given, { detectors: ['CREDIT_CARD'] })).toEqual([
    ['note', 'a@example.com [CREDIT_CARD]'],
    ['client_secret', 'hunter2'],
    ['sluice.redacted.credit_card', 1],
  ])
})

test('resources are judged once and counted every time', async () => {
  const batch = metricBatch([{ name: 'm' }], { resource: { owner: 'a@example.com' } })
  const { processor, meter, recorder, account } = await redactAs('metrics', batch)
  await account.feed(processor, batch)
  expect(meter.value('sluice_redaction_findings', { kind: 'email' })).toBe(2)
  for (const taken of recorder.batches) expect(taken.bytes.includes('a@example.com')).toBe(false)
})

test('schema URLs and groups without items', async () => {
  const request = {
    resourceSpans: [
      { schemaUrl: 'https://a@example.com/', scopeSpans: [{ schemaUrl: 'x b@example.com', spans: [{ name: 's' }] }] },
      { resource: { attributes: [{ key: 'k', value: { stringValue: 'c@example.com' } }] } },
    ],
  }
  const { batch } = await redactAs('traces', batchOf('traces', request))
  expect(/@example/.test(batch!.bytes.toString('latin1'))).toBe(false)
  expect(requestOf(batch!)).toMatchObject({ resourceSpans: [{ scopeSpans: [{ schemaUrl: 'x [EMAIL]' }] }, {}] })
})

test('a changed config is taken in place', async () => {
  const batch = traceBatch([{ attributes: { 'gen_ai.prompt': 'words a@example.com' } }])
  const { processor, recorder, account } = await redactAs('traces', batch)
  expect(await processor.update!(redaction.schema.parse({ content: 'mask' }))).toBe(true)
  await account.feed(processor, batch)
  expect(recorder.batches.map((one) => attributesOf(itemsOf(one)[0])[0]![1])).toEqual([
    '[DROPPED length=19]',
    'words [EMAIL]',
  ])
})

test('config mistakes', () => {
  const messageOf = (config: unknown) => redaction.schema.safeParse(config).error?.issues.map((issue) => issue.message)
  expect(messageOf({ content: 'hash' })?.[0]).toMatch('hash_key')
  expect(messageOf({ content: { user: 'hash' }, hash_key: 'short' })).toHaveLength(1)
  expect(messageOf({ content: 'truncate', truncate: { length: 0 } })).toBeDefined()
  expect(messageOf({ phone_regions: ['UK'] })).toBeDefined()
  expect(messageOf({ detectors: ['E-MAIL'] })?.[0]).toMatch('EMAIL')
  expect(messageOf({ allowed_keys: ['x'] })).toBeDefined()
  expect(redaction.schema.parse({}).content.user).toBe('drop')
})

test.each([
  [{}, true],
  [{ detectors: [] }, true],
  [{ content: 'keep' }, true],
  [{ detectors: [], content: 'keep' }, false],
  [{ detectors: [], content: { default: 'keep' } }, false],
  [{ detectors: [], content: { default: 'keep', user: 'mask' } }, true],
] as const)('%j counts as a redaction: %s', (config, expected) => {
  const { redacts, schema } = redaction
  expect(typeof redacts === 'function' && redacts(schema.parse(config))).toBe(expected)
})
