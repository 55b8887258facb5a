import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Expose, type MetricsServer, serveMetrics } from './metrics_server.ts'

let server: MetricsServer | undefined
const errors: unknown[] = []

async function serve(expose: Expose): Promise<string> {
  server = await serveMetrics({ host: '127.0.0.1', port: 0, onError: (error) => errors.push(error) }, expose)
  return `http://127.0.0.1:${server.port}`
}

afterEach(async () => {
  await server?.close()
  errors.length = 0
})

/** What comes back for raw bytes on a fresh connection. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(server!.port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

const hello: Expose = async (accept) => ({ contentType: 'text/plain; version=0.0.4', body: `accept ${accept}\n` })

test.each([
  ['GET', '/metrics', 200],
  ['GET', '/metrics?name[]=a%zz', 200],
  ['HEAD', '/metrics', 200],
  ['GET', '/', 404],
  ['GET', '/metrics/', 404],
  ['GET', '/%zz', 404],
  ['POST', '/metrics', 405],
  ['OPTIONS', '/metrics', 405],
])('%s %s is answered with %i', async (method, path, status) => {
  const origin = await serve(hello)
  const response = await fetch(origin + path, { method })
  expect(response.status).toBe(status)
  expect(await response.text()).toEqual(method === 'HEAD' ? '' : status === 200 ? 'accept */*\n' : expect.any(String))
})

const HOST = 'Host: x\r\nConnection: close\r\n\r\n'
test.each([
  ['an absolute target without host', `GET http:// HTTP/1.1\r\n${HOST}`, 400],
  ['an absolute target', `GET http://x/metrics HTTP/1.1\r\n${HOST}`, 200],
  ['an asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}`, 400],
  ['bad escapes', `GET /%c0%af%zz HTTP/1.1\r\n${HOST}`, 404],
  ['a double slash', `GET //[ HTTP/1.1\r\n${HOST}`, 404],
  ['no HTTP', '\u0000\u0001\u0002\r\n\r\n', 400],
  ['a header that is too long', `GET /metrics HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n${HOST}`, 431],
])('%s does no harm', async (_, request, status) => {
  const origin = await serve(hello)
  expect(await raw(request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect((await fetch(`${origin}/metrics`)).status).toBe(200)
})

test('slices are sent one after the other, zipped if asked for', async () => {
  const origin = await serve(async () => ({
    contentType: 'text/plain',
    body: (async function* () {
      for (let slice = 0; slice < 100; slice++) yield `slice ${slice}\n`
    })(),
  }))
  for (const encoding of ['gzip', 'identity', 'gzip;q=0', 'br, *']) {
    const response = await fetch(`${origin}/metrics`, { headers: { 'accept-encoding': encoding } })
    expect(response.headers.get('content-encoding')).toBe(/gzip$|\*/.test(encoding) ? 'gzip' : null)
    expect((await response.text()).split('\n')).toHaveLength(101)
  }
})

test('a failing exposition is a 500 and reported, before or after it began', async () => {
  const origin = await serve(async (accept) => {
    if (accept !== 'late') throw new Error('broken')
    async function* body() {
      yield 'x'.repeat(100_000)
      throw new Error('broken late')
    }
    return { contentType: 'text/plain', body: body() }
  })
  expect((await fetch(`${origin}/metrics`)).status).toBe(500)
  const late = fetch(`${origin}/metrics`, { headers: { accept: 'late', 'accept-encoding': 'identity' } })
  await expect(late.then((response) => response.text())).rejects.toThrow()
  expect((await fetch(`${origin}/metrics`)).status).toBe(500)
})

test('close lets an answer that has begun end, and then the kept connection', async () => {
  let more = () => {}
  const wait = new Promise<void>((resolve) => (more = resolve))
  async function* body() {
    yield 'first\n'
    await wait
    yield 'last\n'
  }
  const origin = await serve(async () => ({ contentType: 'text/plain', body: body() }))
  const response = await fetch(`${origin}/metrics`, { headers: { 'accept-encoding': 'identity' } })
  const closed = server!.close(new AbortController().signal)
  more()
  expect(await response.text()).toBe('first\nlast\n')
  await closed
})

test('a taken port is an error, closing twice is none', async () => {
  await serve(hello)
  await expect(serveMetrics({ host: '127.0.0.1', port: server!.port }, hello)).rejects.toThrow('EADDRINUSE')
  await server!.close()
  await server!.close()
})
