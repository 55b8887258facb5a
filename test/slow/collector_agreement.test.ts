/**
 * Probabilistic sampling beside the real Collector: of the same trace ids, both keep the same, so that tiers and nodes
 * of either kind can be mixed.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Random } from '../../src/otlp/random.fixture.ts'
import { trusted } from '../../src/telemetry/batch.ts'
import { itemsOf, traceBatch } from '../support/otlp.ts'
import { freePort } from '../support/ports.ts'
import { eventually, haveShared, post, type Running, startBackend, startDaemon } from './processes.fixture.ts'

const TRACES = 10_000
const REQUESTS = 20
const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

interface Sink {
  readonly server: Server
  readonly port: number
  /** Ids of the traces that came, and how many spans. */
  readonly traces: Set<string>
  spans: number
}

describe.skipIf(!haveShared())('beside the Collector (skipped where ../shared is missing)', () => {
  let directory: string
  const running: Running[] = []
  const sinks: Sink[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-agreement-'))
  })

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop()
    for (const { server } of sinks.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(directory, { recursive: true, force: true })
  })

  async function sink(): Promise<Sink> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts)
        const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        for (const span of itemsOf(trusted('traces', bytes))) {
          made.traces.add((span['traceId'] as Buffer).toString('hex'))
          made.spans++
        }
        response.setHeader('content-type', 'application/x-protobuf')
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const made: Sink = { server, port: (server.address() as AddressInfo).port, traces: new Set(), spans: 0 }
    sinks.push(made)
    return made
  }

  test.each([
    { sampling_percentage: 5 },
    { sampling_percentage: 10 },
    { sampling_percentage: 10, hash_salt: 'another salt' },
  ])(`both keep the same traces: %o, seed ${seed}`, async (probabilistic) => {
    const ours = { sink: await sink(), port: await freePort() }
    const theirs = { sink: await sink(), port: await freePort() }
    const path = join(directory, 'collector.json')
    writeFileSync(path, JSON.stringify(configOf(theirs.port, theirs.sink.port, probabilistic)))
    running.push(startBackend('otelcol', ['--config', path]))
    running.push(startDaemon(join(directory, 'sluice.json'), configOf(ours.port, ours.sink.port, probabilistic)))
    const random = new Random(seed)
    const ids = Array.from({ length: TRACES }, () => idOf(random))
    for (let request = 0; request < REQUESTS; request++) {
      const share = ids.slice((request * TRACES) / REQUESTS, ((request + 1) * TRACES) / REQUESTS)
      const { bytes } = traceBatch(share.flatMap((trace) => [{ trace }, { trace, id: '00000000000000aa' }]))
      await post(ours.port, 'traces', bytes)
      await post(theirs.port, 'traces', bytes)
    }
    const expected = (TRACES * probabilistic.sampling_percentage) / 100
    await eventually(async () => {
      const [one, other] = [ours.sink, theirs.sink].map(({ traces }) => [...traces].sort())
      expect(one!.length).toBeGreaterThan(expected * 0.8)
      expect(one).toEqual(other)
    })
    expect(ours.sink.traces.size).toBeLessThan(expected * 1.2)
    for (const one of running) expect(await one.stop(), one.log()).toBe(0)
    expect([...ours.sink.traces].sort()).toEqual([...theirs.sink.traces].sort())
    for (const { spans, traces } of sinks) expect(spans).toBe(traces.size * 2)
  })
})

/** One config for both. */
function configOf(receive: number, send: number, probabilistic: object): object {
  const policies = [{ name: 'some', type: 'probabilistic', probabilistic }]
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receive}` } } } },
    processors: { tail_sampling: { decision_wait: '1s', num_traces: 50_000, policies } },
    // The Collector sends each trace alone, and a second's worth would overflow its default queue.
    exporters: { otlp_http: { endpoint: `http://127.0.0.1:${send}`, sending_queue: { queue_size: TRACES } } },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      pipelines: { traces: { receivers: ['otlp'], processors: ['tail_sampling'], exporters: ['otlp_http'] } },
    },
  }
}

function idOf(random: Random): string {
  return Array.from({ length: 16 }, () => random.below(256).toString(16).padStart(2, '0')).join('')
}
