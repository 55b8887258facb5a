/**
 * Golden pipelines: a folder of `cases` has a config, requests in the order in which they are sent, and what is in the
 * files and in the books after the stop. `UPDATE_GOLDEN=1` writes the expectation anew: read it before you keep it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { loadConfig } from '../../src/config/load.ts'
import { processEnvironment } from '../../src/config/text/source.ts'
import { Daemon } from '../../src/daemon.ts'
import { findings } from '../../src/pipeline/ledger.ts'
import type { OtlpReceiver } from '../../src/receivers/otlp/index.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { SelfMetrics } from '../../src/self/metrics/registry.ts'
import { keptLog } from './parts.fixture.ts'

const cases = new URL('./cases/', import.meta.url)
let out = ''
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'sluice-golden-'))
})
afterEach(() => rmSync(out, { recursive: true }))

test.each(readdirSync(cases))('%s', async (name) => {
  const folder = new URL(`${name}/`, cases)
  const environment = processEnvironment({ OUT: out, CONFIG: readFileSync(new URL('config.yaml', folder), 'utf8') })
  const config = loadConfig({ configs: ['env:CONFIG'] }, components, environment)
  const { log, lines } = keptLog()
  const clock = new FakeClock()
  const daemon = new Daemon(config, { log, clock, meter: new SelfMetrics(), version: '0' })
  await daemon.start()
  const { http } = (daemon.component('receiver/otlp') as OtlpReceiver).ports
  for (const file of readdirSync(folder).sort()) {
    const signal = /^\d+\.(\w+)\.json$/.exec(file)?.[1]
    if (signal === undefined) continue
    const body = readFileSync(new URL(file, folder))
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`http://127.0.0.1:${http}/v1/${signal}`, { method: 'POST', headers, body })
    expect(answer.status, file).toBe(200)
    expect(findings(daemon.ledger.snapshot(), true), file).toEqual([])
  }
  expect(await daemon.stop()).toBe(0)
  expect(findings(daemon.ledger.snapshot(), true)).toEqual([])
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  const found = { files: readOut(), books: books(daemon) }
  const golden = new URL('expected.golden.json', folder)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, `${JSON.stringify(found, null, 1)}\n`)
  expect(existsSync(golden), 'expected.golden.json is there').toBe(true)
  expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')))
})

function readOut(): Record<string, unknown[]> {
  const requests = (file: string) => readFileSync(join(out, file), 'utf8').split('\n').filter(Boolean)
  return Object.fromEntries(
    readdirSync(out)
      .sort()
      .map((file) => [file, requests(file).map((line) => JSON.parse(line, sorted) as unknown)]),
  )
}

/** The order of attributes means nothing. */
function sorted(key: string, value: unknown): unknown {
  if (key !== 'attributes' || !Array.isArray(value)) return value
  return (value as { key: string }[]).toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/** The books without what is zero. */
function books(daemon: Daemon): Record<string, object> {
  const entries = daemon.ledger.snapshot().map(({ edge, signal: _, held, dropped, ...counts }) => {
    const all = { ...counts, ...prefixed('held', held), ...prefixed('dropped', dropped) }
    return [edge, Object.fromEntries(Object.entries(all).filter(([, items]) => items !== 0))] as const
  })
  return Object.fromEntries(entries)
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, items]) => [`${prefix} ${name}`, items]))
}
