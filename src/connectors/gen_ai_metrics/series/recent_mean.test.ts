import { describe, expect, test } from 'vitest'
import { testHost } from '../../../../test/support/host.ts'
import { itemsOf } from '../../../../test/support/otlp.ts'
import type { Message } from '../../../otlp/codec.ts'
import { sharedVerdicts } from '../../../traces/verdicts.ts'
import { ExemplarCandidates } from './bucket_exemplars.ts'
import { Lease, MetricSet } from './metric_set.ts'
import { RECENT_MS, RecentMean, RecentValue } from './recent_mean.ts'

describe('the mean of the last five minutes', () => {
  test('is that of what came within them', async () => {
    const { clock } = testHost()
    const mean = new RecentMean(clock)
    expect(mean.at(clock.monotonic_ms())).toBeNaN()
    mean.record(1)
    mean.record(Number.NaN)
    await clock.advance(RECENT_MS - 60_000)
    mean.record(4)
    expect(mean.at(clock.monotonic_ms())).toBe(2.5)
    await clock.advance(60_000)
    expect(mean.at(clock.monotonic_ms())).toBe(4)
    await clock.advance(RECENT_MS)
    expect(mean.at(clock.monotonic_ms())).toBeNaN()
    await clock.advance(10 * RECENT_MS)
    mean.record(7)
    expect(mean.at(clock.monotonic_ms())).toBe(7)
  })

  test('a value that nobody renews becomes what it is to be after that', async () => {
    const { clock } = testHost()
    const value = new RecentValue(clock, 0)
    value.set(3)
    expect(value.at(clock.monotonic_ms())).toBe(3)
    await clock.advance(RECENT_MS)
    expect(value.at(clock.monotonic_ms())).toBe(0)
  })
})

test('a gauge is shown as it is, ends once when it says nothing, and comes back', async () => {
  const host = testHost()
  const { clock } = host
  const set = new MetricSet(clock, new ExemplarCandidates(sharedVerdicts(host), clock))
  const mean = new Lease(set).recentMean({ name: 'm', help: 'h' }, { model: 'a' })
  const shown = () => {
    const batches = [...set.show({ unix_ms: clock.now_ms(), monotonic_ms: clock.monotonic_ms() }, 0)]
    return batches.flatMap((batch) =>
      itemsOf(batch).flatMap((metric) => (metric['gauge'] as Message)['dataPoints'] as Message[]),
    )
  }
  expect(shown()).toEqual([])
  mean.record(0.5)
  expect(shown()).toMatchObject([{ asDouble: 0.5 }])
  await clock.advance(RECENT_MS)
  expect(shown()).toMatchObject([{ flags: 1 }])
  expect(shown()).toEqual([])
  mean.record(2)
  expect(shown()).toMatchObject([{ asDouble: 2 }])
})
