/** Calls of whose tokens nothing is known. */
import { expect, test } from 'vitest'
import type { SpanOptions } from '../../../test/support/otlp.ts'
import { bench } from './gen_ai_metrics.fixture.ts'

const WITHOUT = 'llm_calls_without_usage_total'
const INNER = '00000000000000bb'
const trace = (number: number) => number.toString(16).padStart(32, '0')

function call(options: SpanOptions, more: Record<string, string | number | boolean> = {}): SpanOptions {
  const attributes = {
    'sluice.dialect': 'openinference',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm1',
  }
  return { start_ms: 1000, end_ms: 2000, ...options, attributes: { ...attributes, ...more } }
}

test.each<[string, SpanOptions[], Record<string, number>]>([
  ['tokens', [call({}, { 'gen_ai.usage.input_tokens': 3 })], {}],
  ['no tokens at all is known to be so', [call({}, { 'gen_ai.usage.output_tokens': 0 })], {}],
  ['nothing', [call({})], { not_reported: 1 }],
  ['a call that has no tokens as a rule', [call({}, { 'gen_ai.operation.name': 'rerank' })], {}],
  ['a stream', [call({}, { 'gen_ai.request.stream': true })], { streamed: 1 }],
  ['a failure', [call({ status: { code: 2 } }, { 'error.type': '500' })], { failed: 1 }],
  ['a stream that failed', [call({ status: { code: 2 } }, { 'gen_ai.request.stream': true })], { failed: 1 }],
  [
    'one report knows what the other does not',
    [
      call({ id: '00000000000000aa' }, { 'gen_ai.request.stream': true }),
      call({ id: INNER, parent: '00000000000000aa' }, { 'gen_ai.usage.input_tokens': 3 }),
    ],
    {},
  ],
  [
    'the inner report says that it was a stream',
    [
      call({ id: '00000000000000aa' }),
      call({ id: INNER, parent: '00000000000000aa', start_ms: 1100 }, { 'gen_ai.request.stream': true }),
    ],
    { streamed: 1 },
  ],
])('%s', async (_, spans, right) => {
  const it = await bench({ metrics_flush_interval: '1s' })
  await it.send(...spans.map((span) => ({ trace: trace(1), ...span })))
  await it.pass(20_000)
  for (const reason of ['failed', 'streamed', 'not_reported'])
    expect(it.value(WITHOUT, { reason, model: 'm1' }) ?? 0, reason).toBe(right[reason] ?? 0)
  expect(it.value('llm_requests_total')).toBe(1)
})
