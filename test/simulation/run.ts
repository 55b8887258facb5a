/**
 * One invented application through a daemon: what its metrics, its summary records and its store say must be what is
 * true. Everything is in this process, on a clock that is moved; the store has a directory of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { components } from '../../src/components.ts'
import type { TelemetryStore } from '../../src/journal/stores.ts'
import type { Message } from '../../src/otlp/codec.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { daemonOf, partsOf, Story } from '../pipelines/parts.fixture.ts'
import { attributesOf, itemsOf } from '../support/otlp.ts'
import { deliveriesOf } from './delivery.ts'
import type { CallTruth } from './emitters.ts'
import { type World, worldOf } from './world.ts'

const START_ms = 1_790_000_000_000
/** Longer than anything waits. */
const QUIET_ms = 120_000

/** What all calls of a model, or of a trace, add up to. */
interface Sums {
  calls: number
  errors: number
  rate_limited: number
  input: number
  output: number
}
type ByName = Record<string, Sums>

const configOf = (directory: string, shards: number) => `
receivers: { source: {} }
processors: { gen_ai: {}, redaction: { content: drop } }
connectors: { gen_ai_metrics: {}, gen_ai_logs: {} }
exporters: { sink/metrics: {}, sink/logs: {}, store: { directory: "${directory}" } }
service:
  shards: ${shards}
  pipelines:
    traces: { receivers: [source], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs, store] }
    metrics: { receivers: [gen_ai_metrics], exporters: [sink/metrics] }
    logs: { receivers: [source], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs, store] }
    logs/out: { receivers: [gen_ai_logs], exporters: [sink/logs] }
`

