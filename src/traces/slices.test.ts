import { expect, test } from 'vitest'
import { FakeClock } from '../self/clock.ts'
import { Slices } from './slices.ts'

const round = () => new Promise((resolve) => setImmediate(resolve))

/** Work of so many pieces, each of which takes a millisecond. */
function work(name: string, pieces: number, clock: { passed_ms: number }, done: string[]) {
  let left = pieces
  return () => {
    clock.passed_ms++
    done.push(name)
    return --left > 0
  }
}

class Passing extends FakeClock {
  passed_ms = 0

  override monotonic_ms(): number {
    return this.passed_ms
  }
}

test('a slice of each round, one work after the other', async () => {
  const clock = new Passing()
  const slices = new Slices(clock)
  const done: string[] = []
  slices.run(work('a', 7, clock, done))
  slices.run(work('b', 2, clock, done))
  expect(done.join('')).toBe('aaaaa')
  await round()
  expect(done.join('')).toBe('aaaaaaabb')
  slices.run(work('c', 1, clock, done))
  await round()
  await round()
  expect(done.join('')).toBe('aaaaaaabbc')
})

test('work that throws does not keep others from theirs', async () => {
  const clock = new Passing()
  const slices = new Slices(clock)
  const done: string[] = []
  const wrong = () => {
    throw new Error('a bug')
  }
  expect(() => slices.run(wrong)).toThrow('a bug')
  slices.run(work('a', 2, clock, done))
  await round()
  await round()
  expect(done.join('')).toBe('aa')
})
