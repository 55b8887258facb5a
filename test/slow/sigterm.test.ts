/** SIGTERM under load, again and again: what was acknowledged is at the backend, once. */
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { backend, configFile, runDaemon } from '../pipelines/process.fixture.ts'
import { traceBatch } from '../support/otlp.ts'

const ROUNDS = Number(process.env['SIGTERM_ROUNDS'] ?? 100)
const HTTP_SENDERS = 6
const GRPC_SENDERS = 4
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

const yaml = (sink: number) => `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 }, grpc: { endpoint: 127.0.0.1:0 } } }
processors: { memory_limiter: { limit_mib: 100000 } }
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${sink}", compression: none, sending_queue: { queue_size: 100000, num_consumers: 4 } }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http] }
`

/** What was sent and what became of it, by request id. */
class Load {
  readonly sent = new Set<string>()
  readonly acknowledged = new Set<string>()
  #stopped = false

  /** A body of three spans that are named after the request, and the id. */
  next(): { id: string; body: Buffer } {
    const id = `id-${String(this.sent.size).padStart(9, '0')}`
    this.sent.add(id)
    return {
      id,
      body: traceBatch([0, 1, 2].map((span) => ({ name: `${id}/${span}`, attributes: { text: 'x'.repeat(200) } })))
        .bytes,
    }
  }

  /** Calls `send` until it fails for want of a server, or the load is stopped. */
  async run(send: (body: Buffer) => Promise<'taken' | 'refused' | 'gone'>): Promise<void> {
    while (!this.#stopped) {
      const { id, body } = this.next()
      const outcome = await send(body)
      if (outcome === 'taken') this.acknowledged.add(id)
      if (outcome === 'gone') return
    }
  }

  stop(): void {
    this.#stopped = true
  }
}

function overHttp(port: number, dispatcher: Agent) {
  const headers = { 'content-type': 'application/x-protobuf' }
  return async (body: Buffer) => {
    try {
      const answer = await request(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', dispatcher, headers, body })
      await answer.body.dump()
      return answer.statusCode === 200 ? ('taken' as const) : ('refused' as const)
    } catch {
      return 'gone' as const
    }
  }
}

function overGrpc(client: Client) {
  const same = (bytes: Buffer) => bytes
  return (body: Buffer) =>
    new Promise<'taken' | 'gone'>((resolve) => {
      const deadline = new Date(Date.now() + 10_000)
      client.makeUnaryRequest(EXPORT, same, same, body, new Metadata(), { deadline }, (error) =>
        resolve(error ? 'gone' : 'taken'),
      )
    })
}

/** How often each span name came. */
function countNames(body: Buffer, names: Map<string, number>): void {
  for (const [name] of body.toString('latin1').matchAll(/id-\d{9}\/\d/g)) names.set(name, (names.get(name) ?? 0) + 1)
}

test(`${ROUNDS} times`, async () => {
  const totals = { sent: 0, acknowledged: 0, unanswered: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const names = new Map<string, number>()
    // A backend that takes a moment, so that something waits in the queue.
    const sink = await backend((body) => countNames(body, names), undefined, round % 4)
    const daemon = await runDaemon(configFile(yaml(sink)))
    const load = new Load()
    const agent = new Agent({ connections: HTTP_SENDERS })
    const client = new Client(`127.0.0.1:${daemon.grpc}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
    })
    const senders = [
      ...Array.from({ length: HTTP_SENDERS }, () => load.run(overHttp(daemon.http, agent))),
      ...Array.from({ length: GRPC_SENDERS }, () => load.run(overGrpc(client))),
    ]
    // Each time at another moment of the daemon's life.
    await expect
      .poll(() => load.acknowledged.size, { timeout: 10_000, interval: 5 })
      .toBeGreaterThan(20 + ((round * 37) % 400))
    daemon.child.kill('SIGTERM')
    const ended = await daemon.ended
    load.stop()
    await Promise.all(senders)
    client.close()
    await agent.destroy()
    expect(ended.code, ended.stderr).toBe(0)
    const missing = [...load.acknowledged].filter((id) =>
      [0, 1, 2].some((span) => names.get(`${id}/${span}`) === undefined),
    )
    const doubled = [...names].filter(([, times]) => times > 1)
    const strangers = [...names.keys()].filter((name) => !load.sent.has(name.slice(0, -2)))
    expect({ round, missing, doubled, strangers }).toEqual({ round, missing: [], doubled: [], strangers: [] })
    totals.sent += load.sent.size
    totals.acknowledged += load.acknowledged.size
    totals.unanswered += names.size / 3 - load.acknowledged.size
  }
  process.stderr.write(`${JSON.stringify(totals)}\n`)
  expect(totals.acknowledged).toBeGreaterThan(20 * ROUNDS)
})