/** What is wrong, in words; empty if nothing is. */
export async function simulate(seed: number, shards: number): Promise<string[]> {
  const world = worldOf(seed, START_ms)
  const clock = new FakeClock(START_ms)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-simulation-'))
  const story = new Story()
  const yaml = configOf(directory, shards)
  const { daemon, source, findings } = daemonOf(yaml, { factories: [...components, ...partsOf(story)], clock, story })
  try {
    await daemon.start()
    for (const { at_ms, batch } of deliveriesOf(seed, world)) {
      await clock.advance(Math.max(0, at_ms - clock.now_ms()))
      await source().send(batch)
    }
    await clock.advance(QUIET_ms)
    const store = daemon.component('exporter/store') as unknown as TelemetryStore
    const wrong = [
      ...differences('metrics', metricsOf(story), truthByModel(world)),
      ...differences('summaries', summariesOf(story), truthByModel(world)),
      ...differences('store', storedBy(store), truthByTrace(world)),
      ...costDifferences(story, store),
    ]
    await daemon.stop()
    return [...wrong, ...findings(true).map((finding) => `ledger: ${finding}`)]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function metricsOf(story: Story): ByName {
  const byModel: ByName = {}
  const last = lastPoints(story)
  const columns = {
    llm_requests_total: 'calls',
    llm_errors_total: 'errors',
    llm_rate_limited_total: 'rate_limited',
    llm_tokens_input_total: 'input',
    llm_tokens_output_total: 'output',
  } as const
  for (const { name, labels, value } of last.values()) {
    const column = columns[name as keyof typeof columns]
    if (column !== undefined) sumsOf(byModel, labels['model'] as string)[column] += value
  }
  return byModel
}

interface Point {
  readonly name: string
  readonly labels: Readonly<Record<string, unknown>>
  readonly value: number
}

/** Of each series the value that was shown last; of histograms the sum. */
function lastPoints(story: Story): Map<string, Point> {
  const last = new Map<string, Point>()
  for (const batch of story.recorder('sink/metrics').batches)
    for (const metric of itemsOf(batch)) {
      const name = metric['name'] as string
      const points = ((metric['sum'] ?? metric['histogram']) as Message | undefined)?.['dataPoints'] as Message[]
      for (const point of points ?? []) {
        const labels = Object.fromEntries(attributesOf(point))
        const value = Number(point['asDouble'] ?? point['asInt'] ?? point['sum'] ?? 0)
        last.set(`${name} ${JSON.stringify(labels)}`, { name, labels, value })
      }
    }
  return last
}

function summaries(story: Story): Record<string, unknown>[] {
  return story
    .recorder('sink/logs')
    .batches.flatMap((batch) => itemsOf(batch))
    .filter((record) => record['eventName'] === 'sluice.gen_ai.summary')
    .map((record) => ({ ...Object.fromEntries(attributesOf(record)), severity: record['severityText'] }))
}

function summariesOf(story: Story): ByName {
  const byModel: ByName = {}
  for (const summary of summaries(story)) {
    const sums = sumsOf(byModel, (summary['gen_ai.request.model'] ?? summary['gen_ai.response.model']) as string)
    sums.calls++
    if (summary['sluice.rate_limited'] === true) sums.rate_limited++
    else if (summary['severity'] === 'ERROR') sums.errors++
    sums.input += Number(summary['gen_ai.usage.input_tokens'] ?? 0)
    sums.output += Number(summary['gen_ai.usage.output_tokens'] ?? 0)
  }
  return byModel
}

/** The store tells no calls, but tokens, spans and errors of traces. */
function storedBy(store: TelemetryStore): Record<string, object> {
  return Object.fromEntries(
    store
      .traces({ limit: 10_000 })
      .map(({ trace_id, input_tokens, output_tokens, error, spans }) => [
        trace_id,
        { input: input_tokens ?? 0, output: output_tokens ?? 0, error, spans },
      ]),
  )
}

function truthByModel({ traces }: World): ByName {
  const byModel: ByName = {}
  for (const { calls } of traces.values()) for (const call of calls) add(sumsOf(byModel, call.model), call)
  return byModel
}

function truthByTrace({ traces }: World): Record<string, object> {
  return Object.fromEntries(
    [...traces].map(([id, { calls, spans }]) => {
      const sums = sumsOf({}, id)
      for (const call of calls) add(sums, call)
      return [id, { input: sums.input, output: sums.output, error: sums.errors + sums.rate_limited > 0, spans }]
    }),
  )
}

function add(sums: Sums, { failure, input, output }: CallTruth): void {
  sums.calls++
  if (failure === 'error') sums.errors++
  if (failure === 'rate_limit') sums.rate_limited++
  sums.input += input ?? 0
  sums.output += output ?? 0
}

function sumsOf(byName: ByName, name: string): Sums {
  return (byName[name] ??= { calls: 0, errors: 0, rate_limited: 0, input: 0, output: 0 })
}

function differences(who: string, found: Record<string, object>, expected: Record<string, object>): string[] {
  const names = [...new Set([...Object.keys(found), ...Object.keys(expected)])].sort()
  return names
    .filter((name) => JSON.stringify(found[name]) !== JSON.stringify(expected[name]))
    .map((name) => `${who}: ${name}: ${JSON.stringify(found[name])}, true is ${JSON.stringify(expected[name])}`)
}

/** Money goes by the price list; here it only has to be the same everywhere. */
function costDifferences(story: Story, store: TelemetryStore): string[] {
  const of = {
    metrics: [...lastPoints(story).values()].filter(({ name }) => name === 'llm_cost_usd').map(({ value }) => value),
    summaries: summaries(story).map((summary) => Number(summary['sluice.cost.usd'] ?? 0)),
    store: store.traces({ limit: 10_000 }).map(({ cost_usd }) => cost_usd ?? 0),
  }
  const sums = Object.entries(of).map(([who, costs]) => [who, costs.reduce((sum, cost) => sum + cost, 0)] as const)
  const [first] = sums
  return sums
    .filter(([, sum]) => Math.abs(sum - first![1]) > 1e-9)
    .map(([who, sum]) => `cost: ${who} ${sum}, ${first![0]} ${first![1]}`)
}
