import { expect, test } from 'vitest'
import { ByteCache, viewed } from './byte_cache.ts'

const text = (value: string) => {
  const source = viewed(Buffer.from(`<${value}>`))
  return [source, 1, source.bytes.length - 1] as const
}

test('finds exactly what was put, whatever differs', () => {
  const cache = new ByteCache(4, 64)
  for (const base of ['abcd', 'gen_ai', 'gen_ai.request.model', 'x'.repeat(63)]) {
    cache.put(...text(base), 7)
    expect(cache.find(...text(base))).toBe(7)
    for (let at = 0; at < base.length; at++) {
      const other = `${base.slice(0, at)}#${base.slice(at + 1)}`
      expect(cache.find(...text(other)), other).toBe(-1)
    }
    expect(cache.find(...text(`${base}d`))).toBe(-1)
    expect(cache.find(...text(base.slice(1)))).toBe(-1)
  }
})

test('too short, too long and displaced strings are not found', () => {
  const cache = new ByteCache(1, 8)
  for (const value of ['abc', 'too long for it']) {
    cache.put(...text(value), 1)
    expect(cache.find(...text(value))).toBe(-1)
  }
  cache.put(...text('first'), 1)
  cache.put(...text('second'), 2)
  expect([cache.find(...text('first')), cache.find(...text('second'))]).toEqual([-1, 2])
})

test('what is offered is kept the second time', () => {
  const cache = new ByteCache(16, 64)
  cache.offer(...text('gpt-4o-mini'), 3)
  expect(cache.find(...text('gpt-4o-mini'))).toBe(-1)
  cache.offer(...text('gpt-4o-mini'), 3)
  expect(cache.find(...text('gpt-4o-mini'))).toBe(3)
})
