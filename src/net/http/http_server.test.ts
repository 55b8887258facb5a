import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Agent, request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { Refusal, retryLater } from '../../refusal.ts'
import { FakeClock } from '../../self/clock.ts'
import { ByteBudget } from '../budget.ts'
import type { HttpAnswer } from './http_exchange.ts'
import { HttpFailure } from './http_failure.ts'
import type { HttpServerOptions, Route } from './http_options.ts'
import { HttpServer } from './http_server.ts'

const LIMIT = 100_000
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const echo: Route = {
  methods: ['POST'],
  handler: async ({ body, contentType, headers }) => ({
    status: 200,
    headers: { 'content-type': contentType || 'none', 'x-upgrade': String(headers.upgrade) },
    body,
  }),
}

const routes = new Map<string, Route>([
  ['/echo', echo],
  ['/facts', { methods: ['GET'], handler: async (r) => json({ q: r.query.get('a'), peer: r.peer, path: r.path }) }],
  ['/throws', { methods: ['POST'], handler: () => Promise.reject(new Error('secret')) }],
  ['/throws-at-once', { methods: ['POST'], handler: () => fail(new Error('secret')) }],
  [
    '/bad-header',
    { methods: ['POST'], handler: async () => ({ status: 200, headers: { 'x-a': 'b\r\nc: d' }, body: '' }) },
  ],
  ['/failure', { methods: ['POST'], handler: () => Promise.reject(new HttpFailure(402, 'pay')) }],
  ['/later', { methods: ['POST'], handler: () => Promise.reject(retryLater('queue_full', 'full', 1500)) }],
  ['/down', { methods: ['POST'], handler: () => Promise.reject(retryLater('shutdown', 'closing')) }],
  [
    '/never',
    { methods: ['POST'], handler: () => Promise.reject(new Refusal('export_failed', 'no', { retryable: false })) },
  ],
  ['/before', { ...echo, before: () => json({ early: true }, 401) }],
  ['/before-later', { ...echo, before: async () => json({ early: true }, 401) }],
  ['/before-nothing', { ...echo, before: async () => undefined }],
  ['/before-throws', { ...echo, before: () => fail(new HttpFailure(415, 'type')) }],
])

function json(value: unknown, status = 200) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function fail(error: Error): never {
  throw error
}

async function start(options: Partial<HttpServerOptions> = {}) {
  const errors: unknown[] = []
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    routes,
    max_request_body_size: LIMIT,
    fail: (head, status, message) => ({
      contentType: 'application/json',
      body: JSON.stringify({ status, message, path: head?.path }),
    }),
    onError: (error) => errors.push(error),
    ...options,
  })
  const port = await server.listen()
  const dispatcher = new Agent({ pipelining: 1 })
  cleanups.push(() => server.drain(AbortSignal.abort()))
  cleanups.push(() => dispatcher.destroy())
  const send = async (
    path: string,
    sent: {
      method?: 'POST' | 'GET' | 'PUT' | 'OPTIONS'
      headers?: Record<string, string>
      body?: Buffer | string | Readable
    } = {},
  ) => {
    const { method = 'POST', headers, body } = sent
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      method,
      dispatcher,
      ...(headers !== undefined && { headers }),
      ...(body !== undefined && { body }),
    })
    const bytes = Buffer.from(await answer.body.arrayBuffer())
    return { status: answer.statusCode, headers: answer.headers, bytes, text: bytes.toString() }
  }
  return { server, port, send, errors, dispatcher }
}

/** Sends raw bytes and gives back all that comes until the connection closes. */
function raw(port: number, bytes: string | Buffer, keep?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
    keep?.(socket)
  })
}

