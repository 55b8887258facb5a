/** Content under keys that no list has, on items of steps; and what a config says of keys. */
import { describe, expect, test } from 'vitest'
import {
  attributesOf,
  batchOf,
  type GroupOptions,
  itemsOf,
  keyValues,
  logBatch,
  type Plain,
  type PlainAttributes,
  traceBatch,
} from '../../../test/support/otlp.ts'
import { EffortError } from '../../content/detectors/effort.ts'
import type { Message } from '../../otlp/codec.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { redaction } from './index.ts'
import { redactAs } from './redaction.fixture.ts'
import { RedactionTally } from './redaction_tally.ts'
import { redactorOf } from './redactor_of.ts'

const PROSE = 'The merger with Zebra closes on Friday, and nobody outside of the board may know of it before.'
const CALL: PlainAttributes = { 'gen_ai.operation.name': 'chat' }
const dropped = /^\[DROPPED length=\d+( parts=\d+)?\]$/

/** The attributes of one span after redaction. */
async function attributes(given: PlainAttributes, config: object = {}, group: GroupOptions = {}) {
  const { batch } = await redactAs('traces', traceBatch([{ attributes: given }], group), config)
  return Object.fromEntries(attributesOf(itemsOf(batch!)[0]))
}

/** Whether free text under an own key leaves such a span. */
async function leaves(given: PlainAttributes, group: GroupOptions = {}, config: object = {}): Promise<boolean> {
  return (await attributes({ 'acme.note': PROSE, ...given }, config, group))['acme.note'] === PROSE
}

describe('items of steps', () => {
  test.each<[what: string, attributes: PlainAttributes, group?: GroupOptions]>([
    ['an attribute of the conventions', CALL],
    ['one that they do not have yet', { 'gen_ai.future.thing': 1 }],
    ['what the span is', { 'openinference.span.kind': 'TOOL' }],
    ['a word', { acmePromptVersion: '3' }],
    ['the scope’s name', {}, { scope: { name: 'acme-llm-tracer' } }],
    ['a scope of LLM tools', {}, { scope: { name: 'pydantic-ai' } }],
  ])('%s tells', async (_, given, group) => {
    expect(await leaves(given, group)).toBe(false)
  })

  test.each<[what: string, attributes: PlainAttributes, group?: GroupOptions]>([
    ['a request', { 'http.route': '/x' }],
    ['a job', { 'user.id': 'u-1', 'agent.name': 'x' }, { scope: { name: 'shop' } }],
    ['a page of an application under Logfire', { 'logfire.msg': 'x' }, { scope: { name: 'logfire' } }],
  ])('%s is none', async (_, given, group) => {
    expect(await leaves(given, group)).toBe(true)
  })

  test('a span of the scope of steps is one, and one beside it in another scope is not', async () => {
    const span = { attributes: keyValues({ 'acme.note': PROSE }) }
    const call = { attributes: keyValues(CALL) }
    const batch = batchOf('traces', {
      resourceSpans: [
        {
          scopeSpans: [
            { scope: { name: 'acme' }, spans: [span, call] },
            { scope: { name: 'shop' }, spans: [span] },
          ],
        },
      ],
    })
    const [first, , other] = itemsOf((await redactAs('traces', batch)).batch!)
    expect(attributesOf(first)[0]![1]).toMatch(dropped)
    expect(attributesOf(other)[0]![1]).toBe(PROSE)
  })

  test('an event of a step makes its span one', async () => {
    const events = [{ name: 'gen_ai.user.message' }, { name: 'note', attributes: { 'acme.note': PROSE } }]
    const { batch } = await redactAs('traces', traceBatch([{ attributes: { other: PROSE }, events }]))
    expect(batch!.bytes.includes('Zebra')).toBe(false)
    const plain = traceBatch([{ attributes: { other: PROSE }, events: [{ name: 'note', attributes: { x: PROSE } }] }])
    expect((await redactAs('traces', plain)).batch).toBe(plain)
  })

  test.each<[what: string, record: Parameters<typeof logBatch>[0][number], isStep: boolean]>([
    ['an attribute', { body: PROSE, attributes: CALL }, true],
    ['the event’s name', { body: PROSE, event: 'acme.user_prompt' }, true],
    ['the event’s name of older senders', { body: PROSE, attributes: { 'event.name': 'acme.llm.reply' } }, true],
    ['a key of the body', { body: { llm_model: 'm', note: PROSE } }, true],
    ['nothing', { body: PROSE, event: 'job.done', attributes: { 'acme.note': PROSE } }, false],
  ])('log records: %s', async (_, record, isStep) => {
    const batch = logBatch([{ ...record, attributes: { 'acme.note': PROSE, ...record.attributes } }])
    const redacted = (await redactAs('logs', batch)).batch!
    expect(redacted.bytes.includes('Zebra')).toBe(!isStep)
  })

  test('log records in the scope of steps: events are content, lines of the program are not', async () => {
    const batch = logBatch([{ body: PROSE, event: 'reply' }, { body: PROSE }, { attributes: CALL }])
    const [event, line] = itemsOf((await redactAs('logs', batch)).batch!)
    expect((event!['body'] as Message)['stringValue']).toMatch(dropped)
    expect((line!['body'] as Message)['stringValue']).toBe(PROSE)
  })

  test('what was clean on another item is judged anew', async () => {
    const span = { attributes: { 'acme.note': PROSE } }
    const one = { resource: { r: 1 }, scope: { name: 'shop' } }
    // Often enough to be remembered.
    const { batch, processor, account, recorder } = await redactAs('traces', traceBatch([span, span, span], one))
    expect(batch!.bytes.includes('Zebra')).toBe(true)
    await account.feed(processor, traceBatch([{ attributes: { ...span.attributes, ...CALL } }]))
    expect(recorder.batches[1]!.bytes.includes('Zebra')).toBe(false)
  })
})

