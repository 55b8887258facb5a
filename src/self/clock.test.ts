import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

const DAY_MS = 86_400_000

afterEach(() => void vi.useRealTimers())

describe('waits longer than the 24.8 days of a Node timer', () => {
  const waits_ms = [2 ** 31 - 1, 2 ** 31, 30 * DAY_MS, 2 ** 32 + 1, 400 * DAY_MS]
  test.each(waits_ms)('after %d ms: once, then', (wait_ms) => {
    vi.useFakeTimers()
    const run = vi.fn()
    systemClock.after(wait_ms, run)
    vi.advanceTimersByTime(wait_ms - 1)
    expect(run).toHaveBeenCalledTimes(0)
    vi.advanceTimersByTime(1)
    vi.advanceTimersByTime(wait_ms)
    expect(run).toHaveBeenCalledTimes(1)
  })

  test.each(waits_ms)('every %d ms', (period_ms) => {
    vi.useFakeTimers()
    const run = vi.fn()
    systemClock.every(period_ms, run)
    vi.advanceTimersByTime(period_ms - 1)
    expect(run).toHaveBeenCalledTimes(0)
    vi.advanceTimersByTime(2 * period_ms)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('cancelled in a later piece', () => {
    vi.useFakeTimers()
    const run = vi.fn()
    const timers = [systemClock.after(60 * DAY_MS, run), systemClock.every(60 * DAY_MS, run)]
    vi.advanceTimersByTime(50 * DAY_MS)
    for (const timer of timers) timer.cancel()
    vi.advanceTimersByTime(50 * DAY_MS)
    expect(run).toHaveBeenCalledTimes(0)
  })
})
