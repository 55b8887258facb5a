import { expect, test } from 'vitest'
import { endWithoutDate } from './model_name.ts'

test.each([
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
  ['gpt-4o', 'gpt-4o'],
  ['gpt-4-0613', 'gpt-4-0613'],
  ['m-2024-08-0', 'm-2024-08-0'],
  ['m-123456789', 'm-123456789'],
  ['-20250929', '-20250929'],
  ['', ''],
])('%s is compared as %s', (name, is) => {
  const bytes = Buffer.from(`x${name}9`)
  expect(bytes.toString('latin1', 1, endWithoutDate(bytes, 1, bytes.length - 1))).toBe(is)
})
