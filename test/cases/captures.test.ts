/**
 * Captured telemetry of real instrumentations through a daemon in this process: what is counted is what can be known from it
 * (`reachable.json`), soon after it came, also where every body comes twice, and where the same comes in another form.
 */
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { captures, SUPPORTED } from '../support/reachable.ts'
import { bodiesIn, variantIn, wrongOf } from './folder.fixture.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)

describe.skipIf(!existsSync(captures)).each(SUPPORTED)('%s', (folder) => {
  const bodies = bodiesIn(folder)

  test.each([
    ['once', bodies],
    ['each body twice', bodies.flatMap((body) => [body, body])],
    ['all of it again', [...bodies, ...bodies]],
    [`in another form, seed ${seed}`, variantIn(folder, seed)],
  ])('%s', async (_, sent) => {
    expect(await wrongOf(folder, sent)).toEqual([])
  })
})
