import { expect, test } from 'vitest'
import { ByteBudget } from './budget.ts'
import { Incoming } from './incoming.ts'

const MIB = 1 << 20

test.each([
  ['announced rightly', 1000, 300, 0],
  ['not announced', 0, 300, 0],
  ['announced too small', 100, 300, 0],
  ['announced much too large', 60 * MIB, 300, 0],
  ['large and announced', 9 * MIB, 100_000, 9 * MIB],
  ['large and not announced', 0, 100_000, 9 * MIB],
])('bytes come out as they went in: %s', (_, expected, step, size) => {
  const whole = Buffer.alloc(size || 1000)
  for (let at = 0; at < whole.length; at++) whole[at] = at * 7 + (at >> 8)
  const body = new Incoming(expected)
  for (let at = 0; at < whole.length; at += step) body.add(whole.subarray(at, at + step))
  expect(body.size_bytes).toBe(whole.length)
  const taken = body.take()
  expect(taken.equals(whole)).toBe(true)
  expect(taken.buffer.byteLength).toBeLessThanOrEqual(Math.max(65_536, whole.length * 4))
})

test('one chunk is not copied, unless it would keep much more alive', () => {
  const chunk = Buffer.alloc(1000)
  const body = new Incoming(1000)
  body.add(chunk)
  expect(body.take()).toBe(chunk)
  const window = Buffer.alloc(65_536)
  const part = new Incoming(100)
  part.add(window.subarray(0, 100))
  expect(part.take().buffer).not.toBe(window.buffer)
})

test('a lying announcement is believed for at most 1 MiB', () => {
  const body = new Incoming(1024 * MIB)
  body.add(Buffer.from('a'))
  body.add(Buffer.from('b'))
  const taken = body.take()
  expect(taken.toString()).toBe('ab')
})

test('nothing added gives an empty body', () => {
  expect(new Incoming(10).take().length).toBe(0)
})

test('a budget gives out what it has, and no more', () => {
  const budget = new ByteBudget(10)
  expect(budget.take(10)).toBe(true)
  expect(budget.take(1)).toBe(false)
  budget.give(4)
  expect([budget.fits(4), budget.fits(5), budget.taken_bytes]).toEqual([true, false, 6])
})
