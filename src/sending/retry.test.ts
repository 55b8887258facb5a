import { describe, expect, it } from 'vitest'
import { spans } from './host.fixture.ts'
import { retryable, SENT } from './sender.ts'
import { advance, setUp } from './sending.fixture.ts'

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
})
