import { expect, test } from 'vitest'
import type { SpanOptions } from '../../../../test/support/otlp.ts'
import { bench } from '../gen_ai_metrics.fixture.ts'

const TOOLS = 10_000

function ran(tool: string, place: number): SpanOptions {
  const id = (place + 1).toString(16)
  return {
    ...{ trace: id.padStart(32, '0'), id: id.padStart(16, '0'), start_ms: 1000, end_ms: 2000 },
    attributes: { 'sluice.step': 'tool', 'gen_ai.tool.name': tool },
  }
}

test('ten thousand tools: totals stay true, what is beyond the bound is "other", and a real one finds a place', async () => {
  const one = await bench({ models_max: 100, series_max: 1000 })
  for (let from = 0; from < TOOLS; from += 1000)
    await one.send(...Array.from({ length: 1000 }, (_, place) => ran(`tool-${from + place}`, from + place)))
  await one.pass(60_000)
  const calls = 'llm_tool_calls_total'
  expect(one.value(calls, { outcome: 'ok' })).toBe(TOOLS)
  expect(one.value(calls, { tool: 'other', outcome: 'ok' })).toBeGreaterThan(TOOLS - 200)
  for (let round = 0; round < 30; round++)
    await one.send(...Array.from({ length: 20 }, (_, place) => ran('real', TOOLS + round * 20 + place)))
  await one.pass(60_000)
  await one.send(...Array.from({ length: 20 }, (_, place) => ran('real', 2 * TOOLS + place)))
  await one.pass(60_000)
  expect(one.value(calls, { tool: 'real', outcome: 'ok' })).toBeGreaterThan(0)
  await one.stop()
})
