/** `collector.yaml` as a user meets it: no warning, nothing needed but a port, LLM metrics out, no content out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { components } from '../src/components.ts'
import { loadConfig } from '../src/config/load.ts'
import { processEnvironment } from '../src/config/text/source.ts'
import { Daemon } from '../src/daemon.ts'
import { findings } from '../src/pipeline/ledger.ts'
import { hasRedaction, planOf, rawPaths } from '../src/pipeline/plan.ts'
import type { OtlpReceiver } from '../src/receivers/otlp/index.ts'
import { FakeClock } from '../src/self/clock.ts'
import { SelfMetrics } from '../src/self/metrics/registry.ts'
import { freePort } from './support/ports.ts'

const path = fileURLToPath(new URL('../collector.yaml', import.meta.url))

const directory = mkdtempSync(join(tmpdir(), 'sluice-default-'))
const load = (sets: readonly string[] = [], variables: Record<string, string> = {}) =>
  loadConfig({ configs: [path], sets }, components, processEnvironment({ SLUICE_DATA: directory, ...variables }))

const options = (clock = new FakeClock()) => ({
  log: pino({ level: 'silent' }),
  clock,
  meter: new SelfMetrics(),
  version: '0.0.0-test',
})

afterEach(() => void vi.restoreAllMocks())
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('says first which schema it follows', () => {
  expect(readFileSync(path, 'utf8').split('\n', 1)[0]).toBe('# yaml-language-server: $schema=./collector.schema.json')
})

test('loads without a warning, redacts on every way, and its graph can be built', () => {
  const config = load()
  expect(config.warnings).toEqual([])
  expect(hasRedaction(planOf(config))).toBe(true)
  expect(rawPaths(planOf(config))).toEqual([])
  new Daemon(config, options()).check()
})

test.each([
  [{}, ['store'], ['store']],
  [{ TEMPO_ENDPOINT: 'tempo:4317' }, ['store', 'otlp_grpc/tempo'], ['store']],
  [{ LOKI_ENDPOINT: 'http://loki:3100' }, ['store'], ['store', 'loki']],
])('with the environment %j it sends to %j and %j', (variables, traces, logs) => {
  const { service, warnings } = load([], variables)
  expect(service.pipelines.get('traces/kept')?.exporters).toEqual(traces)
  expect(service.pipelines.get('logs/kept')?.exporters).toEqual(logs)
  expect(warnings).toEqual([])
})

test('keeps everything in one directory', () => {
  const { service, exporters } = load()
  expect(service.data_directory).toBe(directory)
  expect(exporters.get('store')?.config).toMatchObject({ directory: join(directory, 'store') })
})

test('listens on this machine only', () => {
  const written = readFileSync(path, 'utf8').replaceAll(/^\s*#.*$/gm, '')
  const listening = [...written.matchAll(/"(.+):(?:4317|4318|8889|13133|8890)"/g)].map(([, host]) => host!)
  expect(listening).toHaveLength(5)
  for (const host of listening) expect(host).toMatch(/^\$\{env:SLUICE_(API_)?HOST:-127\.0\.0\.1\}$/)
})

test('counts every call, keeps what is worth keeping, and lets no prompt out', async () => {
  await run(async ({ otlp, prometheus, api, clock }) => {
    await send(otlp, traces)
    await send(otlp.replace('traces', 'logs'), logs)
    await clock.advance(60_000)
    const metrics = await get(prometheus)
    const labels = 'model="gpt-4o-mini",endpoint="chat"'
    const sample = (name: string, more = '') => sampleOf(metrics, `${name}{`, [...labels.split(','), more])
    expect(sample('llm_requests_total')).toBe(3)
    expect(sample('llm_tokens_input_total')).toBe(2750)
    expect(sample('llm_errors_total', 'error_type="500"')).toBe(1)
    expect(sample('llm_quality_signals_total', 'signal="truncated"')).toBe(1)
    expect(sample('llm_cost_usd_sum')).toBeGreaterThan(0)
    const kept = await vi.waitUntil(async () => {
      const { traces } = JSON.parse(await get(`${api}/traces`)) as { traces: Kept[] }
      return traces.length === 2 && traces
    })
    expect(kept.map(({ policy }) => policy).sort()).toEqual(['errors', 'low quality'])
    const refused = JSON.parse(await get(`${api}/traces?signal=refusal`)) as { traces: Kept[] }
    expect(refused.traces.map(({ trace_id }) => trace_id)).toEqual(['2'.padStart(32, '0')])
    const summaries = await get(`${api}/logs?event=sluice.gen_ai.summary`)
    expect(summaries).toContain('chat gpt-4o-mini input_tokens=1200 output_tokens=300')
    expect(summaries).toContain('chat gpt-4o-mini input_tokens=350 output_tokens=28')
    const texts = [metrics, summaries, await get(`${api}/logs`)]
    for (const { trace_id } of kept) texts.push(await get(`${api}/traces/${trace_id}`))
    expect(texts.join('')).not.toMatch(/capital|Lisbon|ada@example\.org/)
  })
})

test('what failed is kept and shown as failed, whether or not a status says so', async () => {
  const text = (stringValue: string) => ({ stringValue })
  const tool = { 'gen_ai.operation.name': text('execute_tool'), 'gen_ai.tool.name': text('search') }
  const failed: Record<string, unknown>[] = [
    ...Array.from({ length: 40 }, () => ({ 'error.type': text('timeout') })),
    { ...tool, 'error.type': text('ToolError') },
    { 'http.response.status_code': { intValue: '429' } },
    { 'langfuse.observation.type': text('generation'), 'langfuse.observation.level': text('ERROR') },
  ]
  const idOf = (at: number) => (at + 1).toString(16)
  const good = Array.from({ length: 400 }, (_, at) => call(idOf(at + 1000), {}, {}))
  const bad = failed.map((attributes, at) => call(idOf(at), {}, attributes))
  await run(async ({ otlp, prometheus, api, clock }) => {
    await send(otlp, { resourceSpans: [{ scopeSpans: [{ spans: [...good, ...bad] }] }] })
    await clock.advance(60_000)
    const found = async (query: string) =>
      (JSON.parse(await get(`${api}/traces?limit=500&${query}`)) as { traces: Kept[] }).traces
    const shown = await vi.waitUntil(async () => {
      const traces = await found('status=error')
      return traces.length >= failed.length && traces
    })
    const ids = shown.map(({ trace_id }) => trace_id.replace(/^0+/, '')).sort()
    expect(ids).toEqual(failed.map((_, at) => idOf(at)).sort())
    expect(new Set(shown.map(({ policy, error }) => `${policy} ${error}`))).toEqual(new Set(['errors true']))
    expect((await found('status=ok')).some(({ error }) => error)).toBe(false)
    const metrics = await get(prometheus)
    expect(sampleOf(metrics, 'llm_errors_total{', ['error_type="timeout"'])).toBe(40)
    expect(sampleOf(metrics, 'llm_rate_limited_total{', [])).toBe(1)
  })
})

interface Running {
  /** Of `/v1/traces`, `/metrics` and `/api`. */
  readonly otlp: string
  readonly prometheus: string
  readonly api: string
  readonly clock: FakeClock
}

