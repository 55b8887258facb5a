import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Signal } from '../../component.ts'
import { encode } from '../../otlp/codec.ts'
import { contextOf, logs, metrics, spans, TestAccount, until } from '../../sending/host.fixture.ts'
import { backend, closeAll, closers, direct, listen, setUp } from './backend.fixture.ts'
import { schema } from './config.ts'
import { urlFor } from './otlp_http_client.ts'

afterEach(closeAll)

const partial = (rejected: bigint) =>
  encode('ExportResponse', { partialSuccess: { rejected, errorMessage: 'too old: prompt text' } }).take()
const protobuf = { 'content-type': 'application/x-protobuf' }

describe('request', () => {
  it('sends each signal as it came to its path', async () => {
    const { endpoint, requests } = await backend((response) => response.end())
    const { exporter } = await setUp({
      endpoint: `${endpoint}/base/`,
      compression: 'none',
      headers: { 'X-Tenant': 'a' },
      ...direct,
    })
    const batches = { traces: spans(2), metrics: metrics([1, 2]), logs: logs(3) }
    for (const signal of ['traces', 'metrics', 'logs'] as const) {
      const account = new TestAccount(signal)
      const batch = batches[signal]
      await account.pass(batch.count, () => exporter.inputs[signal]!.consume(batch as never, contextOf(account)))
      expect(account.delivered).toBe(batch.count)
    }
    expect(requests.map((request) => request.path)).toEqual(['/base/v1/traces', '/base/v1/metrics', '/base/v1/logs'])
    expect(requests.map((request) => request.body)).toEqual([
      batches.traces.bytes,
      batches.metrics.bytes,
      batches.logs.bytes,
    ])
    expect(requests[0]!.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'x-tenant': 'a',
      'user-agent': 'Sluice/0.0.0-test',
      'content-length': String(batches.traces.size_bytes),
    })
    expect(requests[0]!.headers['content-encoding']).toBeUndefined()
  })

  it.each([
    [undefined, 'gzip', gunzipSync],
    ['zstd', 'zstd', zstdDecompressSync],
    ['deflate', 'deflate', inflateSync],
  ] as const)('compresses with %s', async (compression, encoding, unpack) => {
    const { endpoint, requests } = await backend((response) => response.end())
    const { pass } = await setUp({ endpoint, ...(compression && { compression }), ...direct })
    const batch = spans(100)
    await pass(batch)
    expect(requests[0]!.headers['content-encoding']).toBe(encoding)
    expect(requests[0]!.body.length).toBeLessThan(batch.size_bytes / 2)
    expect(unpack(requests[0]!.body)).toEqual(batch.bytes)
  })

  it('writes JSON', async () => {
    const { endpoint, requests } = await backend((response) => response.end())
    const { pass } = await setUp({ endpoint, encoding: 'json', compression: 'none', ...direct })
    await pass(spans(1))
    expect(requests[0]!.headers['content-type']).toBe('application/json')
    expect(JSON.parse(requests[0]!.body.toString()).resourceSpans[0].scopeSpans[0].spans[0].name).toBe('span-0')
  })

  it('keeps its connection', async () => {
    const server = createServer((request, response) => request.resume().on('end', () => response.end()))
    let connections = 0
    server.on('connection', () => connections++)
    const { pass } = await setUp({ endpoint: `http://127.0.0.1:${await listen(server)}`, ...direct })
    for (let at = 0; at < 5; at++) await pass(spans(1))
    expect(connections).toBe(1)
  })

  it.each([
    [{ endpoint: 'http://a:4318' }, 'http://a:4318/v1/traces'],
    [{ endpoint: 'https://a/x/?token=1' }, 'https://a/x/v1/traces?token=1'],
    [{ endpoint: 'http://a', traces_endpoint: 'http://b/otlp' }, 'http://b/otlp'],
    [{ logs_endpoint: 'http://b/otlp' }, undefined],
  ])('goes with %o to %s', (config, url) => {
    expect(urlFor(schema.parse(config), 'traces')?.href).toBe(url)
  })
})

