import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { Book } from '../../pipeline/ledger.ts'
import { schema } from './config.ts'
import { Api } from './index.ts'

let running: Api | undefined

afterEach(async () => {
  await running?.shutdown(AbortSignal.abort())
  running = undefined
})

async function started(
  daemon: Parameters<typeof testHost>[0] = {},
): Promise<{ url: string; port: number; host: ReturnType<typeof testHost> }> {
  const host = testHost({ id: 'api', ...daemon })
  running = new Api(schema.parse({ endpoint: '127.0.0.1:0' }), host)
  await running.start()
  return { url: `http://127.0.0.1:${running.port}`, port: running.port!, host }
}

describe('api', () => {
  test('shows the snapshot, with the discrepancy of each account', async () => {
    const book = new Book('receiver/otlp → traces', 'traces')
    book.enter(10)
    book.deliver(4)
    book.hold(3, 'pending')
    book.drop(2, 'filtered')
    const wrong = { ...book.balance(), delivered: 0 }
    const ledger = [book.balance(), wrong]
    const { url } = await started({ daemon: { snapshot: () => ({ version: '1', pipelines: [], ledger }) } })
    const answer = await fetch(`${url}/api/pipeline?x=1`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await answer.json()).toEqual({
      version: '1',
      pipelines: [],
      ledger: [
        { ...book.balance(), discrepancy: 0 },
        { ...wrong, discrepancy: 4 },
      ],
    })
  })

  test('health follows the daemon', async () => {
    let isReady = true
    const { url, host } = await started({ daemon: { ready: () => isReady } })
    await host.clock.advance(1500)
    const answer = await fetch(`${url}/api/health`)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { ready: true, version: '0.0.0-test', started_at: '2023-11-14T22:13:20.000Z', uptime_ms: 1500 },
    ])
    isReady = false
    expect((await fetch(`${url}/api/health`)).status).toBe(503)
    expect(await (await fetch(`${url}/api/health`, { method: 'HEAD' })).text()).toBe('')
  })

  test.each([
    ['GET', '/api/none', 404],
    ['GET', '/', 404],
    ['POST', '/api/health', 405],
    ['OPTIONS', '/api/health', 405],
    ['DELETE', '/api/pipeline', 405],
  ])('%s %s is answered with %i and a JSON error', async (method, path, status) => {
    const { url } = await started()
    const answer = await fetch(url + path, { method })
    expect(await answer.json()).toMatchObject({ error: { status } })
    expect(answer.status).toBe(status)
  })

  test('a name that was made to resolve to this machine gets nothing', async () => {
    const { port } = await started()
    const statusFor = (name: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = httpRequest(
          { host: '127.0.0.1', port, path: '/api/health', headers: { host: name } },
          (answer) => {
            answer.resume()
            resolve(answer.statusCode)
          },
        )
        sent.on('error', reject).end()
      })
    expect(await statusFor('evil.example:80')).toBe(403)
    for (const name of ['localhost', `localhost:${port}`, '127.0.0.1', '[::1]:8890'])
      expect(await statusFor(name)).toBe(200)
  })

  test('what is no HTTP does no harm', async () => {
    const { url, port } = await started()
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('\x16\x03\x01 nonsense\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => (text += chunk)).on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect((await fetch(`${url}/api/health`)).status).toBe(200)
  })

  test('shutdown works without start, and twice', async () => {
    const api = new Api(schema.parse({}), testHost())
    await api.shutdown(AbortSignal.abort())
    await api.shutdown(AbortSignal.abort())
  })
})
