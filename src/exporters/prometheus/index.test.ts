import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { hasOpenssl, makeCertificates } from '../../net/certificates.fixture.ts'
import type { Message } from '../../otlp/codec.ts'
import { prometheus } from './index.ts'
import { type Bench, bench, counter, delta, exponential, gauge, histogram, NOW, point } from './request.fixture.ts'

let at: Bench

afterEach(() => at?.exporter.shutdown())

const SECOND = 1_000_000_000n
const MINUTE_MS = 60_000

/** The text without comments. */
async function values(): Promise<string[]> {
  return (await at.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

function later(seconds: bigint): Message {
  return { timeUnixNano: NOW + seconds * SECOND }
}

test('an older point is stale, the same moment may be told again', async () => {
  at = await bench()
  await at.send([gauge('g', '', point(1))])
  await at.send([gauge('g', '', point(2, {}, later(-1n)))])
  expect(await values()).toEqual(['g 1'])
  await at.send([gauge('g', '', point(3))])
  expect(await values()).toEqual(['g 3'])
  await at.send([gauge('g', '', point(4, {}, { timeUnixNano: 0n }))])
  expect(await values()).toEqual(['g 4'])
  expect(at.booked).toEqual({ delivered: 3, stale: 1 })
})

test('deltas add up, one sent twice counts once', async () => {
  at = await bench()
  const first = [
    delta(counter('c', '', point(3n))),
    delta(histogram('h', '', { count: 3n, sum: 1.5, bucketCounts: [1n, 2n], explicitBounds: [1] })),
    delta(exponential('e', '', { count: 2n, sum: 3, scale: 1, positive: { offset: 0, bucketCounts: [1n, 1n] } })),
  ]
  const second = [
    delta(counter('c', '', point(4n, {}, later(5n)))),
    delta(histogram('h', '', { count: 2n, sum: 2, bucketCounts: [2n, 0n], explicitBounds: [1], ...later(5n) })),
    delta(
      exponential('e', '', { count: 1n, sum: 2, scale: 0, positive: { offset: 1, bucketCounts: [1n] }, ...later(5n) }),
    ),
  ]
  await at.send(first)
  await at.send(first)
  await at.send(second)
  await at.send(first)
  expect(await values()).toEqual([
    'c_total 7',
    'e_bucket{le="0"} 0',
    'e_bucket{le="1"} 0',
    'e_bucket{le="2"} 2',
    'e_bucket{le="4"} 3',
    'e_bucket{le="+Inf"} 3',
    'e_sum 5',
    'e_count 3',
    'h_bucket{le="1"} 3',
    'h_bucket{le="+Inf"} 5',
    'h_sum 3.5',
    'h_count 5',
  ])
  expect(at.booked).toEqual({ delivered: 6, stale: 6 })
})

test('deltas with other bounds begin anew', async () => {
  at = await bench()
  await at.send([delta(histogram('h', '', { count: 3n, sum: 1.5, bucketCounts: [1n, 2n], explicitBounds: [1] }))])
  await at.send([
    delta(histogram('h', '', { count: 1n, sum: 1, bucketCounts: [1n, 0n], explicitBounds: [2], ...later(1n) })),
  ])
  expect(await values()).toEqual(['h_bucket{le="2"} 1', 'h_bucket{le="+Inf"} 1', 'h_sum 1', 'h_count 1'])
})

test.each<[what: string, bad: Message, reason: string]>([
  [
    'deltas of what is not monotonic',
    { name: 'x', sum: { aggregationTemporality: 1, dataPoints: [point(1)] } },
    'unsupported',
  ],
  ['an unknown temporality', { name: 'x', sum: { isMonotonic: true, dataPoints: [point(1)] } }, 'unsupported'],
  ['a name without a usable character', gauge('ä', '', point(1)), 'invalid'],
  ['a point without a value', gauge('x', '', { timeUnixNano: NOW }), 'invalid'],
  ['too few buckets', histogram('x', '', { count: 1n, bucketCounts: [1n], explicitBounds: [1, 2] }), 'invalid'],
  [
    'bounds out of order',
    histogram('x', '', { count: 2n, bucketCounts: [1n, 1n, 0n], explicitBounds: [2, 1] }),
    'invalid',
  ],
  [
    'a bound of NaN',
    histogram('x', '', { count: 1n, bucketCounts: [1n, 0n], explicitBounds: [Number.NaN] }),
    'invalid',
  ],
  [
    'more in buckets than counted',
    histogram('x', '', { count: 1n, bucketCounts: [2n, 0n], explicitBounds: [1] }),
    'invalid',
  ],
  [
    'a scale that nobody uses',
    exponential('x', '', { count: 1n, scale: 1000, positive: { bucketCounts: [1n] } }),
    'invalid',
  ],
  ['another type', counter('shown', '', point(1)), 'stored'],
  ['another type under the same name', gauge('shown_total', '', point(1)), 'type_conflict'],
  ['deltas of a cumulative series', delta(counter('shown', '', point(1))), 'temporality_conflict'],
  ['a name that a histogram takes', gauge('taken_count', '', point(1)), 'type_conflict'],
])('%s: only the bad point is lost', async (_, bad, reason) => {
  at = await bench()
  await at.send([counter('shown', '', point(5)), histogram('taken', '', { count: 1n })])
  await at.send([gauge('before', '', point(1)), bad, gauge('behind', '', point(2))])
  const shown = await values()
  expect(shown).toContain('before 1')
  expect(shown).toContain('behind 2')
  expect(at.booked).toEqual(reason === 'stored' ? { delivered: 5 } : { delivered: 4, [reason]: 1 })
})

test('a conflict of types is logged once, and over when the other metric has gone', async () => {
  at = await bench()
  await at.send([gauge('x', '', point(1))])
  for (let times = 0; times < 3; times++) await at.send([{ name: 'x', summary: { dataPoints: [{ count: 1n }] } }])
  expect(at.lines).toHaveLength(1)
  await at.clock.advance(6 * MINUTE_MS)
  await at.send([{ name: 'x', summary: { dataPoints: [{ count: 1n }] } }])
  expect(await values()).toEqual(['x_sum 0', 'x_count 1'])
})

test('what this process derives does not lose its name to another type', async () => {
  at = await bench()
  const derived = histogram('llm_cost_usd', '', { count: 1n, sum: 2, bucketCounts: [1n, 0n], explicitBounds: [5] })
  await at.send([
    gauge('llm.cost.usd', '', point(7)),
    counter('llm.cost.usd.sum', '', point(8)),
    gauge('g', '', point(1)),
  ])
  await at.send([derived], { scope: { name: 'sluice' } }, '10.0.0.1')
  expect(at.booked).toEqual({ delivered: 3, type_conflict: 1 })
  await at.send([derived], { scope: { name: 'sluice' } })
  expect(await values()).toEqual([
    'g 1',
    'llm_cost_usd_bucket{le="5"} 1',
    'llm_cost_usd_bucket{le="+Inf"} 1',
    'llm_cost_usd_sum 2',
    'llm_cost_usd_count 1',
    'llm_cost_usd_sum_total 8',
  ])
  await at.send([gauge('llm.cost.usd', '', point(7, {}, later(1n)))])
  expect(at.booked).toEqual({ delivered: 4, type_conflict: 2 })
  expect(await values()).toHaveLength(6)
})

test('series expire without new points, those that this process derives never', async () => {
  at = await bench({ metric_expiration: '2m' })
  const resource = { 'service.name': 's', 'service.instance.id': 'i' }
  await at.send([gauge('gone', '', point(1)), gauge('kept', '', point(1))], { resource })
  await at.send([counter('llm_requests_total', '', point(1))], { scope: { name: 'sluice' } })
  await at.send([counter('llm_other_total', '', point(1))], { scope: { name: 'sluice' } }, '127.0.0.1')
  await at.clock.advance(MINUTE_MS)
  await at.send([gauge('kept', '', point(2))])
  await at.clock.advance(MINUTE_MS + 1)
  expect(await values()).toEqual(['kept 2', 'llm_requests_total 1'])
  await at.clock.advance(24 * 60 * MINUTE_MS)
  expect((await at.meter.text()).body).toContain('sluice_exporter_prometheus_series{exporter="prometheus"} 1\n')
  expect(await values()).toEqual(['llm_requests_total 1'])
})

test('a series that its sender ends goes at once', async () => {
  at = await bench()
  await at.send([gauge('g', '', point(1, { a: '1' }), point(1, { a: '2' }))])
  await at.send([gauge('g', '', { ...point(0, { a: '1' }), flags: 1 })])
  expect(await values()).toEqual(['g{a="2"} 1'])
  expect(at.booked).toEqual({ delivered: 3 })
})

test('at max_series new series are dropped, known ones go on', async () => {
  at = await bench({ max_series: 5 })
  await at.send([gauge('g', '', ...[1, 2, 3, 4].map((value) => point(value, { id: `${value}` })))])
  await at.send([histogram('h', '', { count: 1n, sum: 1, bucketCounts: [1n, 0n], explicitBounds: [1] })])
  await at.send([gauge('g', '', point(9, { id: '5' }), point(9, { id: '6' }), point(9, { id: '1' }))])
  expect(await values()).toEqual(['g{id="1"} 9', 'g{id="2"} 2', 'g{id="3"} 3', 'g{id="4"} 4', 'g{id="5"} 9'])
  expect(at.booked).toEqual({ delivered: 6, series_limit: 2 })
})

test('a histogram cannot grow past max_series', async () => {
  at = await bench({ max_series: 5 })
  const bounds = (explicitBounds: number[]) =>
    histogram('h', '', { count: 0n, sum: 0, bucketCounts: [0n, ...explicitBounds.map(() => 0n)], explicitBounds })
  await at.send([bounds([1])])
  await at.send([bounds([1, 2, 3])])
  expect(await values()).toHaveLength(4)
  await at.send([bounds([1, 2])])
  expect(await values()).toHaveLength(5)
  expect(at.booked).toEqual({ delivered: 2, series_limit: 1 })
})

test('a series with too long a text is dropped', async () => {
  at = await bench({ max_labels_length: 100 })
  const resource = { 'service.name': 's', 'service.instance.id': 'i', long: 'x'.repeat(100) }
  await at.send([gauge('g', '', point(1, { a: 'x'.repeat(100) }), point(1, { a: 'x' }))], { resource })
  expect(await values()).toEqual(['g{a="x",instance="i",job="s"} 1'])
  expect(at.booked).toEqual({ delivered: 1, labels_too_long: 1 })
})

test('target_info follows the resource', async () => {
  at = await bench()
  for (const pod of ['p1', 'p2']) {
    await at.send([gauge('g', '', point(1))], { resource: { 'service.name': 's', 'service.instance.id': 'i', pod } })
  }
  expect(await values()).toEqual(['g{instance="i",job="s"} 1', 'target_info{instance="i",job="s",pod="p2"} 1'])
})

test('two metrics whose names become one are one family', async () => {
  at = await bench()
  await at.send([{ ...gauge('a.b', '', point(1, { k: '1' })), description: 'first' }])
  await at.send([{ ...gauge('a_b', '', point(2, { k: '2' })), description: 'second' }])
  expect(await at.scrape()).toBe('# HELP a_b first\n# TYPE a_b gauge\na_b{k="1"} 1\na_b{k="2"} 2\n')
})

test('many points do not hold up the event loop for long', async () => {
  at = await bench({ max_series: 1_000_000 })
  const points = Array.from({ length: 50_000 }, (_, id) => point(id, { id: `${id}`, model: 'm', endpoint: 'chat' }))
  let turns = 0
  const count = setInterval(() => turns++, 1)
  await at.send([gauge('g', '', ...points)])
  expect(turns).toBeGreaterThan(2)
  turns = 0
  expect((await at.scrape()).length).toBeGreaterThan(1_000_000)
  clearInterval(count)
  expect(turns).toBeGreaterThan(2)
})

test('at max_series it says so once, until there is place again', async () => {
  at = await bench({ max_series: 2, metric_expiration: '1m' })
  const send = (...ids: number[]) => at.send([gauge('g', '', ...ids.map((id) => point(id, { id: `${id}` })))])
  await send(1, 2, 3)
  await send(4)
  expect(at.lines.filter((line) => line.includes('max_series'))).toHaveLength(1)
  await at.clock.advance(3 * MINUTE_MS)
  await send(5, 6)
  expect(at.booked).toEqual({ delivered: 4, series_limit: 2 })
  expect(at.lines).toHaveLength(1)
  await send(7)
  expect(at.lines).toHaveLength(2)
})

test('exemplars stay until a newer one comes, and follow when bounds change', async () => {
  at = await bench({ enable_open_metrics: true })
  const send = (bounds: number[], seconds: bigint, ...exemplars: [value: number, seconds: bigint][]) => {
    const counts = bounds.map(() => 0n)
    return at.send([
      histogram('h', '', {
        count: 0n,
        bucketCounts: [...counts, 0n],
        explicitBounds: bounds,
        ...later(seconds),
        exemplars: exemplars.map(([asDouble, age]) => ({ asDouble, traceId: Buffer.alloc(16, 1), ...later(age) })),
      }),
    ])
  }
  const shown = async () =>
    (await at.scrape({ accept: 'application/openmetrics-text' }))
      .split('\n')
      .flatMap((line) => /(le=".*"\}).*# \{.*\} (\S+) /.exec(line)?.slice(1, 3).join(' ') ?? [])
  await send([1], 0n, [0.5, 0n], [2, 0n])
  await send([1], 1n)
  expect(await shown()).toEqual(['le="1.0"} 0.5', 'le="+Inf"} 2'])
  await send([1], 2n, [0.7, 2n], [3, -1n])
  expect(await shown()).toEqual(['le="1.0"} 0.7', 'le="+Inf"} 2'])
  await send([1, 5], 3n)
  expect(await shown()).toEqual(['le="1.0"} 0.7', 'le="5.0"} 2'])
})

test('what is asked otherwise is answered in one line, and HEAD without a body', async () => {
  at = await bench()
  const url = `http://127.0.0.1:${at.exporter.port}`
  await at.send([gauge('g', '', point(1))])
  const hint = await fetch(url)
  expect([hint.status, await hint.text()]).toEqual([404, 'there is nothing here but /metrics\n'])
  const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const head = await fetch(`${url}/metrics?name=g`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
    '',
  ])
})

test.each(['identity', 'gzip'])('scrapes at the same time, in %s, get the whole each', async (coding) => {
  at = await bench({ enable_open_metrics: true })
  await at.send([gauge('g', '', ...Array.from({ length: 5000 }, (_, id) => point(id, { id: `${id}` })))])
  const one = await at.scrape()
  const headers = { 'accept-encoding': coding }
  const accepts = ['text/plain', 'application/openmetrics-text', 'text/plain', 'text/plain']
  const texts = await Promise.all(accepts.map((accept) => at.scrape({ ...headers, accept })))
  expect(texts).toEqual([one, `${one}# EOF\n`, one, one])
})

test('a scraper that goes away keeps nobody waiting, and ends the work for it', async () => {
  at = await bench({ max_series: 1_000_000 })
  const points = Array.from({ length: 20_000 }, (_, id) => point(id, { id: `${id}`, long: 'x'.repeat(200) }))
  await at.send([gauge('g', '', ...points)])
  // One takes nothing of what it asked for, the other leaves.
  const stalled = connect(at.exporter.port!, '127.0.0.1')
  stalled.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(stalled, 'readable')
  const leaving = new AbortController()
  const left = await fetch(`http://127.0.0.1:${at.exporter.port}/metrics`, { signal: leaving.signal })
  leaving.abort()
  await expect(left.text()).rejects.toThrow()
  expect((await at.scrape()).length).toBeGreaterThan(4_000_000)
  stalled.destroy()
  await at.exporter.shutdown(AbortSignal.timeout(5000))
  expect(at.lines).toEqual([])
})

test('update: in place what leaves the series alone', async () => {
  at = await bench()
  await at.send([gauge('g', '', point(1))])
  const parse = (config: object) => prometheus.schema.parse({ endpoint: '127.0.0.1:0', ...config })
  expect(await at.exporter.update(parse({ send_timestamps: true, max_series: 1, metric_expiration: '1m' }))).toBe(true)
  await at.send([gauge('h', '', point(1))])
  expect(await values()).toEqual(['g 1 1700000010000'])
  expect(await at.exporter.update(parse({ namespace: 'x' }))).toBe(false)
  expect(await at.exporter.update(parse({ endpoint: '127.0.0.1:1' }))).toBe(false)
})

test.skipIf(!hasOpenssl)('TLS, with client certificates', async () => {
  const { server, client, ca } = makeCertificates()
  at = await bench({ tls: { cert_file: server.cert, key_file: server.key, client_ca_file: ca, reload_interval: '1m' } })
  await at.send([gauge('g', '', point(1))])
  const scrape = (identity: object) =>
    new Promise<string>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: at.exporter.port,
        path: '/metrics',
        ca: readFileSync(ca),
        agent: false,
        ...identity,
      }
      get(options, (response) => response.setEncoding('utf8').on('data', resolve)).on('error', reject)
    })
  expect(await scrape({ cert: readFileSync(client.cert), key: readFileSync(client.key) })).toContain('g 1\n')
  await expect(scrape({})).rejects.toThrow()
})

