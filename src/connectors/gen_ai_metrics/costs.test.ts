/** What metrics say of money. */
import { expect, test } from 'vitest'
import { itemsOf } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { type Bench, bench, call } from './gen_ai_metrics.fixture.ts'
import { UnpricedModels } from './unpriced_models.ts'

const SAVED = 'llm_cost_saved_usd_total'
const DIFFERENCE = 'llm_cost_difference_usd_total'
const UNPRICED = 'llm_unpriced_requests_total'

const priced = (usd: number, more: Record<string, string | number | boolean> = {}) => ({
  'sluice.cost.usd': usd,
  'sluice.cost.source': 'table',
  'sluice.cost.table_usd': usd,
  ...more,
})
const trace = (number: number) => number.toString(16).padStart(32, '0')

async function settled(...calls: Parameters<typeof call>[0][]): Promise<Bench> {
  const it = await bench({ metrics_flush_interval: '1s' })
  for (const [at, one] of calls.entries()) await it.send(call({ trace: trace(at + 1), ...one }))
  await it.pass(20_000)
  return it
}

/** The sum of that histogram in the newest batch. */
function sumOf(it: Bench, name: string): number {
  const found = it.next.batches.flatMap((batch) => itemsOf(batch).filter((metric) => metric['name'] === name))
  const { dataPoints } = found.at(-1)!['histogram'] as { dataPoints: Message[] }
  return dataPoints[0]!['sum'] as number
}

test('fifty calls of 2.10 are 105', async () => {
  const it = await settled(...Array.from({ length: 50 }, () => ({ with: priced(2.1) })))
  expect(sumOf(it, 'llm_cost_usd')).toBe(105)
})

test('what cached tokens saved adds up, without drift', async () => {
  const saving = { with: priced(0.5, { 'sluice.cost.saved_usd': 0.1 }) }
  const cached = { with: priced(0, { 'sluice.cost.saved_usd': 0.25, 'sluice.answer_cached': true }) }
  const it = await settled(...Array.from({ length: 10 }, () => saving), cached, { with: priced(1) })
  expect(it.value(SAVED, { by: 'prompt_cache', model: 'm1' })).toBe(1)
  expect(it.value(SAVED, { by: 'answer_cache', model: 'm1' })).toBe(0.25)
})

test('the difference between reported costs and ours, each way', async () => {
  const reported = (usd: number, table: number) => ({
    with: { 'sluice.cost.usd': usd, 'sluice.cost.source': 'reported', 'sluice.cost.table_usd': table },
  })
  const unknown = { with: { 'sluice.cost.usd': 9, 'sluice.cost.source': 'reported' } }
  const it = await settled(reported(3, 1), reported(1, 1.5), reported(2, 2), reported(0, 0.25), unknown, {
    with: priced(7),
  })
  expect(it.value(DIFFERENCE, { reported: 'more' })).toBe(2)
  expect(it.value(DIFFERENCE, { reported: 'less' })).toBe(0.75)
})

test('calls without a price are counted by model', async () => {
  const unpriced = (model: string) => ({
    with: { 'sluice.cost.source': 'unknown_model', 'gen_ai.request.model': model },
  })
  const it = await settled(unpriced('a'), unpriced('a'), unpriced('b'), { with: priced(1) }, {})
  expect(it.value(UNPRICED, { model: 'a' })).toBe(2)
  expect(it.value(UNPRICED, { model: 'b' })).toBe(1)
  expect(it.value(UNPRICED)).toBe(3)
})

test('of two reports of a call, what belongs to its cost goes with it', async () => {
  const it = await bench({ metrics_flush_interval: '1s' })
  const counts = { 'gen_ai.usage.cache_read.input_tokens': 80 }
  await it.send(
    call({
      id: '00000000000000aa',
      start_ms: 1000,
      end_ms: 2000,
      with: { 'sluice.cost.source': 'unknown_model', 'gen_ai.request.model': 'alias' },
    }),
    call({
      id: '00000000000000bb',
      parent: '00000000000000aa',
      start_ms: 1100,
      end_ms: 1900,
      with: { ...counts, ...priced(2, { 'sluice.cost.saved_usd': 0.5 }), 'gen_ai.request.model': 'alias' },
    }),
  )
  await it.pass(20_000)
  expect(it.value('llm_requests_total')).toBe(1)
  expect(sumOf(it, 'llm_cost_usd')).toBe(2)
  expect(it.value(SAVED)).toBe(0.5)
  expect(it.value(UNPRICED) ?? 0).toBe(0)
})

test('the log names each model once, and not more than a hundred', () => {
  const lines: unknown[] = []
  const models = new UnpricedModels({ warn: (line: unknown) => void lines.push(line) } as never)
  for (let round = 0; round < 2; round++) for (let at = 0; at < 150; at++) models.tell(`m${at}`)
  expect(lines).toHaveLength(101)
  expect(lines.slice(0, 2)).toEqual([{ model: 'm0' }, { model: 'm1' }])
  expect(lines.at(-1)).toContain('more models')
})

test.each(['ann@example.org', 'please call Ann', `m${'x'.repeat(100)}`, 'sk-proj-4f9aB7xQ2mN8vK1tR6wY3zC5'])(
  'what is no name of a model is not in the log: %s',
  (model) => {
    const lines: unknown[] = []
    new UnpricedModels({ warn: (...line: unknown[]) => void lines.push(line) } as never).tell(model)
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toContain(model)
  },
)
