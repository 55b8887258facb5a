/** What a component has kept of a request of 60 MiB when that is long over: its scratch has an ordinary size again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, expect, test } from 'vitest'
import type {
  Batches,
  Component,
  Consumer,
  ExporterFactory,
  Ports,
  ProcessorFactory,
  Signal,
} from '../src/component.ts'
import { components } from '../src/components.ts'
import { trusted } from '../src/telemetry/batch.ts'
import { bookedAccount } from './support/account.ts'
import { testHost } from './support/host.ts'
import { logBatch, type PlainAttributes, traceBatch } from './support/otlp.ts'

const MIB = 1 << 20
const LARGE_BYTES = 60 * MIB
/** Of scratch that is used again, a megabyte for each piece, and the journal's four. */
const KEPT_MAX_BYTES = 8 * MIB
/** Chunks that a sampler keeps to fill them again, and gives back when memory is short. */
const SPARE_BYTES = 16 * MIB
const directory = mkdtempSync(join(tmpdir(), 'sluice-kept-memory-'))
afterAll(() => rmSync(directory, { recursive: true }))

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const CALL: PlainAttributes = {
  'sluice.dialect': 'otel-genai-newest',
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'm',
  'gen_ai.usage.input_tokens': 1,
}
const trace = (at: number) => at.toString(16).padStart(32, '0')

/** A request of that size whose items come, each, from `make`. */
type Shape = (signal: Signal) => Batches[Signal]

const shapes: Readonly<Record<string, Shape>> = {
  'one large item': (signal) => large(signal, 1),
  'very many items': (signal) => many(signal, 60_000),
}

function large(signal: Signal, count: number): Batches[Signal] {
  const text = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: 'a word and another '.repeat(LARGE_BYTES / count / 19) }] },
  ])
  const items = Array.from({ length: count }, (_, at) => ({
    trace: trace(at + 1),
    id: (at + 1).toString(16).padStart(16, '0'),
    body: 'x',
    attributes: { ...CALL, 'gen_ai.input.messages': text },
  }))
  return (signal === 'logs' ? logBatch(items) : traceBatch(items)) as Batches[Signal]
}

/** In few traces, which are remembered, and none of them a model call: those are kept to be compared. */
function many(signal: Signal, count: number): Batches[Signal] {
  const text = 'x'.repeat(LARGE_BYTES / count - 100)
  const make = (at: number) => ({
    trace: trace((at % 1000) + 1),
    id: (at + 1).toString(16).padStart(16, '0'),
    body: 'x',
  })
  const groups: Buffer[] = []
  for (let at = 0; at < count; at += 5000) {
    const items = Array.from({ length: 5000 }, (_, item) => ({ ...make(at + item), attributes: { text } }))
    groups.push((signal === 'logs' ? logBatch(items) : traceBatch(items)).bytes)
  }
  return trusted(signal, Buffer.concat(groups)) as Batches[Signal]
}

const next: Consumer<Signal> = {
  consume: async (batch, { account }) => account.deliver(batch.count),
}
const ports = { traces: next, logs: next, metrics: next } as unknown as Ports

const cases: readonly [key: string, config: object, signals: readonly Signal[]][] = [
  ['processor/gen_ai', {}, ['traces', 'logs']],
  ['processor/redaction', { content: 'mask' }, ['traces', 'logs']],
  ['processor/resource', { attributes: [{ action: 'upsert', key: 'a', value: 'b' }] }, ['traces', 'logs']],
  ['processor/batch', {}, ['traces', 'logs']],
  [
    'processor/tail_sampling',
    { max_pending_bytes: 400 * MIB, policies: [{ name: 'all', type: 'always_sample' }] },
    ['traces', 'logs'],
  ],
  ['connector/gen_ai_metrics', {}, ['traces']],
  ['connector/gen_ai_logs', {}, ['traces']],
  ['exporter/store', { directory: join(directory, 'store') }, ['traces', 'logs']],
]

const all = cases.flatMap(([key, config, signals]) =>
  signals.flatMap((signal) => Object.keys(shapes).map((shape) => [key, signal, shape, config] as const)),
)

test.each(all)(
  '%s, %s, %s',
  async (key, signal, shape, config) => {
    const host = testHost({ id: key.split('/')[1]! })
    const factory = components.find(({ kind, type }) => `${kind}/${type}` === key)!
    const parsed = factory.schema.parse(config)
    const account = bookedAccount(signal)
    const component = (
      factory.kind === 'processor'
        ? (factory as ProcessorFactory<unknown>).create(parsed, host, signal as never, next as never)
        : factory.kind === 'connector'
          ? factory.create(parsed as never, host, ports)
          : (factory as ExporterFactory<unknown>).create(parsed as never, host)
    ) as Component & Partial<Consumer<Signal>> & { inputs?: Record<Signal, Consumer<Signal>> }
    await component.start?.()
    const input = component.inputs?.[signal] ?? (component as Consumer<Signal>)
    const feed = async (batch: Batches[Signal]): Promise<void> => {
      const fed = account.feed(input as never, batch as never)
      for (let turn = 0; turn < 40; turn++) await host.clock.advance(1000)
      await fed
    }
    await feed(small(signal))
    const before = await held()
    await feed(shapes[shape]!(signal))
    const kept_max_bytes = KEPT_MAX_BYTES + (key === 'processor/tail_sampling' ? SPARE_BYTES : 0)
    const after = await held(before + kept_max_bytes)
    await component.shutdown?.(AbortSignal.timeout(1000))
    expect(after - before).toBeLessThan(kept_max_bytes)
  },
  120_000,
)

function small(signal: Signal): Batches[Signal] {
  const item = { trace: trace(9), body: 'x', attributes: CALL }
  return (signal === 'logs' ? logBatch([item]) : traceBatch([item])) as Batches[Signal]
}

const ROUNDS = { few: 5, many: 100 }

/** The least of a few. What is freed is freed beside, and on a busy machine much later: over `enough_bytes` it is looked again for a while. */
async function held(enough_bytes = Number.POSITIVE_INFINITY): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS.few || (least >= enough_bytes && round < ROUNDS.many); round++) {
    collect()
    await new Promise((resolve) => (round < ROUNDS.few ? setImmediate(resolve) : setTimeout(resolve, 50)))
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    least = Math.min(least, heapUsed + arrayBuffers)
  }
  return least
}
