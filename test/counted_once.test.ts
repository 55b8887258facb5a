/**
 * An application that sends spans and metrics of its calls (the Python application of a published article; what its SDK sent
 * stands in `data/own-metrics`) into `collector.yaml`: its tokens are on the page once, whatever comes first.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { expect, test, vi } from 'vitest'
import { components } from '../src/components.ts'
import { loadConfig } from '../src/config/load.ts'
import { processEnvironment } from '../src/config/text/source.ts'
import { Daemon } from '../src/daemon.ts'
import { decode, encode, type Message } from '../src/otlp/codec.ts'
import { findings } from '../src/pipeline/ledger.ts'
import type { OtlpReceiver } from '../src/receivers/otlp/index.ts'
import { FakeClock } from '../src/self/clock.ts'
import { SelfMetrics } from '../src/self/metrics/registry.ts'
import { freePort } from './support/ports.ts'

type Signal = 'traces' | 'metrics'
/** What is sent, or how many milliseconds pass. */
type Step = 't1' | 't2' | 'm1' | 'm2' | number
type Temporality = 'cumulative' | 'delta'

/** Input tokens by model: of the first requests, and of both. */
const FIRST = { 'gpt-4': 300, 'gpt-4o': 50 }
const BOTH = { 'gpt-4': 600, 'gpt-4o': 100 }
/** Longer than the metrics of an unknown service wait. */
const LONG = 10_000

interface Case {
  readonly name: string
  readonly steps: readonly Step[]
  readonly tokens: Record<string, number>
  /** Default: of both kinds of temporality. */
  readonly temporality?: Temporality
  readonly sampled?: boolean
  readonly mode?: string
  /** Points of `llm.tokens.input` that are set aside. Default 0. */
  readonly aside?: number
}

const cases: readonly Case[] = [
  { name: 'spans first', steps: ['t1', 'm1'], tokens: FIRST, aside: 2 },
  { name: 'spans first, and on and on', steps: ['t1', 'm1', 60_000, 't2', 'm2'], tokens: BOTH, aside: 4 },
  { name: 'metrics a moment before the spans', steps: ['m1', 1000, 't1', 60_000, 'm2', 't2'], tokens: BOTH, aside: 4 },
  { name: 'metrics long before the spans', steps: ['m1', LONG, 't1', 60_000, 't2', 'm2'], tokens: BOTH },
  { name: 'metrics that began before', steps: ['m2', LONG, 't2'], tokens: BOTH, temporality: 'cumulative' },
  { name: 'metrics only', steps: ['m1', 60_000, 'm2'], tokens: BOTH },
  { name: 'spans only', steps: ['t1', 60_000, 't2'], tokens: BOTH },
  { name: 'sampled spans first', steps: ['t1', 'm1', 60_000, 't2', 'm2'], tokens: BOTH, sampled: true },
  { name: 'sampled spans long before', steps: ['t1', 60_000, 'm1', 60_000, 't2', 'm2'], tokens: BOTH, sampled: true },
  { name: 'sampled spans only', steps: ['t1', 60_000, 't2'], tokens: { 'gpt-4': 400 }, sampled: true },
  { name: 'sampled spans last', steps: ['m1', LONG, 't1', 'm2', 't2'], tokens: BOTH, sampled: true },
  { name: 'sampled spans at once', steps: ['m1', 't1', 'm2', 't2'], tokens: BOTH, sampled: true },
  { name: 'both are kept', steps: ['t1', 'm1'], tokens: { 'gpt-4': 600, 'gpt-4o': 100 }, mode: 'keep' },
  { name: 'own ones never pass', steps: ['m1', LONG], tokens: {}, mode: 'set_aside', aside: 2 },
]

const table = cases.flatMap((one) =>
  (['cumulative', 'delta'] as const)
    .filter((temporality) => temporality === (one.temporality ?? temporality))
    .map((temporality) => [`${one.name}, ${temporality}`, temporality, one] as const),
)

