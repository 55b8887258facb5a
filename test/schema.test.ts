/** `collector.schema.json`, which editors read beside `collector.yaml`, says what this build understands. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { components } from '../src/components.ts'
import { configSchema } from '../src/config/commands.ts'

const RENEW = 'renew it with: node src/main.ts schema > collector.schema.json && npm run format'

test('collector.schema.json is up to date', () => {
  const path = new URL('../collector.schema.json', import.meta.url)
  expect(existsSync(path), `collector.schema.json is missing: ${RENEW}`).toBe(true)
  const written = JSON.parse(readFileSync(path, 'utf8')) as unknown
  const wanted = JSON.parse(JSON.stringify(configSchema(components))) as unknown
  expect(written, `collector.schema.json is not of this build: ${RENEW}`).toEqual(wanted)
})
