import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { RowQueue } from './row_queue.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test(`does what an array would, seed ${seed}`, () => {
  const random = new Random(seed)
  const queue = new RowQueue()
  const model: number[] = []
  for (let step = 0; step < 50_000; step++) {
    if (random.chance(step % 10_000 < 5000 ? 70 : 35)) {
      const row = random.below(1e6)
      queue.push(row)
      model.push(row)
    } else expect(queue.shift()).toBe(model.shift() ?? -1)
    expect([queue.length, queue.first()]).toEqual([model.length, model[0] ?? -1])
    if (model.length > 0) {
      const position = random.below(model.length)
      expect(queue.at(position)).toBe(model[position])
    }
  }
})
