import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { Agent, request } from 'undici'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../self/clock.ts'
import { type Certificates, hasOpenssl, makeCertificates } from './certificates.fixture.ts'
import { GrpcServer } from './grpc/grpc_server.ts'
import { HttpServer } from './http/http_server.ts'
import { serverTlsFiles } from './server_tls.ts'
import { clientTls, serverTls, TlsError, type TlsFiles, watchTls } from './tls.ts'

const files = hasOpenssl ? makeCertificates() : (undefined as unknown as Certificates)
afterAll(() => hasOpenssl && rmSync(files.directory, { recursive: true }))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const pair = () => ({ cert_file: files.server.cert, key_file: files.server.key })

async function startHttp(tls: TlsFiles): Promise<number> {
  const handler = async () => ({ status: 200, body: 'safe' })
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    tls,
    routes: new Map([['/', { methods: ['GET'], handler }]]),
  })
  const port = await server.listen()
  cleanups.push(() => server.drain(AbortSignal.abort()))
  return port
}

async function get(port: number, tls: Agent.Options['connect']): Promise<string> {
  const dispatcher = new Agent({ connect: tls ?? {}, allowH2: false })
  cleanups.push(() => dispatcher.destroy())
  const answer = await request(`https://127.0.0.1:${port}/`, { dispatcher })
  return await answer.body.text()
}

async function startGrpc(tls: TlsFiles): Promise<number> {
  const methods = new Map([['/s/echo', { handler: async ({ body }: { body: Buffer }) => body }]])
  const server = new GrpcServer({ host: '127.0.0.1', port: 0, tls, methods })
  const port = await server.listen()
  cleanups.push(() => server.drain(AbortSignal.abort()))
  return port
}

function callGrpc(port: number, pem: { ca: string; cert?: string; key?: string }): Promise<string> {
  const read = (path: string | undefined) => (path === undefined ? null : readFileSync(path))
  const client = new Client(`localhost:${port}`, credentials.createSsl(read(pem.ca), read(pem.key), read(pem.cert)))
  cleanups.push(() => client.close())
  const same = (bytes: Buffer) => bytes
  return new Promise((resolve) => {
    const deadline = Date.now() + 3_000
    client.makeUnaryRequest('/s/echo', same, same, Buffer.from('safe'), { deadline }, (error, answer) =>
      resolve(error === null ? String(answer) : `code ${error.code}`),
    )
  })
}

describe.skipIf(!hasOpenssl)('servers', () => {
  test('answer over TLS', async () => {
    const port = await startHttp(pair())
    expect(await get(port, clientTls({ ca_file: files.ca }))).toBe('safe')
    expect(await get(port, clientTls({ insecure_skip_verify: true }))).toBe('safe')
    await expect(get(port, clientTls({ ca_file: files.otherCa }))).rejects.toThrow()
    const grpc = await startGrpc(pair())
    expect(await callGrpc(grpc, { ca: files.ca })).toBe('safe')
    expect(await callGrpc(grpc, { ca: files.otherCa })).toBe('code 14')
  })

  test('with client_ca_file, a client needs a certificate of that authority', async () => {
    const tls = { ...pair(), client_ca_file: files.ca }
    const client = (own: { cert: string; key: string }) =>
      clientTls({ ca_file: files.ca, cert_file: own.cert, key_file: own.key })
    const http = await startHttp(tls)
    expect(await get(http, client(files.client))).toBe('safe')
    await expect(get(http, client(files.stranger))).rejects.toThrow()
    await expect(get(http, clientTls({ ca_file: files.ca }))).rejects.toThrow()
    const grpc = await startGrpc(tls)
    expect(await callGrpc(grpc, { ca: files.ca, ...files.client })).toBe('safe')
    expect(await callGrpc(grpc, { ca: files.ca, ...files.stranger })).toBe('code 14')
    expect(await callGrpc(grpc, { ca: files.ca })).toBe('code 14')
  })

  test.each([
    ['TLSv1.1', {}, false],
    ['TLSv1.2', {}, true],
    ['TLSv1.3', {}, true],
    ['TLSv1.2', { min_version: '1.3' }, false],
    ['TLSv1.3', { max_version: '1.2' }, false],
  ] as const)('%s with %j: %s', async (version, bounds, expected) => {
    const port = await startHttp({ ...pair(), ...bounds })
    const attempt = get(port, {
      ca: readFileSync(files.ca),
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    expect(await attempt.catch(() => 'refused')).toBe(expected ? 'safe' : 'refused')
  })

  test('garbage instead of a handshake does no harm', async () => {
    for (const port of [await startHttp(pair()), await startGrpc(pair())]) {
      for (const bytes of [
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        Buffer.alloc(64, 0xff),
        Buffer.from('1603010200', 'hex'),
      ]) {
        await new Promise((resolve) => {
          const socket = connectTcp(port, '127.0.0.1', () => socket.end(bytes))
          socket
            .on('error', () => undefined)
            .on('data', () => undefined)
            .on('close', resolve)
        })
      }
    }
    expect(await get(await startHttp(pair()), clientTls({ ca_file: files.ca }))).toBe('safe')
  })

  test('gRPC without ALPN h2 is not admitted', async () => {
    const port = await startGrpc(pair())
    await expect(get(port, clientTls({ ca_file: files.ca }))).rejects.toThrow()
    expect(await callGrpc(port, { ca: files.ca })).toBe('safe')
  })
})

describe.skipIf(!hasOpenssl)('watchTls', () => {
  const subject = (port: number) =>
    new Promise<PeerCertificate>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate())
        socket.destroy()
      })
      socket.on('error', reject)
    })

  test('takes changed files for new connections and keeps the old ones when the new are bad', async () => {
    const cert_file = join(files.directory, 'live.pem')
    const key_file = join(files.directory, 'live.key')
    const put = (own: { cert: string; key: string }) => {
      copyFileSync(own.cert, cert_file)
      copyFileSync(own.key, key_file)
    }
    put(files.server)
    const { createServer } = await import('node:https')
    const server = createServer(serverTls({ cert_file, key_file })).listen(0, '127.0.0.1')
    cleanups.push(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const clock = new FakeClock()
    const events: string[] = []
    const timer = watchTls(
      server,
      { cert_file, key_file },
      {
        interval_ms: 1_000,
        clock,
        onReload: () => events.push('reload'),
        onError: (error) => events.push(error.message),
      },
    )
    await clock.advance(5_000)
    expect([(await subject(port)).subject.CN, events]).toEqual(['server', []])
    copyFileSync(files.client.cert, cert_file)
    await clock.advance(1_000)
    expect((await subject(port)).subject.CN).toBe('server')
    expect(events).toEqual([expect.stringContaining('do not belong together')])
    put(files.client)
    await clock.advance(1_000)
    expect([(await subject(port)).subject.CN, events.at(-1)]).toEqual(['client', 'reload'])
    timer.cancel()
  })
})

