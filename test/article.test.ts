/**
 * The Collector configuration of a published article (LLM monitoring with Prometheus and Tempo) runs unmodified. A copy
 * stands in `data/`, for where the collection of articles is not at hand.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { afterEach, expect, test } from 'vitest'
import { components } from '../src/components.ts'
import { loadConfig } from '../src/config/load.ts'
import { processEnvironment } from '../src/config/text/source.ts'
import { Daemon } from '../src/daemon.ts'
import { systemClock } from '../src/self/clock.ts'
import { SelfMetrics } from '../src/self/metrics/registry.ts'
import { isFree } from './support/ports.ts'

const copy = fileURLToPath(new URL('data/article-001.yaml', import.meta.url))
const original = fileURLToPath(new URL('../../shared/data/article-001/collector.yaml', import.meta.url))
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const path = existsSync(original) ? original : copy
const load = () => loadConfig({ configs: [path] }, components, processEnvironment({}))

let child: ChildProcess | undefined
afterEach(async () => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test.skipIf(path === copy)('the copy is the original (skipped where ../shared is missing)', () => {
  expect(readFileSync(copy, 'utf8')).toBe(readFileSync(original, 'utf8'))
})

test('loads; only the older name of otlp_grpc is worth a word', () => {
  expect(load().warnings.map(({ path, message }) => [path, message])).toEqual([
    [expect.anything(), expect.stringContaining('otlp_grpc')],
  ])
})

test('its graph can be built', () => {
  const log = pino({ level: 'silent' })
  new Daemon(load(), { log, clock: systemClock, meter: new SelfMetrics(), version: '0.0.0-test' }).check()
})

/** Where the file, and the daemon's own metrics, listen. */
const ADDRESSES = [
  [4317, '0.0.0.0'],
  [4318, '0.0.0.0'],
  [8889, '0.0.0.0'],
  [8888, '127.0.0.1'],
] as const

test('runs, shows what it is sent as the Collector does, and stops with 0', async (context) => {
  for (const [port, host] of ADDRESSES) {
    if (await isFree(port, host)) continue
    process.stderr.write(`SKIPPED: the article's config as a process: ${host}:${port} is taken\n`)
    return context.skip(`${host}:${port} is taken`)
  }
  child = spawn(process.execPath, [main, '--config', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text))
  await expect.poll(() => log, { timeout: 10_000 }).toContain('ready')
  const answer = await fetch('http://127.0.0.1:4318/v1/metrics', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metrics),
  })
  expect(answer.status).toBe(200)
  const scrape = async () => (await fetch('http://127.0.0.1:8889/metrics')).text()
  // The namespace comes before the whole name, as in the Collector, even where the name has it already.
  await expect.poll(scrape, { timeout: 10_000 }).toMatch(/^llm_calls_total\{.*service="llm-monitor".*\} 3$/m)
  const stopped = once(child, 'exit')
  child.kill('SIGTERM')
  expect((await stopped)[0], log).toBe(0)
})

const metrics = {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'calls',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [{ timeUnixNano: `${Date.now()}000000`, asInt: '3' }],
              },
            },
          ],
        },
      ],
    },
  ],
}
