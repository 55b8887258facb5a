/** Estimates of what senders that sample at the head did not send. */
import { expect, test } from 'vitest'
import { bench, call } from './gen_ai_metrics.fixture.ts'

const trace = (number: number) => number.toString(16).padStart(32, '0')
const tenth = { traceState: 'ot=th:e6666666666668' }
const half = { traceState: 'v=1,ot=rv:0f;th:8' }

test('a call counts as often as its span stands for, and once in the plain families', async () => {
  const it = await bench({ metrics_flush_interval: '1s', weighted_metrics: true })
  const cost = { 'sluice.cost.usd': 0.25, 'sluice.cost.source': 'table' }
  await it.send(
    call({ trace: trace(1), more: tenth, with: cost }),
    call({ trace: trace(2), more: half }),
    call({ trace: trace(3) }),
    call({ trace: trace(4), more: half, status: { code: 2 } }),
    call({ trace: trace(5), more: half, with: { 'sluice.sampling.decision': 'decided' } }),
    // Its inner report does not say it.
    call({ trace: trace(6), id: '00000000000000aa', start_ms: 1000, end_ms: 2000, more: half }),
    call({ trace: trace(6), id: '00000000000000bb', parent: '00000000000000aa', start_ms: 1100, end_ms: 1900 }),
  )
  await it.pass(20_000)
  expect(it.value('llm_requests_total')).toBe(6)
  expect(it.value('llm_weighted_requests_total', { model: 'm1', endpoint: 'chat' })).toBeCloseTo(18, 9)
  expect(it.value('llm_weighted_errors_total')).toBe(2)
  expect(it.value('llm_weighted_tokens_input_total')).toBeCloseTo(1800, 6)
  expect(it.value('llm_weighted_tokens_output_total')).toBeCloseTo(180, 6)
  expect(it.value('llm_weighted_cost_usd_total')).toBeCloseTo(2.5, 9)
})

test('off unless it is wanted', async () => {
  const it = await bench({ metrics_flush_interval: '1s' })
  await it.send(call({ more: half }))
  await it.pass(20_000)
  expect(it.value('llm_requests_total')).toBe(1)
  expect(it.value('llm_weighted_requests_total')).toBeUndefined()
})
