import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { Message } from '../../../otlp/codec.ts'
import {
  attributes,
  type Bench,
  bench,
  counter,
  exponential,
  gauge,
  histogram,
  hostile,
  NOW,
  normal,
  type Origin,
  point,
  summary,
} from '../request.fixture.ts'
import type { Series } from '../series.ts'
import type { Family } from '../series_store.ts'
import type { SeriesValue } from '../series_values.ts'
import { expose } from './text_exposition.ts'

let at: Bench

afterEach(() => at.exporter.shutdown())

const OWN: Origin = { scope: { name: 'sluice', version: '1' } }

const IDS = 'trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"'

function exemplar(value: number, seconds: number, more: Message = {}): Message {
  const [traceId, spanId] = [...IDS.matchAll(/"(\w+)"/g)].map(([, hex]) => Buffer.from(hex!, 'hex')) as [Buffer, Buffer]
  return { timeUnixNano: NOW + BigInt(seconds) * 1_000_000_000n, asDouble: value, traceId, spanId, ...more }
}

const utf8 = {
  metrics: [
    gauge('a.b', '', point(1, { k: 'v', 'k.x': '1', 'k.y': '2', k_y: '3' })),
    gauge('a_b', '', point(2)),
    gauge(
      'd',
      '',
      point(1, { 'l.m': '1' }),
      point(2, { l_m: '1' }),
      point(3, { 'l-m': '1' }),
      point(4, { 'l.n': '1' }),
    ),
    histogram('h.x', 's', { count: 6n }),
    counter('req.count', '1', point(5n, { 'q"{\n': '"\\' })),
  ],
  origin: { resource: { 'service.name': 's', 'service.instance.id': 'i', 'k8s.pod': 'p' } },
}

interface Row {
  what: string
  metrics: Message[]
  origin?: Origin
  config?: object
  headers?: Record<string, string>
  text: string
}

