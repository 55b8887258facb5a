/** docs/configuration.md says what this build understands. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configurationReference } from '../scripts/configuration.ts'
import { components } from '../src/components.ts'

const reference = configurationReference(components)

test('docs/configuration.md is up to date', () => {
  const written = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8')
  expect(written === reference, 'it is not of this build: renew it with npm run docs').toBe(true)
})

test('every key says what it means', () => {
  const silent = reference.split('\n').filter((line) => line.startsWith('| `') && / \|\s*\|$/.test(line))
  expect(silent).toEqual([])
})
