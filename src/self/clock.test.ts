import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

const DAY_MS = 86_400_000

afterEach(() => void vi.useRealTimers())

test('what comes every so often comes together, and as often as it says', () => {
  vi.useFakeTimers()
  const moments = new Map<number, number[]>()
  const began_ms = performance.now()
  for (const [at, period_ms] of [250, 500, 1000, 250, 15_000].entries()) {
    // Begun at any time.
    vi.advanceTimersByTime(at * 37)
    systemClock.every(period_ms, () => {
      const now_ms = performance.now() - began_ms
      moments.set(now_ms, [...(moments.get(now_ms) ?? []), period_ms])
    })
  }
  const periods = vi.fn()
  systemClock.every(70, periods)
  vi.advanceTimersByTime(60_000)
  const calls = (wanted_ms: number) =>
    [...moments.values()].flat().filter((period_ms) => period_ms === wanted_ms).length
  expect(moments.size).toBeLessThanOrEqual(60_500 / 250)
  expect([calls(250) / 2, calls(500), calls(1000), calls(15_000)].map((count) => Math.round(count / 4))).toEqual([
    60, 30, 15, 1,
  ])
  expect(periods).toHaveBeenCalledTimes(Math.floor(60_000 / 70))
})

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
