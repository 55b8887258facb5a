import { expect, test } from 'vitest'
import { FakeClock } from '../clock.ts'
import { LoopLag } from './loop_lag.ts'

/** A clock whose timers fire late by what is asked for, and which counts them. */
class LateClock extends FakeClock {
  late_ms = 0
  fired = 0

  override after(wait_ms: number, run: () => void) {
    return super.after(wait_ms + this.late_ms, () => {
      this.fired++
      run()
    })
  }
}

test('what keeps the loop is measured, and forgotten when it has been told', async () => {
  const clock = new LateClock()
  const lag = new LoopLag(clock, () => 0)
  expect(lag.seconds(1)).toBe(0)
  await clock.advance(10_000)
  expect(lag.seconds(1)).toBeLessThan(0.001)
  clock.late_ms = 200
  await clock.advance(1400)
  clock.late_ms = 0
  await clock.advance(10_000)
  expect(lag.seconds(1)).toBeCloseTo(0.2, 2)
  expect(lag.seconds(0.5)).toBeLessThan(0.001)
  lag.reset()
  expect(lag.seconds(1)).toBe(0)
  lag.close()
  const { fired } = clock
  await clock.advance(10_000)
  expect(clock.fired).toBe(fired)
})

test('a loop with work is looked at often, one without hardly', async () => {
  const clock = new LateClock()
  let share = 0
  new LoopLag(clock, () => share)
  const looks = async () => {
    clock.fired = 0
    await clock.advance(10_000)
    return clock.fired
  }
  expect(await looks()).toBeLessThanOrEqual(20)
  share = 0.5
  expect(await looks()).toBeGreaterThan(900)
  share = 0.01
  await clock.advance(2000)
  expect(await looks()).toBeLessThanOrEqual(20)
})
