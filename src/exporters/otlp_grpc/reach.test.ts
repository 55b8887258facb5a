/** The ways to a backend: TLS and its files, names, proxies. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { ServerCredentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { hasOpenssl, makeCertificates } from '../../net/certificates.fixture.ts'
import { testProxy } from '../../net/proxy.fixture.ts'
import { spans } from '../../sending/host.fixture.ts'
import { backend, closeAll, closers, direct, insecure, listen, setUp } from './backend.fixture.ts'
import { targetOf } from './backend_target.ts'
import { headOf, timeoutText, withTimeout } from './call_head.ts'
import { schema } from './config.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await closeAll()
})

const EMPTY = Buffer.alloc(0)

describe('target', () => {
  const tempo = { address: { host: 'tempo', port: 4317 }, isOne: false, authority: 'tempo:4317', server_name: 'tempo' }
  it.each([
    [{ endpoint: 'tempo:4317' }, { ...tempo, isPlain: false }],
    [
      { endpoint: 'tempo:4317', ...insecure },
      { ...tempo, isPlain: true },
    ],
    [{ endpoint: 'http://tempo:4317' }, { ...tempo, isPlain: true }],
    [
      { endpoint: 'https://tempo:4317', ...insecure },
      { ...tempo, isPlain: false },
    ],
    [
      { endpoint: 'dns:///tempo:4317', ...insecure },
      { ...tempo, isPlain: true },
    ],
    [{ endpoint: 'passthrough:///tempo:4317' }, { ...tempo, isPlain: false, isOne: true }],
    [{ endpoint: '[::1]:4317' }, { address: { host: '::1', port: 4317 }, authority: '[::1]:4317', server_name: '::1' }],
    [
      { endpoint: 'unix:///run/x', ...insecure },
      { address: { path: '/run/x' }, authority: 'localhost', isPlain: true },
    ],
    [
      { endpoint: 'tempo:4317', authority: 'a.example:1' },
      { authority: 'a.example:1', server_name: 'a.example' },
    ],
    [
      { endpoint: 'tempo:4317', tls: { server_name_override: 'b.example' } },
      { authority: 'b.example', server_name: 'b.example' },
    ],
    [
      { endpoint: 'tempo:4317', authority: 'a.example', tls: { server_name_override: 'b.example' } },
      { authority: 'a.example', server_name: 'b.example' },
    ],
  ])('%o', (config, target) => {
    expect(targetOf(schema.parse(config), {})).toMatchObject(target)
  })
})

describe('head', () => {
  const options = {
    scheme: 'http',
    authority: 'a',
    user_agent: 'S',
    compression: 'gzip',
    timeout_ms: 5000,
    headers: { 'X-A': 'a', 'x-a': 'b', TE: 'x', 'grpc-timeout': '1S', ':path': '/' },
  } as const

  it('has what gRPC wants, and of the config what is not its own', () => {
    const head = headOf('/p', options)
    const pairs = Array.from({ length: head.length / 2 }, (_, at) => head.slice(at * 2, at * 2 + 2).join('='))
    expect(pairs).toEqual([
      ':method=POST',
      ':scheme=http',
      ':path=/p',
      ':authority=a',
      'grpc-timeout=5000m',
      'te=trailers',
      'content-type=application/grpc',
      'user-agent=S',
      'grpc-encoding=gzip',
      'grpc-accept-encoding=identity,gzip,deflate,zstd',
      'x-a=b',
    ])
    expect(withTimeout(head, 1234.2)[9]).toBe('1235m')
    expect(withTimeout(head, -5)[9]).toBe('1m')
  })

  it.each([
    [1, '1m'],
    [99_999_999, '99999999m'],
    [100_000_000, '100000S'],
    [Number.MAX_SAFE_INTEGER, '99999999S'],
  ])('a time limit of %i ms is %s', (timeout_ms, text) => expect(timeoutText(timeout_ms)).toBe(text))
})

describe.skipIf(!hasOpenssl)('TLS', () => {
  const credentialsOf = (files: ReturnType<typeof makeCertificates>, isMutual: boolean) => {
    const pair = { cert_chain: readFileSync(files.server.cert), private_key: readFileSync(files.server.key) }
    return ServerCredentials.createSsl(readFileSync(files.ca), [pair], isMutual)
  }

  it('is on by default, checks the server and shows its own certificate', async () => {
    const files = makeCertificates()
    const { endpoint, calls } = await backend(() => EMPTY, credentialsOf(files, true))
    const known = { ca_file: files.ca, cert_file: files.client.cert, key_file: files.client.key }
    await (await setUp({ endpoint, tls: known, ...direct })).pass(spans(1))
    expect(calls).toHaveLength(1)
    const strangers = [
      [{}, 'CERT|LEAF'],
      [{ ...known, cert_file: files.stranger.cert, key_file: files.stranger.key }, ''],
      [{ ...known, server_name_override: 'tempo.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ] as const
    for (const [tls, reason] of strangers) {
      const refused = { retryable: true, message: expect.stringMatching(`gRPC UNAVAILABLE.*(?:${reason})`) }
      await expect((await setUp({ endpoint, tls, ...direct })).pass(spans(1))).rejects.toMatchObject(refused)
    }
    const unchecked = { ...known, ca_file: files.otherCa, insecure_skip_verify: true }
    await (await setUp({ endpoint, tls: unchecked, ...direct })).pass(spans(1))
    const named = { ...known, server_name_override: 'localhost' }
    await (await setUp({ endpoint, tls: named, ...direct })).pass(spans(1))
    expect(calls).toHaveLength(3)
  })

  it('takes new files without a restart, and keeps the old ones while the new are damaged', async () => {
    const files = makeCertificates()
    const { endpoint } = await backend(() => EMPTY, credentialsOf(files, false))
    const ca_file = join(files.directory, 'current.pem')
    copyFileSync(files.otherCa, ca_file)
    const { pass, test, account } = await setUp({ endpoint, tls: { ca_file, reload_interval: '1m' }, ...direct })
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
    copyFileSync(files.ca, ca_file)
    await test.clock.advance(60_000)
    await pass(spans(1))
    writeFileSync(ca_file, 'damaged')
    await test.clock.advance(60_000)
    await pass(spans(1))
    expect(account.delivered).toBe(2)
    expect(test.lines.at(-1)?.text).toContain('the old ones stay in force')
  })

  it('needs HTTP/2 at the other end', async () => {
    const files = makeCertificates()
    const { cert, key } = files.server
    const options = { cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ['http/1.1'] }
    const protocols = createTlsServer(options, (socket) => socket.on('error', () => {}))
    const none = createTlsServer({ cert: options.cert, key: options.key }, (socket) => socket.on('error', () => {}))
    for (const server of [protocols, none]) {
      const endpoint = `127.0.0.1:${await listen(server)}`
      const { pass } = await setUp({ endpoint, tls: { ca_file: files.ca }, ...direct })
      await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
    }
  })
})

describe('proxy', () => {
  /** Loopback is never reached by a proxy of the environment, so the backend has another name. */
  const named = (endpoint: string) => endpoint.replace('127.0.0.1', 'tempo.example')

  it.each([
    ['HTTPS_PROXY', undefined],
    ['HTTP_PROXY', undefined],
    ['https_proxy', 'user:p@ss'],
  ])('%s with credentials %s', async (name, password) => {
    const proxy = await testProxy(password)
    closers.push(proxy.close)
    const { endpoint, calls } = await backend(() => EMPTY)
    vi.stubEnv(name, `http://${password === undefined ? '' : 'user:p%40ss@'}127.0.0.1:${proxy.port}`)
    const { pass } = await setUp({ endpoint: named(endpoint), ...insecure, ...direct })
    await pass(spans(1))
    await pass(spans(1))
    expect(proxy.asked).toEqual([`CONNECT ${named(endpoint)}`])
    expect(calls).toHaveLength(2)
  })

  it('proxy_url goes before the environment, and has no exceptions', async () => {
    const proxy = await testProxy()
    closers.push(proxy.close)
    const { endpoint, calls } = await backend(() => EMPTY)
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1')
    vi.stubEnv('NO_PROXY', '*')
    const { pass } = await setUp({ endpoint, proxy_url: `http://127.0.0.1:${proxy.port}`, ...insecure, ...direct })
    await pass(spans(1))
    expect(proxy.asked).toEqual([`CONNECT ${endpoint}`])
    expect(calls).toHaveLength(1)
  })

  it.each(['*', '127.0.0.0/8', ''])('NO_PROXY=%s: not to this backend', async (list) => {
    const { endpoint, calls } = await backend(() => EMPTY)
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1')
    vi.stubEnv('NO_PROXY', list)
    await (await setUp({ endpoint, ...insecure, ...direct })).pass(spans(1))
    expect(calls).toHaveLength(1)
  })

  it('that refuses: told without its password, and tried again', async () => {
    const proxy = await testProxy('user:right')
    closers.push(proxy.close)
    const proxy_url = `http://user:hunter2@127.0.0.1:${proxy.port}`
    const { pass, test } = await setUp({ endpoint: 'tempo.example:1', proxy_url, ...insecure, ...direct })
    const message = 'gRPC UNAVAILABLE (the proxy answers HTTP 407)'
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true, message })
    expect(JSON.stringify([test.lines, test.statuses])).not.toContain('hunter2')
  })

  it.skipIf(!hasOpenssl)('with TLS to the backend through it', async () => {
    const files = makeCertificates()
    const pair = { cert_chain: readFileSync(files.server.cert), private_key: readFileSync(files.server.key) }
    const { endpoint, calls } = await backend(() => EMPTY, ServerCredentials.createSsl(null, [pair], false))
    const proxy = await testProxy()
    closers.push(proxy.close)
    const proxy_url = `http://127.0.0.1:${proxy.port}`
    const { pass } = await setUp({ endpoint, proxy_url, tls: { ca_file: files.ca }, ...direct })
    await pass(spans(1))
    expect(calls).toHaveLength(1)
  })
})
