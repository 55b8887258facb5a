import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type IncomingHttpHeaders,
} from 'node:http2'
import { connect } from 'node:net'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import { Refusal, retryLater } from '../../refusal.ts'
import { FakeClock } from '../../self/clock.ts'
import { ByteBudget } from '../budget.ts'
import { frame } from './grpc_message.ts'
import { GrpcServer, type GrpcServerOptions, type Method } from './grpc_server.ts'
import { encodeRpcStatus, GrpcCode, GrpcStatus } from './grpc_status.ts'

const LIMIT = 200_000
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const fails = (error: unknown): Method => ({ handler: () => Promise.reject(error) })
const echo: Method = { handler: async ({ body }) => body }
const details = encodeRpcStatus(3, 'bad', [{ type: 'google.rpc.BadRequest', value: Buffer.from([1, 2]) }])
const methods = new Map<string, Method>([
  ['/s/echo', echo],
  ['/s/empty', { handler: async () => Buffer.alloc(0) }],
  [
    '/s/facts',
    {
      handler: async (r) =>
        Buffer.from(JSON.stringify({ peer: r.peer, own: r.metadata['x-own'], deadline_ms: r.deadline_ms })),
    },
  ],
  ['/s/hang', { handler: () => new Promise(() => undefined) }],
  ['/s/status', fails(new GrpcStatus(GrpcCode.INVALID_ARGUMENT, 'schlimm: 100 % ü\n', { details }))],
  ['/s/retry', fails(new GrpcStatus(GrpcCode.UNAVAILABLE, 'later', { retryAfter_ms: 1_500 }))],
  ['/s/refusal', fails(retryLater('queue_full', 'full', 2_000))],
  ['/s/refusal-final', fails(new Refusal('export_failed', 'no', { retryable: false }))],
  ['/s/throws', fails(new Error('secret'))],
  [
    '/s/throws-at-once',
    {
      handler: () => {
        throw new Error('secret')
      },
    },
  ],
  ['/s/before', { ...echo, before: () => new GrpcStatus(GrpcCode.UNAUTHENTICATED, 'who') }],
  ['/s/before-later', { ...echo, before: async () => new GrpcStatus(GrpcCode.UNAUTHENTICATED, 'who') }],
  ['/s/before-throws', { ...echo, before: () => Promise.reject(new GrpcStatus(GrpcCode.UNAUTHENTICATED, 'who')) }],
  ['/s/before-nothing', { ...echo, before: async () => undefined }],
])

async function start(options: Partial<GrpcServerOptions> = {}) {
  const errors: unknown[] = []
  const server = new GrpcServer({
    host: '127.0.0.1',
    port: 0,
    methods,
    max_recv_msg_size: LIMIT,
    onError: (error) => errors.push(error),
    ...options,
  })
  const port = await server.listen()
  cleanups.push(() => server.drain(AbortSignal.abort()))
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  cleanups.push(() => client.close())
  return { server, port, client, errors, call: caller(client) }
}

type Outcome = { body?: Buffer; code: number; message?: string; details?: Buffer | undefined }

function caller(client: Client) {
  return (
    path: string,
    body: Buffer,
    options: { deadline?: number; metadata?: Metadata; gzip?: boolean; cancel?: AbortSignal } = {},
  ) =>
    new Promise<Outcome>((resolve) => {
      const metadata = options.metadata ?? new Metadata()
      const settled = (error: ServiceError | null, answer?: Buffer) => {
        if (error === null) return resolve({ code: 0, body: answer! })
        resolve({
          code: error.code,
          message: error.details,
          details: error.metadata.get('grpc-status-details-bin')[0] as Buffer | undefined,
        })
      }
      const same = (bytes: Buffer) => bytes
      const settings = options.deadline === undefined ? {} : { deadline: Date.now() + options.deadline }
      const call = client.makeUnaryRequest(path, same, same, body, metadata, settings, settled)
      options.cancel?.addEventListener('abort', () => call.cancel())
    })
}

interface RawAnswer {
  status: number
  headers: IncomingHttpHeaders
  trailers: IncomingHttpHeaders
  body: Buffer
  rst: number | undefined
}

/** A client that can also send what no gRPC client sends. */
function rawClient(port: number) {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  cleanups.push(() => session.destroy())
  return {
    session,
    send: (headers: Record<string, string>, chunks: Buffer[] = []) => sendRaw(session, headers, chunks),
  }
}