/** As many steps as redacting the batch takes, up to the next power of two. */
function stepsFor<S extends 'traces' | 'logs'>(batch: Batches[S]): number {
  for (let steps = 1024; ; steps *= 2) {
    try {
      redactorOf<S>(batch.signal as S, redaction.schema.parse({})).redact(batch, new RedactionTally(), steps)
      return steps
    } catch (error) {
      if (!(error instanceof EffortError)) throw error
    }
  }
}

test('looking for steps takes time in proportion, however many items of a scope ask', () => {
  const items = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ event: 'job.done', attributes: { 'acme.note': `${PROSE} ${at}` } }))
  const factors = [
    stepsFor(traceBatch(items(3200))) / stepsFor(traceBatch(items(100))),
    stepsFor(logBatch(items(3200))) / stepsFor(logBatch(items(100))),
  ]
  for (const factor of factors) expect(factor).toBeLessThanOrEqual(64)
})

describe('what is content', () => {
  test.each<[what: string, value: Plain]>([
    ['a list', ['a', PROSE]],
    ['a map', { a: { b: PROSE } }],
    ['JSON', JSON.stringify({ a: [PROSE] })],
    ['bytes', Buffer.from(PROSE)],
  ])('%s', async (_, value) => {
    expect((await attributes({ ...CALL, data: value }))['data']).toMatch(dropped)
  })

  test.each([
    ['exception.stacktrace', PROSE],
    ['db.query.text', PROSE],
    ['url.full', PROSE],
    ['user_agent.original', PROSE],
    ['code.stacktrace', PROSE],
    ['http.request.header.accept', PROSE],
    ['gen_ai.agent.name', PROSE],
    ['metadata.usage_object', PROSE],
    ['acme.note', 'a short note of few words'],
    ['acme.ids', 'k'.repeat(500)],
    ['acme.count', 12],
  ] as [string, Plain][])('not %s', async (key, value) => {
    expect((await attributes({ ...CALL, [key]: value }))[key]).toEqual(value)
  })

  test('a body of a request is', async () => {
    expect((await attributes({ ...CALL, 'http.request.body': PROSE }))['http.request.body']).toMatch(dropped)
  })
})

