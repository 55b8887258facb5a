/** A reload that changes what may leave reaches what waits: in samplers, connectors, batches and queues. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { traceBatch } from '../support/otlp.ts'
import { daemonOf, type LogLine } from './parts.fixture.ts'
import { backend, scratch } from './process.fixture.ts'

const PROMPTS = 1000
const HTTP = { method: 'POST', headers: { 'content-type': 'application/x-protobuf' } } as const

interface Shape {
  readonly redaction: string
  /** Processors of the first pipeline. */
  readonly first?: string
  readonly extra?: string
  readonly decision_wait?: string
  readonly address?: string
}

/** A config with all that holds: sampler, connector, batch, queues with and without batches. */
const yaml = (
  sink: number,
  { redaction, first = 'gen_ai, redaction', extra = '', decision_wait = '1s', address = '127.0.0.1' }: Shape,
) => `
receivers: { otlp: { protocols: { http: { endpoint: "${address}:0" } } } }
processors:
  gen_ai: {}
  batch: { timeout: 500ms }
  tail_sampling: { decision_wait: ${decision_wait}, policies: [{ name: all, type: always_sample }] }
  redaction: ${redaction}
  ${extra}
connectors: { forward: {}, gen_ai_logs: { content: true, settle_after: 1s, settle_max: 1s } }
exporters:
  otlp_http/kept: { endpoint: "http://127.0.0.1:${sink}", compression: none, retry_on_failure: { initial_interval: 100ms, max_interval: 100ms } }
  otlp_http/all: { endpoint: "http://127.0.0.1:${sink}", compression: none, retry_on_failure: { initial_interval: 100ms, max_interval: 100ms }, sending_queue: { batch: { flush_timeout: 300ms } } }
  otlp_http/logs: { endpoint: "http://127.0.0.1:${sink}", compression: none, retry_on_failure: { initial_interval: 100ms, max_interval: 100ms } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces/in: { receivers: [otlp], processors: [${first}], exporters: [forward, gen_ai_logs] }
    traces/kept: { receivers: [forward], processors: [tail_sampling], exporters: [otlp_http/kept] }
    traces/all: { receivers: [forward], processors: [batch], exporters: [otlp_http/all] }
    logs: { receivers: [gen_ai_logs], exporters: [otlp_http/logs] }
`

async function holding(before: Shape) {
  const bodies: string[] = []
  const state = { refuses: true, asked: 0 }
  const sink = await backend(
    (body) => bodies.push(body.toString('latin1')),
    (_, response) => {
      state.asked++
      if (state.refuses) response.writeHead(503).end()
      return state.refuses
    },
  )
  const it = daemonOf(yaml(sink, before), { factories: components })
  await it.daemon.start()
  const send = (from: number, to: number) =>
    sendTo(
      it.lines,
      Array.from({ length: to - from }, (_, at) => chat(from + at)),
    )
  const opens = () => {
    state.refuses = false
  }
  return { ...it, send, bodies, state, opens, reload: (after: Shape) => it.reload(yaml(sink, after)) }
}

async function sendTo(lines: readonly LogLine[], spans: ReturnType<typeof chat>[]): Promise<void> {
  const { http } = lines.find(({ msg }) => msg === 'listening for OTLP') as unknown as { http: number }
  const { statusCode } = await request(`http://127.0.0.1:${http}/v1/traces`, { ...HTTP, body: traceBatch(spans).bytes })
  expect(statusCode).toBe(200)
}

function chat(number: number) {
  const text = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: `PROMPT${number} of ann@example.com` }] },
  ])
  return {
    trace: (number + 1).toString(16).padStart(32, '0'),
    id: (number + 1).toString(16).padStart(16, '0'),
    name: 'chat gpt-4.1',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1',
      'gen_ai.input.messages': text,
      note: `CUSTOMER${number} wrote to [bob@example.com]`,
    },
  }
}

const prompts = (bodies: readonly string[]) => bodies.join('').match(/PROMPT\d+/g) ?? []