function sendRaw(session: ClientHttp2Session, headers: Record<string, string>, chunks: Buffer[]): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      'content-type': 'application/grpc',
      ...headers,
    })
    let got: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const parts: Buffer[] = []
    stream.on('response', (answer) => (got = answer))
    stream.on('trailers', (answer) => (trailers = answer))
    stream.on('data', (chunk: Buffer) => parts.push(chunk))
    stream.on('error', () => undefined)
    stream.on('close', () =>
      resolve({
        status: Number(got[':status']),
        headers: got,
        trailers,
        body: Buffer.concat(parts),
        rst: stream.rstCode,
      }),
    )
    for (const chunk of chunks) stream.write(chunk)
    stream.end()
  })
}

const packed = (message: Buffer) => {
  const bytes = frame(message)
  bytes[0] = 1
  return bytes
}

describe('messages', () => {
  test.each([0, 1, 5, 1000, 16_384, 70_000, LIMIT])('of %d bytes come back', async (size) => {
    const { call } = await start()
    const body = Buffer.alloc(size, 'abcdefg')
    const outcome = await call('/s/echo', body)
    expect([outcome.code, outcome.body?.equals(body)]).toEqual([0, true])
  })

  test('of one byte too many are RESOURCE_EXHAUSTED without details, and the connection goes on', async () => {
    const { call, client, server } = await start()
    const outcome = await call('/s/echo', Buffer.alloc(LIMIT + 1))
    expect(outcome).toMatchObject({ code: GrpcCode.RESOURCE_EXHAUSTED, details: undefined })
    for (let round = 0; round < 5; round++) {
      expect((await call('/s/echo', Buffer.alloc(30 << 20))).code).toBe(GrpcCode.RESOURCE_EXHAUSTED)
      expect((await call('/s/echo', Buffer.alloc(LIMIT))).code).toBe(0)
    }
    expect(client.getChannel().getConnectivityState(false)).toBe(2)
    await expect.poll(() => server.in_flight).toBe(0)
  })

  test('are not cut by the windows: many large ones on one connection', async () => {
    const { call, port } = await start({ max_recv_msg_size: 64 << 20 })
    const sizes = [40 << 20, 10 << 20, 30 << 20, 5]
    const outcomes = await Promise.all(sizes.map((size) => call('/s/echo', Buffer.alloc(size, 'x'))))
    expect(outcomes.map(({ body }) => body?.length)).toEqual(sizes)
    const { session, send } = rawClient(port)
    await send({ ':path': '/s/echo' }, [frame(Buffer.from('x'))])
    expect(session.state.remoteWindowSize).toBeGreaterThan(60 << 20)
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('%s: exactly the limit is taken, one byte more is RESOURCE_EXHAUSTED', async (encoding, pack) => {
    const { port } = await start()
    const { send } = rawClient(port)
    const headers = { ':path': '/s/echo', 'grpc-encoding': encoding }
    const taken = await send(headers, [packed(pack(Buffer.alloc(LIMIT, 'z')))])
    expect([taken.trailers['grpc-status'], taken.body.length]).toEqual(['0', LIMIT + 5])
    expect(taken.headers['grpc-accept-encoding']).toBe('identity,gzip,deflate,zstd')
    const over = await send(headers, [packed(pack(Buffer.alloc(LIMIT + 1, 'z')))])
    expect([over.headers['grpc-status'], over.headers['grpc-status-details-bin']]).toEqual(['8', undefined])
    const bomb = await send(headers, [packed(pack(Buffer.alloc(30 << 20)))])
    expect(bomb.headers['grpc-status']).toBe('8')
    const plain = await send(headers, [frame(Buffer.from('not compressed'))])
    expect(plain.body.subarray(5).toString()).toBe('not compressed')
  })

  test('grpc-js with gzip', async () => {
    const { port } = await start()
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
    })
    cleanups.push(() => client.close())
    const body = Buffer.alloc(50_000, 'gzip it ')
    expect((await caller(client)('/s/echo', body)).body?.equals(body)).toBe(true)
  })

  const message = frame(Buffer.from('hello'))
  test.each<[string, Record<string, string>, Buffer[], number]>([
    ['no message', {}, [], GrpcCode.UNIMPLEMENTED],
    ['half a prefix', {}, [message.subarray(0, 3)], GrpcCode.INTERNAL],
    ['a short message', {}, [message.subarray(0, 8)], GrpcCode.INTERNAL],
    ['two messages', {}, [message, message], GrpcCode.UNIMPLEMENTED],
    ['two messages in one', {}, [Buffer.concat([message, message])], GrpcCode.UNIMPLEMENTED],
    ['a strange flag', {}, [Buffer.from([2, 0, 0, 0, 0])], GrpcCode.INTERNAL],
    ['4 GiB announced', {}, [Buffer.from([0, 255, 255, 255, 255, 1])], GrpcCode.RESOURCE_EXHAUSTED],
    ['compressed without encoding', {}, [packed(Buffer.from('x'))], GrpcCode.INTERNAL],
    [
      'compressed by what is unknown',
      { 'grpc-encoding': 'snappy' },
      [packed(Buffer.from('x'))],
      GrpcCode.UNIMPLEMENTED,
    ],
    ['corrupt', { 'grpc-encoding': 'gzip' }, [packed(Buffer.from('not gzip'))], GrpcCode.INTERNAL],
    [
      'trailing junk',
      { 'grpc-encoding': 'gzip' },
      [packed(Buffer.concat([gzipSync('x'), Buffer.from('junk')]))],
      GrpcCode.INTERNAL,
    ],
    ['an unknown method', { ':path': '/s/none' }, [message], GrpcCode.UNIMPLEMENTED],
  ])('%s', async (_, headers, chunks, code) => {
    const { port, errors } = await start()
    const { send } = rawClient(port)
    const answer = await send({ ':path': '/s/echo', ...headers }, chunks)
    expect([answer.status, answer.headers['grpc-status'], answer.body.length]).toEqual([200, String(code), 0])
    expect((await send({ ':path': '/s/echo' }, [message])).trailers['grpc-status']).toBe('0')
    expect(errors).toEqual([])
  })

  test('a message in pieces of any size', async () => {
    const { port } = await start()
    const { send } = rawClient(port)
    const bytes = frame(Buffer.from('hello world'))
    for (const size of [1, 2, 4, 5, 6, 11]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      )
      expect((await send({ ':path': '/s/echo' }, chunks)).body.subarray(5).toString()).toBe('hello world')
    }
  })

  test.each([
    ['application/json', 415],
    ['application/grpc-web', 415],
    ['application/grpc+json', 415],
    ['application/grpc+proto', 200],
    ['application/grpc;charset=utf-8', 200],
  ])('content type %s is HTTP %d', async (type, status) => {
    const { port } = await start()
    const answer = await rawClient(port).send({ ':path': '/s/echo', 'content-type': type }, [frame(Buffer.from('x'))])
    expect(answer.status).toBe(status)
  })

  test('GET is HTTP 405', async () => {
    const { port } = await start()
    expect((await rawClient(port).send({ ':path': '/s/echo', ':method': 'GET' })).status).toBe(405)
  })
})