describe('bodies', () => {
  const body = Buffer.from('some body '.repeat(3000))

  test.each([
    ['identity', body, undefined],
    ['identity by name', body, 'identity'],
    ['gzip', gzipSync(body), 'gzip'],
    ['two gzip members', Buffer.concat([gzipSync(body.subarray(0, 100)), gzipSync(body.subarray(100))]), 'gzip'],
    ['deflate', deflateSync(body), 'deflate'],
    ['raw deflate', deflateRawSync(body), 'deflate'],
    ['zstd', zstdCompressSync(body), 'zstd'],
  ])('%s, with a length and chunked', async (_, sent, encoding) => {
    const { send } = await start()
    const headers = { 'content-type': 'a/b; x=1', ...(encoding !== undefined && { 'content-encoding': encoding }) }
    const whole = await send('/echo', { headers, body: sent })
    expect([whole.status, whole.headers['content-type'], whole.bytes.equals(body)]).toEqual([200, 'a/b', true])
    const parts = Readable.from([sent.subarray(0, 7), sent.subarray(7, 50), sent.subarray(50)])
    const chunked = await send('/echo', { headers, body: parts })
    expect([chunked.status, chunked.bytes.equals(body)]).toEqual([200, true])
  })

  test('an empty body is a body', async () => {
    const { send } = await start()
    expect(await send('/echo', { body: '' })).toMatchObject({ status: 200, text: '' })
    expect(await send('/echo', { body: Readable.from([]) })).toMatchObject({ status: 200, text: '' })
  })

  test.each([
    ['plain', (bytes: Buffer) => bytes, undefined],
    ['gzip', (bytes: Buffer) => gzipSync(bytes, { level: 1 }), 'gzip'],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes), 'zstd'],
  ])('exactly the limit is taken, one byte more is 413: %s', async (_, pack, encoding) => {
    const { send, server } = await start()
    const headers: Record<string, string> = encoding === undefined ? {} : { 'content-encoding': encoding }
    for (const [size, status] of [
      [LIMIT, 200],
      [LIMIT + 1, 413],
      [LIMIT, 200],
    ] as const) {
      const sent = pack(Buffer.alloc(size, 'ab'))
      expect((await send('/echo', { headers, body: sent })).status).toBe(status)
      const chunked = await send('/echo', { headers, body: Readable.from([sent.subarray(0, 5), sent.subarray(5)]) })
      expect(chunked.status).toBe(status)
      if (status === 413) expect(JSON.parse(chunked.text)).toMatchObject({ status: 413, path: '/echo' })
    }
    expect(server.in_flight).toBe(0)
  })

  test('a client that goes on sending still reads its 413', async () => {
    const { send } = await start()
    const sent = Buffer.alloc(20 << 20)
    for (const body of [sent, Readable.from([sent, sent])]) {
      const answer = await send('/echo', { body })
      expect([answer.status, answer.headers.connection]).toEqual([413, 'close'])
    }
  })

  test('a client that reads only after it has sent all of it, too', async () => {
    const { port } = await start()
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1').pause()
      let text = ''
      socket.on('error', () => undefined).on('close', () => resolve(text))
      socket.on('data', (chunk) => (text += chunk.toString())).pause()
      socket.write(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 << 20}\r\n\r\n`)
      socket.write(Buffer.alloc(8 << 20), () => socket.resume())
    })
    expect(text).toMatch(/^HTTP\/1.1 413 /)
  })

  test('a bomb is 413', async () => {
    const { send } = await start()
    const headers = { 'content-encoding': 'gzip' }
    const body = gzipSync(Buffer.alloc(50 << 20))
    expect((await send('/echo', { headers, body })).status).toBe(413)
  })

  test.each([
    ['corrupt', 'gzip', Buffer.from('no gzip at all, but long enough')],
    ['truncated', 'gzip', gzipSync(body).subarray(0, 40)],
    ['trailing junk', 'gzip', Buffer.concat([gzipSync(body), Buffer.from('junk')])],
    ['trailing junk', 'zstd', Buffer.concat([zstdCompressSync(body), Buffer.from('junk')])],
    ['nothing at all', 'zstd', Buffer.from('x')],
  ])('%s %s is 400', async (_, encoding, sent) => {
    const { send, errors } = await start()
    expect((await send('/echo', { headers: { 'content-encoding': encoding }, body: sent })).status).toBe(400)
    expect(errors).toEqual([])
  })

  test('an unknown encoding is 415 and names the known ones', async () => {
    const { send } = await start()
    const answer = await send('/echo', { headers: { 'content-encoding': 'br' }, body: 'x' })
    expect([answer.status, answer.headers['accept-encoding']]).toEqual([415, 'gzip, deflate, zstd'])
  })

  test('Expect: 100-continue is answered when the body is wanted, and only then', async () => {
    const { port } = await start()
    const head = (length: number) =>
      `POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const wanted = raw(port, head(2), (socket) => socket.once('data', () => socket.write('hi')))
    expect(await wanted).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK[\s\S]*hi$/)
    const refused = await raw(port, head(LIMIT + 1), (socket) => socket.once('data', () => socket.end()))
    expect(refused).toMatch(/^HTTP\/1.1 413 /)
    expect(await raw(port, 'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: magic\r\n\r\n')).toMatch(
      /^HTTP\/1.1 417 /,
    )
  })
})