const rows: Row[] = [
  {
    what: 'gauges, sorted by family, help first',
    metrics: [
      { ...gauge('b', '', point(1.5, { z: '1', a: '2' })), description: 'say "hi" \\\nbye' },
      gauge('a', '', point(2n)),
    ],
    text: '# TYPE a gauge\na 2\n# HELP b say "hi" \\\\\\nbye\n# TYPE b gauge\nb{a="2",z="1"} 1.5\n',
  },
  {
    what: 'what would break a line',
    metrics: [gauge('g', '', point(1, { 'a"} 2\n': 'x"\\\n\0y' }))],
    text: '# TYPE g gauge\ng{a___2_="x\\"\\\\\\n\ufffdy"} 1\n',
  },
  {
    what: 'odd numbers',
    metrics: [
      gauge(
        'g',
        '',
        ...[Number.NaN, Infinity, -Infinity, -0, 1e21, 1e-7, 9007199254740993n].map((v, i) => point(v, { i: `${i}` })),
      ),
      counter('c', '', point(-1)),
    ],
    text: [
      '# TYPE c_total counter',
      'c_total -1',
      '# TYPE g gauge',
      'g{i="0"} NaN',
      'g{i="1"} +Inf',
      'g{i="2"} -Inf',
      'g{i="3"} 0',
      'g{i="4"} 1e+21',
      'g{i="5"} 1e-7',
      'g{i="6"} 9007199254740992\n',
    ].join('\n'),
  },
  {
    what: 'sums: monotonic is a counter, others are gauges',
    metrics: [
      counter('up', '', point(5n)),
      { name: 'down', sum: { aggregationTemporality: 2, dataPoints: [point(-7n)] } },
    ],
    text: '# TYPE down gauge\ndown -7\n# TYPE up_total counter\nup_total 5\n',
  },
  {
    what: 'a histogram',
    metrics: [
      histogram('h', 's', {
        count: 6n,
        sum: 12.5,
        bucketCounts: [1n, 2n, 3n],
        explicitBounds: [0.5, 1],
        attributes: attributes({ le: 'x' }),
      }),
    ],
    text: [
      '# TYPE h_seconds histogram',
      'h_seconds_bucket{exported_le="x",le="0.5"} 1',
      'h_seconds_bucket{exported_le="x",le="1"} 3',
      'h_seconds_bucket{exported_le="x",le="+Inf"} 6',
      'h_seconds_sum{exported_le="x"} 12.5',
      'h_seconds_count{exported_le="x"} 6\n',
    ].join('\n'),
  },
  {
    what: 'a histogram without buckets and sum, one with a bound of +Inf',
    metrics: [
      histogram('a', '', { count: 6n }),
      histogram('b', '', { count: 3n, sum: 1, bucketCounts: [1n, 2n, 0n], explicitBounds: [1, Infinity] }),
    ],
    text: [
      '# TYPE a histogram',
      'a_bucket{le="+Inf"} 6',
      'a_count 6',
      '# TYPE b histogram',
      'b_bucket{le="1"} 1',
      'b_bucket{le="+Inf"} 3',
      'b_sum 1',
      'b_count 3\n',
    ].join('\n'),
  },
  {
    what: 'an exponential histogram as classic buckets',
    metrics: [
      exponential('e', '', {
        count: 10n,
        sum: 12.5,
        scale: 0,
        zeroCount: 1n,
        positive: { offset: -1, bucketCounts: [1n, 0n, 5n] },
        negative: { offset: 0, bucketCounts: [1n, 2n] },
      }),
    ],
    text: [
      '# TYPE e histogram',
      'e_bucket{le="-2"} 2',
      'e_bucket{le="-1"} 3',
      'e_bucket{le="0"} 4',
      'e_bucket{le="0.5"} 4',
      'e_bucket{le="1"} 5',
      'e_bucket{le="2"} 5',
      'e_bucket{le="4"} 10',
      'e_bucket{le="+Inf"} 10',
      'e_sum 12.5',
      'e_count 10\n',
    ].join('\n'),
  },
  {
    what: 'a summary',
    metrics: [
      summary('s', '', {
        count: 10n,
        sum: 2.5,
        quantileValues: [
          { quantile: 0.99, value: Number.NaN },
          { quantile: 0.5, value: 1 },
        ],
      }),
    ],
    text: '# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="0.99"} NaN\ns_sum 2.5\ns_count 10\n',
  },
  {
    what: 'resource and scope',
    metrics: [gauge('g', '', point(1, { job: 'mine' }))],
    origin: {
      resource: {
        'service.name': 'shop',
        'service.namespace': 'eu',
        'service.instance.id': 'i1',
        'k8s.pod': 'p',
        k8s_pod: 'q',
      },
      scope: { name: 'sc', version: '1', attributes: attributes({ b: '2', name: 'no' }) },
      schemaUrl: 'http://u',
    },
    text: [
      '# TYPE g gauge',
      'g{exported_job="mine",instance="i1",job="eu/shop",otel_scope_b="2",otel_scope_name="sc",otel_scope_schema_url="http://u",otel_scope_version="1"} 1',
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{instance="i1",job="eu/shop",k8s_pod="p;q"} 1\n',
    ].join('\n'),
  },
  {
    what: 'options: namespace, constant labels, resource attributes, no scope, no suffixes, times',
    config: {
      namespace: 'my.app',
      const_labels: { cl: 'x', 'an other': 'y' },
      resource_to_telemetry_conversion: { enabled: true },
      without_scope_info: true,
      add_metric_suffixes: false,
      send_timestamps: true,
    },
    origin: { resource: { a: 'resource' }, scope: { name: 'sc' } },
    metrics: [counter('c.x', 's', point(1, { a: 'point', cl: 'attribute' }))],
    text: '# TYPE my_app_c_x counter\nmy_app_c_x{a="resource",an_other="y",cl="x",exported_cl="attribute"} 1 1700000010000\n',
  },
  {
    what: 'translation_strategy takes precedence over add_metric_suffixes',
    config: { add_metric_suffixes: true, translation_strategy: 'UnderscoreEscapingWithoutSuffixes' },
    metrics: [counter('c.x', 's', point(1))],
    text: '# TYPE c_x counter\nc_x 1\n',
  },
  {
    what: 'derived metrics come out as they are named',
    origin: OWN,
    metrics: [
      counter('llm_requests_total', '', point(1, { model: 'm', endpoint: 'chat' })),
      counter('llm_cost_usd', '', point(0.5, { model: 'm', endpoint: 'chat' })),
      histogram('llm_latency_ms', '', { count: 1n, sum: 3, bucketCounts: [1n, 0n], explicitBounds: [5] }),
    ],
    text: [
      '# TYPE llm_cost_usd counter',
      'llm_cost_usd{endpoint="chat",model="m"} 0.5',
      '# TYPE llm_latency_ms histogram',
      'llm_latency_ms_bucket{le="5"} 1',
      'llm_latency_ms_bucket{le="+Inf"} 1',
      'llm_latency_ms_sum 3',
      'llm_latency_ms_count 1',
      '# TYPE llm_requests_total counter',
      'llm_requests_total{endpoint="chat",model="m"} 1\n',
    ].join('\n'),
  },
  {
    what: 'OpenMetrics',
    config: { enable_open_metrics: true, send_timestamps: true },
    headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.3' },
    metrics: [
      { ...counter('c', '', point(1)), description: 'a "quoted"\nhelp' },
      gauge('conf', '', point(1)),
      counter('conf', '', point(2, {}, { timeUnixNano: 0n })),
      histogram('h', '', {
        count: 1n,
        sum: 3,
        bucketCounts: [1n, 0n],
        explicitBounds: [5],
        timeUnixNano: NOW + 1_000_000n,
      }),
    ],
    text: [
      '# HELP c a \\"quoted\\"\\nhelp',
      '# TYPE c counter',
      'c_total 1 1700000010.000',
      '# TYPE conf gauge',
      'conf 1 1700000010.000',
      '# TYPE conf_total unknown',
      'conf_total 2',
      '# TYPE h histogram',
      'h_bucket{le="5.0"} 1 1700000010.001',
      'h_bucket{le="+Inf"} 1 1700000010.001',
      'h_sum 3 1700000010.001',
      'h_count 1 1700000010.001',
      '# EOF\n',
    ].join('\n'),
  },
]