describe('status', () => {
  test.each([
    ['/s/status', GrpcCode.INVALID_ARGUMENT, 'schlimm: 100 % ü\n', details],
    ['/s/refusal-final', GrpcCode.INTERNAL, 'no', undefined],
    ['/s/throws', GrpcCode.INTERNAL, 'internal error', undefined],
    ['/s/throws-at-once', GrpcCode.INTERNAL, 'internal error', undefined],
    ['/s/before', GrpcCode.UNAUTHENTICATED, 'who', undefined],
    ['/s/before-later', GrpcCode.UNAUTHENTICATED, 'who', undefined],
    ['/s/before-throws', GrpcCode.UNAUTHENTICATED, 'who', undefined],
    ['/s/before-nothing', 0, undefined, undefined],
    ['/s/none', GrpcCode.UNIMPLEMENTED, 'there is no such method here', undefined],
  ])('%s', async (path, code, message, expected) => {
    const { call, errors, server } = await start()
    for (const size of [10, 150_000]) {
      const outcome = await call(path, Buffer.alloc(size))
      expect([outcome.code, outcome.message, outcome.details]).toEqual([code, message, expected])
    }
    expect(errors.length).toBe(path.startsWith('/s/throws') ? 2 : 0)
    await expect.poll(() => server.in_flight).toBe(0)
  })

  test.each([
    ['/s/retry', 'later', '08011080cab5ee01'],
    ['/s/refusal', 'full', '08021000'],
  ])('%s carries a RetryInfo', async (path, message, duration) => {
    const { call } = await start()
    const outcome = await call(path, Buffer.alloc(1))
    expect([outcome.code, outcome.message]).toEqual([GrpcCode.UNAVAILABLE, message])
    const text = outcome.details!.toString('latin1')
    expect(text).toContain('type.googleapis.com/google.rpc.RetryInfo')
    expect(outcome.details!.toString('hex').endsWith(duration)).toBe(true)
  })

  test('an empty response is an empty message', async () => {
    const { call } = await start()
    expect(await call('/s/empty', Buffer.from('x'))).toEqual({ code: 0, body: Buffer.alloc(0) })
  })
})

