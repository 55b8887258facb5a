import { expect, test } from 'vitest'
import { flatRate, picodollars } from './rates.ts'

test('prices in decimals are whole picodollars', () => {
  for (let tenthOfCent = 1; tenthOfCent <= 100_000; tenthOfCent++)
    expect(picodollars(tenthOfCent / 1000, 1e6)).toBe(tenthOfCent * 1000)
  expect(flatRate(0.07).base_pusd).toBe(70_000)
  expect(picodollars(12, 1000)).toBe(12_000_000_000)
  expect(picodollars(0, 1e6)).toBe(0)
})

test('a price of a fraction of that stays what it is', () => {
  expect(picodollars(0.000_000_25, 1e6)).toBeCloseTo(0.25, 12)
})