test.each(table)('%s', async (_, temporality, { steps, tokens, sampled, mode, aside = 0 }) => {
  const meter = new SelfMetrics()
  await run(meter, mode, async ({ send, clock, page }) => {
    const answers: Promise<number>[] = []
    for (const step of steps) {
      if (typeof step === 'number') await clock.advance(step)
      else answers.push(...(await send(...bodyOf(step, temporality, sampled === true))))
    }
    await clock.advance(60_000)
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    const shown = await page()
    expect(sumByModel(shown, 'llm_tokens_input_total')).toEqual(tokens)
    if (steps.includes('m1')) {
      expect(shown).toMatch(/^shop_orders_total\{.*\} 3|^shop_orders_total\{.*\} 5/m)
      expect(shown).toMatch(/^llm_hallucination_score_ratio\{/m)
    }
    expect(asideOf((await meter.text()).body, 'llm_tokens_input_total')).toBe(aside)
  })
})

test('what is derived comes back with a reload, and what was known of services stays', async () => {
  await run(new SelfMetrics(), undefined, async ({ send, clock, page, reload }) => {
    const answers = [...(await send(...bodyOf('t1', 'cumulative', false)))]
    await clock.advance(60_000)
    await reload(['exporters.prometheus.max_series=4321', 'connectors.gen_ai_metrics.metrics_flush_interval=10s'])
    answers.push(...(await send(...bodyOf('m1', 'cumulative', false))))
    await clock.advance(60_000)
    expect(await Promise.all(answers)).toEqual([200, 200])
    expect(sumByModel(await page(), 'llm_tokens_input_total')).toEqual(FIRST)
  })
})

test('the name of a service is told as redaction leaves it', async () => {
  const meter = new SelfMetrics()
  await run(meter, undefined, async ({ send, clock, page, lines }) => {
    const answers: Promise<number>[] = []
    for (const step of ['t1', 'm1'] as const) {
      const [signal, body] = bodyOf(step, 'cumulative', false)
      answers.push(...(await send(signal, renamed(signal, body, 'bot of ada@example.org'))))
    }
    await clock.advance(60_000)
    expect(await Promise.all(answers)).toEqual([200, 200])
    const own = (await meter.text()).body
    expect(own).toMatch(
      /^sluice_gen_ai_metrics_set_aside\{.*service_name="bot of .*family="llm_tokens_input_total"\} 2$/m,
    )
    expect(lines.filter((line) => line.includes('own_metrics'))).toHaveLength(1)
    for (const text of [own, await page(), ...lines]) expect(text).not.toContain('ada@example.org')
  })
})

interface Running {
  /** Of the log. */
  readonly lines: readonly string[]
  /** Resolves when the request has entered its pipeline; what it resolves to, when it has been answered. */
  send(signal: Signal, body: Buffer): Promise<Promise<number>[]>
  page(): Promise<string>
  reload(sets: readonly string[]): Promise<void>
  readonly clock: FakeClock
}

async function run(meter: SelfMetrics, mode = 'auto', use: (running: Running) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-own-'))
  const port = await freePort()
  const lines: string[] = []
  const clock = new FakeClock(Date.now())
  const sets = [
    ...['grpc', 'http'].map((protocol) => `receivers.otlp.protocols.${protocol}.endpoint=127.0.0.1:0`),
    `exporters.prometheus.endpoint=127.0.0.1:${port}`,
    'extensions.api.endpoint=127.0.0.1:0',
    'extensions.health_check.endpoint=127.0.0.1:0',
    `connectors.gen_ai_metrics.own_metrics=${mode}`,
  ]
  const load = (more: readonly string[] = []) =>
    loadConfig(
      { configs: [fileURLToPath(new URL('../collector.yaml', import.meta.url))], sets: [...sets, ...more] },
      components,
      processEnvironment({ SLUICE_DATA: directory }),
    )
  const daemon = new Daemon(load(), {
    log: pino({}, { write: (line: string) => void lines.push(line) }),
    clock,
    meter,
    version: '0.0.0-test',
  })
  await daemon.start()
  const entered = () =>
    daemon.ledger
      .snapshot()
      .filter(({ edge }) => edge.startsWith('receiver/otlp'))
      .reduce((sum, balance) => sum + balance.entered, 0)
  try {
    const { ports } = daemon.component('receiver/otlp') as OtlpReceiver
    await use({
      async send(signal, body) {
        const before = entered()
        const answer = fetch(`http://127.0.0.1:${ports.http}/v1/${signal}`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: new Uint8Array(body),
        }).then(({ status }) => status)
        await vi.waitUntil(() => entered() > before)
        if (signal === 'traces') await answer
        return [answer]
      },
      page: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      reload: (more) => daemon.reload(load(more)),
      clock,
      lines,
    })
  } finally {
    expect(await daemon.stop()).toBe(0)
    rmSync(directory, { recursive: true, force: true })
  }
  expect(findings(daemon.ledger.snapshot(), true)).toEqual([])
}

function bodyOf(step: 't1' | 't2' | 'm1' | 'm2', temporality: Temporality, sampled: boolean): [Signal, Buffer] {
  const signal = step.startsWith('t') ? 'traces' : 'metrics'
  const body = readFileSync(new URL(`data/own-metrics/${temporality}.${step[1]}.${signal}.pb`, import.meta.url))
  return [signal, sampled && signal === 'traces' ? headSampled(body) : body]
}

function renamed(signal: Signal, body: Buffer, service: string): Buffer {
  const name = signal === 'traces' ? 'TracesRequest' : 'MetricsRequest'
  const request = decode(name, body)
  const [resources] = Object.values(request) as [Message[]]
  for (const { resource } of resources)
    for (const attribute of (resource as Message)['attributes'] as Message[])
      if (attribute['key'] === 'service.name') attribute['value'] = { stringValue: service }
  return encode(name, request).take()
}

/** As an SDK would have sent that keeps some traces: here the first. */
function headSampled(body: Buffer): Buffer {
  const request = decode('TracesRequest', body)
  for (const resource of request['resourceSpans'] as Message[])
    for (const scope of resource['scopeSpans'] as Message[])
      scope['spans'] = (scope['spans'] as Message[]).slice(0, 1).map((span) => ({ ...span, traceState: 'ot=th:8' }))
  return encode('TracesRequest', request).take()
}

function sumByModel(page: string, name: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [, labels, value] of page.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))) {
    const model = /(?:^|,)model="([^"]*)"/.exec(labels!)?.[1] ?? ''
    sums[model] = (sums[model] ?? 0) + Number(value)
  }
  return sums
}

function asideOf(text: string, family: string): number {
  const name = 'sluice_gen_ai_metrics_set_aside'
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(`family="${family}"`))
  if (line !== undefined) expect(line).toContain('service_name="llm-chatbot"')
  return Number(line?.split(' ').at(-1) ?? 0)
}