test('facts: peer, metadata, deadline', async () => {
  const { call } = await start({ clock: new FakeClock(1_000_000) })
  const metadata = new Metadata()
  metadata.set('x-own', 'mine')
  const facts = JSON.parse((await call('/s/facts', Buffer.alloc(0), { metadata, deadline: 5_000 })).body!.toString())
  expect(facts).toMatchObject({ peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), own: 'mine' })
  expect(facts.deadline_ms).toBeGreaterThan(3_000)
  expect(facts.deadline_ms).toBeLessThanOrEqual(5_000)
})

describe('clients that go away', () => {
  function hanging() {
    const signals: AbortSignal[] = []
    const handler: Method['handler'] = (request) => {
      signals.push(request.signal)
      return new Promise((resolve) => request.signal.addEventListener('abort', () => resolve(Buffer.from('too late'))))
    }
    return {
      signals,
      methods: new Map([
        ['/s/hang', { handler }],
        ['/s/echo', echo],
      ]),
    }
  }

  test('a cancelled call aborts the signal and leaves nothing behind', async () => {
    const { signals, methods } = hanging()
    const budget = new ByteBudget(1 << 20)
    const { call, server, errors } = await start({ methods, budget })
    const cancel = new AbortController()
    const outcome = call('/s/hang', Buffer.alloc(1000), { cancel: cancel.signal })
    await expect.poll(() => signals.length).toBe(1)
    expect(budget.taken_bytes).toBe(1005)
    cancel.abort()
    expect((await outcome).code).toBe(GrpcCode.CANCELLED)
    await expect.poll(() => [server.in_flight, budget.taken_bytes, signals[0]!.aborted]).toEqual([0, 0, true])
    expect(errors).toEqual([])
  })

  test('a deadline ends the call on both sides', async () => {
    const { signals, methods } = hanging()
    const { call, server } = await start({ methods })
    expect((await call('/s/hang', Buffer.alloc(10), { deadline: 100 })).code).toBe(GrpcCode.DEADLINE_EXCEEDED)
    await expect.poll(() => [server.in_flight, signals[0]!.aborted]).toEqual([0, true])
  })

  test('the server keeps the deadline for a client that does not', async () => {
    const { signals, methods } = hanging()
    const clock = new FakeClock()
    const { port } = await start({ methods, clock })
    const answer = rawClient(port).send({ ':path': '/s/hang', 'grpc-timeout': '100m' }, [frame(Buffer.from('x'))])
    await expect.poll(() => signals.length).toBe(1)
    await clock.advance(1_000)
    expect([(await answer).headers['grpc-status'], signals[0]!.aborted]).toEqual(['4', true])
  })

  test('a connection that breaks in the middle of messages gives everything back', async () => {
    const budget = new ByteBudget(1 << 20)
    const { port, server, errors } = await start({ budget })
    const { session } = rawClient(port)
    for (let n = 0; n < 20; n++) {
      const stream = session.request({ ':method': 'POST', ':path': '/s/echo', 'content-type': 'application/grpc' })
      stream.on('error', () => undefined)
      stream.write(frame(Buffer.alloc(1000)).subarray(0, 500))
    }
    await expect.poll(() => budget.taken_bytes).toBe(10_000)
    session.socket.destroy()
    await expect.poll(() => [server.in_flight, budget.taken_bytes]).toEqual([0, 0])
    expect(errors).toEqual([])
  })

  test('a message that takes too long is DEADLINE_EXCEEDED', async () => {
    const clock = new FakeClock()
    const { port, server } = await start({ clock, request_timeout_ms: 5_000 })
    const { session } = rawClient(port)
    const stream = session.request({ ':method': 'POST', ':path': '/s/echo', 'content-type': 'application/grpc' })
    stream.on('error', () => undefined)
    stream.write(Buffer.from([0, 0]))
    const headers = new Promise<IncomingHttpHeaders>((resolve) => stream.on('response', resolve))
    await expect.poll(() => server.in_flight).toBe(1)
    await clock.advance(6_000)
    expect((await headers)['grpc-status']).toBe('4')
    await expect.poll(() => server.in_flight).toBe(0)
  })
})