rows.push(
  {
    what: 'exemplars of counters and buckets, the newest of each',
    config: { enable_open_metrics: true },
    headers: { accept: 'application/openmetrics-text' },
    metrics: [
      counter('c', '', point(5n, {}, { exemplars: [exemplar(1, 0), exemplar(2, 0), exemplar(3, -1)] })),
      gauge('g', '', point(1, {}, { exemplars: [exemplar(1, 0)] })),
      histogram('h', '', {
        count: 6n,
        sum: 12.5,
        bucketCounts: [1n, 2n, 3n],
        explicitBounds: [0.5, 1],
        exemplars: [
          exemplar(0.5, 0),
          exemplar(0.8, 2, { filteredAttributes: attributes({ 'k.a': '"v"', long: 'x'.repeat(60) }) }),
          exemplar(0.7, 1),
          exemplar(9, 0, { traceId: Buffer.alloc(16), spanId: Buffer.alloc(0) }),
        ],
      }),
    ],
    text: [
      '# TYPE c counter',
      `c_total 5 # {${IDS}} 2 1700000010.000`,
      '# TYPE g gauge',
      'g 1',
      '# TYPE h histogram',
      `h_bucket{le="0.5"} 1 # {${IDS}} 0.5 1700000010.000`,
      `h_bucket{le="1.0"} 3 # {${IDS},k_a="\\"v\\""} 0.8 1700000012.000`,
      'h_bucket{le="+Inf"} 6',
      'h_sum 12.5',
      'h_count 6',
      '# EOF\n',
    ].join('\n'),
  },
  {
    what: 'no exemplars in the text format',
    metrics: [counter('c', '', point(5n, {}, { exemplars: [exemplar(1, 0)] }))],
    text: '# TYPE c_total counter\nc_total 5\n',
  },
  {
    what: 'names in UTF-8 for a scraper that takes them',
    config: { translation_strategy: 'NoUTF8EscapingWithSuffixes' },
    headers: { accept: 'text/plain;version=1.0.0;escaping=allow-utf-8,text/plain' },
    ...utf8,
    text: [
      '# TYPE "a.b" gauge',
      '{"a.b",instance="i",job="s",k="v","k.x"="1","k.y"="2",k_y="3"} 1',
      '# TYPE a_b gauge',
      'a_b{instance="i",job="s"} 2',
      '# TYPE d gauge',
      'd{instance="i",job="s","l.m"="1"} 1',
      'd{instance="i",job="s",l_m="1"} 2',
      'd{instance="i",job="s","l-m"="1"} 3',
      'd{instance="i",job="s","l.n"="1"} 4',
      '# TYPE "h.x_seconds" histogram',
      '{"h.x_seconds_bucket",instance="i",job="s",le="+Inf"} 6',
      '{"h.x_seconds_count",instance="i",job="s"} 6',
      '# TYPE "req.count_total" counter',
      '{"req.count_total",instance="i",job="s","q\\"{\\n"="\\"\\\\"} 5',
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{instance="i",job="s","k8s.pod"="p"} 1\n',
    ].join('\n'),
  },
  {
    what: 'names in UTF-8 for a scraper that does not: what becomes equal is joined, or shown once',
    config: { translation_strategy: 'NoUTF8EscapingWithSuffixes' },
    ...utf8,
    text: [
      '# TYPE a_b gauge',
      'a_b{instance="i",job="s",k="v",k_x="1",k_y="2;3"} 1',
      '# TYPE d gauge',
      'd{instance="i",job="s",l_m="1"} 2',
      'd{instance="i",job="s",l_n="1"} 4',
      '# TYPE h_x_seconds histogram',
      'h_x_seconds_bucket{instance="i",job="s",le="+Inf"} 6',
      'h_x_seconds_count{instance="i",job="s"} 6',
      '# TYPE req_count_total counter',
      'req_count_total{instance="i",job="s",q___="\\"\\\\"} 5',
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{instance="i",job="s",k8s_pod="p"} 1\n',
    ].join('\n'),
  },
)

