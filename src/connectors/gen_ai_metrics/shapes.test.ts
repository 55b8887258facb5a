import { expect, test } from 'vitest'
import { itemsOf } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { schema } from './config.ts'
import { bench, call } from './gen_ai_metrics.fixture.ts'

function shapeOf(it: Awaited<ReturnType<typeof bench>>, name: string): Message {
  const metric = it.next.batches.flatMap((batch) => itemsOf(batch)).findLast((one) => one['name'] === name)!
  const [point] = ((metric['histogram'] ?? metric['exponentialHistogram']) as Message)['dataPoints'] as Message[]
  return point!
}

test('the user’s bounds hold for the metric that they are of', async () => {
  const it = await bench({ histogram_bounds: { llm_request_duration_seconds: [0.2, 0.8] } })
  await it.send(call())
  await it.stop()
  expect(shapeOf(it, 'llm_request_duration_seconds')['explicitBounds']).toEqual([0.2, 0.8])
  expect((shapeOf(it, 'llm_cost_usd')['explicitBounds'] as number[]).length).toBeGreaterThan(2)
})

test('native histograms have exponential buckets, and count the same', async () => {
  const it = await bench({ native_histograms: true })
  await it.send(call(), call())
  await it.stop()
  const point = shapeOf(it, 'llm_request_duration_seconds')
  expect(point['count']).toBe(2n)
  const { bucketCounts } = point['positive'] as { bucketCounts: bigint[] }
  expect(bucketCounts.reduce((sum, one) => sum + one, 0n)).toBe(2n)
})

test('bounds that do not rise are refused', () => {
  const wrong = { histogram_bounds: { llm_cost_usd: [1, 1] } }
  expect(schema.safeParse(wrong).error?.issues[0]?.message).toContain('bounds that rise')
})
