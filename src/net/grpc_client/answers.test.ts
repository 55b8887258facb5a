/** What HTTP/2 can do to a call, by servers that do as the test says. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../self/clock.ts'
import { until } from '../../sending/host.fixture.ts'
import { frame } from '../grpc/grpc_message.ts'
import { GrpcCode } from '../grpc/grpc_status.ts'
import { answerOk, call, closeAll, open, socketServer, streamServer } from './server.fixture.ts'

afterEach(closeAll)

const BODY = Buffer.from('a message')
const GRPC = { ':status': 200, 'content-type': 'application/grpc' }

function trailersOnly(headers: Record<string, string | number>) {
  return (stream: ServerHttp2Stream) => stream.resume().respond({ ...GRPC, ...headers }, { endStream: true })
}

function packed(message: Buffer): Buffer {
  const framed = frame(message)
  framed[0] = 1
  return framed
}

describe('answers', () => {
  it.each([
    [400, GrpcCode.INTERNAL],
    [401, GrpcCode.UNAUTHENTICATED],
    [403, GrpcCode.PERMISSION_DENIED],
    [404, GrpcCode.UNIMPLEMENTED],
    [413, GrpcCode.UNKNOWN],
    [429, GrpcCode.UNAVAILABLE],
    [500, GrpcCode.UNKNOWN],
    [502, GrpcCode.UNAVAILABLE],
    [503, GrpcCode.UNAVAILABLE],
    [504, GrpcCode.UNAVAILABLE],
    [302, GrpcCode.UNKNOWN],
  ])('HTTP %i without a status is %i', async (status, code) => {
    const { port } = await streamServer((stream) => {
      stream.resume().respond({ ':status': status, 'content-type': 'text/html' })
      stream.end('<html>')
    })
    expect(await call(open(port), BODY)).toMatchObject({ code, from: 'transport', text: `HTTP ${status}` })
  })

  const resets: [number, number, boolean][] = [
    [constants.NGHTTP2_NO_ERROR, GrpcCode.INTERNAL, false],
    [constants.NGHTTP2_PROTOCOL_ERROR, GrpcCode.INTERNAL, false],
    [constants.NGHTTP2_INTERNAL_ERROR, GrpcCode.INTERNAL, false],
    [constants.NGHTTP2_FLOW_CONTROL_ERROR, GrpcCode.INTERNAL, false],
    [constants.NGHTTP2_REFUSED_STREAM, GrpcCode.UNAVAILABLE, true],
    [constants.NGHTTP2_CANCEL, GrpcCode.CANCELLED, false],
    [constants.NGHTTP2_COMPRESSION_ERROR, GrpcCode.INTERNAL, false],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, GrpcCode.RESOURCE_EXHAUSTED, false],
    [constants.NGHTTP2_INADEQUATE_SECURITY, GrpcCode.PERMISSION_DENIED, false],
    [0x1234, GrpcCode.UNKNOWN, false],
  ]
  it.each(resets)('RST_STREAM %i is %i', async (reset, code, isUnseen) => {
    let calls = 0
    const { port } = await streamServer((stream) => {
      calls++
      stream.resume().close(reset)
    })
    expect(await call(open(port), BODY)).toMatchObject({ code, from: 'transport', isUnseen })
    // What the server has not looked at is sent once more.
    expect(calls).toBe(isUnseen ? 2 : 1)
  })

  it.each([
    ['a status alone', trailersOnly({ 'grpc-status': 8, 'grpc-message': 'full%20up' }), 8, 'peer', 'full up'],
    ['with another number', trailersOnly({ 'grpc-status': 99 }), 2, 'peer', ''],
    ['with no number', trailersOnly({ 'grpc-status': 'fine' }), 2, 'peer', ''],
    ['a status beside HTTP 503', trailersOnly({ ':status': 503, 'grpc-status': 14 }), 14, 'peer', ''],
    ['with bad escapes', trailersOnly({ 'grpc-status': 3, 'grpc-message': '100% %zz %41' }), 3, 'peer', '100% %zz A'],
    ['without a status', trailersOnly({}), 13, 'transport', 'the answer has no grpc-status'],
  ] as const)('%s', async (_name, act, code, from, text) => {
    const { port } = await streamServer(act)
    expect(await call(open(port), BODY)).toMatchObject({ code, from, text })
  })

  it('that is no gRPC', async () => {
    const { port } = await streamServer((stream) => {
      stream.resume().respond({ ':status': 200, 'content-type': 'application/grpc-web+proto' })
      stream.end()
    })
    expect(await call(open(port), BODY)).toMatchObject({ code: GrpcCode.UNKNOWN, from: 'transport' })
  })

  it('that ends without trailers', async () => {
    const { port } = await streamServer((stream) => {
      stream.resume().respond(GRPC)
      stream.end(frame(BODY))
    })
    expect(await call(open(port), BODY)).toMatchObject({ code: GrpcCode.INTERNAL, from: 'transport' })
  })

  it.each([
    ['a message', frame(BODY), undefined, BODY],
    ['no bytes', Buffer.alloc(0), undefined, Buffer.alloc(0)],
    ['zstd', packed(zstdCompressSync(BODY)), 'zstd', BODY],
    ['gzip', packed(gzipSync(BODY)), 'gzip', BODY],
    ['gzip that is none', packed(BODY), 'gzip', Buffer.alloc(0)],
    ['an unknown compression', packed(BODY), 'lz4', Buffer.alloc(0)],
    ['half a message', frame(BODY).subarray(0, 8), undefined, Buffer.alloc(0)],
  ] as const)('OK with %s: the status decides', async (_name, bytes, encoding, message) => {
    const { port } = await streamServer((stream) => {
      stream.resume()
      stream.respond({ ...GRPC, ...(encoding && { 'grpc-encoding': encoding }) }, { waitForTrailers: true })
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(bytes)
    })
    expect(await call(open(port), BODY)).toMatchObject({ code: 0, from: 'peer', message })
  })

  it.each([
    ['two messages', Buffer.concat([frame(BODY), frame(BODY)])],
    ['two empty messages', Buffer.alloc(10)],
    ['a flag of 7', Buffer.from([7, 0, 0, 0, 0])],
  ])('%s', async (_name, bytes) => {
    const { port } = await streamServer((stream) => answerOk(stream, bytes))
    expect(await call(open(port), BODY)).toMatchObject({ code: GrpcCode.INTERNAL, from: 'transport' })
  })

  it('before the request is there ends the request', async () => {
    let isReset = false
    const { port } = await streamServer((stream) => {
      stream.on('close', () => (isReset = stream.rstCode === constants.NGHTTP2_CANCEL))
      stream.resume().respond({ ...GRPC, 'grpc-status': 7 }, { endStream: true })
    })
    expect(await call(open(port), Buffer.alloc(30_000_000))).toMatchObject({ code: 7, from: 'peer' })
    await until(() => isReset)
  })

  it('to a call that HTTP/2 does not allow: it is not made', async () => {
    const { port } = await streamServer((stream) => answerOk(stream))
    const channel = open(port)
    for (let times = 0; times < 2; times++) {
      const outcome = await call(channel, BODY, { headers: ['connection', 'close'] })
      expect(outcome).toMatchObject({
        code: GrpcCode.INTERNAL,
        from: 'transport',
        text: expect.stringContaining('ERR_HTTP2'),
      })
    }
    expect((await call(channel, BODY)).code).toBe(0)
  })

  it('by headers without end do not grow', async () => {
    const { port } = await streamServer((stream) => {
      const headers = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'x'.repeat(1000)]))
      stream.resume().respond({ ...GRPC, ...headers })
      stream.end()
    })
    expect((await call(open(port), BODY)).code).not.toBe(0)
  })
})

describe('GOAWAY', () => {
  it('lets calls end on the old connection; new ones go to a new one', async () => {
    const held: ServerHttp2Stream[] = []
    const { port, sessions } = await streamServer((stream, session) => {
      if (sessions.length > 1) return answerOk(stream)
      held.push(stream.resume())
      session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
    })
    const channel = open(port)
    const first = call(channel, BODY)
    await until(() => held.length === 1)
    while (sessions.length === 1) await call(channel, BODY, { signal: AbortSignal.timeout(50) })
    expect((await call(channel, BODY)).code).toBe(0)
    answerOk(held[0]!)
    expect((await first).code).toBe(0)
    await until(() => sessions[0]!.destroyed)
  })

  it.each([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_ENHANCE_YOUR_CALM])(
    'with error %i: calls that it did not look at are sent again',
    async (error) => {
      const seen: number[] = []
      const { port, sessions } = await streamServer((stream, session) => {
        if (sessions.length > 1) return answerOk(stream)
        seen.push(stream.id!)
        held.push(stream.resume())
        if (seen.length < 3) return
        session.goaway(error, 1)
        if (error === constants.NGHTTP2_NO_ERROR) answerOk(held[0]!)
      })
      const channel = open(port)
      const held: ServerHttp2Stream[] = []
      const outcomes = Array.from({ length: 3 }, () => call(channel, BODY))
      const codes = (await Promise.all(outcomes)).map(({ code }) => code)
      expect(codes.slice(1)).toEqual([0, 0])
      expect(seen).toHaveLength(3)
    },
  )
})

describe('silence', () => {
  /** Speaks HTTP/2 as far as SETTINGS, and then not any more. */
  const mute = () =>
    socketServer((socket) => {
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
      socket.resume()
    })

  it.each([
    [{ time_ms: 10_000, timeout_ms: 3_000, isAlways: false }, true],
    [undefined, false],
  ])('keepalive %j finds it: %s', async (keepalive, isFound) => {
    const clock = new FakeClock()
    const channel = open(await mute(), { clock, keepalive })
    const abort = new AbortController()
    const outcome = call(channel, BODY, { signal: abort.signal })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await clock.advance(10_000)
    await clock.advance(3_000)
    if (!isFound) abort.abort()
    expect(await outcome).toMatchObject(
      isFound ? { code: GrpcCode.UNAVAILABLE, text: 'no answer to a ping' } : { code: 1 },
    )
  })

  it('a call without an answer makes the connection doubtful, and it is given up', async () => {
    const clock = new FakeClock()
    const channel = open(await mute(), { clock })
    const abort = new AbortController()
    const late = call(channel, BODY)
    const first = call(channel, BODY, { signal: abort.signal })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await clock.advance(5_000)
    abort.abort()
    expect((await first).code).toBe(GrpcCode.CANCELLED)
    await clock.advance(10_000)
    expect(await late).toMatchObject({ code: GrpcCode.UNAVAILABLE, text: 'no answer to a ping' })
  })

  it('a server that is only slow stays', async () => {
    const clock = new FakeClock()
    const held: ServerHttp2Stream[] = []
    const { port, sessions } = await streamServer((stream) => void held.push(stream.resume()))
    const channel = open(port, { clock, keepalive: { time_ms: 1_000, timeout_ms: 1_000, isAlways: true } })
    const outcome = call(channel, BODY)
    await until(() => held.length === 1)
    for (let at = 0; at < 10; at++) {
      await clock.advance(999)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    answerOk(held[0]!)
    expect((await outcome).code).toBe(0)
    expect(sessions).toHaveLength(1)
  })

  it('a server that is probed too often is probed half as often', async () => {
    const clock = new FakeClock()
    const pings: number[] = []
    const onSession = (session: ServerHttp2Session) =>
      session.on('ping', () => {
        pings.push(clock.monotonic_ms())
        if (pings.length === 1) session.goaway(11, 0, Buffer.from('too_many_pings'))
      })
    const { port, server } = await streamServer((stream) => answerOk(stream))
    server.on('session', onSession)
    const channel = open(port, { clock, keepalive: { time_ms: 1_000, timeout_ms: 90_000, isAlways: true } })
    await call(channel, BODY)
    while (pings.length < 2) {
      await clock.advance(250)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(pings[1]! - pings[0]!).toBeGreaterThanOrEqual(2_000)
  })

  it('a server that does not even begin is given up', async () => {
    const clock = new FakeClock()
    const channel = open(await socketServer(() => {}), { clock })
    const outcome = call(channel, BODY)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await clock.advance(20_000)
    expect(await outcome).toMatchObject({ code: GrpcCode.UNAVAILABLE, text: 'ETIMEDOUT' })
  })
})