describe('policies', () => {
  test.each<[content: unknown, expected: unknown]>([
    ['drop', '[DROPPED length=94]'],
    ['truncate', 'The merger [TRUNCATED length=94]'],
    ['mask', PROSE],
    ['keep', PROSE],
    [{ default: 'keep', tool_result: 'drop' }, '[DROPPED length=94]'],
    [{ default: 'truncate', user: 'keep' }, 'The merger [TRUNCATED length=94]'],
  ])('%j', async (content, expected) => {
    expect((await attributes({ ...CALL, note: PROSE }, { content, truncate: { length: 10 } }))['note']).toBe(expected)
  })

  test('hash', async () => {
    const config = { content: 'hash', hash_key: '0123456789abcdef' }
    expect((await attributes({ ...CALL, note: PROSE }, config))['note']).toMatch(/^\[HASHED hmac-sha256=/)
  })

  test('where nothing is dropped, detectors judge it as everything else', async () => {
    const given = { ...CALL, note: `${PROSE} ann@example.com` }
    for (const content of ['keep', 'mask'])
      expect((await attributes(given, { content }))['note']).toBe(`${PROSE} [EMAIL]`)
  })

  test('it is counted apart, and a second pass changes nothing', async () => {
    const batch = traceBatch([{ attributes: { ...CALL, note: PROSE, 'gen_ai.input.messages': 'hello' } }])
    const once = await redactAs('traces', batch)
    expect(once.meter.value('sluice_redaction_dropped_content', { role: 'free_text' })).toBe(1)
    expect(once.meter.value('sluice_redaction_dropped_content', { role: 'input' })).toBe(1)
    expect(Object.fromEntries(attributesOf(itemsOf(once.batch!)[0]))).toMatchObject({
      'sluice.redacted.content': 1,
      'sluice.redacted.free_text': 1,
    })
    const twice = await redactAs('traces', once.batch!)
    expect(twice.batch).toBe(once.batch)
  })
})

describe('content_rules', () => {
  const rules = (...content_rules: { match: string; content: string }[]) => ({ content_rules })

  test('the first that matches counts, over what is known or guessed', async () => {
    const config = rules(
      { match: 'acme.note', content: 'keep' },
      { match: 'acme.*.text', content: 'mask' },
      { match: 'acme.*', content: 'drop' },
      { match: 'gen_ai.tool.description', content: 'keep' },
      { match: '*label', content: 'drop' },
    )
    const given = {
      ...CALL,
      'acme.note': PROSE,
      'acme.a.text': `${PROSE} ann@example.com`,
      'acme.short': 'Zebra',
      'acme.deep': { a: ['Zebra'] },
      'acme.count': 3,
      'gen_ai.tool.description': 'finds orders',
      label: 'Zebra',
      labels: 'Zebra',
    }
    expect(await attributes(given, config)).toMatchObject({
      'acme.note': PROSE,
      'acme.a.text': `${PROSE} [EMAIL]`,
      'acme.short': '[DROPPED length=5]',
      'acme.deep': expect.stringMatching(dropped),
      'acme.count': 3,
      'gen_ai.tool.description': 'finds orders',
      label: '[DROPPED length=5]',
      labels: 'Zebra',
    })
  })

  test('what they drop is counted as theirs', async () => {
    const batch = traceBatch([{ attributes: { 'acme.note': 'Zebra' } }])
    const { meter } = await redactAs('traces', batch, rules({ match: 'acme.*', content: 'drop' }))
    expect(meter.value('sluice_redaction_dropped_content', { role: 'rule' })).toBe(1)
  })

  test('a redaction of rules alone is one', () => {
    const config = { content: 'keep', detectors: [] }
    const { redacts, schema } = redaction
    const isOne = (more: object) => typeof redacts === 'function' && redacts(schema.parse({ ...config, ...more }))
    expect(isOne({})).toBe(false)
    expect(isOne(rules({ match: 'acme.*', content: 'drop' }))).toBe(true)
    expect(isOne(rules({ match: 'acme.*', content: 'keep' }))).toBe(false)
  })

  test.each([
    [[{ match: '', content: 'drop' }], 'content_rules.0.match'],
    [[{ match: '^acme\\.', content: 'drop' }], 'content_rules.0.match'],
    [[{ match: 'a b', content: 'drop' }], 'content_rules.0.match'],
    [[{ match: 'acme.*' }], 'content_rules.0.content'],
    [[{ match: 'acme.*', content: 'erase' }], 'content_rules.0.content'],
    [[{ match: 'acme.*', content: 'hash' }], 'hash_key'],
    [[{ key: 'acme.*', content: 'drop' }], 'content_rules.0'],
    [Array(201).fill({ match: 'a', content: 'drop' }), 'content_rules'],
  ])('mistakes: %j', (content_rules, path) => {
    const { error } = redaction.schema.safeParse({ content_rules })
    expect(error?.issues.map((issue) => issue.path.join('.'))).toContain(path)
  })
})
