/** Against the server of grpc-js: what a call is, and how connections come and go. */
import { rmSync } from 'node:fs'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { compressionAlgorithms, Metadata, status as Status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../self/clock.ts'
import { until } from '../../sending/host.fixture.ts'
import { encodeRpcStatus, GrpcCode } from '../grpc/grpc_status.ts'
import type { GrpcOutcome } from './grpc_outcome.ts'
import {
  answerOk,
  atEnd,
  call,
  closeAll,
  listen,
  open,
  peerServer,
  type SeenCall,
  streamServer,
} from './server.fixture.ts'

afterEach(closeAll)

const BODY = Buffer.from('a message')

describe('call', () => {
  it('goes there and comes back, with metadata', async () => {
    const seen: SeenCall[] = []
    const { port } = await peerServer((one, done) => {
      seen.push(one)
      done(null, Buffer.from('an answer'))
    })
    const outcome = await call(open(port), BODY, {
      headers: ['x-tenant', 'a', 'x-id-bin', 'AQID', 'grpc-timeout', '5000m'],
    })
    expect(outcome).toMatchObject({ code: 0, from: 'peer', message: Buffer.from('an answer') })
    expect(seen[0]!.request).toEqual(BODY)
    expect(seen[0]!.metadata.get('x-tenant')).toEqual(['a'])
    expect(seen[0]!.metadata.get('x-id-bin')).toEqual([Buffer.from([1, 2, 3])])
    expect(Number(seen[0]!.deadline) - Date.now()).toBeGreaterThan(3_000)
  })

  it.each([0, 1, 16_384, 65_536, 5_000_000])('of %i bytes', async (size) => {
    const body = Buffer.alloc(size, 7)
    let arrived = Buffer.alloc(0)
    const { port } = await peerServer((one, done) => {
      arrived = Buffer.from(one.request)
      done(null, Buffer.alloc(0))
    })
    expect(await call(open(port), body)).toMatchObject({ code: 0, message: Buffer.alloc(0) })
    expect(arrived.equals(body)).toBe(true)
  })

  it('compressed, and the answer too', async () => {
    const seen: Buffer[] = []
    const answer = Buffer.alloc(50_000, 'answer')
    const { port } = await peerServer(
      (one, done) => {
        seen.push(one.request)
        done(null, answer)
      },
      { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip },
    )
    const headers = ['grpc-encoding', 'gzip', 'grpc-accept-encoding', 'identity,gzip']
    const outcome = await call(open(port), gzipSync(BODY), { headers, isCompressed: true })
    expect(seen[0]!.equals(BODY)).toBe(true)
    expect(outcome.message.equals(answer)).toBe(true)
  })

  it('whose answer is too large when unpacked is over the limit', async () => {
    const { port } = await peerServer((_, done) => done(null, Buffer.alloc(200_000)), {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    })
    const headers = ['grpc-accept-encoding', 'identity,gzip']
    expect(await call(open(port), BODY, { headers })).toMatchObject({
      from: 'limit',
      code: GrpcCode.RESOURCE_EXHAUSTED,
    })
  })

  it.each([100_000, 100_001])('whose answer has %i bytes, of 100000', async (size) => {
    const { port } = await peerServer((_, done) => done(null, Buffer.alloc(size)))
    const outcome = await call(open(port), BODY)
    if (size <= 100_000) expect(outcome).toMatchObject({ code: 0, from: 'peer' })
    else expect(outcome).toMatchObject({ from: 'limit', text: 'the response is over 100000 bytes' })
  })

  const codes = Object.values(Status).filter((code): code is Status => typeof code === 'number' && code !== Status.OK)
  it.each(codes)('that fails with status %i', async (code) => {
    const details = encodeRpcStatus(code, 'no')
    const metadata = new Metadata()
    metadata.set('grpc-status-details-bin', details)
    const { port } = await peerServer((_, done) => done({ code, details: 'käse 100 %', metadata }))
    const outcome = await call(open(port), BODY)
    expect(outcome).toMatchObject({ code, from: 'peer', text: 'käse 100 %', isUnseen: false })
    expect(outcome.details.equals(details)).toBe(true)
  })

  it('that the server refuses as too large', async () => {
    const { port } = await peerServer((_, done) => done(null, BODY), { 'grpc.max_receive_message_length': 1000 })
    expect(await call(open(port), Buffer.alloc(500_000))).toMatchObject({
      code: GrpcCode.RESOURCE_EXHAUSTED,
      from: 'peer',
    })
  })

  it('that is broken off ends, there as well', async () => {
    let isCancelled = false
    const { port } = await streamServer((stream) => {
      stream.resume().on('close', () => (isCancelled = stream.rstCode === constants.NGHTTP2_CANCEL))
      abort.abort()
    })
    const abort = new AbortController()
    expect(await call(open(port), BODY, { signal: abort.signal })).toMatchObject({ code: GrpcCode.CANCELLED })
    await until(() => isCancelled)
  })

  it('many at a time over the number that the server allows', async () => {
    let running = 0
    let most = 0
    const { port, sessions } = await streamServer(
      (stream) => {
        most = Math.max(most, ++running)
        stream.resume().on('end', () =>
          setImmediate(() => {
            running--
            answerOk(stream)
          }),
        )
      },
      { maxConcurrentStreams: 3 },
    )
    const channel = open(port)
    await call(channel, BODY)
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => call(channel, Buffer.alloc(20_000))))
    expect(outcomes.every(({ code }) => code === 0)).toBe(true)
    expect(most).toBeLessThanOrEqual(3)
    expect(sessions).toHaveLength(1)
  })

  it('by a socket of this machine', async () => {
    const path = join(tmpdir(), `sluice-grpc-${process.pid}.sock`)
    atEnd(() => rmSync(path, { force: true }))
    await peerServer((_, done) => done(null, BODY), {}, { host: `unix:${path}` })
    expect(await call(open(0, { address: { path } }), BODY)).toMatchObject({ code: 0, message: BODY })
  })
})

