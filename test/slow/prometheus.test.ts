/** The exporter `prometheus` beside the real Collector, and scraped by the real Prometheus. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROTOBUF, readFamilies } from '../../src/exporters/prometheus/client_model.fixture.ts'
import {
  attributes,
  type Bench,
  bench,
  counter,
  delta,
  exponential,
  gauge,
  histogram,
  hostile,
  NOW,
  normal,
  type Origin,
  point,
  request,
  START,
  summary,
} from '../../src/exporters/prometheus/request.fixture.ts'
import type { Message } from '../../src/otlp/codec.ts'
import { traceBatch } from '../support/otlp.ts'
import { freePort } from '../support/ports.ts'
import { eventually, post, type Running, startBackend, startDaemon } from './processes.fixture.ts'

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

/** Of a trace of its own each, in the order of their times. */
function exemplar(value: number, trace: number): Message {
  const [traceId, spanId] = [Buffer.alloc(16, trace), Buffer.alloc(8, trace)]
  return { timeUnixNano: NOW + BigInt(trace) * 1_000_000n, asDouble: value, traceId, spanId }
}

const withExemplars: Message[] = [
  counter('with.exemplars', '1', point(5n, {}, { exemplars: [exemplar(1, 1), exemplar(2, 2)] })),
  histogram('hist.with.exemplars', 's', {
    count: 6n,
    sum: 12.5,
    bucketCounts: [1n, 2n, 3n],
    explicitBounds: [0.5, 1],
    exemplars: [exemplar(0.5, 1), exemplar(0.6, 2), exemplar(0.7, 3)],
  }),
]

const native: Message[] = [2, -3, 12].map((scale) =>
  exponential(`native.${scale}`, 's', {
    count: 14n,
    sum: 12.5,
    scale,
    zeroCount: 1n,
    positive: { offset: -2, bucketCounts: [1n, 0n, 0n, 0n, 5n, 2n] },
    negative: { offset: 3, bucketCounts: [3n, 2n] },
  }),
)

const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0'
const UTF8 = 'text/plain;version=0.0.4;escaping=allow-utf-8'

