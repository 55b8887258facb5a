import { describe, expect, it } from 'vitest'
import type { Batches } from '../component.ts'
import { spans } from './host.fixture.ts'
import { retryable, SENT } from './sender.ts'
import { advance, type Call, namesIn, never, setUp } from './sending.fixture.ts'

describe('retry', () => {
  it.each([
    [0, [0, 2500, 6250, 11875]],
    [0.5, [0, 5000, 12500, 23750]],
    [0.999999, [0, 7500, 18750, 35625]],
  ])('waits 5 s, 7.5 s, 11.25 s …, varied by half (random %d)', async (random, times) => {
    const { pass, clock, calls } = setUp({}, [retryable('HTTP 503')], () => random)
    await pass(spans(1))
    await advance(clock, 36_000)
    for (const [at, time_ms] of times.entries()) expect(Math.abs(calls[at]!.at_ms - time_ms)).toBeLessThan(1)
  })

  it('waits at most max_interval and gives up after max_elapsed_time', async () => {
    const { pass, clock, calls, account, test } = setUp({}, [retryable('HTTP 503')])
    await pass(spans(4))
    await advance(clock, 400_000)
    const times = calls.map((call) => call.at_ms)
    expect(Math.max(...times.slice(1).map((time, at) => time - times[at]!))).toBe(30_000)
    expect(times.at(-1)).toBeLessThanOrEqual(300_000)
    expect(times.at(-1)).toBeGreaterThan(270_000)
    expect(account.dropped).toEqual({ retries_exhausted: 4 })
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(4)
    expect(test.counter('sluice_exporter_retries', 'traces')).toBe(calls.length - 1)
  })

  it('never gives up with max_elapsed_time 0', async () => {
    const { pass, clock, calls, account } = setUp({ retry_on_failure: { max_elapsed_time: 0 } }, [
      retryable('HTTP 503'),
    ])
    await pass(spans(1))
    await advance(clock, 24 * 3_600_000)
    expect(calls.length).toBeGreaterThan(2800)
    expect(account.held.queued).toBe(1)
  })

  it('waits as long as the backend asks, if that is longer', async () => {
    const { pass, clock, calls } = setUp({}, [retryable('HTTP 429', 20_000), retryable('HTTP 429', 1000), SENT])
    await pass(spans(1))
    await advance(clock, 60_000)
    expect(calls.map((call) => call.at_ms)).toEqual([0, 20_000, 27_500])
  })

  it('does not repeat when disabled', async () => {
    const { pass, clock, calls, account } = setUp({ retry_on_failure: { enabled: false } }, [retryable('HTTP 503')])
    await pass(spans(1))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(1)
    expect(account.dropped).toEqual({ retries_exhausted: 1 })
  })

  it('breaks an attempt off after the timeout, and repeats it', async () => {
    const { pass, clock, calls, account } = setUp({ timeout: '2s' }, ['hang', SENT])
    await pass(spans(1))
    await advance(clock, 1999)
    expect(calls[0]!.signal.aborted).toBe(false)
    await advance(clock, 1)
    expect(calls[0]!.signal.aborted).toBe(true)
    await advance(clock, 5000)
    expect(account.delivered).toBe(1)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(account.delivered).toBe(1)
  })

  const asked_ms = [2 ** 31, 30 * 86_400_000, 1e300, Number.POSITIVE_INFINITY]
  it.each(asked_ms)('waits ten minutes for a backend that asks for %d ms', async (wait_ms) => {
    const config = { retry_on_failure: { max_elapsed_time: 0 } }
    const { pass, clock, calls } = setUp(config, [retryable('HTTP 429', wait_ms), SENT])
    await pass(spans(1))
    await advance(clock, 599_999)
    expect(calls).toHaveLength(1)
    await advance(clock, 1)
    expect(calls).toHaveLength(2)
  })

  it.each([-5, Number.NaN])('takes no wait of %d ms', async (wait_ms) => {
    const { pass, clock, calls } = setUp({}, [retryable('HTTP 429', wait_ms), SENT])
    await pass(spans(1))
    await advance(clock, 4_999)
    expect(calls).toHaveLength(1)
    await advance(clock, 1)
    expect(calls).toHaveLength(2)
  })
})