/** A clock that knows when timers fired, in monotonic milliseconds. */
class CountingClock extends FakeClock {
  readonly moments = new Set<number>()

  override after(wait_ms: number, run: () => void) {
    return super.after(wait_ms, () => this.#fire(run))
  }

  override every(period_ms: number, run: () => void) {
    return super.every(period_ms, () => this.#fire(run))
  }

  #fire(run: () => void): void {
    this.moments.add(this.monotonic_ms())
    run()
  }
}

test('without work it wakes four times a second, before the first request and after the last', async () => {
  const clock = new CountingClock()
  const wakes = async () => {
    clock.moments.clear()
    await clock.advance(60_000)
    return clock.moments.size / 60
  }
  await run(async ({ otlp }) => {
    expect(await wakes()).toBeLessThanOrEqual(4)
    await send(otlp, traces)
    await clock.advance(60_000)
    expect(await wakes()).toBeLessThanOrEqual(4)
  }, clock)
})

/** The shipped config on free ports; afterwards its books balance. */
async function run(use: (running: Running) => Promise<void>, clock = new FakeClock()): Promise<void> {
  const [prometheus, api] = [await freePort(), await freePort()]
  const own = mkdtempSync(join(tmpdir(), 'sluice-default-'))
  const daemon = new Daemon(
    load(
      [
        ...['grpc', 'http'].map((protocol) => `receivers.otlp.protocols.${protocol}.endpoint=127.0.0.1:0`),
        `exporters.prometheus.endpoint=127.0.0.1:${prometheus}`,
        `extensions.api.endpoint=127.0.0.1:${api}`,
        'extensions.health_check.endpoint=127.0.0.1:0',
      ],
      { SLUICE_DATA: own },
    ),
    options(clock),
  )
  await daemon.start()
  try {
    const { ports } = daemon.component('receiver/otlp') as OtlpReceiver
    await use({
      otlp: `http://127.0.0.1:${ports.http}/v1/traces`,
      prometheus: `http://127.0.0.1:${prometheus}/metrics`,
      api: `http://127.0.0.1:${api}/api`,
      clock,
    })
  } finally {
    expect(await daemon.stop()).toBe(0)
    rmSync(own, { recursive: true, force: true })
  }
  expect(findings(daemon.ledger.snapshot(), true)).toEqual([])
}

interface Kept {
  readonly trace_id: string
  readonly policy: string
  readonly error: boolean
}

async function get(url: string): Promise<string> {
  return (await fetch(url)).text()
}

async function send(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect([answer.status, await answer.text()]).toEqual([200, '{}'])
}

/** Value of the first sample whose line begins so and has all of these labels. */
function sampleOf(text: string, start: string, labels: readonly string[]): number {
  const line = text.split('\n').find((one) => one.startsWith(start) && labels.every((label) => one.includes(label)))
  return Number(line?.split(' ').at(-1))
}

const call = (trace: string, more: Record<string, unknown>, attributes: Record<string, unknown>) => ({
  traceId: trace.padStart(32, '0'),
  spanId: trace.padStart(16, '0'),
  name: 'chat gpt-4o-mini',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000002000000000',
  attributes: Object.entries({
    'gen_ai.operation.name': { stringValue: 'chat' },
    'gen_ai.provider.name': { stringValue: 'openai' },
    'gen_ai.request.model': { stringValue: 'gpt-4o-mini' },
    'gen_ai.usage.input_tokens': { intValue: '1200' },
    'gen_ai.usage.output_tokens': { intValue: '300' },
    'gen_ai.input.messages': {
      stringValue: '[{"role":"user","parts":[{"type":"text","content":"What is the capital of Portugal?"}]}]',
    },
    'gen_ai.output.messages': {
      stringValue: '[{"role":"assistant","parts":[{"type":"text","content":"Lisbon"}]}]',
    },
    'app.note': { stringValue: 'asked by ada@example.org' },
    ...attributes,
  }).map(([key, value]) => ({ key, value })),
  ...more,
})

const traces = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [
        {
          spans: [
            call(
              '1',
              {},
              { 'gen_ai.response.finish_reasons': { arrayValue: { values: [{ stringValue: 'length' }] } } },
            ),
            call('2', { status: { code: 2 } }, { 'error.type': { stringValue: '500' } }),
          ],
        },
      ],
    },
  ],
}

