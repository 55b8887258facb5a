import { expect, test } from 'vitest'
import { traceBatch } from '../../../test/support/otlp.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { readNormalisedCall } from '../../gen_ai/normalised.ts'
import { IMPLAUSIBLE } from '../../gen_ai/plausible.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { processorForTests } from './processor.fixture.ts'

const PLAIN = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o-mini',
  'gen_ai.usage.input_tokens': 10,
  'gen_ai.usage.output_tokens': 2,
}
const HOUR_MS = 3_600_000
const FAR_MS = 18_446_744_073_709

/** The call as everything behind the processor reads it, and what was marked and counted. */
async function judged(attributes: object, times = { start_ms: 1000, end_ms: 2000 }, config: object = {}) {
  const it = processorForTests(config)
  const span = { ...times, attributes: { ...PLAIN, ...attributes } }
  const batch = await it.normalise(traceBatch([span]))
  const view = new SpanView()
  view.read(batch, 0)
  const call = new ModelCall()
  expect(readNormalisedCall(view, call)).toBe(true)
  const marked = IMPLAUSIBLE.filter((_, bit) => (call.implausible >>> bit) & 1)
  for (const number of IMPLAUSIBLE)
    expect(it.count(`sluice_gen_ai_implausible_numbers{number=${number}}`)).toBe(marked.includes(number) ? 1 : 0)
  return { call, marked }
}

test.each<[string, object, string[]]>([
  ['nothing wrong', {}, []],
  ['tokens of a whole library', { 'gen_ai.usage.input_tokens': 10_000_000 }, []],
  ['1e15 input tokens', { 'gen_ai.usage.input_tokens': 1e15 }, ['input_tokens']],
  ['the same as a text', { 'gen_ai.usage.output_tokens': '1000000000000000' }, ['output_tokens']],
  ['beyond 2^53', { 'gen_ai.usage.output_tokens': 1e18 }, ['output_tokens']],
  ['negative', { 'gen_ai.usage.input_tokens': -5 }, ['input_tokens']],
  ['endless', { 'gen_ai.usage.input_tokens': Number.POSITIVE_INFINITY }, ['input_tokens']],
  ['cached tokens', { 'gen_ai.usage.cache_read.input_tokens': 1e15 }, ['cache_read_tokens']],
  [
    'an older name',
    { 'llm.usage.total_tokens': 1e15, 'gen_ai.usage.reasoning.output_tokens': 1e15 },
    ['reasoning_tokens'],
  ],
  ['a first chunk behind the end', { 'gen_ai.response.time_to_first_chunk': 4000 }, ['time_to_first_chunk']],
])('%s', async (_, attributes, expected) => {
  const { call, marked } = await judged(attributes)
  expect(marked).toEqual(expected)
  for (const name of ['inputTokens', 'outputTokens', 'cacheReadTokens', 'reasoningTokens', 'cost_usd'] as const)
    expect(!(call[name] > 1e8)).toBe(true)
})

test.each<[string, { start_ms: number; end_ms: number }, boolean]>([
  ['an hour', { start_ms: 1000, end_ms: 1000 + HOUR_MS }, false],
  ['begun never', { start_ms: 0, end_ms: 1_700_000_000_000 }, true],
  ['ended never', { start_ms: 1_700_000_000_000, end_ms: 0 }, true],
  ['no time at all', { start_ms: 0, end_ms: 0 }, true],
  ['ended in 2554', { start_ms: 1_700_000_000_000, end_ms: FAR_MS }, true],
  ['ended before it began', { start_ms: 2000, end_ms: 1000 }, true],
])('duration: %s', async (_, times, isWrong) => {
  expect((await judged({}, times)).marked).toEqual(isWrong ? ['duration'] : [])
})

test('a computed cost beyond the bound is no cost', async () => {
  const { call, marked } = await judged({}, undefined, { plausible: { cost_usd_max: 0.000001 } })
  expect(marked).toEqual(['cost'])
  expect(call.cost_usd).toBeNaN()
})
