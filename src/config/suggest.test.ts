import { expect, test } from 'vitest'
import { editDistance, nearest } from './suggest.ts'

test.each([
  ['', '', 0],
  ['batch', 'batch', 0],
  ['bacth', 'batch', 1],
  ['timout', 'timeout', 1],
  ['abc', 'xyz', 3],
  ['ca', 'abc', 3],
])('distance of %j and %j', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance)
  expect(editDistance(b, a)).toBe(distance)
})

test.each([
  ['otpl', 'otlp'],
  ['OTLP', 'otlp'],
  ['memory_limitter', 'memory_limiter'],
  ['kafka', undefined],
])('nearest to %j', (word, meant) => expect(nearest(word, ['otlp', 'batch', 'memory_limiter'])).toBe(meant))