test('shutdown works without start, and twice, and frees the port', async () => {
  at = await bench()
  const endpoint = `127.0.0.1:${at.exporter.port}`
  await at.exporter.shutdown()
  await at.exporter.shutdown()
  at = await bench({ endpoint })
  await prometheus.create(prometheus.schema.parse({ endpoint }), {} as never).shutdown?.(new AbortController().signal)
})

test.each([
  ['no endpoint', {}],
  ['no port', { endpoint: 'localhost' }],
  ['an unknown key', { endpoint: 'localhost:1', metrics_expiration: '5m' }],
  ['an unknown strategy', { endpoint: 'localhost:1', translation_strategy: 'None' }],
  ['equal label names', { endpoint: 'localhost:1', const_labels: { 'a.b': '1', a_b: '2' } }],
  ['no time', { endpoint: 'localhost:1', metric_expiration: '0s' }],
])('config: %s is refused', (_, config) => {
  expect(prometheus.schema.safeParse(config).success).toBe(false)
})

test('a resource that would give each point thousands of labels gives it none', async () => {
  at = await bench({ resource_to_telemetry_conversion: { enabled: true } })
  const labels = Object.fromEntries(Array.from({ length: 5000 }, (_, number) => [`k${number}`, 'v']))
  await at.send([gauge('g', '', point(1))], { resource: labels })
  await at.send([gauge('g', '', point(1))], { resource: { k: 'v' } })
  expect(await values()).toEqual([expect.stringContaining('k="v"')])
  expect(at.booked).toEqual({ delivered: 1, labels_too_long: 1 })
})
