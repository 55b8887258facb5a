import { expect, test } from 'vitest'
import { Answer } from '../answers/answer.ts'
import { ESCAPED } from '../messages/message_reader.ts'
import { openingOf } from './opening.ts'

function opening(text: string, bits = 0, size?: number): string {
  const answer = new Answer()
  answer.reset(Buffer.from(text))
  answer.addText(0, answer.bytes.length, bits)
  return size === undefined ? openingOf(answer) : openingOf(answer, size)
}

test.each([
  ['**I’m   SORRY**,\n\n> but', "i'm sorry, but"],
  ['“Désolé” – ÉTÉ À ×', 'désolé – été à ×'],
  ['  很抱歉 ', '很抱歉'],
  ['…and… €', '…and… €'],
  ['', ''],
])('%j', (text, expected) => {
  expect(opening(text)).toBe(expected)
  expect(opening(JSON.stringify(text).slice(1, -1), ESCAPED)).toBe(expected)
})

test('escapes', () => {
  expect(opening('I\\u2019M\\nS\\u00c9\\"\\u4e2d\\\\\\/', ESCAPED)).toBe("i'm sé中\\/")
})

test('no more than asked for', () => {
  expect(opening('word'.repeat(1000)).length).toBe(700)
  expect(opening('word '.repeat(1000), ESCAPED, 7)).toBe('word wo')
})

test('pieces of the first message are joined', () => {
  const answer = new Answer()
  answer.reset(Buffer.from('abcd'))
  answer.addText(0, 1, 0)
  answer.addText(1, 2, 0)
  answer.message = 1
  answer.addText(2, 3, 0)
  expect(openingOf(answer)).toBe('a b')
})
