import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { Calls, FAILED, RATE_LIMITED } from './calls.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test(`rows keep what was put in while others come and go, seed ${seed}`, () => {
  const random = new Random(seed)
  const calls = new Calls()
  const model = new Map<number, { input: number; response: number }>()
  for (let step = 0; step < 20_000; step++) {
    if (model.size > 0 && random.chance(step % 4000 < 2000 ? 30 : 65)) {
      const [call] = random.pick([...model].slice(0, 50))
      calls.remove(call)
      model.delete(call)
    } else {
      const call = calls.add()
      expect(model.has(call)).toBe(false)
      const facts = { input: random.below(1e9) / 7, response: random.below(2 ** 32) | 0 }
      calls.setNumber(call, 'input', facts.input)
      calls.setInt(call, 'response', facts.response)
      model.set(call, facts)
    }
    expect(calls.count).toBe(model.size)
  }
  for (const [call, { input, response }] of model)
    expect([calls.number(call, 'input'), calls.int(call, 'response')]).toEqual([input, response])
})

test('flags add up', () => {
  const calls = new Calls()
  const call = calls.add()
  calls.setInt(call, 'flags', 0)
  calls.setFlags(call, FAILED)
  calls.setFlags(call, RATE_LIMITED)
  expect([calls.has(call, FAILED), calls.has(call, RATE_LIMITED), calls.facts(call).failed]).toEqual([true, true, true])
})
