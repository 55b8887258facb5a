import { describe, expect, test } from 'vitest'
import type { Plain, SpanOptions } from '../../../test/support/otlp.ts'
import { bench, call } from './gen_ai_logs.fixture.ts'

const PROMPT = 'gen_ai.input.messages'

/** Body of the content record of one span, undefined if there is none. */
async function contentOf(span: SpanOptions, config: object = {}, scope = 'lib'): Promise<Plain | undefined> {
  const it = await bench(config, { group: { scope: { name: scope } } })
  await it.send(span)
  await it.stop()
  return it.records('content')[0]?.body
}

describe('what is content', () => {
  test.each<[string, Record<string, Plain>, string, Record<string, Plain> | undefined]>([
    ['none', { 'http.route': '/x', 'gen_ai.prompt.name': 'p' }, 'lib', undefined],
    [
      'messages, and nothing else',
      { [PROMPT]: 'a', 'gen_ai.output.messages': 'b', 'http.route': '/x' },
      'lib',
      { [PROMPT]: 'a', 'gen_ai.output.messages': 'b' },
    ],
    [
      'of a dialect',
      { 'gen_ai.prompt.0.content': 'a', 'gen_ai.prompt.0.role': 'user' },
      'lib',
      { 'gen_ai.prompt.0.content': 'a' },
    ],
    ['a common name in any scope', { input: 'a' }, 'lib', undefined],
    ['a common name in a scope of LLM tools', { input: 'a' }, 'pydantic-ai', { input: 'a' }],
    [
      'lists and maps',
      { [PROMPT]: [{ role: 'user', parts: ['a', 1, true] }] },
      'lib',
      { [PROMPT]: [{ role: 'user', parts: ['a', 1, true] }] },
    ],
    ['what was dropped', { [PROMPT]: '[DROPPED length=5]' }, 'lib', { [PROMPT]: '[DROPPED length=5]' }],
    ['an empty text', { [PROMPT]: '' }, 'lib', { [PROMPT]: '' }],
  ])('%s', async (_, attributes, scope, expected) => {
    expect(await contentOf(call({ with: attributes }), {}, scope)).toEqual(expected)
  })

  test('events that hold some, with all their attributes', async () => {
    const events = [
      { name: 'exception', attributes: { 'exception.message': 'm' } },
      { name: 'gen_ai.user.message', attributes: { 'gen_ai.system': 'openai', content: 'hello' } },
      { name: 'gen_ai.choice', attributes: { index: 0 } },
      { name: 'other', attributes: { 'gen_ai.completion': 'bye' } },
      { name: 'plain', attributes: { content: 'x' } },
    ]
    const expected = [
      { name: 'gen_ai.user.message', attributes: { 'gen_ai.system': 'openai', content: 'hello' } },
      { name: 'other', attributes: { 'gen_ai.completion': 'bye' } },
    ]
    expect(await contentOf(call({ events }))).toEqual({ events: expected })
    expect(await contentOf(call({ events, with: { events: 'text' } }), {}, 'logfire')).toEqual({
      events: 'text',
      span_events: [...expected, { name: 'plain', attributes: { content: 'x' } }],
    })
    expect(await contentOf(call({ events: events.slice(0, 1) }))).toBeUndefined()
  })

  test('switched off, there is no second record', async () => {
    expect(await contentOf(call({ with: { [PROMPT]: 'a' } }), { content: false })).toBeUndefined()
  })

  test('very many names, very long ones', async () => {
    const it = await bench()
    for (let round = 0; round < 12; round++) {
      const names = Array.from({ length: 500 }, (_, at) => [`name.${round}.${at}`, 'x'])
      await it.send(call({ with: { ...Object.fromEntries(names), [`long.${'n'.repeat(3000)}`]: 'x', [PROMPT]: 'a' } }))
    }
    await it.stop()
    expect(it.records('content').map(({ body }) => body)).toEqual(Array(12).fill({ [PROMPT]: 'a' }))
  })
})

describe('content_size_bytes_max', () => {
  const limits = { content_size_bytes_max: 1024 }
  const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

  test.each([
    ['ASCII', 'a'.repeat(5000)],
    ['two bytes a character', 'é'.repeat(2500)],
    ['three, one byte off', `a${'€'.repeat(1500)}`],
    ['four, two bytes off', `ab${'😀'.repeat(1200)}`],
  ])('cuts a text between characters: %s', async (_, text) => {
    const it = await bench(limits)
    await it.send(call({ with: { [PROMPT]: text, 'gen_ai.output.messages': 'small' } }))
    await it.stop()
    const body = it.records('content')[0]!.body as Record<string, string | number>
    const [, kept, cut] = /^(.*)…\[cut (\d+) bytes\]$/s.exec(body[PROMPT] as string)!
    expect(text.startsWith(kept!)).toBe(true)
    expect(Buffer.byteLength(kept!) + Number(cut)).toBe(Buffer.byteLength(text))
    expect(Buffer.byteLength(kept!)).toBeGreaterThan(900)
    expect(body['sluice.cut_bytes']).toBe(Number(cut) + (body['gen_ai.output.messages'] === undefined ? 27 + 2 : 0))
    expect(it.host.meter.value('sluice_gen_ai_logs_content_cut_records')).toBe(1)
    expect(it.host.meter.value('sluice_gen_ai_logs_content_cut_bytes')).toBe(body['sluice.cut_bytes'])
  })

  test.each<[string, SpanOptions]>([
    ['a large list', call({ with: { [PROMPT]: ['x'.repeat(3000)] } })],
    [
      'many attributes',
      call({
        with: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`gen_ai.prompt.${at}.content`, 'word'])),
      }),
    ],
    [
      'many events',
      call({ events: Array.from({ length: 500 }, () => ({ name: 'gen_ai.choice', attributes: { message: 'word' } })) }),
    ],
    ['a large event', call({ events: [{ name: 'gen_ai.choice', attributes: { message: 'x'.repeat(5000) } }] })],
  ])('bounds %s', async (_, span) => {
    const body = (await contentOf(span, limits)) as Record<string, Plain>
    expect(sizeOf(body)).toBeLessThan(2500)
    expect(body['sluice.cut_bytes']).toBeGreaterThan(1000)
  })

  test('what fits is whole', async () => {
    const body = (await contentOf(call({ with: { [PROMPT]: 'é'.repeat(400) } }), limits)) as Record<string, Plain>
    expect(body).toEqual({ [PROMPT]: 'é'.repeat(400) })
  })

  test('values that are too deep for others to take are left out', async () => {
    const nested = (levels: number): Plain => (levels === 0 ? 'deep' : [nested(levels - 1)])
    expect(await contentOf(call({ with: { [PROMPT]: nested(30) } }))).toEqual({ [PROMPT]: nested(30) })
    const body = (await contentOf(call({ with: { [PROMPT]: nested(62) } }))) as Record<string, Plain>
    expect(body[PROMPT]).toMatch(/^…\[cut \d+ bytes\]$/)
  })
})
