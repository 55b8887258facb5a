import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { jensenShannon, stabilityIndex } from './divergence.ts'

// By hand: with p = (1/2, 1/2) and q = (1, 0) the mean is (3/4, 1/4).
const HALF_TO_ONE = (0.5 * Math.log2(2 / 3) + 0.5 * Math.log2(2) + Math.log2(4 / 3)) / 2

test.each([
  { a: [1, 1], b: [5, 5], jsd: 0 },
  { a: [3, 0], b: [0, 7], jsd: 1 },
  { a: [1, 1], b: [9, 0], jsd: HALF_TO_ONE },
  { a: [1, 1], b: [9, 0], jsd: 0.311278 },
])('$a and $b are $jsd apart', ({ a, b, jsd }) => {
  expect(jensenShannon(a, b)).toBeCloseTo(jsd, 6)
  expect(jensenShannon(b, a)).toBeCloseTo(jsd, 6)
})

test.each([
  { before: [10, 10], now: [500, 500], psi: 0 },
  // (0.8 − 0.5) ln 1.6 + (0.2 − 0.5) ln 0.4
  { before: [50, 50], now: [80, 20], psi: 0.415888 },
  // (0.0005 − 0.5) ln 0.001 + (1 − 0.5) ln 2
  { before: [50, 50], now: [0, 3], psi: 3.796997 },
  { before: [1, 0, 0], now: [4, 0, 0], psi: 0 },
])('from $before to $now the index is $psi', ({ before, now, psi }) => {
  expect(stabilityIndex(before, now)).toBeCloseTo(psi, 6)
})

test('both stay in their ranges whatever the counts', () => {
  const numbers = new Random(20)
  const next = () => numbers.below(1_000_000) / 1_000_000
  for (let run = 0; run < 2000; run++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: 8 }, () => Math.floor(next() ** 3 * 1e6) + 1)) as [
      number[],
      number[],
    ]
    expect(jensenShannon(a, b)).toBeGreaterThanOrEqual(0)
    expect(jensenShannon(a, b)).toBeLessThanOrEqual(1)
    expect(stabilityIndex(a, b)).toBeGreaterThanOrEqual(0)
    expect(jensenShannon(a, a)).toBe(0)
  }
})

test('from or to nothing there is no distance', () => {
  for (const measure of [jensenShannon, stabilityIndex]) {
    expect(measure([0, 0], [1, 0])).toBeNaN()
    expect(measure([1, 0], [0, 0])).toBeNaN()
  }
})
