/** Calls that log records tell of: alone, beside spans, and again. */
import { describe, expect, test } from 'vitest'
import type { LogOptions, PlainAttributes, SpanOptions } from '../../../test/support/otlp.ts'
import { type Bench, bench, call } from './gen_ai_metrics.fixture.ts'

const REQUESTS = 'llm_requests_total'
const TOKENS = 'llm_tokens_input_total'
const details = 'gen_ai.client.inference.operation.details'
const trace = (number: number) => number.toString(16).padStart(32, '0')
const SPAN = '00000000000000aa'

/** A record of a call as the `gen_ai` processor leaves it. */
function record(more: LogOptions & { with?: PlainAttributes } = {}): LogOptions {
  const { with: attributes, ...options } = more
  const facts = call({ with: attributes as Record<string, string> }).attributes as PlainAttributes
  return { event: details, trace: trace(1), span: SPAN, time_ms: 2000, ...options, attributes: facts }
}

const span = (more: Parameters<typeof call>[0] = {}) =>
  call({ trace: trace(1), id: SPAN, start_ms: 1000, end_ms: 2000, ...more })
const choice = (more: LogOptions = {}): LogOptions => ({
  event: 'gen_ai.choice',
  trace: trace(1),
  span: SPAN,
  attributes: { 'sluice.quality.score': 0.4, 'sluice.quality.signals': ['refusal'] },
  ...more,
})

async function settled(it: Bench): Promise<Bench> {
  await it.pass(20_000)
  return it
}

describe.each([1, 2])('log records with %d shards', (shards) => {
  const begin = () => bench({ metrics_flush_interval: '100ms' }, { shards })

  test('are calls, once their traces have settled', async () => {
    const it = await begin()
    await it.sendRecords(record(), record({ trace: trace(2) }), { body: 'no call' })
    await it.pass(4000)
    expect(it.value(REQUESTS)).toBe(0)
    await it.pass(2000)
    expect([it.value(REQUESTS), it.value(TOKENS)]).toEqual([2, 200])
    expect(it.records.balance()).toMatchObject({ entered: 3, delivered: 3 })
  })

  test.each([
    ['the span first', (it: Bench) => it.send(span()), (it: Bench) => it.sendRecords(record())],
    ['the record first', (it: Bench) => it.sendRecords(record()), (it: Bench) => it.send(span())],
  ])('tell of the call whose span is there: %s, together or late', async (_, first, second) => {
    const [together, late] = [await begin(), await begin()]
    await first(together)
    await second(together)
    await first(late)
    await late.pass(20_000)
    await second(late)
    for (const it of [together, late]) {
      await settled(it)
      expect([it.value(REQUESTS), it.value(TOKENS)]).toEqual([1, 100])
    }
    expect(together.value('llm_latency_ms')).toBe(1)
  })

  test('that come again are duplicates, with a trace and without', async () => {
    const it = await begin()
    const [one, two] = [record(), record({ trace: '', span: '', time_ms: 3000 })]
    await it.sendRecords(one, two, one)
    await it.sendRecords(one, two)
    expect((await settled(it)).value(REQUESTS)).toBe(2)
    expect(it.records.balance()).toMatchObject({ entered: 5, delivered: 2, duplicate: 3 })
  })

  test('that differ are calls of their own, in one span as well', async () => {
    const it = await begin()
    const id = (name: string) => ({ with: { 'gen_ai.response.id': name } })
    await it.sendRecords(record(id('a')), record(id('b')), record({ ...id('c'), time_ms: 2001 }))
    expect((await settled(it)).value(REQUESTS)).toBe(3)
  })

  test('lie within the span that has their response id, and take nothing from it', async () => {
    const it = await begin()
    const id = { with: { 'gen_ai.response.id': 'r' } }
    await it.sendRecords(record({ span: '00000000000000ff', ...id }))
    await it.send(span(id))
    await settled(it)
    expect([it.value(REQUESTS), it.value('llm_latency_ms')]).toEqual([1, 1])
  })

  const lone = (more: LogOptions & { with?: PlainAttributes } = {}) => record({ trace: '', span: '', ...more })
  const id = { with: { 'gen_ai.response.id': 'r' } }

  test('without a trace count at once', async () => {
    const it = await begin()
    await it.sendRecords(lone(), lone({ time_ms: 2100 }))
    await it.pass(600)
    expect(it.value(REQUESTS)).toBe(2)
  })

  test('without a trace, but with a response id, let the span that has it tell what it knows', async () => {
    const it = await begin()
    const reasoning = { ...id.with, 'gen_ai.usage.reasoning.output_tokens': 7 }
    await it.sendRecords(lone(id), lone({ with: { 'gen_ai.response.id': 's' }, time_ms: 2100 }))
    await it.pass(4000)
    await it.send(span({ with: reasoning }))
    await it.pass(5600)
    expect([it.value(REQUESTS), it.value('llm_tokens_reasoning_total')]).toEqual([1, 7])
    await settled(it)
    expect([it.value(REQUESTS), it.value('llm_tokens_reasoning_total')]).toEqual([2, 7])
  })

  test('without a trace are known when the span comes late', async () => {
    const it = await begin()
    await it.sendRecords(lone(id))
    await settled(it)
    expect(it.value(REQUESTS)).toBe(1)
    await it.send(span(id))
    expect((await settled(it)).value(REQUESTS)).toBe(1)
  })
})

