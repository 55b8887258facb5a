import { expect, test } from 'vitest'
import { itemsOf, type SpanOptions } from '../../../../test/support/otlp.ts'
import type { Message } from '../../../otlp/codec.ts'
import { sharedConversations } from '../../../steps/conversations/shared_conversations.ts'
import { type Bench, bench, call } from '../gen_ai_metrics.fixture.ts'

const START_MS = Date.UTC(2026, 0, 1)
const ALL = { sort: 'last', limit: 10, min_turns: 0, min_cost_usd: 0, since_ms: 0 } as const
let spans = 0

interface Said {
  readonly trace: number
  readonly conversation?: string
  /** Seconds. */
  readonly at?: number
  readonly with?: Record<string, string | number | boolean>
}

function said({ trace, conversation, at = 0, with: more = {} }: Said): SpanOptions {
  const { attributes } = call({
    with: {
      'sluice.cost.usd': 0.25,
      ...(conversation !== undefined && { 'gen_ai.conversation.id': conversation }),
      ...more,
    },
  })
  return { ...placed(trace, at), attributes: attributes! }
}

function step(trace: number, conversation: string): SpanOptions {
  return { ...placed(trace, 0), attributes: { 'sluice.step': 'agent', 'gen_ai.conversation.id': conversation } }
}

function placed(trace: number, at: number): SpanOptions {
  return {
    trace: trace.toString(16).padStart(32, '0'),
    id: (++spans).toString(16).padStart(16, '0'),
    start_ms: START_MS + at * 1000,
    end_ms: START_MS + at * 1000 + 2000,
  }
}

/** Sum of the histogram that was shown last. */
function sumOf({ next }: Bench, name: string): number | undefined {
  const points = next.batches.flatMap((batch) =>
    itemsOf(batch)
      .filter((metric) => metric['name'] === name)
      .flatMap((metric) => (metric['histogram'] as Message)['dataPoints'] as Message[]),
  )
  return points.at(-1)?.['sum'] as number | undefined
}

test('a conversation adds up its calls; a turn is a trace', async () => {
  const one = await bench()
  await one.send(
    said({ trace: 1, conversation: 'c1' }),
    said({ trace: 1, conversation: 'c1', with: { 'gen_ai.usage.input_tokens': 150 } }),
  )
  await one.pass(40_000)
  const quality = { 'gen_ai.usage.input_tokens': 400, 'sluice.quality.score': 0.5 }
  await one.send(said({ trace: 2, conversation: 'c1', at: 60, with: quality }))
  await one.pass(40_000)
  const [found, ...others] = sharedConversations(one.host).list(ALL)
  // Nanoseconds in a double are as exact as that.
  expect([{ ...found, last_ms: Math.round(found!.last_ms) }, ...others]).toEqual([
    {
      ...{ id: 'c1', turns: 2, calls: 3, failed: 0, inputTokens: 650, outputTokens: 30, cost_usd: 0.75, score: 0.5 },
      ...{ first_ms: START_MS, last_ms: START_MS + 62_000 },
    },
  ])
  expect(one.value('llm_conversations_active')).toBe(1)
  expect(one.value('llm_quality_by_turn', { turn: '2-4' })).toBe(1)
  expect(one.value('llm_quality_by_turn', { turn: '1' })).toBe(0)
  await one.pass(31 * 60_000)
  expect(one.value('llm_conversation_turns')).toBe(1)
  expect(sumOf(one, 'llm_conversation_turns')).toBe(2)
  expect(sumOf(one, 'llm_conversation_cost_usd')).toBe(0.75)
  expect(sumOf(one, 'llm_conversation_duration_seconds')).toBeCloseTo(62, 6)
  expect(sumOf(one, 'llm_conversation_context_growth_tokens')).toBe(250)
  expect(one.value('llm_conversations_active')).toBe(0)
  expect(sharedConversations(one.host).list(ALL)).toEqual([])
  await one.stop()
})

test.each<[string, SpanOptions[], Record<string, number>]>([
  ['a step of the trace names it', [step(1, 'c1'), said({ trace: 1 })], { c1: 1 }],
  [
    'another call of the trace does',
    [said({ trace: 1, conversation: 'c1' }), said({ trace: 1, at: 5, with: { 'gen_ai.request.model': 'm2' } })],
    { c1: 2 },
  ],
  ['two of them: it belongs to none', [step(1, 'c1'), step(1, 'c2'), said({ trace: 1 })], {}],
  ['a call that names none', [said({ trace: 1 })], {}],
  ['a step of another trace', [step(2, 'c1'), said({ trace: 1 })], {}],
])('calls by conversation: %s', async (_name, sent, expected) => {
  const one = await bench()
  await one.send(...sent)
  await one.pass(40_000)
  const found = sharedConversations(one.host).list(ALL)
  expect(Object.fromEntries(found.map(({ id, calls }) => [id, calls]))).toEqual(expected)
  await one.stop()
})

test('embeddings are calls, and no turns', async () => {
  const one = await bench()
  await one.send(said({ trace: 1, conversation: 'c1', with: { 'gen_ai.operation.name': 'embeddings' } }))
  await one.pass(40_000)
  expect(sharedConversations(one.host).find('c1')).toMatchObject({ calls: 1, turns: 0 })
  await one.stop()
})

test('what is going on when the connector stops has ended', async () => {
  const one = await bench()
  await one.send(said({ trace: 1, conversation: 'c1' }))
  await one.stop()
  expect(one.value('llm_conversation_turns')).toBe(1)
  expect(sharedConversations(one.host).list(ALL)).toEqual([])
})

test('beyond max the one that was heard of longest ago ends', async () => {
  const one = await bench({ conversations: { max: 2 } })
  for (const trace of [1, 2, 3]) {
    await one.send(said({ trace, conversation: `c${trace}`, at: trace }))
    await one.pass(40_000)
  }
  expect(
    sharedConversations(one.host)
      .list(ALL)
      .map(({ id }) => id),
  ).toEqual(['c3', 'c2'])
  expect(one.value('llm_conversation_turns')).toBe(1)
  await one.stop()
})
