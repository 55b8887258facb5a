import { createServer as createHttp2Server } from 'node:http2'
import { createServer, type Socket, type Server as TcpServer } from 'node:net'
import { status as Code, Metadata } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeRpcStatus, retryInfo } from '../../net/grpc/grpc_status.ts'
import { encode } from '../../otlp/codec.ts'
import { contextOf, logs, metrics, spans, TestAccount, until } from '../../sending/host.fixture.ts'
import { backend, closeAll, direct, insecure, listen, PATHS, setUp } from './backend.fixture.ts'
import { retryInfoOf } from './call_status.ts'
import { schema } from './config.ts'

afterEach(closeAll)

const EMPTY = Buffer.alloc(0)

function withRetryInfo(wait_ms: number): Metadata {
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', encodeRpcStatus(Code.RESOURCE_EXHAUSTED, 'slow down', [retryInfo(wait_ms)]))
  return metadata
}

describe('call', () => {
  it.each([undefined, 'deflate', 'none'] as const)(
    'sends each signal as it came, compression %s',
    async (compression) => {
      const { endpoint, calls } = await backend(() => EMPTY)
      const { exporter } = await setUp({
        endpoint,
        ...insecure,
        headers: { 'X-Tenant': 'a' },
        ...(compression && { compression }),
        ...direct,
      })
      const batches = { traces: spans(50), metrics: metrics([1, 2]), logs: logs(3) }
      for (const signal of ['traces', 'metrics', 'logs'] as const) {
        const account = new TestAccount(signal)
        const batch = batches[signal]
        await account.pass(batch.count, () => exporter.inputs[signal]!.consume(batch as never, contextOf(account)))
        expect(account.delivered).toBe(batch.count)
      }
      expect(calls.map((call) => call.path)).toEqual(PATHS)
      expect(calls.map((call) => call.bytes)).toEqual([batches.traces.bytes, batches.metrics.bytes, batches.logs.bytes])
      expect(calls[0]!.metadata.get('x-tenant')).toEqual(['a'])
      expect(calls[0]!.metadata.get('user-agent')[0]).toMatch(/^Sluice\/0.0.0-test/)
    },
  )

  it('sends more than 4 MiB', async () => {
    const { endpoint, calls } = await backend(() => EMPTY)
    const { pass } = await setUp({ endpoint, ...insecure, compression: 'none', ...direct })
    const batch = spans(50, 'span', 200_000)
    await pass(batch)
    expect(calls[0]!.bytes.equals(batch.bytes)).toBe(true)
  })
})