test.each(rows)('$what', async ({ metrics, origin, config, headers, text }) => {
  at = await bench(config)
  await at.send(metrics, origin)
  expect(await at.scrape(headers)).toBe(text)
})

test('slices are short, whatever the number of series', () => {
  const series = new Map(
    Array.from({ length: 5_000 }, (_, id) => {
      const value = { kind: 'number', number: id } as const
      return [`id="${id}"`, seriesOf(`id="${id}"`, value)]
    }),
  )
  const family: Family = { name: 'a_rather_long_name_of_a_metric', type: 'gauge', help: '', series }
  const slices = [...expose([family], { openMetrics: false, timestamps: false, escaping: 'underscores' })]
  expect(slices.length).toBeGreaterThan(2)
  for (const slice of slices) expect(slice.length).toBeLessThan(70_000)
  expect(slices.join('').split('\n')).toHaveLength(5_002)
})

test('slices are short, however many buckets and however long the labels', () => {
  const bounds = Array.from({ length: 200 }, (_, at) => at)
  const distribution = { count: 0, sum: 0, bounds, cumulative: bounds.map(() => 0) }
  const labels = `long="${'x'.repeat(16_000)}"`
  const series = new Map([[labels, seriesOf(labels, { kind: 'distribution', distribution })]])
  const family: Family = { name: 'h', type: 'histogram', help: '', series }
  const slices = [...expose([family], { openMetrics: false, timestamps: false, escaping: 'underscores' })]
  expect(slices.length).toBeGreaterThan(30)
  for (const slice of slices) expect(slice.length).toBeLessThan(90_000)
})

test('series that come and go while the text is taken are in it once or not', () => {
  const value = { kind: 'number', number: 1 } as const
  const ids = Array.from({ length: 5_000 }, (_, id) => `id="${id}"`)
  const series = new Map(ids.map((labels) => [labels, seriesOf(labels, value)]))
  const family: Family = { name: 'a_rather_long_name_of_a_metric', type: 'gauge', help: '', series }
  let text = ''
  for (const slice of expose([family], { openMetrics: false, timestamps: false, escaping: 'underscores' })) {
    text += slice
    for (const labels of ids) {
      series.delete(labels)
      series.set(labels, seriesOf(labels, value))
    }
  }
  expect(text.match(/^a_rather/gm)).toHaveLength(5_000)
})

function seriesOf(labels: string, value: SeriesValue): Series {
  return { labels, time: 0n, start: 0n, value, exemplars: undefined }
}

const unpack = fileURLToPath(new URL('../../../../../shared/backends/unpack.sh', import.meta.url))
if (!existsSync(unpack)) process.stderr.write('SKIPPED: the check with promtool needs ../shared/backends\n')

describe.skipIf(!existsSync(unpack))('promtool (skipped where ../shared is missing)', () => {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-backends')
  const check = (text: string) => {
    execFileSync(unpack, [cache, 'promtool'])
    return spawnSync(join(cache, 'promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
  }

  test('parses whatever comes', async () => {
    at = await bench()
    await at.send(hostile, {
      resource: { 'service.name': '"\n', 'service.instance.id': '\\', '\n': '\0' },
      scope: { name: '"\n' },
    })
    for (const { metrics } of rows) await at.send(metrics)
    const text = await at.scrape()
    expect(text.match(/^evil/m)).toBe(null)
    expect(normal(text).length).toBeGreaterThan(60)
    const { status, stderr } = check(text)
    // 3: it parses, but breaks rules of style; 1: it does not parse.
    expect(status, stderr).toBe(3)
    expect(stderr).not.toContain('pars')
  }, 30_000)

  test('would notice', () => {
    expect(check('a{b="c} 1\n').status).toBe(1)
  }, 30_000)
})
