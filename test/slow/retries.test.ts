/** A backend that refuses, and senders that never see their answer and send again, change no token count. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import type { OtlpReceiver } from '../../src/receivers/otlp/index.ts'
import { daemonOf } from '../pipelines/parts.fixture.ts'
import { traceBatch } from '../support/otlp.ts'
import { randomFrom } from './traffic.fixture.ts'

const REQUESTS = 400
const CALLS = 5
const SEED = Number(process.env['SEED'] ?? 20_260_101)

const hex = (number: number, length: number) => number.toString(16).padStart(length, '0')

function body(index: number): { bytes: Buffer; input: number; output: number } {
  const tokens = Array.from({ length: CALLS }, (_, call) => ({ input: 100 + index + call, output: 7 * call + 1 }))
  const spans = tokens.map(({ input, output }, call) => ({
    trace: hex(index + 1, 32),
    id: hex(index * CALLS + call + 1, 16),
    name: 'chat gpt-4o-mini',
    kind: 3,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.output_tokens': output,
    },
  }))
  const sum = (key: 'input' | 'output') => tokens.reduce((total, one) => total + one[key], 0)
  return { bytes: traceBatch(spans).bytes, input: sum('input'), output: sum('output') }
}

test.each([1, 2])('with %i shards', async (shards) => {
  process.stderr.write(`seed ${SEED}\n`)
  const next = randomFrom(SEED + shards)
  const out = mkdtempSync(join(tmpdir(), 'sluice-retries-'))
  let refused = 0
  let isOver = false
  const sink = createServer((request, response) => {
    request.resume().on('end', () => {
      // At the stop each batch has one attempt left.
      if (!isOver && next() < 0.4) {
        refused++
        response.writeHead(503).end()
      } else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const { port } = sink.address() as { port: number }
  const { daemon, findings, balance } = daemonOf(
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors: { gen_ai: {} }
connectors: { gen_ai_metrics: {}, forward: {} }
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${port}", retry_on_failure: { initial_interval: 10ms, max_interval: 10ms } }
  file: { path: ${out}/metrics.jsonl }
service:
  shards: ${shards}
  pipelines:
    traces: { receivers: [otlp], processors: [gen_ai], exporters: [gen_ai_metrics, forward] }
    traces/out: { receivers: [forward], exporters: [otlp_http] }
    metrics: { receivers: [gen_ai_metrics], exporters: [file] }
`,
    { factories: components },
  )
  await daemon.start()
  const { ports } = daemon.component('receiver/otlp') as OtlpReceiver
  const send = async (bytes: Buffer) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const answer = await fetch(`http://127.0.0.1:${ports.http}/v1/traces`, { method: 'POST', headers, body: bytes })
    await answer.arrayBuffer()
    return answer.status
  }
  let repeats = 0
  const expected = { requests: REQUESTS * CALLS, input: 0, output: 0 }
  const sender = async (indexes: number[]) => {
    for (const index of indexes) {
      const { bytes, input, output } = body(index)
      expected.input += input
      expected.output += output
      const times = next() < 0.2 ? 2 : 1
      repeats += times - 1
      for (let time = 0; time < times; time++) {
        for (let status = 0; status !== 200; ) {
          status = await send(bytes)
          expect(status).toBeOneOf([200, 503])
        }
      }
      expect(findings()).toEqual([])
    }
  }
  const indexes = Array.from({ length: REQUESTS }, (_, index) => index)
  await Promise.all([0, 1, 2, 3].map((part) => sender(indexes.filter((index) => index % 4 === part))))
  isOver = true
  expect(await daemon.stop()).toBe(0)
  sink.close()
  expect(refused).toBeGreaterThan(REQUESTS / 4)
  expect(repeats).toBeGreaterThan(REQUESTS / 10)
  expect(findings(true)).toEqual([])
  expect(balance('receiver/otlp → traces')).toMatchObject({
    delivered: (REQUESTS + repeats) * CALLS,
    refused: 0,
  })
  expect(balance('connector/forward → traces/out')).toMatchObject({
    delivered: (REQUESTS + repeats) * CALLS,
    dropped: {},
  })
  expect(balance('traces → connector/gen_ai_metrics')).toMatchObject({
    duplicate: repeats * CALLS,
    delivered: REQUESTS * CALLS,
  })
  const totals = lastTotals(join(out, 'metrics.jsonl'))
  rmSync(out, { recursive: true })
  expect({
    requests: totals['llm_requests_total'],
    input: totals['llm_tokens_input_total'],
    output: totals['llm_tokens_output_total'],
  }).toEqual(expected)
})

interface Sum {
  name: string
  sum?: { dataPoints: { asDouble?: number; asInt?: string }[] }
}

/** The last value of each sum. */
function lastTotals(path: string): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
    const { resourceMetrics } = JSON.parse(line) as { resourceMetrics: { scopeMetrics: { metrics: Sum[] }[] }[] }
    for (const { name, sum } of resourceMetrics.flatMap((one) => one.scopeMetrics).flatMap((one) => one.metrics)) {
      if (sum)
        totals[name] = sum.dataPoints.reduce((total, point) => total + Number(point.asDouble ?? point.asInt ?? 0), 0)
    }
  }
  return totals
}