describe('codes', () => {
  const retryable = new Set([
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
  ])
  const codes = Object.values(Code).filter((code): code is Code => typeof code === 'number' && code !== Code.OK)
  it.each(codes.map((code) => [Code[code], code] as const))('%s', async (_name, code) => {
    const { endpoint, calls } = await backend(() => ({ code, details: 'span with prompt text' }))
    const { pass, account, test } = await setUp({ endpoint, ...insecure, ...direct })
    const message = `gRPC ${Code[code]}`
    await expect(pass(spans(2))).rejects.toMatchObject({ retryable: retryable.has(code), message })
    expect(account.entered).toBe(0)
    expect(calls).toHaveLength(1)
    expect(JSON.stringify(test.lines)).not.toContain('prompt text')
  })

  it.each([
    ['with RetryInfo', { metadata: withRetryInfo(5250) }, true, 5250],
    ['with the word of Tempo 2', { details: 'RATE_LIMITED: ingestion rate limit exceeded' }, true, undefined],
    ['alone', { details: 'too much' }, false, undefined],
  ])('RESOURCE_EXHAUSTED %s', async (_name, more, repeats, retryAfter_ms) => {
    const { endpoint } = await backend(() => ({ code: Code.RESOURCE_EXHAUSTED, ...more }))
    const { pass } = await setUp({ endpoint, ...insecure, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: repeats, retryAfter_ms })
  })

  it('repeats after the time that the backend asks for', async () => {
    const { endpoint, calls } = await backend((at) =>
      at === 0 ? { code: Code.UNAVAILABLE, metadata: withRetryInfo(20_000) } : EMPTY,
    )
    const { pass, account, test } = await setUp({ endpoint, ...insecure })
    await pass(spans(4))
    await until(() => test.counter('sluice_exporter_retries', 'traces') === 1)
    await test.clock.advance(19_999)
    expect(calls).toHaveLength(1)
    await test.clock.advance(1)
    await until(() => account.delivered === 4)
  })

  it.each([
    [encode('ExportResponse', { partialSuccess: { rejected: 2n, errorMessage: 'no' } }).take(), 2],
    [encode('ExportResponse', { partialSuccess: { errorMessage: 'careful' } }).take(), 0],
    [Buffer.from([255, 255]), 0],
  ])('reads a partial success (%#)', async (response, rejected) => {
    const { endpoint, calls } = await backend(() => response)
    const { pass, account } = await setUp({ endpoint, ...insecure })
    await pass(spans(5))
    await until(() => account.held.queued === 0)
    expect(account).toMatchObject({
      delivered: 5 - rejected,
      dropped: rejected > 0 ? { rejected_by_backend: rejected } : {},
    })
    expect(calls).toHaveLength(1)
  })

  it.each([
    [Code.RESOURCE_EXHAUSTED, 'Received message larger than max (6001535 vs 4194304)'],
    [Code.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (6001535 vs. 4194304)'],
    [Code.OUT_OF_RANGE, 'decoded message length too large: found 6001535 bytes, the limit is: 4194304 bytes'],
    [Code.INVALID_ARGUMENT, 'request body too large'],
    [Code.UNKNOWN, 'gRPC message exceeds maximum size 4194304: 6001535'],
  ])('sends halves of what the backend finds too large: %i %s', async (code, details) => {
    const { endpoint, calls } = await backend((at) => (at === 0 ? { code, details } : EMPTY))
    const { pass, account } = await setUp({ endpoint, ...insecure, ...direct })
    await pass(spans(2))
    expect(account.delivered).toBe(2)
    expect(calls).toHaveLength(3)
  })

  it('does not take an answer over 4 MiB, and does not repeat', async () => {
    const { endpoint, calls } = await backend(() => Buffer.alloc(5 * 1024 * 1024))
    const { pass } = await setUp({ endpoint, ...insecure, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: false, reason: 'permanent_error' })
    expect(calls).toHaveLength(1)
  })

  it('stops reading a message without end', async () => {
    let written = 0
    const server = createHttp2Server((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc' })
      response.write(Buffer.from([0, 0x40, 0, 0, 0]))
      const chunk = Buffer.alloc(64 * 1024)
      const pump = () => {
        while (!response.destroyed && written < 2 ** 30 && response.write(chunk)) written += chunk.length
      }
      response.on('drain', pump).on('error', () => {})
      pump()
    })
    const { pass } = await setUp({
      endpoint: `127.0.0.1:${await listen(server as unknown as TcpServer)}`,
      ...insecure,
      ...direct,
    })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: false, reason: 'permanent_error' })
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('size', () => {
  it('sends halves of what is too large and drops the item that is too large alone, without a call', async () => {
    const { endpoint, calls } = await backend(() => EMPTY)
    const { pass, account } = await setUp({ endpoint, ...insecure, max_request_size: 1000 })
    await pass(spans(20, 'span', 100))
    await until(() => account.held.queued === 0)
    expect(account.delivered).toBe(20)
    expect(Math.max(...calls.map((call) => call.bytes.length))).toBeLessThanOrEqual(1000)
    calls.length = 0
    await pass(spans(1, 'span', 2000))
    await until(() => account.held.queued === 0)
    expect(account.dropped).toEqual({ too_large: 1 })
    expect(calls).toHaveLength(0)
  })
})

describe('network', () => {
  it('nobody listens; later somebody does', async () => {
    const server = createServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const { pass, test } = await setUp({ endpoint: `127.0.0.1:${port}`, ...insecure, ...direct })
    const refused = { retryable: true, message: 'gRPC UNAVAILABLE (ECONNREFUSED)' }
    await expect(pass(spans(1))).rejects.toMatchObject(refused)
    await backend(() => EMPTY, undefined, port)
    await expect(pass(spans(1))).rejects.toMatchObject(refused)
    await test.clock.advance(1_200)
    await pass(spans(1))
  })

  it('the name does not resolve: start is not held up', async () => {
    const { pass } = await setUp({ endpoint: 'does-not-exist.invalid:4317', ...insecure, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
  })

  it('the backend never answers', async () => {
    const { endpoint, calls } = await backend(() => 'hang')
    const { pass, test } = await setUp({ endpoint, ...insecure, ...direct })
    const refused = expect(pass(spans(1))).rejects.toMatchObject({
      retryable: true,
      message: 'no answer within 5000ms',
    })
    await until(() => calls.length === 1)
    await test.clock.advance(5000)
    await refused
  })

  it.each([
    ['closes at once', (socket: Socket) => socket.destroy()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['speaks something else', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('the backend %s', async (_name, act) => {
    const server = createServer((socket) => act(socket.on('error', () => {})))
    const { pass } = await setUp({ endpoint: `127.0.0.1:${await listen(server)}`, ...insecure, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
  })

  it('ends calls under way at the deadline of the shutdown', async () => {
    const { endpoint, calls } = await backend(() => 'hang')
    const { pass, exporter, account } = await setUp({ endpoint, ...insecure })
    await pass(spans(3))
    await until(() => calls.length === 1)
    const deadline = new AbortController()
    const stopped = exporter.shutdown!(deadline.signal)
    deadline.abort()
    await stopped
    expect(account.dropped).toEqual({ shutdown: 3 })
  })
})

describe('RetryInfo', () => {
  it.each([
    [encodeRpcStatus(8, 'x', [retryInfo(1500)]), 1500],
    [encodeRpcStatus(8, 'x', [{ type: 'google.rpc.DebugInfo', value: Buffer.from([1]) }, retryInfo(20)]), 20],
    [encodeRpcStatus(8, 'x', [{ type: 'google.rpc.RetryInfo', value: EMPTY }]), 0],
    [encodeRpcStatus(8, 'x'), undefined],
    [Buffer.from([0x1a, 200]), undefined],
    [EMPTY, undefined],
  ])('%#', (bytes, wait_ms) => {
    expect(retryInfoOf(bytes)).toBe(wait_ms)
  })
})

describe('config', () => {
  it.each([
    [{}, 'endpoint'],
    [{ endpoint: 'a:1', compression: 'snappy' }, 'compression'],
    [{ endpoint: 'a:1', headers: { 'x-bin': 'no base64!' } }, 'base64'],
    [{ endpoint: 'a:1', headers: { x: 'käse' } }, 'ASCII'],
    [{ endpoint: 'a:1', proxy_url: 'socks5://a:1' }, 'proxy'],
    [{ endpoint: 'a:1', sending_queue: { storage: 'x' } }, 'storage'],
    [{ endpoint: 'a:1', keepalve: {} }, 'keepalve'],
  ])('refuses %o', (config, word) => {
    expect(schema.safeParse(config).error?.message).toContain(word)
  })

  it('has the Collector’s defaults', () => {
    expect(schema.parse({ endpoint: 'a:1' })).toMatchObject({
      timeout: 5000,
      compression: 'gzip',
      balancer_name: 'round_robin',
      wait_for_ready: false,
    })
  })
})