describe('errors', () => {
  test.each([
    ['/nowhere', 'POST', 404],
    ['/echo', 'GET', 405],
    ['/echo', 'PUT', 405],
    ['/throws', 'POST', 500],
    ['/throws-at-once', 'POST', 500],
    ['/bad-header', 'POST', 500],
    ['/failure', 'POST', 402],
    ['/later', 'POST', 429],
    ['/down', 'POST', 503],
    ['/never', 'POST', 500],
    ['/before', 'POST', 401],
    ['/before-later', 'POST', 401],
    ['/before-nothing', 'POST', 200],
    ['/before-throws', 'POST', 415],
  ] as const)('%s %s is %d, and the connection goes on', async (path, method, status) => {
    const { send, errors } = await start()
    const answer = await send(path, { method, ...(method !== 'GET' && { body: 'x'.repeat(50_000) }) })
    expect(answer.status).toBe(status)
    if (path !== '/before' && path !== '/before-later' && status !== 200) {
      expect(JSON.parse(answer.text)).toMatchObject({ status, path })
    }
    expect(answer.text).not.toContain('secret')
    if (status === 405) expect(answer.headers.allow).toBe('POST')
    if (path === '/later') expect(answer.headers['retry-after']).toBe('2')
    expect(errors.length).toBe(/throws$|at-once|bad/.test(path) && status === 500 ? 1 : 0)
    expect((await send('/echo', { body: 'still here' })).text).toBe('still here')
  })

  test('a fail hook that throws costs the connection, not the process', async () => {
    const { send, errors, dispatcher } = await start({ fail: () => fail(new Error('hook')) })
    await expect(send('/nowhere')).rejects.toThrow()
    expect(errors.length).toBe(1)
    expect((await send('/echo', { body: 'a' })).text).toBe('a')
    expect(dispatcher.destroyed).toBe(false)
  })

  test('a fail hook with an impossible header does not go round in circles', async () => {
    const { send } = await start({ fail: () => ({ contentType: 'a\nb', body: '' }) })
    await expect(send('/nowhere')).rejects.toThrow()
  })

  test.each([
    ['GET http:// HTTP/1.1', 404],
    ['GET // HTTP/1.1', 404],
    ['GET /%zz%%%00?%%%=%f HTTP/1.1', 404],
    ['GET http://other/facts?a=%zz HTTP/1.1', 200],
    ['GET /facts?a=%E0%A4%A HTTP/1.1', 200],
    ['OPTIONS * HTTP/1.1', 404],
    ['GET /facts HTTP/3.7', 400],
    ['nonsense', 400],
    ['CONNECT other:443 HTTP/1.1', 405],
    [`GET /facts HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}`, 431],
  ])('%j is %d', async (line, status) => {
    const { port, send } = await start()
    const text = await raw(port, `${line}\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    if (status === 400 || status === 405 || status === 431) expect(text).toContain(`{"status":${status}`)
    expect((await send('/echo', { body: 'a' })).text).toBe('a')
  })

  test.each([0, 0.25, 720 * 3_600_000, Number.MAX_SAFE_INTEGER])('times of any length are taken: %d ms', async (ms) => {
    const times = { read_header_timeout_ms: ms, request_timeout_ms: ms, idle_timeout_ms: ms }
    const warnings: string[] = []
    const onWarning = ({ name }: Error) => void warnings.push(name)
    process.on('warning', onWarning)
    const { server, send } = await start(times)
    if (ms !== 0.25) expect((await send('/facts', { method: 'GET' })).status).toBe(200)
    await server.drain(AbortSignal.abort())
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('no limit for the whole request leaves that for its headers', async () => {
    const { port } = await start({ read_header_timeout_ms: 50, request_timeout_ms: 0 })
    expect(await raw(port, 'GET /facts HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1.1 408 /)
  })

  test('HTTP/1.1 without Host is told so', async () => {
    const { port } = await start()
    const text = await raw(port, 'GET /facts HTTP/1.1\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(text).toContain('{"status":400,"message":"the Host header is missing","path":"/facts"}')
    expect(await raw(port, 'GET /facts HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each([
    ['TLS', Buffer.from('16030100ca010000c60303', 'hex')],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['zeros', Buffer.alloc(100)],
    ['CONNECT', Buffer.from('CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n')],
    [
      'both lengths',
      Buffer.from('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
    ['bad chunk', Buffer.from('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')],
  ])('%s on the wire closes the connection, nothing else', async (_, bytes) => {
    const { port, send, server } = await start()
    expect(await raw(port, bytes)).toMatch(/^($|HTTP\/1.1 40[05])/)
    expect((await send('/echo', { body: 'a' })).text).toBe('a')
    expect(server.in_flight).toBe(0)
  })
})

test('an upgrade to h2c is ignored, as the JDK client expects', async () => {
  const { port } = await start()
  const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n'
  const pieces = [
    `POST /echo HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Length: 7\r\n\r\nabc`,
    '1end',
    `POST /echo HTTP/1.1\r\nHost: a\r\n${upgrade}Transfer-Encoding: chunked\r\n\r\n4\r\nabc2\r\n`,
    '3\r\nend\r\n0\r\n\r\n',
    'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 7\r\n\r\nabc3end',
  ]
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  for (const [n, piece] of pieces.entries()) {
    await new Promise((resolve) => socket.write(piece, () => setImmediate(resolve)))
    if (n % 2 === 1) await expect.poll(() => text).toContain(`abc${(n + 1) / 2}end`)
  }
  await expect.poll(() => text).toContain('abc3end')
  expect(text.match(/HTTP\/1.1 200 OK/g)?.length).toBe(3)
  expect(text.match(/x-upgrade: h2c/g)?.length).toBe(2)
})

test('facts: query, peer, path', async () => {
  const { send } = await start()
  const facts = JSON.parse((await send('/facts?a=b%20c', { method: 'GET' })).text)
  expect(facts).toEqual({ q: 'b c', peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), path: '/facts' })
})

test('a fallback takes every other path', async () => {
  const fallback: Route = { methods: ['GET'], handler: async ({ path }) => json({ path }) }
  const { send } = await start({ fallback })
  expect(JSON.parse((await send('/traces/1', { method: 'GET' })).text)).toEqual({ path: '/traces/1' })
})

describe('cors', () => {
  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
  const cors = { allowed_origins: ['https://*.example'] }

  test('preflight and answer name an allowed origin only', async () => {
    const { send } = await start({ cors })
    const allowed = await send('/echo', { method: 'OPTIONS', headers: preflight })
    expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([204, 'https://a.example'])
    const evil = await send('/echo', {
      method: 'OPTIONS',
      headers: { ...preflight, origin: 'https://a.example.evil.io' },
    })
    expect(evil.headers['access-control-allow-origin']).toBeUndefined()
    const answer = await send('/echo', { headers: { origin: 'https://a.example' }, body: 'x' })
    expect(answer.headers['access-control-allow-origin']).toBe('https://a.example')
  })

  test('without the option there are no such headers, and OPTIONS is 405', async () => {
    const { send } = await start()
    expect((await send('/echo', { method: 'OPTIONS', headers: preflight })).status).toBe(405)
    const answer = await send('/echo', { headers: { origin: 'https://a.example' }, body: 'x' })
    expect(Object.keys(answer.headers as IncomingHttpHeaders).filter((name) => name.startsWith('access-'))).toEqual([])
  })
})

describe('limits', () => {
  test('over the budget is 503 before the body is read; the budget is whole again afterwards', async () => {
    const budget = new ByteBudget(100_000)
    const { send } = await start({ budget })
    budget.take(50_000)
    expect((await send('/echo', { body: Buffer.alloc(50_001) })).status).toBe(503)
    expect((await send('/echo', { body: Readable.from([Buffer.alloc(30_000), Buffer.alloc(20_001)]) })).status).toBe(
      503,
    )
    const inflated = gzipSync(Buffer.alloc(60_000))
    const answer = await send('/echo', { headers: { 'content-encoding': 'gzip' }, body: inflated })
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1'])
    expect((await send('/echo', { body: Buffer.alloc(50_000) })).status).toBe(200)
    await expect.poll(() => budget.taken_bytes).toBe(50_000)
  })

  test('what is larger than the whole budget is 413: it would never fit', async () => {
    const { send } = await start({ budget: new ByteBudget(50_000) })
    expect((await send('/echo', { body: Buffer.alloc(50_001) })).status).toBe(413)
    const inflated = gzipSync(Buffer.alloc(50_001))
    expect((await send('/echo', { headers: { 'content-encoding': 'gzip' }, body: inflated })).status).toBe(413)
  })

  test('a client that goes away aborts the signal; its bytes are back when nobody works on them any more', async () => {
    const budget = new ByteBudget(1 << 20)
    let signal: AbortSignal | undefined
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>()
    const handler: Route['handler'] = (request) => {
      signal = request.signal
      return promise
    }
    const waiting = new Map<string, Route>([['/wait', { methods: ['POST'], handler }]])
    const { port, server } = await start({ budget, routes: waiting })
    const sockets: Socket[] = []
    const gone = [
      raw(port, 'POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', (socket) => sockets.push(socket)),
      raw(port, 'POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', (socket) => sockets.push(socket)),
    ]
    await expect.poll(() => [signal !== undefined, budget.taken_bytes]).toEqual([true, 6])
    for (const socket of sockets) socket.resetAndDestroy()
    await Promise.all(gone)
    await expect.poll(() => [signal?.aborted, budget.taken_bytes, server.in_flight]).toEqual([true, 3, 0])
    resolve({ status: 200, body: '' })
    await expect.poll(() => budget.taken_bytes).toBe(0)
  })

  test('while the budget is short, bodies that hardly get on have to go', async () => {
    const budget = new ByteBudget(100_000)
    const clock = new FakeClock()
    const { port } = await start({ budget, clock, request_timeout_ms: 600_000 })
    const slow = () => raw(port, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    const first = slow()
    await expect.poll(() => budget.taken_bytes).toBe(3)
    await clock.advance(30_000)
    expect(budget.taken_bytes).toBe(3)
    budget.take(60_000)
    await clock.advance(1_000)
    expect(await first).toMatch(/^HTTP\/1.1 408 /)
    const second = slow()
    await expect.poll(() => budget.taken_bytes).toBe(60_003)
    await clock.advance(4_000)
    expect(budget.taken_bytes).toBe(60_003)
    await clock.advance(2_000)
    expect(await second).toMatch(/^HTTP\/1.1 408 /)
    expect(budget.taken_bytes).toBe(60_000)
  })

  test('garbage behind a request that waits for its answer is not answered in its place', async () => {
    const never = new Map<string, Route>([
      ['/wait', { methods: ['POST'], handler: () => new Promise(() => undefined) }],
    ])
    const { port } = await start({ routes: never })
    const request = 'POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
    expect(await raw(port, `${request}no request\r\n\r\n`)).toBe('')
  })

  test('slow headers and slow bodies are timed out', async () => {
    const { port, server } = await start({ read_header_timeout_ms: 200, request_timeout_ms: 400 })
    const slow = await Promise.all([
      raw(port, 'POST /echo HTTP/1.1\r\nHost:'),
      raw(port, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc'),
      raw(port, ''),
    ])
    for (const text of slow) expect(text).toMatch(/^HTTP\/1.1 408 Request Timeout/)
    expect(server.in_flight).toBe(0)
  })

  test('no more connections than max_connections', async () => {
    const { port } = await start({ max_connections: 1 })
    const first = connect(port, '127.0.0.1')
    await new Promise((resolve) => first.once('connect', resolve))
    expect(await raw(port, 'GET /facts HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('')
    first.destroy()
  })

  test('an idle connection makes room for a new one; who is sent away is counted', async () => {
    let crowded = 0
    const { port } = await start({ max_connections: 1, onCrowded: () => crowded++ })
    const first = connect(port, '127.0.0.1')
    const closed = new Promise((resolve) => first.once('close', resolve))
    first.write('GET /facts HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => first.once('data', resolve))
    expect(await raw(port, 'GET /facts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 200/)
    await closed
    expect(crowded).toBe(0)
    const busy = connect(port, '127.0.0.1')
    busy.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
    await new Promise((resolve) => busy.once('connect', resolve))
    expect(await raw(port, 'GET /facts HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('')
    expect(crowded).toBe(1)
    busy.destroy()
  })

  test.each([
    [60, 60],
    [2000, 64],
  ])('of %d requests that come in one piece %d are looked at', async (sent, taken) => {
    let parsed = 0
    const count = () => parsed++
    subscribe('http.server.request.start', count)
    cleanups.push(() => unsubscribe('http.server.request.start', count))
    let asked = 0
    const fallback: Route = { methods: ['GET'], handler: async () => json({ asked: ++asked }) }
    const refused: string[] = []
    const { port } = await start({ fallback, onRefused: (reason) => refused.push(reason) })
    const last = sent <= taken ? 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' : ''
    const ordinary = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(last === '' ? sent : sent - 1)
    await raw(port, ordinary + last)
    expect([asked, refused]).toEqual([taken, sent <= taken ? [] : ['pipelined']])
    expect(parsed).toBeLessThanOrEqual(taken + 1)
  })

  test('200 connections at once are all answered', async () => {
    const { port } = await start()
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 200 })
    const one = (n: number) =>
      new Promise<boolean>((resolve, reject) => {
        const sent = httpRequest({ port, host: '127.0.0.1', path: '/echo', method: 'POST', agent }, (answer) => {
          let text = ''
          answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text === `n${n}`))
        })
        sent.on('error', reject).end(`n${n}`)
      })
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => one(n)))
    agent.destroy()
    expect(all.every(Boolean)).toBe(true)
  })
})

describe('drain', () => {
  function waiting() {
    const { promise, resolve } = Promise.withResolvers<void>()
    const routes = new Map<string, Route>([
      ['/wait', { methods: ['POST'], handler: () => promise.then(() => json({ done: true })) }],
      ['/echo', echo],
    ])
    return { routes, release: resolve }
  }

  test('finishes what is in flight with Connection: close, closes idle connections, takes no more', async () => {
    const { routes, release } = waiting()
    const { server, send, port } = await start({ routes })
    await send('/echo', { body: 'leaves an idle connection' })
    const fresh = connect(port, '127.0.0.1').on('error', () => undefined)
    await new Promise((resolve) => fresh.once('connect', resolve))
    const answers = [send('/wait', { body: 'a' }), send('/wait', { body: 'b' })]
    await expect.poll(() => server.in_flight).toBe(2)
    const drained = server.drain(AbortSignal.timeout(10_000))
    expect(server.draining).toBe(true)
    await expect(raw(port, 'GET / HTTP/1.1\r\n\r\n')).resolves.toBe('')
    release()
    for (const answer of await Promise.all(answers)) {
      expect([answer.status, answer.headers.connection]).toEqual([200, 'close'])
    }
    expect(await drained).toBe(0)
  })

  test('cuts off at the deadline and says how many', async () => {
    const { routes } = waiting()
    const { server, send } = await start({ routes })
    const answer = send('/wait', { body: 'a' }).catch((error: Error) => error)
    await expect.poll(() => server.in_flight).toBe(1)
    const deadline = new AbortController()
    const drained = server.drain(deadline.signal)
    deadline.abort()
    expect(await drained).toBe(1)
    expect(await answer).toBeInstanceOf(Error)
  })

  test('works twice', async () => {
    const { server } = await start()
    expect(await server.drain(AbortSignal.timeout(1000))).toBe(0)
    expect(await server.drain(AbortSignal.timeout(1000))).toBe(0)
  })
})

test('a port in use is an error of listen', async () => {
  const { port } = await start()
  const second = new HttpServer({ host: '127.0.0.1', port, routes })
  await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
