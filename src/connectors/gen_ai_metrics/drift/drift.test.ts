import { expect, test } from 'vitest'
import { bench, call } from '../gen_ai_metrics.fixture.ts'

const HOUR_MS = 3_600_000

async function hour(it: Awaited<ReturnType<typeof bench>>, output: number, calls = 40): Promise<void> {
  for (let at = 0; at < calls; at++)
    await it.send(
      call({
        trace: (++traces).toString(16).padStart(32, '0'),
        with: { 'gen_ai.usage.output_tokens': output + (at % 4), 'gen_ai.response.model': 'm1-v1' },
      }),
    )
  await it.pass(60_000)
}
let traces = 0

const drift = (signal: string, method = 'jsd') => ({ model: 'm1', signal, method })

test('the same hour of the day before is what an hour is compared with, once it has enough calls', async () => {
  const it = await bench({ drift: { count_min: 30 }, metrics_flush_interval: '1m' })
  await hour(it, 100)
  expect(it.value('llm_drift', drift('output_tokens'))).toBe(undefined)
  await it.pass(24 * HOUR_MS - 60_000)
  await hour(it, 3000, 20)
  expect(it.value('llm_drift', drift('output_tokens'))).toBe(undefined)
  await hour(it, 3000, 20)
  expect(it.value('llm_drift', drift('output_tokens'))).toBeCloseTo(1, 9)
  expect(it.value('llm_drift', drift('output_tokens', 'psi'))).toBeGreaterThan(0.25)
  expect(it.value('llm_drift', drift('input_tokens'))).toBeCloseTo(0, 9)
  await it.stop()
})
