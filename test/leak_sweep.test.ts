/** Content that no list knows leaves nowhere: over captured requests and cases, under fifty invented keys. */
import { expect, test } from 'vitest'
import { contentOfKey } from '../src/content/content_keys.ts'
import { isPlainName } from '../src/content/plain_names.ts'
import { captures } from '../src/otlp/captures.fixture.ts'
import { casesIn, sweep } from './support/leak_sweep.ts'
import { inventedKeys } from './support/planted.ts'

test('the keys are invented', () => {
  expect(inventedKeys.length).toBeGreaterThanOrEqual(50)
  const known = inventedKeys.filter(
    (key) => contentOfKey(key).group !== 0 || contentOfKey(key).scoped || isPlainName(key),
  )
  expect(known).toEqual([])
})

test('under drop nothing is left', async () => {
  const { count, leaks } = await sweep([...captures(true), ...casesIn(new URL('cases/', import.meta.url))])
  expect(count).toBeGreaterThan(800)
  expect(leaks).toEqual([])
})

test('and what is planted would be seen', async () => {
  const { count, leaks } = await sweep(casesIn(new URL('cases/', import.meta.url)), { content: 'mask' })
  expect(leaks.length).toBe(count)
})