describe('a batch that cannot be delivered', () => {
  const config = { retry_on_failure: { max_elapsed_time: 0 }, sending_queue: { num_consumers: 2 } }
  const isPoison = (batch: Batches['traces']) => namesIn(batch).some((name) => name.startsWith('poison'))
  const hour_ms = 3_600_000

  it('does not block those behind it, however many there are', async () => {
    const { pass, clock, calls, account } = setUp(config, ({ batch }) => (isPoison(batch) ? retryable('x') : SENT))
    for (let poison = 0; poison < 6; poison++) await pass(spans(1, 'poison'))
    for (let good = 0; good < 50; good++) await pass(spans(1, 'good'))
    await advance(clock, hour_ms)
    expect(account.delivered).toBe(50)
    expect(account.held.queued).toBe(6)
    // Each at most every 15 s, as max_interval and the random factor have it.
    expect(calls.filter(({ batch }) => isPoison(batch)).length).toBeLessThan((6 * hour_ms) / 15_000)
  })

  it('a dead backend gets no more attempts than the consumers make, however much waits', async () => {
    const { pass, clock, calls, account } = setUp(config, () => retryable('HTTP 503'))
    for (let batch = 0; batch < 100; batch++) await pass(spans(1))
    await advance(clock, hour_ms)
    expect(account.held.queued).toBe(100)
    expect(calls.length).toBeLessThan((2 * hour_ms) / 5_000)
  })

  it('everything goes out when a dead backend comes back', async () => {
    let isAlive = false
    const { pass, clock, account } = setUp(config, () => (isAlive ? SENT : retryable('HTTP 503')))
    for (let batch = 0; batch < 100; batch++) await pass(spans(1))
    await advance(clock, hour_ms)
    isAlive = true
    await advance(clock, 60_000)
    expect(account).toMatchObject({ delivered: 100, held: { queued: 0 } })
  })

  it('one for whose size there is never room is halved until it fits', async () => {
    const answer = ({ batch }: Call) => (batch.count > 3 ? retryable('RESOURCE_EXHAUSTED', 0, true) : SENT)
    const { pass, clock, account, calls } = setUp(config, answer)
    await pass(spans(100))
    await advance(clock, hour_ms)
    expect(account).toMatchObject({ delivered: 100, dropped: {} })
    expect(calls.length).toBeLessThan(300)
  })

  it('one item for which there is never room is set aside, once others go through', async () => {
    const answer = ({ batch }: Call) => (isPoison(batch) ? retryable('RESOURCE_EXHAUSTED', 0, true) : SENT)
    const { pass, clock, account } = setUp(config, answer)
    await pass(spans(1, 'poison'))
    await advance(clock, hour_ms)
    expect(account.held.queued).toBe(1)
    for (let good = 0; good < 100; good++) {
      await pass(spans(1, 'good'))
      await advance(clock, 10_000)
    }
    expect(account).toMatchObject({ delivered: 100, dropped: { too_large: 1 }, held: { queued: 0 } })
  })

  it('is tried once more at shutdown, also if it waits aside', async () => {
    const { pass, clock, account, sending, calls } = setUp(config, ({ batch }) =>
      isPoison(batch) ? retryable('x') : SENT,
    )
    for (let poison = 0; poison < 3; poison++) await pass(spans(1, 'poison'))
    await advance(clock, 60_000)
    for (let good = 0; good < 3; good++) await pass(spans(1, 'good'))
    await advance(clock, 60_000)
    const before = calls.length
    const stopped = sending.shutdown(never)
    await advance(clock, 0)
    await stopped
    expect(account).toMatchObject({ delivered: 3, dropped: { shutdown: 3 }, held: { queued: 0 } })
    expect(calls.length - before).toBe(3)
  })
})
