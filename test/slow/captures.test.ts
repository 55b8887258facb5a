/**
 * Captured telemetry of real instrumentations through the real daemon, its metrics scraped by the real Prometheus and
 * summed there: the totals by model are what a perfect normaliser derives (`reachable.json` beside the captures).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/ports.ts'
import { captures, differences, expectedOf, type Field, fold, type Reachable, SUPPORTED } from '../support/reachable.ts'
import { eventually, haveShared, post, type Running, startBackend, startDaemon } from './processes.fixture.ts'

const QUERIES = {
  calls: 'llm_requests_total',
  errors: 'llm_errors_total',
  rate_limited: 'llm_rate_limited_total',
  input: 'llm_tokens_input_total',
  output: 'llm_tokens_output_total',
  cached_read: 'llm_tokens_cached_total{kind="read"}',
  cache_write: 'llm_tokens_cached_total{kind="write"}',
  reasoning: 'llm_tokens_reasoning_total',
} as const
type Totals = Partial<Record<Field, number>>

describe.skipIf(!haveShared())('captures, counted by Prometheus (skipped where ../shared is missing)', () => {
  const outcome = new Map<string, string>()
  const folders = haveShared() ? foldersWithCalls() : []
  let directory: string
  let prometheus: Running
  let prometheusPort: number
  const ports = new Map<string, number>()

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-captures-'))
    prometheusPort = await freePort()
    for (const folder of folders) ports.set(folder, await freePort())
    const targets = [...ports].map(([folder, port]) => ({ targets: [`127.0.0.1:${port}`], labels: { folder } }))
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '400ms' },
      scrape_configs: [{ job_name: 'sluice', static_configs: targets }],
    }
    const path = join(directory, 'prometheus.json')
    writeFileSync(path, JSON.stringify(config))
    prometheus = startBackend('prometheus', [
      `--config.file=${path}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
      '--scrape.discovery-reload-interval=100ms',
    ])
    await eventually(() => query('vector(1)'))
  })

  afterAll(async () => {
    await prometheus?.stop()
    rmSync(directory, { recursive: true, force: true })
    const rows = [...outcome].sort().map(([folder, text]) => `${folder.padEnd(40)} ${text}`)
    process.stdout.write(
      `${rows.join('\n')}\n${rows.filter((row) => row.endsWith(' equal')).length} of ${rows.length} equal\n`,
    )
  })

  async function query(text: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const answer = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${encodeURIComponent(text)}`)
    return ((await answer.json()) as { data: { result: [] } }).data.result
  }

  async function totals(folder: string, sameModel: Record<string, string>): Promise<Record<string, Totals>> {
    const byModel: Record<string, Record<string, number>> = {}
    for (const [name, selector] of Object.entries(QUERIES)) {
      const [metric, labels = ''] = selector.replace('}', '').split('{')
      const all = [labels, `folder="${folder}"`].filter((text) => text !== '').join(',')
      for (const { metric: of, value } of await query(`sum by (model) (${metric}{${all}})`)) {
        const model = fold(of['model'] ?? '')
        const sums = (byModel[sameModel[model] ?? model] ??= {})
        sums[name] = (sums[name] ?? 0) + Number(value[1])
      }
    }
    for (const sums of Object.values(byModel)) sums['failed'] = (sums['errors'] ?? 0) + (sums['rate_limited'] ?? 0)
    return byModel
  }

  /** Sends all bodies of a folder to a daemon of its own; resolves to what differs after so long at most. */
  async function differencesOf(folder: string, wait_ms: number): Promise<string[]> {
    const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
    const port = await freePort()
    const daemon = startDaemon(
      join(directory, `${folder.replace('/', '-')}.json`),
      daemonConfig(port, ports.get(folder)!),
    )
    try {
      for (const { signal, type, body } of bodiesOf(folder)) await post(port, signal, body, type)
      let different: string[] = []
      await eventually(async () => {
        different = differences(await totals(folder, reachable.same_model), expectedOf(folder, reachable))
        if (different.length > 0) throw new Error('different')
      }, wait_ms).catch(() => {})
      return different
    } finally {
      expect(await daemon.stop(), daemon.log()).toBe(0)
    }
  }

  test.concurrent.each(SUPPORTED)('%s gives what it can', async (folder) => {
    const different = await differencesOf(folder, 20_000)
    outcome.set(folder, inShort(different))
    expect(different).toEqual([])
  })

  test('every folder with calls is among them', () => {
    expect([...SUPPORTED].sort()).toEqual(folders)
  })
})

function daemonConfig(receive: number, show: number): object {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receive}` } } } },
    processors: { gen_ai: {} },
    connectors: { gen_ai_metrics: { settle_after: '1s', metrics_flush_interval: '500ms' } },
    exporters: { prometheus: { endpoint: `127.0.0.1:${show}` }, nop: {} },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['gen_ai'], exporters: ['gen_ai_metrics'] },
        'metrics/calls': { receivers: ['gen_ai_metrics'], exporters: ['prometheus'] },
        metrics: { receivers: ['otlp'], exporters: ['nop'] },
        logs: { receivers: ['otlp'], processors: ['gen_ai'], exporters: ['gen_ai_metrics'] },
      },
    },
  }
}

function foldersWithCalls(): string[] {
  return readdirSync(captures, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/reachable.json'))
    .map((path) => path.replace('/reachable.json', ''))
    .sort()
}

function bodiesOf(folder: string): { signal: string; type: string; body: Buffer }[] {
  const directory = new URL(`${folder}/`, captures)
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const match = /^\d+\.(traces|metrics|logs)\.(pb|json)$/.exec(name)
      if (match === null) return []
      const type = match[2] === 'pb' ? 'x-protobuf' : 'json'
      return [{ signal: match[1]!, type, body: readFileSync(new URL(name, directory)) }]
    })
}

function inShort(different: readonly string[]): string {
  if (different.length === 0) return 'equal'
  return different.length > 3 ? `${different[0]}; and ${different.length - 1} more` : different.join('; ')
}