describe.skipIf(!hasOpenssl)('errors say which file and why', () => {
  const odd = () => {
    const path = join(files.directory, 'odd.pem')
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n')
    return path
  }
  test.each<[string, () => TlsFiles, RegExp]>([
    ['no certificate', () => ({}), /needs a certificate: set cert_file/],
    ['no key', () => ({ cert_file: files.server.cert }), /key_file is missing/],
    [
      'no such file',
      () => ({ ...pair(), cert_file: '/nowhere/a.pem' }),
      /tls\.cert_file: cannot read \/nowhere\/a\.pem: ENOENT/,
    ],
    [
      'no PEM',
      () => ({ ...pair(), key_pem: 'x', key_file: undefined }) as unknown as TlsFiles,
      /tls\.key_pem: expected PEM text/,
    ],
    ['both', () => ({ ...pair(), cert_pem: 'x' }), /both cert_file and cert_pem/],
    ['broken', () => ({ ...pair(), cert_file: odd() }), /tls\.cert_file \(.*odd\.pem\) cannot be used/],
    [
      'broken authority',
      () => ({ ...pair(), client_ca_file: odd() }),
      /tls\.client_ca_file \(.*odd\.pem\) cannot be used/,
    ],
    ['a strange pair', () => ({ ...pair(), key_file: files.client.key }), /do not belong together/],
  ])('%s', (_, make, message) => {
    expect(() => serverTls(make())).toThrow(TlsError)
    expect(() => serverTls(make())).toThrow(message)
  })

  test('a client needs nothing, and gets what it is given', () => {
    expect(clientTls({})).toMatchObject({ rejectUnauthorized: true, minVersion: 'TLSv1.2' })
    const given = clientTls({
      ca_pem: readFileSync(files.ca, 'utf8'),
      server_name_override: 'other',
      insecure_skip_verify: true,
    })
    expect(given).toMatchObject({ rejectUnauthorized: false, servername: 'other' })
  })
})

const unfinished: [string, string][] = [
  ['a ClientHello cut off', '160301020001'],
  ['a record that never comes', '1603010200'],
  ['no TLS at all', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
  ['nothing', ''],
]
describe.skipIf(!hasOpenssl)('an unfinished handshake', () => {
  test.each(unfinished)('%s: the connection is closed, and its descriptor with it', async (_, hex) => {
    const routes = new Map()
    const server = new HttpServer({ host: '127.0.0.1', port: 0, tls: pair(), routes, read_header_timeout_ms: 200 })
    const socket = connectTcp(await server.listen(), '127.0.0.1').on('error', () => undefined)
    socket.write(Buffer.from(hex, 'hex'))
    await new Promise((resolve) => socket.on('close', resolve).resume())
    // Without a deadline it ends only when the server has let go of the connection as well.
    expect(await server.drain(new AbortController().signal)).toBe(0)
  })
})

describe('the tls block of a listener', () => {
  test.each([
    [{ min_version: '1.0' }, { min_version: '1.2' }],
    [
      { min_version: '1.1', max_version: '1.1' },
      { min_version: '1.2', max_version: '1.2' },
    ],
    [
      { min_version: '1.3', max_version: '1.3' },
      { min_version: '1.3', max_version: '1.3' },
    ],
    [{ min_version: '1.2', reload_interval: 0 }, { min_version: '1.2' }],
    [
      { min_version: '1.2', reload_interval: 500, cert_file: 'a', ca_file: undefined },
      { min_version: '1.2', reload_interval_ms: 500, cert_file: 'a' },
    ],
  ] as const)('%j becomes %j', (block, files) => expect(serverTlsFiles(block)).toEqual(files))
})
