import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { type LogOptions, logBatch } from '../../../test/support/otlp.ts'
import { until } from '../../sending/host.fixture.ts'
import { schema } from './config.ts'
import { urlOf } from './loki_client.ts'
import { backend, closeAll, direct, type PushedLines, setUp } from './push.fixture.ts'

afterEach(closeAll)

/** The fake clock's. */
const NOW_MS = 1_700_000_000_000
const taken = (response: ServerResponse) => response.writeHead(204).end()
const lines = (count: number, service = 'shop', padding = 0) =>
  logBatch(
    Array.from(
      { length: count },
      (_, at): LogOptions => ({ body: `${at}${'x'.repeat(padding)}`, time_ms: NOW_MS + at }),
    ),
    { resource: { 'service.name': service } },
  )
/** One resource after the other. */
const services = (counts: Record<string, number>, after_ms = 0) => {
  const records = Object.entries(counts).flatMap(([name, count]) =>
    Array.from(
      { length: count },
      (_, at): LogOptions => ({ body: `${at}`, time_ms: NOW_MS + after_ms, attributes: { 'app.name': name } }),
    ),
  )
  return logBatch(records, { resource: { 'service.name': 'shop' } })
}
const byApp = { labels: { attributes: ['app.name'] } }
const behind = (count: number, of: number, labels: string) =>
  `entry with timestamp … ignored, reason: 'entry too far behind, …',\nuser 'fake', total ignored: ${count} out of ${of} for stream: ${labels}\n`
const old = (count: number) => `${count} errors like: entry for stream '{a="secret"}' has timestamp too old: 2026`

describe('request', () => {
  it('is a push of protobuf in a snappy block', async () => {
    const { endpoint, requests } = await backend(taken)
    const { pass, account } = await setUp({
      endpoint,
      tenant_id: 'team-a',
      basic_auth: { username: 'user', password: 'pass' },
      headers: { 'X-Scope': 'x' },
      ...direct,
    })
    await pass(lines(3))
    expect(account.delivered).toBe(3)
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      path: '/loki/api/v1/push',
      headers: {
        'content-type': 'application/x-protobuf',
        'user-agent': 'Sluice/0.0.0-test',
        authorization: 'Basic dXNlcjpwYXNz',
        'x-scope-orgid': 'team-a',
        'x-scope': 'x',
      },
      streams: [{ labels: '{service_name="shop"}', lines: [{ text: '0' }, { text: '1' }, { text: '2' }] }],
    })
    expect(requests[0]!.headers['content-encoding']).toBeUndefined()
  })

  it.each([
    ['http://loki:3100', 'http://loki:3100/loki/api/v1/push'],
    ['http://loki:3100/', 'http://loki:3100/loki/api/v1/push'],
    ['https://gateway/logs/push?x=1', 'https://gateway/logs/push?x=1'],
  ])('to %s goes to %s', (endpoint, url) => {
    expect(urlOf(endpoint).href).toBe(url)
  })
})

