import { describe, expect, test } from 'vitest'
import { JsonSyntax } from './json_syntax.ts'

function accepts(text: string, isEscaped = false, step = Number.POSITIVE_INFINITY): boolean {
  const syntax = new JsonSyntax()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += step)
    if (!syntax.add(bytes, at, Math.min(bytes.length, at + step), isEscaped)) return false
  return syntax.isComplete
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const texts = [
  '{}',
  ' [ ] ',
  '{"a": [1, -2.5e+3, 0, true, false, null, "x\\u00e9\\n\\""]}',
  '"a"',
  '0',
  '-0.1E-2',
  '[{"a":{"b":[[]]}}]',
  '{"ä": "ö 漢字 😀"}',
  '',
  ' ',
  '{',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '[1,]',
  '[1 2]',
  '{a:1}',
  "{'a':1}",
  '01',
  '1.',
  '.5',
  '-',
  '1e',
  '+1',
  'tru',
  'nulll',
  'NaN',
  '"a',
  '"a\nb"',
  '"\\x"',
  '"\\u12g4"',
  '{} {}',
  '[1]]',
  '{"a":1]',
  '```json\n{}\n```',
  'Here it is: {}',
  '{"a":1} // done',
]

describe('agrees with JSON.parse', () => {
  test.each(texts)('%j', (text) => {
    expect(accepts(text)).toBe(parses(text))
    expect(accepts(text, false, 1)).toBe(parses(text))
    expect(accepts(JSON.stringify(text).slice(1, -1), true)).toBe(parses(text))
  })

  test('on damaged texts', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
    let state = seed
    const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
    const good = JSON.stringify({
      list: [1, -2.5, 1e21, true, null, 'a "quoted" \\ text\n'],
      map: { a: {}, b: [[], ''] },
    })
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(good)
      for (let change = 0; change <= random(2); change++) bytes[random(bytes.length)] = 32 + random(95)
      const text = bytes.toString()
      expect(accepts(text), `SEED=${seed}: ${text}`).toBe(parses(text))
    }
  })
})

test('escapes of the outer string are undone in all their forms', () => {
  expect(accepts('{\\u0022a\\u0022:\\t\\"b\\u00e9\\\\n\\/\\"}', true)).toBe(true)
})

test('nesting beyond what is judged is not held against a text', () => {
  expect(accepts('['.repeat(5000))).toBe(true)
})
