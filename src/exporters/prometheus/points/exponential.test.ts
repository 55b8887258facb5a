import { expect, test } from 'vitest'
import { addExponential, classic, type Exponential, exponentialOf, shownScale, toScale } from './exponential.ts'

/** What an SDK would send for the values. */
function pointOf(values: readonly number[], scale: number) {
  const side = (sign: number) => {
    const indices = values
      .filter((value) => value * sign > 0)
      .map((value) => Math.ceil(Math.log2(value * sign) * 2 ** scale) - 1)
    const offset = Math.min(...indices)
    const bucketCounts = new Array<bigint>(indices.length === 0 ? 0 : Math.max(...indices) - offset + 1).fill(0n)
    for (const index of indices) bucketCounts[index - offset]!++
    return indices.length === 0 ? {} : { offset, bucketCounts }
  }
  const zeroCount = BigInt(values.filter((value) => value === 0).length)
  return { count: BigInt(values.length), sum: 1, scale, zeroCount, positive: side(1), negative: side(-1) }
}

function of(values: readonly number[], scale: number): Exponential {
  return exponentialOf(pointOf(values, scale))!
}

/** As the text formats show it. */
function shownOf(exponential: Exponential) {
  return classic(toScale(exponential, shownScale(exponential)))
}

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

test.each(Array.from({ length: 50 }, (_, round) => seed + round))(
  'every bucket counts what is at most its bound (seed %i)',
  (one) => {
    const next = random(one)
    const spread = 1 + next() * 60
    const values = () =>
      Array.from({ length: 1 + Math.floor(next() * 50) }, () => {
        const kind = next()
        return kind < 0.1 ? 0 : (kind < 0.3 ? -1 : 1) * 2 ** ((next() - 0.5) * spread)
      })
    const [first, second] = [values(), values()]
    const scale = () => Math.floor(next() * 8) - 2
    const shown = shownOf(addExponential(of(first, scale()), of(second, scale())))
    const all = [...first, ...second]
    expect(shown.count).toBe(all.length)
    expect(shown.bounds.length).toBeLessThanOrEqual(163)
    shown.bounds.forEach((bound, at) => {
      if (at > 0) expect(bound).toBeGreaterThan(shown.bounds[at - 1]!)
      // At the first bound of the negatives the values at the bound itself belong to the bucket above.
      const expected = all.filter((value) => value <= bound * (1 + Math.sign(bound) * 1e-12)).length
      expect(shown.cumulative[at], `le=${bound}`).toBe(expected)
    })
  },
)

test.each([
  ['the smallest doubles', { count: 3n, scale: 0, positive: { offset: -1080, bucketCounts: [1n, 1n, 1n] } }, [0], [3]],
  [
    'the largest doubles',
    { count: 2n, scale: 0, positive: { offset: 1022, bucketCounts: [1n, 1n] } },
    [0, 2 ** 1022, 2 ** 1023],
    [0, 0, 1],
  ],
  ['nothing', { count: 0n }, [0], [0]],
  ['zeros under a threshold', { count: 2n, zeroCount: 2n, zeroThreshold: 0.25 }, [0.25], [2]],
  ['coarse', { count: 1n, scale: -2, positive: { offset: 0, bucketCounts: [1n] } }, [0, 1, 16], [0, 0, 1]],
])('%s', (_, point, bounds, cumulative) => {
  const shown = shownOf(exponentialOf(point)!)
  expect(shown.bounds).toEqual(bounds)
  expect(shown.cumulative).toEqual(cumulative)
})

test.each([
  ['more in buckets than counted', { count: 1n, positive: { bucketCounts: [2n] } }],
  ['a threshold that is no number', { count: 1n, zeroThreshold: Number.NaN }],
  ['a scale above 20', { count: 0n, scale: 21 }],
  ['a scale below -10', { count: 0n, scale: -11 }],
])('%s is refused', (_, point) => {
  expect(exponentialOf(point)).toBe(undefined)
})

test('a wide spread is merged into few buckets', () => {
  const bucketCounts = new Array<bigint>(160).fill(1n)
  const wide = {
    count: 320n,
    scale: 1,
    positive: { offset: -80, bucketCounts },
    negative: { offset: 800, bucketCounts },
  }
  expect(shownOf(exponentialOf(wide)!).bounds.length).toBeLessThan(164)
  expect(shownScale(exponentialOf(wide)!)).toBeLessThan(1)
  expect(exponentialOf(wide)!.scale).toBe(1)
})