describe('what waits when the redaction changes', () => {
  const mask: Shape = { redaction: '{ content: mask }' }
  test.each<[string, Shape, Shape, RegExp]>([
    ['content mask → drop', mask, { redaction: '{ content: drop }' }, /PROMPT\d/],
    ['content by role', mask, { redaction: '{ content: { default: mask, user: drop } }' }, /PROMPT\d/],
    [
      'more detectors',
      { redaction: '{ content: drop, detectors: [IBAN] }' },
      { redaction: '{ content: drop }' },
      /bob@/,
    ],
    [
      'a second redaction in the same pipeline',
      mask,
      {
        redaction: '{ content: mask }',
        extra: 'redaction/more: { content: drop }',
        first: 'gen_ai, redaction, redaction/more',
      },
      /PROMPT\d/,
    ],
    [
      'another redaction instead',
      mask,
      { redaction: '{ content: mask }', extra: 'redaction/more: { content: drop }', first: 'gen_ai, redaction/more' },
      /PROMPT\d/,
    ],
    ['the first redaction', { ...mask, first: 'gen_ai' }, { redaction: '{ content: drop }' }, /PROMPT\d|ann@|bob@/],
  ])('%s: none leaves as it was', async (_, before, after, secret) => {
    const it = await holding(before)
    for (let from = 0; from < PROMPTS; from += 250) await it.send(from, from + 250)
    // Some are on their way to the backend again and again, the others wait before it.
    await expect.poll(() => it.state.asked, { interval: 5, timeout: 10_000 }).toBeGreaterThan(0)
    await it.reload(after)
    // What was on the wire already is answered, so that only what leaves after the reload is taken.
    const { asked } = it.state
    await expect.poll(() => it.state.asked, { interval: 5, timeout: 10_000 }).toBeGreaterThan(asked + 30)
    it.opens()
    expect(await it.daemon.stop()).toBe(0)
    expect(it.bodies.join('')).not.toMatch(secret)
    // Nothing was lost: the spans of both ways, and two records for each.
    const names = it.bodies.join('').match(/chat gpt-4\.1/g) ?? []
    expect(names.length).toBeGreaterThanOrEqual(2 * PROMPTS)
    expect(it.findings(true)).toEqual([])
    expect(it.lines.filter(({ msg }) => msg.startsWith('a bug'))).toEqual([])
  })

  test('an exporter without a queue gets it judged too', async () => {
    const path = join(scratch(), 'spans.json')
    const config = (redaction: string) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors:
  redaction: ${redaction}
  tail_sampling: { decision_wait: 30s, policies: [{ name: all, type: always_sample }] }
exporters: { file: { path: ${path} } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], processors: [redaction, tail_sampling], exporters: [file] } }
`
    const it = daemonOf(config('{ content: mask }'), { factories: components })
    await it.daemon.start()
    await sendTo(it.lines, [chat(1), chat(2)])
    await it.reload(config('{ content: drop }'))
    expect(await it.daemon.stop()).toBe(0)
    const text = readFileSync(path, 'utf8')
    expect(text.match(/chat gpt-4\.1/g)).toHaveLength(2)
    expect(text).not.toMatch(/PROMPT/)
    expect(it.findings(true)).toEqual([])
  })

  test('a reload that fails, or changes something else, leaves them as they are', async () => {
    const it = await holding(mask)
    await it.send(0, 100)
    await expect((async () => it.reload({ redaction: '{ content: nonsense }' }))()).rejects.toThrow()
    // It fails when the redaction has taken its new config already.
    await expect(it.reload({ redaction: '{ content: drop }', address: '192.0.2.1' })).rejects.toThrow('EADDRNOTAVAIL')
    await it.reload({ ...mask, decision_wait: '2s' })
    it.opens()
    expect(await it.daemon.stop()).toBe(0)
    expect(new Set(prompts(it.bodies)).size).toBe(100)
    expect(it.bodies.join('')).not.toMatch(/ann@/)
    expect(it.findings(true)).toEqual([])
  })
})
