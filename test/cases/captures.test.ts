/**
 * Captured telemetry of real instrumentations through a daemon in this process: what is counted is what can be known from it
 * (`reachable.json`), soon after it came, and also where every body comes twice.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  captures,
  differences,
  expectedOf,
  type Reachable,
  requestsOf,
  SUPPORTED,
  totalsOf,
} from '../support/reachable.ts'
import { type Body, counted } from './counted.fixture.ts'

describe.skipIf(!existsSync(captures)).each(SUPPORTED)('%s', (folder) => {
  const signals = ['traces', 'logs'] as const
  const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
  const bodies: Body[] = signals.flatMap((signal) => requestsOf(folder, signal).map((bytes) => ({ signal, bytes })))

  test.each([
    ['once', bodies],
    ['twice', bodies.flatMap((body) => [body, body])],
    ['all of it again', [...bodies, ...bodies]],
  ])('%s', async (_, sent) => {
    const { byModel, bySummaries } = await counted(sent)
    expect(differences(totalsOf(byModel, reachable), expectedOf(folder, reachable))).toEqual([])
    expect(bySummaries).toEqual(byModel)
  })
})
