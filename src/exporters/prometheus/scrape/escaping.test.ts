import { expect, test } from 'vitest'
import { escapeLabelName, escapeMetric } from './escaping.ts'

test.each([
  ['a.b_c', 'a.b_c', 'a_b_c', 'a_dot_b__c', 'U__a_2e_b__c'],
  ['plain_name', 'plain_name', 'plain_name', 'plain_name', 'plain_name'],
  ['1a', '1a', '_a', '__a', 'U___31_a'],
  ['föö', 'föö', 'f__', 'f____', 'U__f_f6__f6_'],
  ['🙂', '🙂', '_', '__', 'U___1f642_'],
])('%s', (name, utf8, underscores, dots, values) => {
  expect(escapeMetric(name, 'allow-utf-8')).toBe(utf8)
  expect(escapeMetric(name, 'underscores')).toBe(underscores)
  expect(escapeMetric(name, 'dots')).toBe(dots)
  expect(escapeMetric(name, 'values')).toBe(values)
})

test('a colon is for metrics only', () => {
  expect(escapeMetric('a:b', 'underscores')).toBe('a:b')
  expect(escapeLabelName('a:b', 'underscores')).toBe('a_b')
})
