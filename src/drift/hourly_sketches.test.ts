import { expect, test } from 'vitest'
import { binOf, HourlySketches } from './hourly_sketches.ts'

const HOUR_MS = 3_600_000
const now_ms = Date.UTC(2026, 0, 8, 12, 30)

function filled(hours: readonly number[], bin: number, count = 50): HourlySketches {
  const sketches = new HourlySketches()
  for (const back of [...hours].sort((one, other) => other - one))
    for (let at = 0; at < count; at++) sketches.add('output_tokens', bin, now_ms - back * HOUR_MS)
  return sketches
}

test('the same hours of seven days are one baseline', () => {
  const compared = filled([0, 24, 48, 168], 3).compare('output_tokens', now_ms, 50)!
  expect(compared.current[3]).toBe(50)
  expect(compared.baseline[3]).toBe(150)
})

test('without such days, the hours before are; while this hour has too little, the last one is looked at', () => {
  expect(filled([0, 1, 2], 3).compare('output_tokens', now_ms, 50)!.baseline[3]).toBe(100)
  const early = filled([1, 25], 3)
  early.add('output_tokens', 9, now_ms)
  expect(early.compare('output_tokens', now_ms, 50)!.current[3]).toBe(50)
  expect(filled([0], 3).compare('output_tokens', now_ms, 50)).toBe(undefined)
})

test('what is older than a week is forgotten, and the rest comes back after a restart', () => {
  const before = filled([0, 24, 24 * 9], 3)
  const saved = JSON.parse(JSON.stringify(before.save(now_ms)))
  expect(saved).toHaveLength(2)
  const after = new HourlySketches()
  after.restore(saved)
  expect(after.compare('output_tokens', now_ms, 50)).toEqual(before.compare('output_tokens', now_ms, 50))
  after.restore([
    [1, [1, 2]],
    ['x' as never, []],
  ])
})

test.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [1_000_000, 20],
])('%d is in bin %d', (value, bin) => {
  expect(binOf(value)).toBe(bin)
})