describe('tenant', () => {
  it.each([
    [{}, {}, undefined],
    [{ tenant_id: 'a' }, { tenant: 'b' }, 'a'],
    [{ tenant_id: 'a', tenant_from: 'context' }, { tenant: 'b' }, 'b'],
    [{ tenant_id: 'a', tenant_from: 'context' }, {}, 'a'],
    [{ tenant_from: 'context' }, {}, undefined],
    [{ tenant_from: 'metadata' }, { metadata: new Map([['x-scope-orgid', 'c']]) }, 'c'],
    [{ tenant_from: 'metadata', tenant_metadata_key: 'X-Team' }, { metadata: new Map([['x-team', 'd']]) }, 'd'],
  ] as const)('with %o of a batch with %o is %s', async (config, context, tenant) => {
    const { endpoint, requests } = await backend(taken)
    const { pass } = await setUp({ endpoint, ...config, ...direct })
    await pass(lines(1), context)
    expect(requests[0]!.headers['x-scope-orgid']).toBe(tenant)
  })

  it.each(['a|b', 'a\r\nx: y', '..', 'x'.repeat(151)])('that Loki cannot have reaches no other: %j', async (tenant) => {
    const { endpoint, requests } = await backend(taken)
    const { pass } = await setUp({ endpoint, tenant_id: 'a', tenant_from: 'context', ...direct })
    await expect(pass(lines(1), { tenant })).rejects.toMatchObject({ retryable: false, reason: 'permanent_error' })
    expect(requests).toHaveLength(0)
  })

  it('keeps batches apart that wait for company', async () => {
    const { endpoint, requests } = await backend(taken)
    const { pass, test, account } = await setUp({
      endpoint,
      tenant_from: 'context',
      sending_queue: { batch: { flush_timeout: '1s', min_size: 1000 } },
    })
    for (const tenant of ['a', 'b', 'a']) await pass(lines(2), { tenant })
    await test.clock.advance(1000)
    await until(() => account.delivered === 6)
    expect(requests.map(({ headers }) => headers['x-scope-orgid']).sort()).toEqual(['a', 'b'])
  })
})

describe('answers', () => {
  it.each([
    [429, true],
    [500, true],
    [503, true],
    [260, false],
    [401, false],
    [404, false],
    [302, false],
  ])('%i', async (status, retryable) => {
    const { endpoint, requests } = await backend((response) => response.writeHead(status).end('secret'))
    const { pass, account, test } = await setUp({ endpoint, ...direct })
    await expect(pass(lines(2))).rejects.toMatchObject({
      retryable,
      reason: retryable ? 'retries_exhausted' : 'rejected_by_backend',
    })
    expect([account.entered, requests.length]).toEqual([0, 1])
    expect(JSON.stringify(test.lines)).not.toContain('secret')
  })

  it('of nobody is worth a repeat', async () => {
    const { pass } = await setUp({ endpoint: 'http://127.0.0.1:1', ...direct })
    await expect(pass(lines(1))).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('ECONN') })
  })

  it('repeats the same bytes until Loki is back, with the same time for what has none', async () => {
    const { endpoint, requests } = await backend((response, at) => response.writeHead(at < 2 ? 503 : 204).end())
    const { pass, account, test } = await setUp({ endpoint })
    await pass(logBatch([{ body: 'x', more: { timeUnixNano: 0n }, attributes: { a: 'y'.repeat(70_000) } }]))
    for (let at = 1; at <= 2; at++) {
      await until(() => test.counter('sluice_exporter_retries', 'logs') === at)
      await test.clock.advance(12_000)
    }
    await until(() => account.delivered === 1)
    expect(requests).toHaveLength(3)
    expect(requests[2]!.body).toEqual(requests[0]!.body)
    expect(requests[0]!.streams[0]!.lines[0]!.time).toBe(1_700_000_000_000_000_000n)
    expect(test.counter('sluice_loki_truncated', 'metadata_value')).toBe(1)
  })

  it('honours Retry-After', async () => {
    const { endpoint } = await backend((response) => response.writeHead(429, { 'retry-after': '7' }).end())
    const { pass } = await setUp({ endpoint, ...direct })
    await expect(pass(lines(1))).rejects.toMatchObject({ retryAfter_ms: 7000 })
  })
})

