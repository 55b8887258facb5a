import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metricsPage, page } from './metrics_page.ts'

test('docs/metrics.md says what the connector makes: `npm run docs` writes it', async () => {
  expect(readFileSync(page, 'utf8')).toBe(await metricsPage())
})
