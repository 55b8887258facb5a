import { expect, test } from 'vitest'
import { groupNumber, ROLES } from '../content_groups.ts'
import { KEY_MEANING, keyWords, meaningOf, ROOT, roleWords, typeWords, WHOSE, WHOSE_COUNT } from './vocabulary.ts'

test.each([
  ['keys', keyWords],
  ['types', typeWords],
  ['roles', roleWords],
])('%s: each word has one row', (_, { words }) => {
  expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([])
})

test('roles are numbered as their content groups are', () => {
  for (const role of ROLES) expect(WHOSE[role]).toBe(groupNumber(role))
  expect(WHOSE_COUNT).toBe(ROLES.length + 1)
})

test('an unknown word says nothing', () => {
  const number = keyWords.find(Buffer.from('xyz'), 0, 3)
  expect([number, meaningOf(number), keyWords.whose(number)]).toEqual([0, KEY_MEANING.none, WHOSE.unknown])
  expect(meaningOf(ROOT)).toBe(KEY_MEANING.words)
})
