import { setImmediate as round } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { SLICE_MS, Turns } from './turns.ts'

/** `work` takes so many milliseconds, after it has waited for a promise or two as a pipeline does; `done` has the order. */
function bench() {
  let now_ms = 0
  const turns = new Turns({ ...systemClock, monotonic_ms: () => now_ms })
  const done: string[] = []
  const work = (name: string, takes_ms: number) =>
    turns.run(async () => {
      await null
      await null
      done.push(name)
      now_ms += takes_ms
      return name
    })
  return { turns, done, work, pass: (by_ms: number) => (now_ms += by_ms) }
}

const NAMES = Array.from({ length: 20 }, (_, index) => String(index))

describe('turns', () => {
  test('work is done at once while there is time', async () => {
    const { turns, done, work } = bench()
    await Promise.all(NAMES.map((name) => work(name, 0)))
    expect(done).toEqual(NAMES)
    expect(turns.age_ms).toBe(0)
  })

  test('when a slice is over the rest waits for the next round, in order', async () => {
    const { done, work } = bench()
    await work('first', SLICE_MS)
    const waiting = NAMES.map((name) => work(name, SLICE_MS / 5))
    await Promise.resolve()
    expect(done).toEqual(['first'])
    const counts: number[] = []
    while (done.length <= NAMES.length) {
      await round()
      counts.push(done.length)
    }
    expect(counts).toEqual([1 + 5, 1 + 10, 1 + 15, 1 + 20])
    expect(await Promise.all(waiting)).toEqual(NAMES)
    expect(done).toEqual(['first', ...NAMES])
  })

  test('what follows from it gets one and a half times as much time, if it has so much to do', async () => {
    const { done, work, pass } = bench()
    await work('first', SLICE_MS)
    for (const name of NAMES) void work(name, SLICE_MS)
    await round()
    expect(done.length).toBe(2)
    const counts: number[] = []
    for (let rounds = 0; rounds < 8; rounds++) {
      pass(SLICE_MS / 2)
      await round()
      counts.push(done.length)
    }
    expect(counts).toEqual([2, 2, 3, 3, 3, 4, 4, 4])
    await round()
    expect(done.length, 'nothing else to do').toBe(5)
  })

  test('it says how long the oldest has waited', async () => {
    const { turns, work, pass } = bench()
    await work('first', SLICE_MS)
    const waiting = [work('second', 1), work('third', 1)]
    pass(1234)
    expect(turns.age_ms).toBe(1234)
    await Promise.all(waiting)
    expect(turns.age_ms).toBe(0)
  })

  test('what goes wrong reaches whoever waits, and the next one', async () => {
    const { turns, done, work } = bench()
    await work('first', SLICE_MS)
    const wrong = turns.run(() => Promise.reject(new Error('wrong')))
    const next = work('next', 1)
    await expect(wrong).rejects.toThrow('wrong')
    await next
    expect(done).toEqual(['first', 'next'])
  })

  test('rounds are without work while somebody connects, but not for ever', async () => {
    const { turns, done, work } = bench()
    await work('first', SLICE_MS)
    void work('second', 1)
    let rounds = 0
    for (; done.length < 2 && rounds < 100; rounds++) {
      turns.welcome()
      await round()
    }
    expect(rounds).toBe(21)
  })
})
