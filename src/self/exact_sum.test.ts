import { expect, test } from 'vitest'
import { ExactSum } from './exact_sum.ts'

test.each<readonly [number, number, number]>([
  [2.1, 50, 105],
  [0.1, 10, 1],
  [0.000194, 1_000_000, 194],
  [0.0000001, 10_000_000, 1],
])('%d, %d times, is %d', (amount, times, is) => {
  const sum = new ExactSum()
  for (let at = 0; at < times; at++) sum.add(amount)
  expect(sum.value).toBe(is)
})

test('small amounts are not lost beside large ones', () => {
  const sum = new ExactSum()
  for (const amount of [1e16, 0.5, 0.25, 0.25, -1e16]) sum.add(amount)
  expect(sum.value).toBe(1)
})