describe('a 400', () => {
  it('takes nothing back: what was refused is counted, the rest is delivered', async () => {
    const { endpoint, requests } = await backend((response) => response.writeHead(400).end(`${old(2)}\n`))
    const { pass, account, test } = await setUp({ endpoint })
    await pass(lines(5))
    await until(() => account.held.queued === 0)
    expect([account.delivered, account.dropped]).toEqual([3, { rejected_by_backend: 2 }])
    expect(test.counter('sluice_loki_refused_lines', 'too_old')).toBe(2)
    expect(test.counter('otelcol_exporter_send_failed_log_records')).toBe(2)
    expect(requests).toHaveLength(1)
    const line = test.lines.find(({ text }) => text.startsWith('Loki refused'))
    expect(line?.fields).toEqual({ status: 400, refused: { too_old: 2 } })
    expect(JSON.stringify(test.lines)).not.toContain('secret')
  })

  it('that refuses all goes back to who waits', async () => {
    const { endpoint } = await backend((response) => response.writeHead(400).end(old(99)))
    const { pass, account, test } = await setUp({ endpoint, ...direct })
    await expect(pass(lines(5))).rejects.toMatchObject({
      retryable: false,
      reason: 'rejected_by_backend',
      message: 'HTTP 400 (too_old)',
    })
    expect(account.entered).toBe(0)
    expect(test.counter('sluice_loki_refused_lines', 'too_old')).toBe(5)
  })

  it('with a text that is not understood refuses all', async () => {
    const { endpoint, requests } = await backend((response) => response.writeHead(400).end('secret'))
    const { pass, account, test } = await setUp({ endpoint })
    await pass(lines(5))
    await until(() => account.held.queued === 0)
    expect([account.delivered, account.dropped, requests.length]).toEqual([0, { rejected_by_backend: 5 }, 1])
    expect(JSON.stringify(test.lines)).not.toContain('secret')
  })

  const labels = (name: string) => `{app_name="${name}", service_name="shop"}`
  const namesIn = (streams: readonly PushedLines[]) =>
    streams.map((stream) => /app_name="(\w+)"/.exec(stream.labels)![1]!).join('')

  it('of an ingester tells of one stream only: all are sent again alone', async () => {
    const answers: Record<string, string> = {
      abc: behind(1, 4, labels('c')),
      a: behind(2, 2, labels('a')),
      b: `${old(1)}\n`,
      c: behind(1, 4, labels('c')),
    }
    const { endpoint, requests } = await backend((response, _, { streams }) =>
      response.writeHead(400).end(answers[namesIn(streams)]),
    )
    const { pass, account, test } = await setUp({ endpoint, ...byApp, ...direct })
    await pass(services({ a: 3, b: 5, c: 4 }))
    expect(requests.map(({ streams }) => namesIn(streams))).toEqual(['abc', 'a', 'b', 'c'])
    expect(requests.flatMap(({ streams }) => streams.map((stream) => stream.lines.length))).toEqual([3, 5, 4, 3, 5, 4])
    expect([account.delivered, account.dropped]).toEqual([7, { rejected_by_backend: 5 }])
    expect(test.counter('sluice_loki_refused_lines', 'too_old')).toBe(4)
    expect(test.counter('sluice_loki_refused_lines', 'other')).toBe(1)
  })

  it.each([503, 0])('is not asked for again when the next request fails: %i', async (status) => {
    const { endpoint, requests } = await backend((response, at, { streams }) => {
      if (namesIn(streams) === 'a') response.writeHead(400).end(behind(2, 3, labels('a')))
      else if (at > 1) response.writeHead(204).end()
      else if (status === 0) response.destroy()
      else response.writeHead(status).end()
    })
    const { pass, account, test } = await setUp({ endpoint, ...byApp, late_after: 0 })
    await pass(services({ a: 3, b: 5 }, -1000))
    await until(() => test.counter('sluice_exporter_retries', 'logs') === 1)
    await test.clock.advance(12_000)
    await until(() => account.held.queued === 0)
    expect(requests.map(({ streams }) => namesIn(streams))).toEqual(['a', 'b', 'b'])
    expect([account.delivered, account.dropped]).toEqual([6, { rejected_by_backend: 2 }])
    expect(test.counter('sluice_loki_refused_lines', 'too_old')).toBe(2)
  })

  it('may hide behind a 204: streams with late lines go alone', async () => {
    const { endpoint, requests } = await backend(taken)
    const { pass } = await setUp({ endpoint, ...byApp, ...direct })
    const minutes = { a: [0, -29], b: [-31], c: [20, -5], d: [0], e: [9, -22] }
    const records = Object.entries(minutes).flatMap(([name, times]) =>
      times.map((time) => ({ body: 'x', time_ms: NOW_MS + time * 60_000, attributes: { 'app.name': name } })),
    )
    await pass(logBatch(records))
    expect(requests.map(({ streams }) => namesIn(streams))).toEqual(['acd', 'b', 'e'])
  })

  it('without end is read to a limit', async () => {
    const { endpoint } = await backend((response) => {
      response.writeHead(400)
      const chunk = `${old(1)}; `.repeat(1000)
      const pump = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', pump).on('error', () => {})
      pump()
    })
    const { pass, account } = await setUp({ endpoint, ...direct })
    await expect(pass(lines(5))).rejects.toMatchObject({ retryable: false })
    expect(account.entered).toBe(0)
  })
})