describe('limits', () => {
  test('200 calls at once on one connection, and 1000 that have to queue', async () => {
    const { call } = await start()
    for (const count of [200, 1000]) {
      const outcomes = await Promise.all(Array.from({ length: count }, (_, n) => call('/s/echo', Buffer.from(`n${n}`))))
      expect(outcomes.every(({ body }, n) => body?.toString() === `n${n}`)).toBe(true)
    }
  })

  test('over the budget is UNAVAILABLE, with a RetryInfo', async () => {
    const budget = new ByteBudget(200_000)
    const { call, port } = await start({ budget })
    budget.take(100_000)
    const outcome = await call('/s/echo', Buffer.alloc(150_000))
    expect(outcome.code).toBe(GrpcCode.UNAVAILABLE)
    expect(outcome.details?.toString('latin1')).toContain('RetryInfo')
    const inflated = packed(gzipSync(Buffer.alloc(150_000)))
    const answer = await rawClient(port).send({ ':path': '/s/echo', 'grpc-encoding': 'gzip' }, [inflated])
    expect(answer.headers['grpc-status']).toBe('14')
    await expect.poll(() => budget.taken_bytes).toBe(100_000)
    expect((await call('/s/echo', Buffer.alloc(90_000))).code).toBe(0)
    expect((await call('/s/echo', Buffer.alloc(200_001))).code).toBe(GrpcCode.RESOURCE_EXHAUSTED)
  })

  test('while the budget is short, a message that hardly gets on has to go', async () => {
    const budget = new ByteBudget(100_000)
    const clock = new FakeClock()
    const { port } = await start({ budget, clock, request_timeout_ms: 600_000 })
    const { session } = rawClient(port)
    const stream = session.request({ ':method': 'POST', ':path': '/s/echo', 'content-type': 'application/grpc' })
    stream.write(frame(Buffer.alloc(100)).subarray(0, 50))
    await expect.poll(() => budget.taken_bytes).toBe(50)
    await clock.advance(30_000)
    expect(budget.taken_bytes).toBe(50)
    budget.take(60_000)
    const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers['grpc-status'])))
    await clock.advance(1_000)
    expect(await status).toBe(String(GrpcCode.DEADLINE_EXCEEDED))
    expect(budget.taken_bytes).toBe(60_000)
  })

  test('headers that are too long do not reach a handler', async () => {
    const { port, call } = await start({ max_header_list_size: 4_096 })
    const { send } = rawClient(port)
    const message = [frame(Buffer.from('x'))]
    expect((await send({ ':path': '/s/echo', 'x-long': 'x'.repeat(3_000) }, message)).trailers['grpc-status']).toBe('0')
    const answer = await send({ ':path': '/s/echo', 'x-long': 'x'.repeat(5_000) }, message)
    expect(answer.trailers['grpc-status']).toBeUndefined()
    expect((await call('/s/echo', Buffer.from('x'))).code).toBe(0)
  })

  test('a rapid reset ends the connection, not the process', async () => {
    const { port, call, server } = await start()
    const { session } = rawClient(port)
    const closed = new Promise((resolve) => session.on('close', resolve))
    for (let n = 0; n < 5_000 && !session.destroyed; n++) {
      const stream = session.request({ ':method': 'POST', ':path': '/s/hang', 'content-type': 'application/grpc' })
      stream.on('error', () => undefined)
      stream.close(8)
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await closed
    expect((await call('/s/echo', Buffer.from('x'))).code).toBe(0)
    await expect.poll(() => server.in_flight).toBe(0)
  })

  test.each([
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['TLS', Buffer.from('16030100ca010000c60303', 'hex')],
    ['zeros', Buffer.alloc(100)],
    [
      'a preface and nonsense',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 0xff)]),
    ],
    // CVE-2025-59465: HEADERS with an HPACK index out of range.
    [
      'bad HPACK',
      Buffer.from('505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000000003010500000001ffffff', 'hex'),
    ],
    [
      'window overflow',
      Buffer.from(
        '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a0000000400000000000000040800000000007fffffff',
        'hex',
      ),
    ],
  ])('%s on the wire closes the connection, nothing else', async (_, bytes) => {
    const { port, call, errors } = await start()
    await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
      socket
        .on('error', () => undefined)
        .on('data', () => undefined)
        .on('close', resolve)
    })
    expect((await call('/s/echo', Buffer.from('x'))).code).toBe(0)
    expect(errors).toEqual([])
  })

  test('a connection that says nothing is closed', async () => {
    const clock = new FakeClock()
    const { port, call } = await start({ clock })
    const socket = connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .on('data', () => undefined)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    await call('/s/echo', Buffer.from('x'))
    await clock.advance(12_000)
    await closed
    expect((await call('/s/echo', Buffer.from('x'))).code).toBe(0)
  })

  test('an old connection is asked to go, an idle one too; the client does not notice', async () => {
    for (const options of [{ max_connection_age_ms: 60_000 }, { max_connection_idle_ms: 60_000 }]) {
      const clock = new FakeClock()
      const { port, call } = await start({ clock, ...options })
      const { session, send } = rawClient(port)
      const away = new Promise((resolve) => session.on('goaway', resolve))
      await send({ ':path': '/s/echo' }, [frame(Buffer.from('x'))])
      await clock.advance(70_000)
      await away
      expect((await call('/s/echo', Buffer.from('x'))).code).toBe(0)
    }
  })
})

