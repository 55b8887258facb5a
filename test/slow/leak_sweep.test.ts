/** As `test/leak_sweep.test.ts`, over everything that was captured and every case that is at hand. */
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { captures } from '../../src/otlp/captures.fixture.ts'
import { casesIn, sweep } from '../support/leak_sweep.ts'

const shared = new URL('../../../shared/data/', import.meta.url)
const there = existsSync(new URL('captures/', shared))
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${shared.pathname}\n`)

describe.skipIf(!there)('content that no list knows leaves nowhere', () => {
  const all = there ? [...captures(), ...casesIn(new URL('cases/', shared))] : []

  test.each<[what: string, content: unknown]>([
    ['drop', 'drop'],
    ['by role', { default: 'drop', retrieved: 'mask' }],
  ])('under %s', { timeout: 600_000 }, async (_, content) => {
    const { count, leaks } = await sweep(all, { content })
    expect(count).toBeGreaterThan(15_000)
    expect(leaks).toEqual([])
  })
})
