/** The exporter `prometheus` beside the real Collector, and scraped by the real Prometheus. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  attributes,
  type Bench,
  bench,
  counter,
  gauge,
  histogram,
  hostile,
  normal,
  type Origin,
  point,
  request,
  summary,
} from '../../src/exporters/prometheus/request.fixture.ts'
import type { Message } from '../../src/otlp/codec.ts'

const unpack = fileURLToPath(new URL('../../../shared/backends/unpack.sh', import.meta.url))
if (!existsSync(unpack)) process.stderr.write('SKIPPED: the tests with real backends need ../shared/backends\n')
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-backends')

const origin: Origin = {
  resource: {
    'service.name': 'shop',
    'service.namespace': 'eu',
    'service.instance.id': 'i1',
    'k8s.pod.name': 'p',
    k8s_pod_name: 'q',
  },
  scope: { name: 'sc', version: '1', attributes: attributes({ b: '2', name: 'no' }) },
  schemaUrl: 'http://u',
}

/** What both can show; where they differ on purpose is in the README. */
const common: Message[] = [
  gauge(
    'disk.ratio',
    '1',
    ...[Number.NaN, Infinity, -Infinity, -0, 1e21, 1e-7, 123456789].map((value, id) => point(value, { id: `${id}` })),
  ),
  gauge(
    'texts',
    '',
    point(1, { 'x.y': 'q"\\\n', _u: 'u', '1d': 'd', em: '', bo: true, i: 5n, d: 1e21, e: 0.000001, f: 3 }),
  ),
  gauge(
    'values',
    '',
    point(1, { list: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 3n }, { doubleValue: 1.5 }] } } }),
  ),
  gauge(
    'values',
    '',
    point(1, {
      map: { kvlistValue: { values: attributes({ k: 'v', a: 1n }) } },
      by: { bytesValue: Buffer.from('hi') },
    }),
  ),
  counter('reqs', '{request}', point(5n)),
  counter('reqs_total', '1', point(5n, { x: 'y' })),
  counter('total.bytes.sent', 'By', point(7n)),
  counter('llm_requests_total', '1', point(7n)),
  { name: 'upd', unit: '', sum: { aggregationTemporality: 2, dataPoints: [point(-7n)] } },
  { name: 'deltas', unit: 's', sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints: [point(3n)] } },
  ...['m/s', '%', 'By/foo_', 'USD', '{x}/s', 'KiBy', 'Cel', 'foo bar', 'a/b/c', 'min/mo'].map((unit, id) =>
    gauge(`unit${id}.x`, unit, point(3)),
  ),
  gauge('1st.thing', '', point(3)),
  gauge('foo/bar__baz', '', point(3)),
  histogram('hist', 's', {
    count: 6n,
    sum: 12.5,
    bucketCounts: [1n, 2n, 3n],
    explicitBounds: [0.5, 1],
    attributes: attributes({ m: 'x' }),
  }),
  histogram('hist', 's', { count: 6n, sum: Number.NaN }),
  summary('summ', 's', { count: 10n, sum: 2.5, quantileValues: [{ quantile: 0.5, value: 1 }] }),
]

describe.skipIf(!existsSync(unpack))('with real backends (skipped where ../shared is missing)', () => {
  let directory: string
  let child: ChildProcess | undefined
  const benches: Bench[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
  })

  afterEach(async () => {
    for (const one of benches.splice(0)) await one.exporter.shutdown()
    if (child?.exitCode === null) {
      child.kill()
      await once(child, 'exit')
    }
    rmSync(directory, { recursive: true, force: true })
  })

  async function start(name: string, config: string, ...flags: string[]): Promise<void> {
    execFileSync(unpack, [cache, name])
    writeFileSync(join(directory, 'config.yaml'), config)
    child = spawn(join(cache, name), flags, { stdio: 'ignore' })
  }

  async function started(config: object = {}): Promise<Bench> {
    const one = await bench(config)
    benches.push(one)
    return one
  }

  test.each([
    ['by default', {}],
    [
      'without suffixes, in a namespace',
      { translation_strategy: 'UnderscoreEscapingWithoutSuffixes', namespace: 'my-app' },
    ],
    [
      'in a namespace, with constant labels and times',
      { namespace: 'my-app', const_labels: { cl: 'x' }, send_timestamps: true },
    ],
    [
      'with resource attributes, without scope',
      { resource_to_telemetry_conversion: { enabled: true }, without_scope_info: true },
    ],
  ])('the Collector shows the same %s', async (_, config) => {
    const [otlp, scraped] = [await freePort(), await freePort()]
    const exporter = { endpoint: `127.0.0.1:${scraped}`, ...config }
    const collector = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
      exporters: { prometheus: exporter },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { metrics: { receivers: ['otlp'], exporters: ['prometheus'] } },
      },
    }
    await start('otelcol', JSON.stringify(collector), '--config', join(directory, 'config.yaml'))
    // A resource with both of two attributes that become one label is more than the Collector's conversion can say.
    const { k8s_pod_name: _k, ...resource } = origin.resource!
    const from = 'resource_to_telemetry_conversion' in config ? { ...origin, resource } : origin
    const ours = await started(config)
    await ours.send(common, from)
    const { bytes } = request(common, from)
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${otlp}/v1/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(bytes),
      })
      expect(answer.status).toBe(200)
    })
    const theirs = await (await fetch(`http://127.0.0.1:${scraped}/metrics`)).text()
    const withoutHelp = (text: string) => normal(text).filter((line) => !/^# HELP \S+ ?$/.test(line))
    expect(withoutHelp(await ours.scrape())).toEqual(withoutHelp(theirs))
  })

  test('Prometheus takes everything, as text and as OpenMetrics', async () => {
    const one = await started({ enable_open_metrics: true })
    await one.send([...common, ...hostile], origin)
    await one.send([counter('llm_requests_total', '1', point(7n, { model: 'm' }))], { scope: { name: 'sluice' } })
    const port = await freePort()
    const job = (name: string, protocol: string) => ({
      job_name: name,
      honor_labels: true,
      scrape_protocols: [protocol],
      static_configs: [{ targets: [`127.0.0.1:${one.exporter.port}`], labels: { how: name } }],
    })
    const jobs = [job('text', 'PrometheusText0.0.4'), job('open', 'OpenMetricsText1.0.0')]
    const config = { global: { scrape_interval: '1s', scrape_timeout: '900ms' }, scrape_configs: jobs }
    await start(
      'prometheus',
      JSON.stringify(config),
      `--config.file=${join(directory, 'config.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--scrape.discovery-reload-interval=100ms',
    )
    const query = async (text: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`)
      const { data } = (await answer.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] }
      }
      return data.result
    }
    await eventually(async () =>
      expect((await query('up == 1')).map(({ metric }) => metric['how']).sort()).toEqual(['open', 'text']),
    )
    const lines = (await one.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
    for (const { metric, value } of await query('scrape_samples_scraped'))
      expect(value[1], metric['how']).toBe(String(lines))
    for (const how of ['text', 'open']) {
      const [own, ...more] = await query(`llm_requests_total{how="${how}",model="m"}`)
      expect([own?.value[1], more.length]).toEqual(['7', 0])
      expect(await query(`value_4{how="${how}"}`)).toHaveLength(1)
      expect(await query(`{__name__=~"evil.*",how="${how}"}`)).toEqual([])
      expect(await query(`hist_seconds_bucket{how="${how}",m="x",le="1.0"}`)).toHaveLength(1)
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function eventually(check: () => Promise<void>): Promise<void> {
  const end_ms = Date.now() + 15_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end_ms) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