describe('size', () => {
  it('sends halves of what is too large', async () => {
    const { endpoint, requests } = await backend(taken)
    const { pass, account } = await setUp({
      endpoint,
      max_request_size: 200_000,
      line_size_bytes_max: 20_000,
      ...direct,
    })
    await pass(lines(40, 'shop', 15_000))
    expect(account.delivered).toBe(40)
    const texts = requests.flatMap(({ streams }) => streams[0]!.lines.map(({ text }) => text))
    expect(requests.length).toBeGreaterThan(3)
    expect(new Set(texts).size).toBe(40)
  })

  it.each([413, 500])('sends halves of what Loki finds too large: %i', async (status) => {
    const { endpoint, requests } = await backend((response, _, { streams }) => {
      if (streams[0]!.lines.length <= 2) response.writeHead(204).end()
      else response.writeHead(status).end('grpc: received message larger than max (6001535 vs. 4194304)')
    })
    const { pass, account } = await setUp({ endpoint, ...direct })
    await pass(lines(8))
    expect([account.delivered, requests.length]).toEqual([8, 7])
  })

  it('drops a line that is too large alone', async () => {
    const { endpoint } = await backend((response) => response.writeHead(413).end())
    const { pass, account } = await setUp({ endpoint })
    await pass(lines(1))
    await until(() => account.held.queued === 0)
    expect(account.dropped).toEqual({ too_large: 1 })
  })
})

describe('config', () => {
  const endpoint = 'http://a'
  it.each<[object, string]>([
    [{}, 'endpoint'],
    [{ endpoint: 'loki:3100' }, 'endpoint'],
    [{ endpoint: 'http://loki:3100/otlp' }, 'otlp_http'],
    [{ endpoint, labels: { resource: ['a.b'], attributes: ['a_b'] } }, 'different names'],
    [{ endpoint, labels: { static: { service_name: 'x' } } }, 'service_name'],
    [{ endpoint, labels: { static: { 'a.b': 'x' } } }, 'static'],
    [{ endpoint, labels: { resource: Array.from({ length: 15 }, (_, at) => `a${at}`) } }, 'at most 15'],
    [{ endpoint, max_request_size: 200_000 }, 'every line fits'],
    [{ endpoint, basic_auth: { username: 'a', password: 'b' }, headers: { Authorization: 'x' } }, 'basic_auth'],
    [{ endpoint, tenant_id: 'a', headers: { 'X-Scope-OrgID': 'b' } }, 'tenant_id'],
    [{ endpoint, tenant_id: 'a|b' }, 'tenant_id'],
    [{ endpoint, sending_queue: { storage: 'x' } }, 'storage'],
  ])('refuses %o', (config, word) => {
    expect(JSON.stringify(schema.safeParse(config).error?.issues)).toContain(word)
  })

  it('has Loki’s limits as defaults', () => {
    expect(schema.parse({ endpoint })).toMatchObject({
      line_size_bytes_max: 262_144,
      metadata_size_bytes_max: 65_536,
      metadata_entries_max: 128,
      max_request_size: 3_500_000,
      timeout: 30_000,
    })
  })
})
