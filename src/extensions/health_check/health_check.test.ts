import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { schema } from './config.ts'
import { durationText, HealthCheck } from './index.ts'

let running: HealthCheck | undefined

afterEach(async () => {
  await running?.shutdown(AbortSignal.abort())
  running = undefined
})

async function started(config: Record<string, unknown> = {}) {
  const state = { isReady: true }
  const host = testHost({ id: 'health_check', daemon: { ready: () => state.isReady } })
  running = new HealthCheck(schema.parse({ endpoint: '127.0.0.1:0', ...config }), host)
  await running.start()
  return { url: `http://127.0.0.1:${running.port}`, port: running.port!, host, state }
}

describe('health_check', () => {
  test('200 while ready, 503 otherwise', async () => {
    const { url, host, state } = await started()
    await host.clock.advance(62_500)
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([
      200,
      'application/json',
      { status: 'Server available', upSince: '2023-11-14T22:13:20.000Z', uptime: '1m2.5s' },
    ])
    state.isReady = false
    const other = await fetch(url)
    expect([other.status, await other.json()]).toMatchObject([503, { status: 'Server not available' }])
  })

  test('its own path and bodies', async () => {
    const { url, state } = await started({ path: '/healthz', response_body: { healthy: 'fine', unhealthy: 'ill' } })
    expect((await fetch(url)).status).toBe(404)
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('fine')
    state.isReady = false
    const answer = await fetch(`${url}/healthz`)
    expect([answer.status, await answer.text()]).toEqual([503, 'ill'])
  })

  test('only GET and HEAD', async () => {
    const { url } = await started()
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    const answer = await fetch(url, { method: 'POST', body: 'x' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('what is no HTTP, and clients that go away, do no harm', async () => {
    const { url, port } = await started()
    for (const text of [
      'nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: x\r\n\r\n',
      'GET /',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text, () => socket.resetAndDestroy()))
        socket.on('error', () => undefined).on('close', () => resolve())
      })
    }
    expect((await fetch(url)).status).toBe(200)
  })

  test('an address in use is an error with its code', async () => {
    const { port } = await started()
    const other = new HealthCheck(schema.parse({ endpoint: `127.0.0.1:${port}` }), testHost())
    await expect(other.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await other.shutdown(AbortSignal.abort())
  })
})

test.each([
  [0, '0s'],
  [1500, '1.5s'],
  [60_000, '1m0s'],
  [3_600_000 * 26 + 3000, '26h0m3s'],
])('%i ms is %s', (duration_ms, text) => {
  expect(durationText(duration_ms)).toBe(text)
})
