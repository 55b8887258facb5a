import { expect, test } from 'vitest'
import { Output } from '../../../otlp/output.ts'
import { LogfmtLine, lineKey } from './logfmt_line.ts'

const textOf = (line: LogfmtLine) => {
  const out = new Output()
  line.writeTo(out)
  expect(out.end).toBe(line.length)
  return out.take().toString()
}

test.each([
  ['plain', 'k=plain'],
  ['', ''],
  ['two words', 'k="two words"'],
  ['a=b', 'k="a=b"'],
  ['say "hi"', 'k="say \\"hi\\""'],
  ['a\\b', 'k="a\\\\b"'],
  ['a\nb\tc\u0007\u2028', 'k="a\\nb\\tc\\u0007\\u2028"'],
  ['a\u00a0b', 'k="a\u00a0b"'],
  ['\u007f', 'k="\\u007f"'],
  ['gpt-4o:2024/x', 'k=gpt-4o:2024/x'],
  ['größe', 'k=größe'],
  ['x'.repeat(200), `k=${'x'.repeat(200)}`],
  ['x'.repeat(300), `k=${'x'.repeat(200)}…`],
  [`${'x'.repeat(199)}😀`, `k=${'x'.repeat(199)}\ufffd…`],
])('the value %j', (value, expected) => {
  const line = new LogfmtLine()
  const bytes = Buffer.from(`(${value})`)
  line.pair(lineKey('k'), bytes, 1, bytes.length - 1)
  expect(textOf(line)).toBe(expected)
})

test.each([
  [0, 'n=0'],
  [1240, 'n=1240'],
  [2 ** 53 - 1, 'n=9007199254740991'],
  [0.000194, 'n=0.000194'],
  [0.0000000123456789, 'n=0.0000000123457'],
  [0.4, 'n=0.4'],
  [9.9999999, 'n=10'],
  [20.05, 'n=20.05'],
  [1.5e-7, 'n=0.00000015'],
  [1e-30, 'n=0'],
  [123456.789, 'n=123457'],
  [1e21, 'n=1e+21'],
  [-0.25, 'n=-0.25'],
  [Number.NaN, ''],
  [Number.POSITIVE_INFINITY, ''],
])('the number %d', (value, expected) => {
  const line = new LogfmtLine()
  line.number(lineKey('n'), value)
  expect(textOf(line)).toBe(expected)
})

test.each([
  ['gpt-4o', true],
  ['', false],
  ['two words', false],
  ['größe', false],
  ['a="b"', false],
])('the word %j stands alone: %s', (word, expected) => {
  const line = new LogfmtLine()
  const bytes = Buffer.from(word)
  expect([line.word(bytes, 0, bytes.length), textOf(line)]).toEqual([expected, expected ? word : ''])
})

test('parts stand between blanks, and a line that is cleared is empty', () => {
  const line = new LogfmtLine()
  for (const word of ['old', 'chat']) {
    line.clear()
    line.word(Buffer.from(word), 0, word.length)
  }
  line.number(lineKey('n'), 1)
  line.pair(lineKey('k'), Buffer.from('v'), 0, 1)
  expect(textOf(line)).toBe('chat n=1 k=v')
})