describe('too many connections', () => {
  test('the one that has been idle longest makes room; who is sent away is counted', async () => {
    let crowded = 0
    const { port } = await start({ max_connections: 1, onCrowded: () => crowded++ })
    const first = rawClient(port)
    const closed = new Promise((resolve) => first.session.on('close', resolve))
    await first.send({ ':path': '/s/echo' }, [frame(Buffer.from('x'))])
    const second = rawClient(port)
    await second.send({ ':path': '/s/echo' }, [frame(Buffer.from('x'))])
    await closed
    expect(crowded).toBe(0)
  })
})

describe('drain', () => {
  test('lets calls end, refuses new connections, closes idle ones', async () => {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const methods = new Map<string, Method>([['/s/wait', { handler: () => promise }]])
    const { server, call, port } = await start({ methods })
    const idle = rawClient(port)
    await new Promise((connected) => idle.session.once('remoteSettings', connected))
    const gone = new Promise((closed) => idle.session.on('close', closed))
    const silent = connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .on('data', () => undefined)
    await new Promise((connected) => silent.once('connect', connected))
    const waiting = [call('/s/wait', Buffer.from('a')), call('/s/wait', Buffer.alloc(100_000))]
    await expect.poll(() => server.in_flight).toBe(2)
    const drained = server.drain(AbortSignal.timeout(10_000))
    await gone
    expect(server.in_flight).toBe(2)
    resolve(Buffer.from('done'))
    for (const outcome of await Promise.all(waiting)) expect(outcome.body?.toString()).toBe('done')
    expect(await drained).toBe(0)
    expect((await call('/s/wait', Buffer.from('a'), { deadline: 300 })).code).not.toBe(0)
  })

  test('cuts off at the deadline and says how many', async () => {
    const { server, call } = await start()
    const outcome = call('/s/hang', Buffer.from('a'))
    await expect.poll(() => server.in_flight).toBe(1)
    const deadline = new AbortController()
    const drained = server.drain(deadline.signal)
    deadline.abort()
    expect(await drained).toBe(1)
    expect((await outcome).code).not.toBe(0)
  })

  test('works twice', async () => {
    const { server } = await start()
    expect(await server.drain(AbortSignal.timeout(1000))).toBe(0)
    expect(await server.drain(AbortSignal.timeout(1000))).toBe(0)
  })
})
