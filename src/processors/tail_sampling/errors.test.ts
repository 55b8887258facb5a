import { expect, test } from 'vitest'
import { bench, failed, span } from './sampler.fixture.ts'

test('errors: a failed status, or a step that failed whatever its status says', async () => {
  const it = await bench({ policies: [{ name: 'errors', type: 'errors' }] })
  const call = (trace: number, name: string, attributes: Record<string, string | boolean>) =>
    span(trace, name, { attributes: { 'sluice.dialect': 'otel', 'gen_ai.operation.name': 'chat', ...attributes } })
  await it.send([
    failed(1, 'status'),
    call(2, 'timeout', { 'error.type': 'timeout' }),
    span(2, 'its parent'),
    call(3, 'rate limit', { 'sluice.rate_limited': true }),
    span(4, 'tool', { attributes: { 'gen_ai.operation.name': 'execute_tool', 'error.type': 'ToolError' } }),
    call(5, 'good', {}),
    span(6, 'no step', { attributes: { 'error.type': '404' } }),
  ])
  await it.pass(20_000)
  expect(it.kept().sort()).toEqual(
    ['status', 'timeout', 'its parent', 'rate limit', 'tool'].map((name) => `${name}:decided`).sort(),
  )
  await it.stop()
})

test('errors: tools that failed under many names, with no status', async () => {
  const it = await bench({ policies: [{ name: 'errors', type: 'errors' }] })
  await it.send(
    Array.from({ length: 24 }, (_, at) =>
      span(at + 1, `execute_tool t${at}`, { attributes: { 'sluice.step': 'tool', 'sluice.failed': true } }),
    ),
  )
  await it.send([span(25, 'good', { attributes: { 'sluice.step': 'tool' } })])
  await it.pass(20_000)
  expect(it.kept()).toHaveLength(24)
  await it.stop()
})
