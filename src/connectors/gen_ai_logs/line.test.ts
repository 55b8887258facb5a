import { expect, test } from 'vitest'
import { Line } from './line.ts'

test.each([
  ['plain', 'k=plain'],
  ['', ''],
  ['two words', 'k="two words"'],
  ['a=b', 'k="a=b"'],
  ['say "hi"', 'k="say \\"hi\\""'],
  ['a\\b', 'k="a\\\\b"'],
  ['a\nb\tc\u0007\u2028', 'k="a\\nb\\tc\\u0007\\u2028"'],
  ['gpt-4o:2024/x', 'k=gpt-4o:2024/x'],
  ['größe', 'k=größe'],
  ['x'.repeat(300), `k=${'x'.repeat(200)}…`],
])('the value %j', (value, expected) => {
  const line = new Line()
  line.pair('k', value)
  expect(line.text).toBe(expected)
})

test.each([
  [0, 'n=0'],
  [1240, 'n=1240'],
  [0.000194, 'n=0.000194'],
  [0.0000000123456789, 'n=0.0000000123457'],
  [0.4, 'n=0.4'],
  [1.5e-7, 'n=0.00000015'],
  [123456.789, 'n=123457'],
  [1e21, 'n=1e+21'],
  [Number.NaN, ''],
  [Number.POSITIVE_INFINITY, ''],
])('the number %d', (value, expected) => {
  const line = new Line()
  line.number('n', value)
  expect(line.text).toBe(expected)
})

test.each([
  ['gpt-4o', true],
  ['', false],
  ['two words', false],
  ['a="b"', false],
])('the word %j stands alone: %s', (word, expected) => {
  const line = new Line()
  expect([line.word(word), line.text]).toEqual([expected, expected ? word : ''])
})