function place(trace: string) {
  const ids = { traceId: trace.padStart(32, '0'), spanId: trace.padStart(16, '0') }
  return { timeUnixNano: '1700000002000000000', ...ids }
}

const map = (key: string, value: object) => ({ kvlistValue: { values: [{ key, value }] } })

/** AutoGen's only report of a call, a second report of the first span's, and the answer of the second's: a refusal. */
const logs = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          scope: { name: 'autogen_core.events' },
          logRecords: [
            {
              timeUnixNano: '1700000001000000000',
              body: {
                stringValue: JSON.stringify({
                  type: 'LLMCall',
                  messages: [{ content: 'What is the capital of Portugal?' }],
                  response: { model: 'gpt-4o-mini', choices: [{ message: { content: 'Lisbon' } }] },
                  prompt_tokens: 350,
                  completion_tokens: 28,
                }),
              },
            },
          ],
        },
        {
          scope: { name: 'opentelemetry.util.genai.handler' },
          logRecords: [
            {
              ...place('1'),
              eventName: 'gen_ai.client.inference.operation.details',
              attributes: [
                { key: 'gen_ai.request.model', value: { stringValue: 'gpt-4o-mini' } },
                { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
              ],
            },
            {
              ...place('2'),
              eventName: 'gen_ai.choice',
              body: map('message', map('content', { stringValue: "I'm sorry, but I can't help with Lisbon." })),
            },
          ],
        },
      ],
    },
  ],
}
