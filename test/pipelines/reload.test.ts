/** Reloads of the real thing under load: listeners re-bound, exporters and processors replaced, bad configs in between. */
import { createServer } from 'node:net'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { traceBatch } from '../support/otlp.ts'
import { daemonOf } from './parts.fixture.ts'
import { backend } from './process.fixture.ts'

const RELOADS = 50

test(`${RELOADS} times: what was acknowledged is at the backend once`, async () => {
  const seen = new Map<string, number>()
  const sink = await backend((body) => {
    for (const [id] of body.toString('latin1').matchAll(/id-\d{9}/g)) seen.set(id, (seen.get(id) ?? 0) + 1)
  })
  const port = await freePort()
  const yaml = (turn: number) => `
receivers:
  otlp:
    trust_sluice: ${turn % 2 === 0}
    protocols: { http: { endpoint: "127.0.0.1:${port}", max_request_body_size: ${turn % 3 === 0 ? '1MiB' : '2MiB'} } }
processors:
  batch: { timeout: 1ms }
  resource: { attributes: [{ key: turn, value: "${turn % 4}", action: insert }] }
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${sink}", compression: none, sending_queue: { queue_size: ${1000 + (turn % 5)} } }
  nop: {}
service:
  pipelines:
    traces: { receivers: [otlp], processors: [${turn % 2 === 0 ? 'resource, batch' : 'batch'}], exporters: [otlp_http${turn % 7 === 0 ? ', nop' : ''}] }
`
  const { daemon, reload, findings, lines } = daemonOf(yaml(0), { factories: components })
  await daemon.start()
  let [sending, next] = [true, 0]
  const [acknowledged, failed, statuses] = [new Set<string>(), new Set<string>(), new Set<number>()]
  const sender = async () => {
    const dispatcher = new Agent({ connections: 1 })
    const headers = { 'content-type': 'application/x-protobuf' }
    while (sending) {
      const id = `id-${String(next++).padStart(9, '0')}`
      const body = traceBatch([{ name: id }]).bytes
      try {
        const answer = await request(`http://127.0.0.1:${port}/v1/traces`, {
          method: 'POST',
          dispatcher,
          headers,
          body,
        })
        await answer.body.dump()
        statuses.add(answer.statusCode)
        if (answer.statusCode === 200) acknowledged.add(id)
      } catch {
        // The connection was closed: a keep-alive connection that seemed idle, when its listener made room for another.
        failed.add(id)
      }
    }
    await dispatcher.destroy()
  }
  const senders = Array.from({ length: 8 }, sender)
  let rebinds = 0
  for (let turn = 1; turn <= RELOADS; turn++) {
    if (turn % 5 === 0) await expect((async () => reload('receivers: ['))()).rejects.toThrow()
    if (turn % 10 === 0) {
      rebinds += 2
      await expect(reload(yaml(turn).replace(`:${port}`, `:${sink}`))).rejects.toThrow('EADDRINUSE')
      await expect(reload(yaml(turn).replace('127.0.0.1', '192.0.2.1'))).rejects.toThrow('EADDRNOTAVAIL')
    }
    await reload(yaml(turn))
    rebinds += 1
    const before = acknowledged.size
    await expect.poll(() => acknowledged.size, { interval: 1 }).toBeGreaterThan(before + 5)
    expect(findings()).toEqual([])
  }
  sending = false
  await Promise.all(senders)
  expect(await daemon.stop()).toBe(0)
  expect(findings(true)).toEqual([])
  expect([...statuses]).toEqual([200])
  expect([...acknowledged].filter((id) => seen.get(id) !== 1)).toEqual([])
  expect([...failed].filter((id) => (seen.get(id) ?? 0) > 1)).toEqual([])
  expect(acknowledged.size).toBeGreaterThan(RELOADS * 5)
  // At most the one request of each sender that was on its way while its connection was closed.
  expect(failed.size).toBeLessThanOrEqual(8 * rebinds)
  expect(lines.filter(({ msg }) => msg.startsWith('a bug'))).toEqual([])
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