describe('answers', () => {
  const statuses = [
    200, 201, 202, 204, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 409, 411, 413, 415, 422, 425, 429, 431, 500,
    501, 502, 503, 504, 505, 507, 520,
  ]
  it.each(statuses)('%i', async (status) => {
    const { endpoint, requests } = await backend((response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    )
    const { pass, account } = await setUp({ endpoint, ...direct })
    const result = pass(spans(2))
    if (status < 300) {
      await result
      expect(account.delivered).toBe(2)
    } else {
      const retryable = [429, 502, 503, 504].includes(status)
      const reason = status === 413 ? 'too_large' : retryable ? 'retries_exhausted' : 'rejected_by_backend'
      await expect(result).rejects.toMatchObject({ retryable, reason })
      expect(account.entered).toBe(0)
    }
    // What is too large is sent again in halves.
    expect(requests).toHaveLength(status === 413 ? 3 : 1)
  })

  it.each([400, 500, 502])('%i that says too large is sent again in halves', async (status) => {
    const { endpoint, requests } = await backend((response, at) =>
      at === 0 ? response.writeHead(status).end('{"message":"http: request body too large"}') : response.end(),
    )
    const { pass, account } = await setUp({ endpoint, ...direct })
    await pass(spans(2))
    expect(account.delivered).toBe(2)
    expect(requests).toHaveLength(3)
  })

  it.each([
    ['7', 7000],
    [new Date(1_700_000_000_000 + 9000).toUTCString(), 9000],
    [new Date(1_600_000_000_000).toUTCString(), 0],
    ['soon', undefined],
    ['-3', undefined],
  ])('honours Retry-After %s', async (value, retryAfter_ms) => {
    const { endpoint } = await backend((response) => response.writeHead(429, { 'retry-after': value }).end())
    const { pass } = await setUp({ endpoint, ...direct })
    const error = await pass(spans(1)).catch((error: unknown) => error)
    expect(error).toMatchObject({ retryAfter_ms })
  })

  it('repeats until the backend is back', async () => {
    const { endpoint, requests } = await backend((response, at) => response.writeHead(at < 2 ? 503 : 200).end())
    const { pass, account, test } = await setUp({ endpoint })
    await pass(spans(4))
    for (let at = 1; at <= 2; at++) {
      await until(() => test.counter('sluice_exporter_retries', 'traces') === at)
      // Longer than the wait, shorter than the time limit of the attempt that then begins.
      await test.clock.advance(12_000)
    }
    await until(() => account.delivered === 4)
    expect(requests).toHaveLength(3)
    expect(requests[2]!.body).toEqual(requests[0]!.body)
  })

  it.each([
    ['protobuf', protobuf, partial(2n), 2],
    [
      'JSON',
      { 'content-type': 'application/json; charset=utf-8' },
      '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}',
      2,
    ],
    ['a warning only', protobuf, partial(0n), 0],
    ['a foreign type', { 'content-type': 'text/html' }, '<html>', 0],
    ['nonsense', protobuf, Buffer.from([255, 255]), 0],
    ['bad JSON', { 'content-type': 'application/json' }, '{', 0],
  ])('reads a partial success from %s', async (_name, headers, body, rejected) => {
    const { endpoint, requests } = await backend((response) => response.writeHead(200, headers).end(body))
    const { pass, account, test } = await setUp({ endpoint })
    await pass(spans(5))
    await until(() => account.held.queued === 0)
    expect(account.delivered).toBe(5 - rejected)
    expect(account.dropped).toEqual(rejected > 0 ? { rejected_by_backend: rejected } : {})
    expect(requests).toHaveLength(1)
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(rejected)
    expect(JSON.stringify(test.lines)).not.toContain('prompt text')
  })

  it.each([200, 400, 503])('stops reading a %i answer without end at 4 MiB, and does not repeat', async (status) => {
    let written = 0
    const chunk = Buffer.alloc(64 * 1024)
    const { endpoint, requests } = await backend((response) => {
      response.writeHead(status, protobuf)
      const pump = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
      }
      response.on('drain', pump).on('error', () => {})
      pump()
    })
    const { pass } = await setUp({ endpoint, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: false, reason: 'permanent_error' })
    expect(requests).toHaveLength(1)
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })

  it('stops reading trailers without end', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n0\r\n')
        for (let at = 0; at < 2000; at++) socket.write(`x-${at}: ${'y'.repeat(100)}\r\n`)
      })
      closers.push(async () => socket.destroy())
    })
    const { pass } = await setUp({ endpoint: `http://127.0.0.1:${await listen(server)}`, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: false, reason: 'permanent_error' })
  })
})

describe('size', () => {
  it('sends halves of what is too large and drops the item that is too large alone, without a request', async () => {
    const { endpoint, requests } = await backend((response) => response.end())
    const { pass, account } = await setUp({ endpoint, max_request_size: 1000, compression: 'none' })
    await pass(spans(20, 'span', 100))
    await until(() => account.held.queued === 0)
    expect(account.delivered).toBe(20)
    expect(requests.length).toBeGreaterThan(2)
    expect(Math.max(...requests.map((request) => request.body.length))).toBeLessThanOrEqual(1000)
    requests.length = 0
    await pass(spans(1, 'span', 2000))
    await until(() => account.held.queued === 0)
    expect(account.dropped).toEqual({ too_large: 1 })
    expect(requests).toHaveLength(0)
  })

  it('has a limit of 64 MiB that cannot be raised', () => {
    expect(schema.parse({ endpoint: 'http://a' }).max_request_size).toBe(64 * 1024 * 1024)
    expect(schema.safeParse({ endpoint: 'http://a', max_request_size: 64 * 1024 * 1024 + 1 }).success).toBe(false)
  })
})

describe('config', () => {
  it.each([
    [{}, 'endpoint'],
    [{ endpoint: 'localhost:4318' }, 'endpoint'],
    [{ endpoint: 'http://a', compression: 'brotli' }, 'compression'],
    [{ endpoint: 'http://a', compression_params: { level: 12 } }, 'level'],
    [{ endpoint: 'http://a', sending_queue: { storage: 'x' } }, 'storage'],
    [{ endpoint: 'http://a', endpint: 1 }, 'endpint'],
  ])('refuses %o', (config, word) => {
    expect(schema.safeParse(config).error?.message).toContain(word)
  })

  it('has the Collector’s defaults', () => {
    expect(schema.parse({ endpoint: 'http://a' })).toMatchObject({
      timeout: 30_000,
      compression: 'gzip',
      encoding: 'proto',
      allow_raw_content: false,
    })
  })

  it('names the signal without an endpoint', async () => {
    const { exporter } = await setUp({ traces_endpoint: 'http://127.0.0.1:1' })
    const signal: Signal = 'logs'
    expect(() => exporter.inputs[signal]).toThrow('no endpoint for logs')
  })
})
