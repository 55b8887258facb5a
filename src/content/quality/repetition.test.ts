import { describe, expect, test } from 'vitest'
import { endsInLoop } from './repetition.ts'

function loops(text: string): boolean {
  const bytes = Buffer.from(text)
  return endsInLoop(bytes, 0, bytes.length)
}

const sentence = 'It is also the largest city in the country. '

test.each([
  ['a sentence', `The capital is Paris. ${sentence.repeat(9)}`],
  ['cut off within a round', `The capital is Paris. ${sentence.repeat(9)}It is also the`],
  ['trimmed', `The capital is Paris. ${sentence.repeat(9)}`.trim()],
  ['a word', `It is ${'very '.repeat(60)}`],
  ['a mark', `Stop${'!'.repeat(300)}`],
  ['line breaks as JSON escapes', `Done.${'\\n'.repeat(150)}`],
  ['characters of several bytes', 'はい。ありがとうございます。'.repeat(20)],
])('a loop of %s', (_, text) => {
  expect(loops(text)).toBe(true)
})

describe('no loop', () => {
  test.each([
    ['a refrain', 'Oh bring the summer home to us again.\n'.repeat(4)],
    ['laughter', `That is funny: ${'ha'.repeat(20)}`],
    ['a rule below the text', `The text.\n${'-'.repeat(120)}`],
    ['a matrix', `${'0 0 0 0 0 0 0 0\n'.repeat(30)}`],
    ['a table that counts', Array.from({ length: 30 }, (_, at) => `${at} x 7 = ${at * 7}`).join('\n')],
    ['empty text', ''],
    ['a loop that ends', `${sentence.repeat(9)}But Lyon has the better kitchen, as all of its guests say.`],
  ])('%s', (_, text) => {
    expect(loops(text)).toBe(false)
  })
})

test('looks at the end alone, however long the text is', () => {
  const text = Buffer.from(`${'a b c d e f g h '.repeat(500_000)}${'x'.repeat(399)}y`)
  const began = performance.now()
  for (let round = 0; round < 100; round++) expect(endsInLoop(text, 0, text.length)).toBe(false)
  expect(performance.now() - began).toBeLessThan(500)
})
