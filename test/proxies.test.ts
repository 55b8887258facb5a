/** The exporters that send by HTTP, and proxies between them and their backends. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Exporter } from '../src/component.ts'
import { schema as lokiSchema } from '../src/exporters/loki/config.ts'
import { loki } from '../src/exporters/loki/index.ts'
import { schema as httpSchema } from '../src/exporters/otlp_http/config.ts'
import { otlpHttp } from '../src/exporters/otlp_http/index.ts'
import { hasOpenssl, makeCertificates } from '../src/net/certificates.fixture.ts'
import { testProxy } from '../src/net/proxy.fixture.ts'
import { contextOf, logs, TestAccount, testHost } from '../src/sending/host.fixture.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0).reverse()) await close()
})

const direct = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } }
const exporters = {
  otlp_http: { path: '/v1/logs', make: (config: object) => otlpHttp.create(httpSchema.parse(config), host().host) },
  loki: { path: '/loki/api/v1/push', make: (config: object) => loki.create(lokiSchema.parse(config), host().host) },
} as const
let test_: ReturnType<typeof testHost>
const host = () => (test_ = testHost('exporter/test'))

async function backend(tls?: ReturnType<typeof makeCertificates>): Promise<{ port: number; paths: string[] }> {
  const paths: string[] = []
  const listener: RequestListener = (request, response) => {
    paths.push(`${request.headers.host}${request.url}`)
    request.resume().on('end', () => response.writeHead(204).end())
  }
  const files = tls && { cert: readFileSync(tls.server.cert), key: readFileSync(tls.server.key) }
  const server: Server = files === undefined ? createServer(listener) : createTlsServer(files, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, paths }
}

async function proxyWith(password?: string) {
  const proxy = await testProxy(password)
  closers.push(proxy.close)
  return proxy
}

async function send(exporter: Exporter): Promise<void> {
  await exporter.start?.()
  closers.push(() => exporter.shutdown?.(AbortSignal.abort()))
  for (let times = 0; times < 2; times++) {
    const account = new TestAccount('logs')
    await account.pass(1, () => exporter.inputs.logs!.consume(logs(1), contextOf(account)))
  }
}

describe.each(['otlp_http', 'loki'] as const)('%s', (name) => {
  const { path, make } = exporters[name]

  test.each([
    [undefined, ''],
    ['user:p@ss', 'user:p%40ss@'],
  ])('to http, by HTTP_PROXY with credentials %s', async (password, user) => {
    const { port, paths } = await backend()
    const proxy = await proxyWith(password)
    vi.stubEnv('HTTP_PROXY', `http://${user}127.0.0.1:${proxy.port}`)
    await send(make({ endpoint: `http://logs.example:${port}`, ...direct }))
    const url = `logs.example:${port}${path}`
    expect(proxy.asked).toEqual([`POST http://${url}`, `POST http://${url}`])
    expect(paths).toEqual([url, url])
  })

  test.each(['logs.example', '*', `.example`])('not where NO_PROXY=%s says so', async (list) => {
    const proxy = await proxyWith()
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${proxy.port}`)
    vi.stubEnv('NO_PROXY', list)
    await expect(send(make({ endpoint: 'http://logs.example:1', ...direct }))).rejects.toThrow()
    expect(proxy.asked).toEqual([])
  })

  test('to loopback only by proxy_url', async () => {
    const { port, paths } = await backend()
    const proxy = await proxyWith()
    const endpoint = `http://127.0.0.1:${port}`
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1')
    await send(make({ endpoint, ...direct }))
    expect(paths).toHaveLength(2)
    await send(make({ endpoint, proxy_url: `http://127.0.0.1:${proxy.port}`, ...direct }))
    expect(proxy.asked).toHaveLength(2)
  })

  test.skipIf(!hasOpenssl)('to https by CONNECT', async () => {
    const files = makeCertificates()
    const { port, paths } = await backend(files)
    const proxy = await proxyWith()
    const proxy_url = `http://127.0.0.1:${proxy.port}`
    await send(make({ endpoint: `https://localhost:${port}`, proxy_url, tls: { ca_file: files.ca }, ...direct }))
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT localhost:${port}`]))
    expect(paths).toHaveLength(2)
  })

  test.each(['http', 'https'])(
    'by a proxy that refuses, to %s: tried again, and the password is not told',
    async (scheme) => {
      const proxy = await proxyWith('user:right')
      const proxy_url = `http://user:hunter2@127.0.0.1:${proxy.port}`
      const refused = send(make({ endpoint: `${scheme}://logs.example:1`, proxy_url, ...direct }))
      await expect(refused).rejects.toMatchObject({ retryable: true, message: 'the proxy answers HTTP 407' })
      expect(JSON.stringify([test_.lines, test_.statuses])).not.toContain('hunter2')
    },
  )

  test('a variable that is no URL stops the start, and is not told', () => {
    vi.stubEnv('HTTP_PROXY', 'socks5://user:hunter2@a:1')
    const start = () => make({ endpoint: 'http://logs.example:1', ...direct })
    expect(start).toThrow('HTTP_PROXY: expected http:// or https://')
    expect(start).not.toThrow('hunter2')
  })
})
