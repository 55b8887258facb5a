import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'
import { SteadyTime } from './steady_time.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

async function observed(clock: FakeClock, time: SteadyTime, for_ms: number) {
  for (let passed_ms = 0; passed_ms < for_ms; passed_ms += MINUTE_MS) {
    await clock.advance(MINUTE_MS)
    time.observe()
  }
}

/** How far it is from the true time, in hours, after something has happened to a clock. */
test.each<[string, (clock: FakeClock, time: SteadyTime) => Promise<void>, number]>([
  ['runs with the clock', (clock, time) => observed(clock, time, 3 * HOUR_MS), 0],
  [
    'does not follow a jump ahead that is taken back',
    async (clock, time) => {
      clock.jump(2 * DAY_MS)
      await observed(clock, time, 59 * MINUTE_MS)
      clock.jump(-2 * DAY_MS)
      await observed(clock, time, 3 * HOUR_MS)
    },
    0,
  ],
  [
    'never goes back',
    async (clock, time) => {
      clock.jump(-2 * DAY_MS)
      await observed(clock, time, 3 * HOUR_MS)
    },
    0,
  ],
  [
    'follows a clock that was set and stays there',
    async (clock, time) => {
      clock.jump(2 * DAY_MS)
      await observed(clock, time, 2 * HOUR_MS)
    },
    48,
  ],
  [
    'does not count the time before it began, which a clock alone tells',
    async (clock, time) => {
      time.begin(clock.now_ms() - 2 * DAY_MS)
      await observed(clock, time, 59 * MINUTE_MS)
    },
    -48,
  ],
  [
    'counts it when the clock has gone evenly for an hour',
    async (clock, time) => {
      time.begin(clock.now_ms() - 2 * DAY_MS)
      await observed(clock, time, 61 * MINUTE_MS)
    },
    0,
  ],
  ['does not believe what was written in the future', async (clock, time) => time.begin(clock.now_ms() + DAY_MS), 0],
])('%s', async (_, happens, ahead_h) => {
  const clock = new FakeClock()
  const time = new SteadyTime(clock)
  const start_ms = clock.now_ms()
  const began_ms = clock.monotonic_ms()
  await happens(clock, time)
  const true_ms = start_ms + clock.monotonic_ms() - began_ms
  expect((time.now_ms() - true_ms) / HOUR_MS).toBe(ahead_h)
})