describe('the time that a record tells', () => {
  test('is its latency', async () => {
    const it = await bench()
    await it.sendRecords(record({ with: { 'sluice.latency.ms': 250 } }), record({ trace: trace(2) }))
    await it.stop()
    expect([it.value(REQUESTS), it.value('llm_latency_ms')]).toEqual([2, 1])
  })
})

describe('an answer in a log record', () => {
  const quality = (it: Bench) => [
    it.value(REQUESTS),
    it.value('llm_quality_score_distribution') ?? 0,
    it.value('llm_quality_signals_total', { signal: 'refusal' }) ?? 0,
    it.value('llm_quality_signals_total', { signal: 'truncated' }) ?? 0,
  ]
  const good = { with: { 'sluice.quality.score': 1 } }

  const records =
    (...list: LogOptions[]) =>
    (it: Bench) =>
      it.sendRecords(...list)
  const spans =
    (...list: SpanOptions[]) =>
    (it: Bench) =>
      it.send(...list)

  test.each<[string, ((it: Bench) => Promise<void>)[], number[]]>([
    ['before its span', [records(choice()), spans(span())], [1, 1, 1, 0]],
    ['behind its span', [spans(span()), records(choice())], [1, 1, 1, 0]],
    ['alone is no call', [records(choice())], [0, 0, 0, 0]],
    ['of another span', [records(choice({ span: '00000000000000ab' })), spans(span())], [1, 0, 0, 0]],
    ['of another trace', [records(choice({ trace: trace(2) })), spans(span())], [1, 0, 0, 0]],
    ['beside a span that was judged', [records(choice()), spans(span(good))], [1, 1, 0, 0]],
    [
      'and another answer of the same call: the worse counts, signals of both',
      [
        records(
          choice({ attributes: { 'sluice.quality.score': 1 } }),
          choice({ attributes: { 'sluice.quality.signals': ['truncated'] } }),
          choice(),
        ),
        spans(span()),
      ],
      [1, 1, 1, 1],
    ],
    [
      'and the record of the call itself',
      [records(record({ with: { 'sluice.quality.score': 0.4, 'sluice.quality.signals': 'refusal' } })), spans(span())],
      [1, 1, 1, 0],
    ],
    [
      "in the call's summary, from a tier before this one",
      [records(choice({ event: 'sluice.gen_ai.summary' }), record({ event: 'sluice.gen_ai.summary' })), spans(span())],
      [1, 0, 0, 0],
    ],
  ])('%s', async (_, sendings, expected) => {
    const it = await bench()
    for (const send of sendings) await send(it)
    await it.stop()
    expect(quality(it).map((value) => value ?? 0)).toEqual(expected)
  })
})
