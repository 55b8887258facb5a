import { describe, expect, it } from 'vitest'
import { BUCKETS_MAX, ExponentialHistogram } from './exponential_histogram.ts'

function of(values: readonly number[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram()
  for (const value of values) histogram.record(value)
  return histogram
}

/** Lower and upper bound of each bucket that holds something, with how many. */
function filled({
  buckets: counts,
  offset,
  scale,
}: ExponentialHistogram): [low: number, high: number, count: number][] {
  const bound = (index: number) => 2 ** (index / 2 ** scale)
  return counts.flatMap((count, at) =>
    count === 0 ? [] : [[bound(offset + at), bound(offset + at + 1), count] as [number, number, number]],
  )
}

describe('exponential histograms', () => {
  it('hold every value between its bucket’s bounds, however far apart they are', () => {
    for (const values of [[1], [1, 2, 4], [0.001, 3600], [1e-9, 1e9], [5, 5.0001], [0.3, 0.1, 0.2, 60, 7]]) {
      const histogram = of(values)
      expect(histogram.buckets.length).toBeLessThanOrEqual(BUCKETS_MAX)
      const found = filled(histogram)
      expect(found.reduce((sum, [, , count]) => sum + count, 0)).toBe(values.length)
      for (const value of values)
        expect(found.some(([low, high]) => value > low * (1 - 1e-12) && value <= high * (1 + 1e-12))).toBe(true)
    }
  })

  it('are as fine as the range allows', () => {
    expect(of([1, 1.0001]).scale).toBe(20)
    const minutes = of([1, 60])
    expect(minutes.scale).toBe(4)
    const [first] = filled(minutes)
    expect(first![1] / first![0]).toBeLessThan(1.05)
  })

  it('count what is nothing apart', () => {
    const histogram = of([0, 0, 2])
    expect([histogram.zeros, histogram.count, histogram.sum]).toEqual([2, 3, 2])
    expect(filled(histogram)).toHaveLength(1)
  })

  it('keep powers of two in the bucket that ends with them', () => {
    const histogram = of([1, 3])
    expect(filled(histogram)[0]![1]).toBe(1)
  })
})
