import { expect, test } from 'vitest'
import { Random } from '../../otlp/random.fixture.ts'
import { floats, ints, SHORT } from './columns.ts'
import { EmitterSets } from './emitter_sets.ts'
import { NumberIndex } from './number_index.ts'
import { StepCount, sort } from './pauses.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test.each([0, 1, 2, SHORT, SHORT + 1, 1000, 4097])(
  `%i numbers are sorted, equal ones in their order, seed ${seed}`,
  (count) => {
    const random = new Random(seed)
    const keys = Array.from({ length: count }, () => random.below(50))
    const order = ints(count).map((_, at) => at)
    const steps = new StepCount()
    const pauses = [...sort(order, (a, b) => keys[a]! - keys[b]!, steps)].length
    const expected = Array.from({ length: count }, (_, at) => at).sort((a, b) => keys[a]! - keys[b]! || a - b)
    expect([...order]).toEqual(expected)
    expect(pauses).toBe(Math.floor(steps.count / 128))
  },
)

test.each([3, 20_000])(`an index of %i keys is a map, seed ${seed}`, (count) => {
  const random = new Random(seed)
  const index = new NumberIndex(count)
  const map = new Map<number, number>()
  while (map.size < count) {
    const key = random.below(2 ** 32) * 2 ** 20 + random.below(1000) + 1
    map.set(key, map.size)
    index.set(key, map.get(key)!)
  }
  expect([...map].every(([key, place]) => index.find(key) === place)).toBe(true)
  expect([1, 2 ** 53 - 1].map((key) => index.find(key))).toEqual([-1, -1])
})

test('columns are all of one value', () => {
  for (const count of [0, SHORT, SHORT + 1]) {
    expect([...ints(count, -1)]).toEqual(new Array(count).fill(-1))
    expect([...floats(count)]).toEqual(new Array(count).fill(0))
  }
})

test('sets of emitters', () => {
  const sets = new EmitterSets()
  const [a, b, c] = [sets.of(1), sets.of(2), sets.of(3)]
  const ab = sets.union(a, b)
  expect([sets.share(a, b), sets.share(ab, b), sets.share(ab, c)]).toEqual([false, true, false])
  expect(sets.union(sets.union(c, a), b)).toBe(sets.union(ab, c))
  expect(sets.union(ab, a)).toBe(ab)
})

test('a set of very many stands for all', () => {
  const sets = new EmitterSets()
  let all = sets.of(1)
  for (let emitter = 2; emitter <= 1000; emitter++) all = sets.union(all, sets.of(emitter))
  expect(sets.share(all, sets.of(5000))).toBe(true)
  expect(sets.count).toBeLessThan(1000 + 2 * 20)
})