describe.skipIf(!existsSync(unpack))('with real backends (skipped where ../shared is missing)', () => {
  let directory: string
  const benches: Bench[] = []
  const running: Running[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
  })

  afterEach(async () => {
    for (const one of benches.splice(0)) await one.exporter.shutdown()
    for (const one of running.splice(0)) await one.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  async function started(config: object = {}): Promise<Bench> {
    const one = await bench(config)
    benches.push(one)
    return one
  }

  /** Both exporters with one config. */
  async function pair(config: object) {
    const [otlp, scraped] = [await freePort(), await freePort()]
    const path = join(directory, 'collector.json')
    const collector = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
      exporters: { prometheus: { endpoint: `127.0.0.1:${scraped}`, ...config } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { metrics: { receivers: ['otlp'], exporters: ['prometheus'] } },
      },
    }
    writeFileSync(path, JSON.stringify(collector))
    running.push(startBackend('otelcol', ['--config', path]))
    const ours = await started(config)
    return {
      async send(metrics: readonly Message[], from?: Origin) {
        await ours.send(metrics, from)
        await post(otlp, 'metrics', request(metrics, from).bytes)
      },
      /** The answers of both, ours first. */
      scrape: (headers: Record<string, string> = {}) =>
        Promise.all(
          [ours.exporter.port, scraped].map((port) => fetch(`http://127.0.0.1:${port}/metrics`, { headers })),
        ) as Promise<[Response, Response]>,
    }
  }

  const withoutHelp = (text: string) => normal(text).filter((line) => !/^# HELP .* $|^# HELP \S+$/.test(line))

  async function expectSameText(both: [Response, Response]): Promise<void> {
    const [ours, theirs] = [await both[0].text(), await both[1].text()]
    expect(withoutHelp(ours)).toEqual(withoutHelp(theirs))
    expect(normal(ours).length).toBeGreaterThan(20)
    expect(both[0].headers.get('content-type')).toBe(both[1].headers.get('content-type'))
  }

  test.each<[what: string, config: object, accept?: string]>([
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
    [
      'with resource attributes but for the service',
      { resource_to_telemetry_conversion: { enabled: true, exclude_service_attributes: true } },
    ],
    ['in OpenMetrics', { enable_open_metrics: true, send_timestamps: true }, OPEN_METRICS],
    ['in UTF-8', { translation_strategy: 'NoUTF8EscapingWithSuffixes', namespace: 'my-app' }, UTF8],
    ['in UTF-8, untranslated', { translation_strategy: 'NoTranslation', const_labels: { 'c.l': 'x' } }, UTF8],
    ...['underscores', 'dots', 'values'].map((escaping): [string, object, string] => [
      `in UTF-8 to a scraper that wants ${escaping}`,
      { translation_strategy: 'NoTranslation' },
      `text/plain;escaping=${escaping}`,
    ]),
  ])('the Collector shows the same %s', async (_, config, accept = '') => {
    // A resource with both of two attributes that become one label is more than the Collector can say.
    const { k8s_pod_name: _k, ...resource } = origin.resource!
    const joins = !('resource_to_telemetry_conversion' in config || accept.includes('escaping'))
    const both = await pair(config)
    await both.send([...common, ...withExemplars], joins ? origin : { ...origin, resource })
    await expectSameText(await both.scrape(accept === '' ? {} : { accept }))
  })

  test('the Collector shows the same in protobuf: native histograms, exemplars, when counting began', async () => {
    const both = await pair({ send_timestamps: true })
    await both.send([...common, ...withExemplars, ...native], origin)
    const [ours, theirs] = await Promise.all(
      (await both.scrape({ accept: PROTOBUF })).map(async (answer) =>
        normalFamilies(readFamilies(new Uint8Array(await answer.arrayBuffer()))),
      ),
    )
    expect(ours).toEqual(theirs)
    expect(Object.keys(ours!).filter((name) => name.startsWith('native'))).toHaveLength(3)
    expect(ours!['native_2_seconds']![0]).toContain('"schema": "2"')
  })

  test('the Collector adds deltas up to the same', async () => {
    const both = await pair({})
    const period = (n: bigint) => ({ startTimeUnixNano: START + n * 1000n, timeUnixNano: START + (n + 1n) * 1000n })
    for (const n of [0n, 1n, 2n]) {
      await both.send([
        delta(counter('requests', '1', point(3n + n, { k: 'v' }, period(n)))),
        delta(counter('cost', 'USD', point(0.25, {}, period(n)))),
        delta(
          histogram('h', 's', {
            count: 3n + n,
            sum: 1.5,
            bucketCounts: [1n, 2n + n],
            explicitBounds: [1],
            ...period(n),
          }),
        ),
      ])
    }
    const [ours, theirs] = await Promise.all(
      (await both.scrape()).map(async (answer) => withoutHelp(await answer.text())),
    )
    expect(ours).toEqual(theirs)
    expect(ours!.join('\n')).toContain('requests_total{k="v"} 12')
  })

  test('the Collector answers in the same format, whatever is asked for', async () => {
    for (const enable_open_metrics of [true, false]) {
      const both = await pair({ enable_open_metrics })
      await both.send([gauge('g', '', point(1))])
      const text = 'text/plain;version=0.0.4;q=0.2,*/*;q=0.1'
      for (const accept of [
        '*/*',
        text,
        OPEN_METRICS,
        'application/openmetrics-text;version=0.0.1',
        `${OPEN_METRICS};q=0.1,${text}`,
        `${OPEN_METRICS};escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,${text}`,
        `${PROTOBUF};q=0.6,${OPEN_METRICS};q=0.5,${text}`,
        `${PROTOBUF};q=0.1,${text}`,
        'text/plain;escaping=dots',
        'text/plain;escaping=nonsense',
      ]) {
        const [ours, theirs] = (await both.scrape({ accept })).map((answer) => answer.headers.get('content-type'))
        expect(ours, accept).toBe(theirs)
      }
    }
  })

  /** Prometheus with its exemplars, scraping each second. */
  async function startPrometheus(jobs: readonly object[], global: object = {}) {
    const port = await freePort()
    const path = join(directory, 'prometheus.json')
    const config = { global: { scrape_interval: '1s', scrape_timeout: '900ms', ...global }, scrape_configs: jobs }
    writeFileSync(path, JSON.stringify(config))
    running.push(
      startBackend('prometheus', [
        `--config.file=${path}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
        '--scrape.discovery-reload-interval=100ms',
      ]),
    )
    const ask = async <T>(path: string, parameters: Record<string, string>): Promise<T> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
      return ((await answer.json()) as { data: T }).data
    }
    return {
      query: async (query: string) => (await ask<{ result: Result[] }>('query', { query })).result,
      exemplars: async (query: string, end_s: number) => {
        const range = { start: String(end_s - 100_000), end: String(end_s + 100) }
        const found = await ask<{ exemplars: { labels: Record<string, string> }[] }[]>('query_exemplars', {
          query,
          ...range,
        })
        return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels))
      },
    }
  }

  interface Result {
    readonly metric: Record<string, string>
    readonly value: [number, string]
    readonly histogram: [number, { count: string; sum: string; buckets?: unknown[] }]
  }

  test('Prometheus takes everything, as text, as OpenMetrics and as protobuf', async () => {
    const one = await started({ enable_open_metrics: true })
    await one.send([...common, ...hostile, ...withExemplars], origin)
    await one.send([counter('llm_requests_total', '1', point(7n, { model: 'm' }))], { scope: { name: 'sluice' } })
    const targets = { targets: [`127.0.0.1:${one.exporter.port}`] }
    const job = (how: string, protocol: string) => ({
      job_name: how,
      honor_labels: true,
      scrape_protocols: [protocol],
      static_configs: [{ ...targets, labels: { how } }],
    })
    const { query, exemplars } = await startPrometheus([
      job('text', 'PrometheusText0.0.4'),
      job('open', 'OpenMetricsText1.0.0'),
      job('protobuf', 'PrometheusProto'),
    ])
    await eventually(async () =>
      expect((await query('up == 1')).map(({ metric }) => metric['how']).sort()).toEqual(['open', 'protobuf', 'text']),
    )
    const lines = (await one.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
    // Protobuf cannot say that there is no sum.
    for (const { metric, value } of await query('scrape_samples_scraped'))
      if (metric['how'] !== 'protobuf') expect(value[1], metric['how']).toBe(String(lines))
    for (const how of ['text', 'open', 'protobuf']) {
      const [own, ...more] = await query(`llm_requests_total{how="${how}",model="m"}`)
      expect([own?.value[1], more.length]).toEqual(['7', 0])
      expect(await query(`value_4{how="${how}"}`)).toHaveLength(1)
      expect(await query(`{__name__=~"evil.*",how="${how}"}`)).toEqual([])
      expect(await query(`hist_seconds_bucket{how="${how}",m="x",le="1.0"}`)).toHaveLength(1)
      const traces = (
        await exemplars(`{__name__=~".*with_exemplars.*",how="${how}"}`, Number(NOW / 1_000_000_000n))
      ).map(({ trace_id }) => trace_id)
      const newest = [1, 2, 3].map((trace) => Buffer.alloc(16, trace).toString('hex'))
      expect(traces.sort(), how).toEqual(how === 'text' ? [] : newest)
    }
  })

  test('Prometheus takes names in UTF-8, native histograms, and a large family in several messages', async () => {
    const one = await started({ translation_strategy: 'NoTranslation', enable_open_metrics: true })
    const many = Array.from({ length: 3000 }, (_, at) => point(at, { 'an.attribute': `a rather long value ${at}` }))
    await one.send([...hostile, ...native, gauge('many.series', '', ...many)], origin)
    const job = (how: string, more: object) => ({
      job_name: how,
      honor_labels: true,
      ...more,
      static_configs: [{ targets: [`127.0.0.1:${one.exporter.port}`], labels: { how } }],
    })
    const { query } = await startPrometheus([
      job('native', { scrape_native_histograms: true }),
      job('open', { scrape_protocols: ['OpenMetricsText1.0.0'] }),
    ])
    await eventually(async () => expect(await query('up == 1')).toHaveLength(2))
    for (const how of ['native', 'open'])
      expect(Number((await query(`count({"many.series", how="${how}", "an.attribute"!=""})`))[0]?.value[1])).toBe(3000)
    for (const scale of [2, -3, 12]) {
      const [shown] = await query(`{"native.${scale}", how="native"}`)
      expect(shown?.histogram[1]).toMatchObject({ count: '14', sum: '12.5' })
      expect(shown?.histogram[1].buckets).toHaveLength(scale === 12 ? 4 : 6)
    }
    expect(await query(`{"native.2_count", how="open"}`)).toHaveLength(1)
  })

  test('what Sluice derives: the first call is an increase, exemplars lead to kept traces, promtool is content', async () => {
    const [otlp, scraped] = [await freePort(), await freePort()]
    const latency = { name: 'slow', type: 'latency', latency: { threshold_ms: 5000 } }
    const daemon = startDaemon(join(directory, 'sluice.json'), {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
      processors: { gen_ai: {}, tail_sampling: { decision_wait: '2s', policies: [latency] } },
      connectors: {
        gen_ai_metrics: { settle_after: '500ms', settle_max: '1s', metrics_flush_interval: '1500ms' },
        forward: {},
      },
      exporters: { prometheus: { endpoint: `127.0.0.1:${scraped}`, enable_open_metrics: true }, nop: {} },
      service: {
        telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
        pipelines: {
          'traces/in': { receivers: ['otlp'], processors: ['gen_ai'], exporters: ['gen_ai_metrics', 'forward'] },
          'traces/kept': { receivers: ['forward'], processors: ['tail_sampling'], exporters: ['nop'] },
          metrics: { receivers: ['gen_ai_metrics'], exporters: ['prometheus'] },
        },
      },
    })
    running.push(daemon)
    const { query, exemplars } = await startPrometheus(
      [{ job_name: 'sluice', static_configs: [{ targets: [`127.0.0.1:${scraped}`] }] }],
      { scrape_interval: '500ms', scrape_timeout: '400ms' },
    )
    await eventually(async () => expect(await query('up == 1')).toHaveLength(1))
    const [slow, fast] = ['0a'.repeat(16), '0b'.repeat(16)] as [string, string]
    const now_ms = Date.now()
    const call = (trace: string, duration_ms: number) => ({
      trace,
      start_ms: now_ms - duration_ms,
      end_ms: now_ms,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.output_tokens': 10,
      },
    })
    await post(otlp, 'traces', traceBatch([call(slow, 9000), call(fast, 100)]).bytes)
    await eventually(async () =>
      expect(Number((await query('increase(llm_requests_total[1m])'))[0]?.value[1])).toBeGreaterThanOrEqual(2),
    )
    for (const name of [
      'llm_latency_ms_bucket',
      'llm_cost_usd_bucket',
      'gen_ai_client_operation_duration_seconds_bucket',
    ])
      await eventually(async () =>
        expect(
          (await exemplars(name, Date.now() / 1000)).map(({ trace_id }) => trace_id),
          name,
        ).toEqual([slow]),
      )
    execFileSync(unpack, [cache, 'promtool'])
    const text = await (await fetch(`http://127.0.0.1:${scraped}/metrics`)).text()
    const { stderr } = spawnSync(join(cache, 'promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
    // Two names that dashboards know already.
    const complaints = stderr
      .split('\n')
      .filter((line) => line !== '' && !/llm_latency_ms|llm_rateLimited_total/.test(line))
    expect(complaints).toEqual([])
  })
})

/** Families by name, their metrics in any order, without what says nothing, and without what only we say: see the README. */
function normalFamilies(families: readonly Message[]): Record<string, string[]> {
  const byName: Record<string, string[]> = {}
  for (const { name, type, metric } of families) {
    const metrics = (metric as Message[]).map(({ histogram: distribution, ...rest }) =>
      JSON.stringify(
        { ...rest, type, ...(distribution && { histogram: normalHistogram(distribution as Message) }) },
        normalValue,
        1,
      ),
    )
    byName[name as string] = [...(byName[name as string] ?? []), ...metrics].sort()
  }
  return byName
}

function normalHistogram({ bucket = [], ...rest }: Message): object {
  const { positiveSpan, positiveDelta, negativeSpan, negativeDelta, ...native } = rest
  if (rest['schema'] !== undefined)
    return {
      ...native,
      positive: countsOf(positiveSpan as Message[], positiveDelta as number[]),
      negative: countsOf(negativeSpan as Message[], negativeDelta as number[]),
    }
  return {
    ...rest,
    bucket: (bucket as Message[]).filter(({ upperBound, exemplar }) => upperBound !== Infinity || exemplar),
  }
}

/** Buckets that are not empty. */
function countsOf(spans: readonly Message[], deltas: readonly number[]): [index: number, count: number][] {
  const counts: [number, number][] = []
  let [index, at, count] = [0, 0, 0]
  for (const { offset, length } of spans) {
    index += offset as number
    for (let left = length as number; left > 0; left--) counts.push([index++, (count += deltas[at++]!)])
  }
  return counts.filter(([, one]) => one !== 0)
}

/** Labels in one order and with values, keys in one order, numbers that JSON does not know as texts. */
function normalValue(key: string, value: unknown): unknown {
  if (key === 'label') {
    const labels = (value as { name: string; value?: string }[]).filter((label) => label.value)
    return labels.map(({ name, value: text }) => `${name}=${text}`).sort()
  }
  if (key === 'nanos' && value === 0) return undefined
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
