/**
 * A Loki that refuses 30 % of the pushes while SDKs send: nothing is counted twice or not at all, and every call has one
 * summary. Without a queue and with little room, so that refusals reach the senders, which try again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { backend, closeAll } from '../../src/exporters/loki/push.fixture.ts'
import type { OtlpReceiver } from '../../src/receivers/otlp/index.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { daemonOf } from '../pipelines/parts.fixture.ts'
import { freePort } from '../support/ports.ts'
import { makeTraffic, randomFrom } from './traffic.fixture.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1e6)
const REQUESTS = 60
const TRACES_PER_REQUEST = 150

afterEach(closeAll)

test.each([1, 2])('totals are exact, with %i shards', async (shards) => {
  process.stderr.write(`seed ${SEED}\n`)
  const random = randomFrom(SEED + shards)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-refusing-'))
  const spans: string[] = []
  let refusals = 0
  let asked = 0
  let sent = 0
  const loki = await backend((response, _, { streams }) => {
    // And all of them from the middle on, until senders have felt it.
    if (random() < 0.3 || (sent > REQUESTS / 3 && asked === 0)) {
      refusals++
      response.writeHead(503, { 'retry-after': '1' }).end()
      return
    }
    for (const { lines } of streams)
      for (const { metadata } of lines)
        if (metadata['event_name'] === 'sluice.gen_ai.summary') spans.push(metadata['span_id']!)
    response.writeHead(204).end()
  })
  const metrics = await freePort()
  const clock = new FakeClock()
  const { daemon, findings } = daemonOf(configOf(loki.endpoint, metrics, shards), { factories: components, clock })
  await daemon.start()
  const { ports } = daemon.component('receiver/otlp') as OtlpReceiver
  const calls = []
  for (; sent < REQUESTS; sent++) {
    const { traces, bodies } = makeTraffic(TRACES_PER_REQUEST, random)
    calls.push(...traces.flatMap((trace) => trace.calls))
    for (const body of bodies) {
      for (;;) {
        const headers = { 'content-type': 'application/x-protobuf' }
        const url = `http://127.0.0.1:${ports.http}/v1/traces`
        const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
        await answer.arrayBuffer()
        if (answer.status === 200) break
        expect([429, 503]).toContain(answer.status)
        asked++
        await clock.advance(500)
        await setImmediate()
      }
    }
    await clock.advance(20)
  }
  for (let waits = 0; new Set(spans).size < calls.length; waits++) {
    expect(waits, `${new Set(spans).size} of ${calls.length} summaries have come`).toBeLessThan(5_000)
    await clock.advance(500)
    await setImmediate()
  }
  await clock.advance(60_000)
  expect(asked, 'requests that were refused').toBeGreaterThan(0)
  expect(refusals, 'pushes that were refused').toBeGreaterThan(0)
  const exposition = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  for (const model of new Set(calls.map((call) => call.model))) {
    const those = calls.filter((call) => call.model === model)
    const sum = (field: 'input' | 'output') => those.reduce((total, call) => total + call[field], 0)
    expect(valueIn(exposition, 'llm_requests_total', model)).toBe(those.length)
    expect(valueIn(exposition, 'llm_tokens_input_total', model)).toBe(sum('input'))
    expect(valueIn(exposition, 'llm_tokens_output_total', model)).toBe(sum('output'))
    expect(valueIn(exposition, 'llm_cost_usd_count', model)).toBe(those.length)
  }
  expect(spans).toHaveLength(calls.length)
  expect(await daemon.stop()).toBe(0)
  expect(findings(true)).toEqual([])
  rmSync(directory, { recursive: true, force: true })
})

function valueIn(exposition: string, family: string, model: string): number {
  const line = exposition.split('\n').find((one) => one.startsWith(`${family}{`) && one.includes(`model="${model}"`))
  return Number(line?.split(' ').at(-1))
}

function configOf(endpoint: string, metrics: number, shards: number): string {
  return `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors: { gen_ai: {}, redaction: {}, tail_sampling: { decision_wait: 1s, when_full: refuse, policies: [{ name: all, type: always_sample }] } }
connectors: { gen_ai_metrics: {}, gen_ai_logs: { bytes_max: 4MiB, when_full: refuse, settle_after: 100ms, content: false }, forward: {} }
exporters:
  loki: { endpoint: "${endpoint}", sending_queue: { enabled: false }, retry_on_failure: { enabled: false } }
  prometheus: { endpoint: 127.0.0.1:${metrics} }
  nop: {}
service:
  shards: ${shards}
  fan_out_bytes_max: 1MiB
  fan_out_when_full: refuse
  pipelines:
    traces: { receivers: [otlp], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs, forward] }
    traces/kept: { receivers: [forward], processors: [tail_sampling], exporters: [nop] }
    logs: { receivers: [gen_ai_logs], processors: [tail_sampling], exporters: [loki] }
    metrics: { receivers: [gen_ai_metrics], exporters: [prometheus] }
`
}
