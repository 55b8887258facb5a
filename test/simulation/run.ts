/**
 * One invented application through a daemon: what its metrics, its summary records and its store say must be what is
 * true. Everything is in this process, on a clock that is moved; the store has a directory of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { components } from '../../src/components.ts'
import type { StoreExporter } from '../../src/exporters/store/index.ts'
import type { Message } from '../../src/otlp/codec.ts'
import { Refusal } from '../../src/refusal.ts'
import { FakeClock } from '../../src/self/clock.ts'
import type { TelemetryStore } from '../../src/telemetry_store.ts'
import { daemonOf, partsOf, Story } from '../pipelines/parts.fixture.ts'
import { attributesOf, itemsOf } from '../support/otlp.ts'
import { configOf } from './config.ts'
import { type Delivery, deliveriesOf } from './delivery.ts'
import type { CallTruth } from './instrumentations.ts'
import { moody, troublesOf } from './troubles.ts'
import { type World, worldOf } from './world.ts'

const START_ms = 1_790_000_000_000
/** Longer than anything waits. */
const QUIET_ms = 120_000
/** Until a sender repeats what was refused. */
const REPEAT_ms = 500
/** What is still held after so many more offers is held for ever, which the books show. */
const OFFERS_MAX = 1000
const CALLS_MAX = 200_000

/** What all calls of a model, or of a trace, add up to. */
interface Sums {
  calls: number
  errors: number
  rate_limited: number
  input: number
  output: number
}
type ByName = Record<string, Sums>

/** What is wrong, in words; empty if nothing is. */
export async function simulate(seed: number, shards: number): Promise<string[]> {
  const world = worldOf(seed, START_ms)
  const deliveries = deliveriesOf(seed, world)
  const troubles = troublesOf(seed, deliveries)
  const clock = new FakeClock(START_ms)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-simulation-'))
  const story = new Story()
  const yaml = (calls_max: number) => configOf(directory, shards, troubles, `calls_max: ${calls_max}`)
  const options = { factories: [...components, ...partsOf(story), moody(troubles, clock)], clock, story }
  let running = daemonOf(yaml(CALLS_MAX), options)
  const { change } = troubles
  const wrong: string[] = []
  const stop = async () => {
    const left = await running.daemon.stop()
    if (left > 0) wrong.push(`stop: ${left} items are left`)
    wrong.push(...running.findings(true).map((finding) => `ledger: ${finding}`))
  }
  try {
    await running.daemon.start()
    await deliver(
      deliveries.filter(({ at_ms }) => change === undefined || at_ms < change.at_ms),
      clock,
      running,
    )
    if (change !== undefined) {
      await clock.advance(Math.max(0, change.at_ms - clock.now_ms()))
      // New connectors: the old ones tell of what waits, and go.
      if (change.how === 'reload') await running.reload(yaml(CALLS_MAX - 1))
      else {
        await stop()
        running = daemonOf(yaml(CALLS_MAX), options)
        await running.daemon.start()
      }
      await deliver(
        deliveries.filter(({ at_ms }) => at_ms >= change.at_ms),
        clock,
        running,
      )
    }
    await clock.advance(QUIET_ms)
    await handedOn(running, clock)
    const store = running.daemon.component('exporter/store') as StoreExporter
    await store.loaded()
    wrong.push(
      ...differences('metrics', metricsOf(story), truthByModel(world)),
      ...differences('summaries', summariesOf(story), truthByModel(world)),
      ...differences('store', storedBy(store), truthByTrace(world)),
      ...costDifferences(story, store),
    )
    await stop()
    return wrong
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

type Running = ReturnType<typeof daemonOf>

/** In order of arrival; what is refused is sent again. */
async function deliver(deliveries: readonly Delivery[], clock: FakeClock, running: Running): Promise<void> {
  const waiting = [...deliveries]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    await clock.advance(Math.max(0, next.at_ms - clock.now_ms()))
    try {
      await running.source().send(next.batch)
    } catch (error) {
      if (!(error instanceof Refusal && error.retryable)) throw error
      const again = { ...next, at_ms: clock.now_ms() + REPEAT_ms }
      waiting.splice(waiting.findLastIndex(({ at_ms }) => at_ms <= again.at_ms) + 1, 0, again)
    }
  }
}

/** The store writes to a disk, which knows nothing of the clock: what a branch holds for it goes one batch after the other. */
async function handedOn({ daemon }: Running, clock: FakeClock): Promise<void> {
  for (let offers = 0; offers < OFFERS_MAX; ) {
    const held = daemon.ledger.snapshot().map((balance) => balance.held)
    if (held.every(({ in_flight, queued }) => in_flight + queued === 0)) return
    const isUnderWay = held.some(({ in_flight }) => in_flight > 0)
    if (!isUnderWay) {
      offers++
      await clock.advance(REPEAT_ms)
    }
    await new Promise((resolve) => setImmediate(resolve))
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

/** Of each series of each instance the value that was shown last; of histograms the sum. */
function lastPoints(story: Story): Map<string, Point> {
  const last = new Map<string, Point>()
  for (const batch of story.recorder('sink/metrics').batches)
    for (const metric of itemsOf(batch)) {
      const name = metric['name'] as string
      const points = ((metric['sum'] ?? metric['histogram']) as Message | undefined)?.['dataPoints'] as Message[]
      for (const point of points ?? []) {
        const labels = Object.fromEntries(attributesOf(point))
        const value = Number(point['asDouble'] ?? point['asInt'] ?? point['sum'] ?? 0)
        last.set(`${name} ${point['startTimeUnixNano']} ${JSON.stringify(labels)}`, { name, labels, value })
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