describe('addresses', () => {
  /** Two servers on one port of two addresses of this machine. */
  async function two() {
    const counts = [0, 0]
    const answer = (at: number) => (_: SeenCall, done: (error: null, response: Buffer) => void) => {
      counts[at]!++
      done(null, BODY)
    }
    const { port, server } = await peerServer(answer(0))
    await peerServer(answer(1), {}, { port, host: '127.0.0.2' })
    return { port, first: server, counts }
  }
  const both = async () => ['127.0.0.1', '127.0.0.2']

  it('take turns; when one dies the other has all, and when it is back both', async () => {
    const { port, first, counts } = await two()
    const clock = new FakeClock()
    const channel = open(port, { address: { host: 'two', port }, lookup: both, clock })
    await call(channel, BODY)
    await until(() => counts[0]! + counts[1]! === 1)
    while (counts[0] === 0 || counts[1] === 0) expect((await call(channel, BODY)).code).toBe(0)
    counts.fill(0)
    for (let at = 0; at < 10; at++) await call(channel, BODY)
    expect(counts).toEqual([5, 5])
    first.forceShutdown()
    counts.fill(0)
    let lost = 0
    for (let at = 0; at < 20; at++) if ((await call(channel, BODY)).code !== 0) lost++
    // A call that was on its way to the dead one may be lost; the next ones are not.
    expect(lost).toBeLessThanOrEqual(1)
    expect(counts[1]).toBeGreaterThanOrEqual(19)
    await peerServer(
      (_, done) => {
        counts[0]!++
        done(null, BODY)
      },
      {},
      { port },
    )
    await clock.advance(12_000)
    counts.fill(0)
    await until(() => {
      void call(channel, BODY)
      return counts[0]! > 0
    })
  })

  it('that let no more calls run are passed over', async () => {
    const held: ServerHttp2Stream[] = []
    const { port } = await streamServer((stream) => void held.push(stream.resume()), { maxConcurrentStreams: 1 })
    await streamServer((stream) => answerOk(stream), {}, { port, host: '127.0.0.2' })
    const channel = open(port, { address: { host: 'two', port }, lookup: both })
    const calls: Promise<GrpcOutcome>[] = []
    while (held.length === 0) {
      calls.push(call(channel, BODY))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (let at = 0; at < 6; at++) expect((await call(channel, BODY)).code).toBe(0)
    answerOk(held[0]!)
    for (const outcome of await Promise.all(calls)) expect(outcome.code).toBe(0)
  })

  it('pick_first stays with the first that answers', async () => {
    const { port, counts } = await two()
    const dead = ['127.0.0.3', '127.0.0.2', '127.0.0.1']
    const channel = open(port, { address: { host: 'three', port }, lookup: async () => dead, balancer: 'pick_first' })
    for (let at = 0; at < 6; at++) expect((await call(channel, BODY)).code).toBe(0)
    expect(counts).toEqual([0, 6])
  })

  it('pick_first does not wait long for one that does not answer', async () => {
    const { port, counts } = await two()
    let isAsked = false
    const mute = createServer(() => (isAsked = true))
    atEnd(() => mute.close())
    await listen(mute, port, '127.0.0.9')
    const clock = new FakeClock()
    const lookup = async () => ['127.0.0.9', '127.0.0.2']
    const channel = open(port, { address: { host: 'slow', port }, lookup, balancer: 'pick_first', clock })
    const outcome = call(channel, BODY)
    await until(() => isAsked)
    await clock.advance(249)
    expect(counts).toEqual([0, 0])
    await clock.advance(1)
    expect((await outcome).code).toBe(0)
    expect(counts).toEqual([0, 1])
  })

  it('are looked up again when a connection is lost', async () => {
    const { port, first } = await two()
    let found = ['127.0.0.1']
    let lookups = 0
    const clock = new FakeClock()
    const lookup = async () => {
      lookups++
      return found
    }
    const channel = open(port, { address: { host: 'moves', port }, lookup, clock })
    await call(channel, BODY)
    found = ['127.0.0.2']
    first.forceShutdown()
    while (lookups < 2) await clock.advance(1_000)
    expect((await call(channel, BODY)).code).toBe(0)
  })

  it('a lookup that fails is repeated, and calls fail meanwhile', async () => {
    const { port } = await two()
    const clock = new FakeClock()
    let isThere = false
    const lookup = async () => {
      if (!isThere) throw Object.assign(new Error('no'), { code: 'ENOTFOUND' })
      return ['127.0.0.1']
    }
    const channel = open(port, { address: { host: 'late', port }, lookup, clock })
    const lost = { code: GrpcCode.UNAVAILABLE, text: 'ENOTFOUND', from: 'transport' }
    expect(await call(channel, BODY)).toMatchObject(lost)
    expect(await call(channel, BODY)).toMatchObject(lost)
    isThere = true
    await clock.advance(1_200)
    expect((await call(channel, BODY)).code).toBe(0)
  })
})

describe('connection', () => {
  it('comes back by itself when the server does', async () => {
    const { port, server } = await peerServer((_, done) => done(null, BODY))
    const clock = new FakeClock()
    const channel = open(port, { clock })
    await call(channel, BODY)
    server.forceShutdown()
    while ((await call(channel, BODY)).code === 0);
    await peerServer((_, done) => done(null, BODY), {}, { port })
    await clock.advance(12_000)
    await until(() => true)
    expect((await call(channel, BODY)).code).toBe(0)
  })

  it('rests longer after each failure, up to ten seconds', async () => {
    let attempts = 0
    const server = createServer((socket) => {
      attempts++
      socket.destroy()
    })
    atEnd(() => server.close())
    const port = await listen(server)
    const clock = new FakeClock()
    const channel = open(port, { clock, random: () => 0.5 })
    expect((await call(channel, BODY)).code).toBe(GrpcCode.UNAVAILABLE)
    const at_ms: number[] = []
    for (let wait_ms = 0, seen = attempts; at_ms.length < 7; wait_ms += 100) {
      await clock.advance(100)
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (attempts > seen) at_ms.push(wait_ms)
      seen = attempts
    }
    const waits = at_ms.map((one, at) => one - (at_ms[at - 1] ?? 0))
    const wanted = [1000, 1600, 2560, 4096, 6554, 10_000, 10_000]
    for (const [at, wait_ms] of waits.entries()) expect(Math.abs(wait_ms - wanted[at]!)).toBeLessThan(300)
  })

  it('a call waits for it if it says so', async () => {
    const { port, server } = await peerServer((_, done) => done(null, BODY))
    server.forceShutdown()
    const clock = new FakeClock()
    const channel = open(port, { clock, wait_for_ready: true })
    const heads: number[] = []
    const abort = new AbortController()
    const broken = call(channel, BODY, { signal: abort.signal })
    const headAfter = (waited_ms: number) => {
      heads.push(waited_ms)
      return HEAD
    }
    const waiting = call(channel, BODY, { headAfter })
    abort.abort()
    expect((await broken).code).toBe(GrpcCode.CANCELLED)
    await peerServer((_, done) => done(null, BODY), {}, { port })
    while (heads.length === 0) await clock.advance(1_300)
    expect((await waiting).code).toBe(0)
    expect(heads[0]).toBeGreaterThan(700)
  })

  it('closed: calls under way and later ones fail', async () => {
    const { port } = await streamServer((stream) => stream.resume())
    const channel = open(port)
    const calls = [call(channel, BODY), call(channel, BODY)]
    await new Promise((resolve) => setTimeout(resolve, 50))
    channel.close()
    for (const outcome of await Promise.all([...calls, call(channel, BODY)]))
      expect(outcome).toMatchObject({ code: GrpcCode.UNAVAILABLE, text: 'the client is closed' })
  })
})

const HEAD = [
  ':method',
  'POST',
  ':scheme',
  'http',
  ':path',
  '/test.Service/Call',
  ':authority',
  'test',
  'te',
  'trailers',
  'content-type',
  'application/grpc',
]
