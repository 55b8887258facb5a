import { expect, test } from 'vitest'
import { FakeClock } from '../../../self/clock.ts'
import { SHOWN_AFTER_MS, Standing } from './standing.ts'

const MINUTE_MS = 60_000
const one = () => 1

/** Places 0 to `places` - 1, each used so often. */
function standing(places: number, uses: number): { clock: FakeClock; it: Standing } {
  const clock = new FakeClock()
  const it = new Standing(clock)
  for (let place = 0; place < places; place++) {
    it.enter(place, -place - 1)
    for (let use = 1; use < uses; use++) it.use(place)
  }
  return { clock, it }
}

/** Uses a newcomer so often, and returns who should go for it, the first time that somebody should. */
function challenge(it: Standing, newcomer: number, uses: number, wanted = 1, sizeOf = one): readonly number[] {
  for (let use = 0; use < uses; use++) {
    const gone = it.outweighed(newcomer, wanted, sizeOf)
    if (gone.length > 0) return gone
  }
  return []
}

test.each([
  { name: 'used twice as much as the least used', uses: 10, newcomer: 21, goes: true },
  { name: 'used less than that', uses: 10, newcomer: 18, goes: false },
  { name: 'used once, where all are used once', uses: 1, newcomer: 1, goes: false },
  { name: 'used very much, where all are used very much', uses: 5000, newcomer: 50_000, goes: false },
])('a newcomer that is $name: a place is free for it: $goes', async ({ uses, newcomer, goes }) => {
  const { clock, it } = standing(10, uses)
  it.use(0)
  let gone: readonly number[] = []
  for (let use = 0; use < newcomer && gone.length === 0; use++) {
    gone = it.outweighed(7, 1, one)
    if (use % Math.ceil(newcomer / 20) === 0) await clock.advance(1000)
  }
  expect(gone).toEqual(goes ? [1] : [])
})

test('what was used very much, and is no more, makes room within an hour', async () => {
  const { clock, it } = standing(10, 1_000_000)
  await clock.advance(20 * MINUTE_MS)
  for (let place = 1; place < 10; place++) for (let use = 0; use < 2000; use++) it.use(place)
  expect(challenge(it, 7, 2000)).toEqual([])
  await clock.advance(40 * MINUTE_MS)
  for (let place = 1; place < 10; place++) for (let use = 0; use < 2000; use++) it.use(place)
  const gone: (readonly number[])[] = []
  for (let second = 0; second < 5; second++) {
    gone.push(challenge(it, 7, 500))
    await clock.advance(1000)
  }
  expect(gone.find((places) => places.length > 0)).toEqual([0])
})

test('newcomers without end that come once displace nobody, and do not hide one that comes often', async () => {
  const { clock, it } = standing(10, 3)
  for (let newcomer = 1000; newcomer < 100_000; newcomer++) {
    if (it.outweighed(newcomer, 1, one).length > 0) expect.unreachable()
    if (newcomer % 1000 === 0) await clock.advance(100)
  }
  let gone: readonly number[] = []
  for (let round = 0; round < 100 && gone.length === 0; round++) {
    for (let newcomer = 0; newcomer < 1000; newcomer++) it.outweighed(round * 1000 + newcomer + 300_000, 1, one)
    gone = it.outweighed(7, 1, one)
    await clock.advance(100)
  }
  expect(gone).toHaveLength(1)
})

test('so much is wanted: the least used go together, or nobody', async () => {
  const { clock, it } = standing(6, 1)
  for (const place of [3, 4, 5]) for (let use = 0; use < 100; use++) it.use(place)
  await clock.advance(2000)
  expect(challenge(it, 7, 10, 4)).toEqual([])
  await clock.advance(2000)
  expect(challenge(it, 7, 1, 5, () => 2)).toEqual([0, 1, 2])
})

test('at most a quarter of the places change hands while what is over is shown', async () => {
  const { clock, it } = standing(40, 1)
  let gone = 0
  for (let second = 0; second < SHOWN_AFTER_MS / 1000; second++) {
    for (const place of challenge(it, second + 1, 1000)) {
      gone++
      it.leave(place)
      it.enter(place, second + 1)
      for (let use = 0; use < 2000; use++) it.use(place)
    }
    await clock.advance(1000)
  }
  expect(gone).toBeGreaterThan(8)
  expect(gone).toBeLessThanOrEqual(10)
})

test('weights stay numbers over years', async () => {
  const { clock, it } = standing(3, 2)
  for (let day = 0; day < 1000; day++) {
    await clock.advance(24 * 60 * MINUTE_MS)
    it.use(0)
    it.use(0)
    it.use(1)
  }
  expect(challenge(it, 7, 3)).toEqual([2])
  await clock.advance(60 * 24 * 60 * MINUTE_MS)
  it.use(1)
  it.use(2)
  expect(challenge(it, 9, 3)).toEqual([0])
})
