/** The gRPC client against servers in Go: Tempo, and the Collector, which sends on what it gets to a sink of ours. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { schema } from '../../src/exporters/otlp_grpc/config.ts'
import { otlpGrpc } from '../../src/exporters/otlp_grpc/index.ts'
import { encode } from '../../src/otlp/codec.ts'
import { systemClock } from '../../src/self/clock.ts'
import { contextOf, spans, TestAccount, TestHost } from '../../src/sending/host.fixture.ts'
import { type Batches, trusted } from '../../src/telemetry/batch.ts'
import { itemsOf } from '../support/otlp.ts'
import { freePort } from '../support/ports.ts'
import { eventually, haveShared, type Running, startBackend } from './processes.fixture.ts'

const compose = fileURLToPath(new URL('../../deploy/compose', import.meta.url))
const direct = { tls: { insecure: true }, sending_queue: { enabled: false }, retry_on_failure: { enabled: false } }

describe.skipIf(!haveShared())('servers in Go (skipped where ../shared is missing)', () => {
  let directory: string
  const closers: (() => unknown)[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-grpc-'))
  })

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function exporter(config: z.input<typeof schema>) {
    const { host } = new TestHost(systemClock, 'otlp_grpc/test')
    const made = otlpGrpc.create(schema.parse({ ...direct, ...config }), host)
    await made.start?.()
    closers.push(() => made.shutdown?.(AbortSignal.abort()))
    const account = new TestAccount()
    const pass = (batch: Batches['traces']) =>
      account.pass(batch.count, () => made.inputs.traces!.consume(batch, contextOf(account)))
    return { pass, account }
  }

  /** Takes what the Collector sends; `status` is its answer. */
  async function sink() {
    const state = { status: 200, spans: 0, bodies: [] as Buffer[], port: 0 }
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts)
        if (state.status === 200) {
          state.spans += trusted('traces', body).count
          state.bodies.push(body)
        }
        response.writeHead(state.status).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
    state.port = (server.address() as AddressInfo).port
    return state
  }

  async function collector(sinkPort: number, grpc: object = {}): Promise<{ endpoint: string; running: Running }> {
    const [port, health] = [await freePort(), await freePort()]
    const endpoint = `127.0.0.1:${port}`
    const config = {
      receivers: { otlp: { protocols: { grpc: { endpoint, ...grpc } } } },
      exporters: {
        otlp_http: {
          endpoint: `http://127.0.0.1:${sinkPort}`,
          compression: 'none',
          sending_queue: { enabled: false },
          retry_on_failure: { enabled: false },
        },
      },
      extensions: { health_check: { endpoint: `127.0.0.1:${health}` } },
      service: {
        extensions: ['health_check'],
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp_http'] } },
      },
    }
    const path = join(directory, `${port}.json`)
    writeFileSync(path, JSON.stringify(config))
    const running = startBackend('otelcol', ['--config', path])
    closers.push(() => running.stop())
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${health}/`)).ok).toBe(true))
    return { endpoint, running }
  }

  test.each(['gzip', 'zstd', 'none'] as const)(
    'the Collector gets batches whole, compression %s',
    async (compression) => {
      const state = await sink()
      const { endpoint } = await collector(state.port)
      const { pass } = await exporter({ endpoint, compression })
      const batches = [spans(1), spans(100, 'span', 300), spans(1, 'span', 3_000_000)]
      for (const batch of batches) await pass(batch)
      expect(state.bodies.map((body) => factsOf(trusted('traces', body)))).toEqual(batches.map(factsOf))
    },
  )

  test('connections that the Collector ends again and again lose nothing', async () => {
    const state = await sink()
    const server_parameters = { max_connection_age: '200ms', max_connection_age_grace: '5s' }
    const { endpoint } = await collector(state.port, { keepalive: { server_parameters } })
    const { pass, account } = await exporter({ endpoint })
    const end_ms = performance.now() + 4_000
    let sent = 0
    while (performance.now() < end_ms) {
      await Promise.all(Array.from({ length: 10 }, () => pass(spans(10, 'span', 100))))
      sent += 100
    }
    expect(account.delivered).toBe(sent)
    expect(state.spans).toBe(sent)
  })

  test('what is over its limit goes in halves', async () => {
    const state = await sink()
    const { endpoint } = await collector(state.port, { max_recv_msg_size_mib: 1 })
    const { pass, account } = await exporter({ endpoint })
    await pass(spans(10, 'span', 400_000))
    expect(account.delivered).toBe(10)
    expect(state.spans).toBe(10)
    expect(state.bodies.length).toBeGreaterThan(3)
  })

  test('its refusals, and its end, are what OTLP says', async () => {
    const state = await sink()
    const { endpoint, running } = await collector(state.port)
    const { pass, account } = await exporter({ endpoint })
    state.status = 503
    await expect(pass(spans(1))).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('gRPC UNAVAILABLE'),
    })
    state.status = 400
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: false })
    state.status = 200
    await pass(spans(1))
    await running.stop()
    await expect(pass(spans(1))).rejects.toMatchObject({ retryable: true })
    expect(account.delivered).toBe(1)
  })

  test('probes that it finds too many cost no batch', async () => {
    const state = await sink()
    const { endpoint } = await collector(state.port)
    const keepalive = { time: '100ms', timeout: '5s', permit_without_stream: true }
    const { pass, account } = await exporter({ endpoint, keepalive })
    for (let at = 0; at < 30; at++) {
      await pass(spans(1))
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    expect(account.delivered).toBe(30)
  })

  test('Tempo gets a batch whole, and says what it does not take', async () => {
    const names = ['TEMPO_HTTP_PORT', 'TEMPO_GRPC_PORT', 'TEMPO_OTLP_GRPC_PORT'] as const
    const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])))
    const tempo = startBackend('tempo', [`-config.file=${compose}/tempo.yaml`, '-config.expand-env=true'], {
      ...ports,
      TEMPO_HOST: '127.0.0.1',
      TEMPO_DATA: join(directory, 'tempo'),
    })
    closers.push(() => tempo.stop())
    const http = `http://127.0.0.1:${ports['TEMPO_HTTP_PORT']}`
    await eventually(async () => expect((await fetch(`${http}/ready`)).ok).toBe(true))
    const { pass } = await exporter({ endpoint: `dns:///localhost:${ports['TEMPO_OTLP_GRPC_PORT']}` })
    await eventually(() => pass(spans(3, 'seen', 100)))
    for (const id of ['01', '02', '03'].map((byte) => byte.repeat(16))) {
      await eventually(async () => {
        const text = await (await fetch(`${http}/api/traces/${id}`)).text()
        expect(text).toContain(`seen-${Number(id.slice(0, 2)) - 1}`)
      })
    }
    const nameless = { traceId: Buffer.alloc(5), spanId: Buffer.alloc(8, 1), name: 'x' }
    const request = { resourceSpans: [{ scopeSpans: [{ spans: [nameless] }] }] }
    const refused = pass(trusted('traces', encode('TracesRequest', request).take()))
    await expect(refused).rejects.toMatchObject({ retryable: false, message: expect.stringMatching(/^gRPC [A-Z_]+$/) })
  })
})

/** The Collector writes what it has read in its own way. */
function factsOf(batch: Batches['traces']): unknown[] {
  return itemsOf(batch).map(({ traceId, spanId, name, attributes }) => ({ traceId, spanId, name, attributes }))
}
