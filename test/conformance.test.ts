/** What every component owes the daemon, whoever wrote it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type {
  Component,
  ConnectorFactory,
  Consumer,
  ExporterFactory,
  Factory,
  Ports,
  ProcessorFactory,
  Signal,
} from '../src/component.ts'
import { components } from '../src/components.ts'
import { type JsonSchema, jsonSchemaOf } from '../src/config/schema/json_schema.ts'
import { Edge } from '../src/pipeline/edge.ts'
import { retryLater } from '../src/refusal.ts'
import { bookedAccount, discrepancyOf } from './support/account.ts'
import { type TestHost, testHost } from './support/host.ts'
import { anyBatch } from './support/otlp.ts'
import { Recorder } from './support/recorder.ts'

interface Case {
  /** The least config that is valid, so made that it listens on any free port and writes only to temporary places. */
  readonly config: unknown
  /** A processor that keeps what it takes (of that signal), and hands it on later: a refusal of the next does not reach its sender. */
  readonly keeps?: boolean | Signal
  /** A processor that with this config has nothing to do on plain items. */
  readonly neutral?: boolean
}

/** By kind and type. A new component needs a line here. */
const cases: Readonly<Record<string, Case>> = {
  'receiver/otlp': {
    config: { protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } } },
  },
  'processor/memory_limiter': { config: { limit_percentage: 100, spike_limit_percentage: 1 }, neutral: true },
  'processor/batch': { config: {}, keeps: true, neutral: true },
  'processor/attributes': { config: { actions: [{ action: 'delete', key: 'none' }] }, neutral: true },
  'processor/resource': { config: { attributes: [{ action: 'delete', key: 'none' }] }, neutral: true },
  'processor/filter': { config: {}, neutral: true },
  'processor/gen_ai': { config: {}, neutral: true },
  'processor/redaction': { config: {}, neutral: true },
  'processor/tail_sampling': { config: { policies: [{ name: 'all', type: 'always_sample' }] }, keeps: 'traces' },
  'connector/forward': { config: {} },
  'connector/gen_ai_metrics': { config: {} },
  'connector/gen_ai_logs': { config: {} },
  'exporter/debug': { config: {} },
  'exporter/file': { config: { path: join(tmpdir(), `sluice-conformance-${process.pid}.json`) } },
  'exporter/nop': { config: {} },
  'exporter/loki': { config: { endpoint: 'http://127.0.0.1:9' } },
  'exporter/otlp_grpc': { config: { endpoint: '127.0.0.1:9', tls: { insecure: true } } },
  'exporter/otlp_http': { config: { endpoint: 'http://127.0.0.1:9' } },
  'exporter/prometheus': { config: { endpoint: '127.0.0.1:0' } },
  'exporter/store': { config: { directory: join(tmpdir(), `sluice-conformance-${process.pid}`) } },
  'extension/api': { config: { endpoint: '127.0.0.1:0' } },
  'extension/health_check': { config: { endpoint: '127.0.0.1:0' } },
}

const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs']
/** Longer than any component keeps what it takes. */
const LONG_MS = 60_000
const policyOf = (id: number) => ({
  id,
  isCurrent: true,
  reconsider: async () => undefined,
  renewed: () => policyOf(id),
})
const keyOf = (factory: Factory) => `${factory.kind}/${factory.type}`
const folderOf = (factory: Factory) => new URL(`../src/${factory.kind}s/${factory.type}/`, import.meta.url)
const all = components.map((factory) => [keyOf(factory), factory] as const)
const processors = components
  .filter((factory) => factory.kind === 'processor')
  .flatMap((factory) => factory.signals.map((signal) => [`${keyOf(factory)} of ${signal}`, factory, signal] as const))
const connectors = components.filter((factory) => factory.kind === 'connector')
const exporters = components.filter((factory) => factory.kind === 'exporter')

describe.each(all)('%s', (key, factory) => {
  test('has a type, a summary and its own folder', () => {
    expect(factory.type).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(factory.summary).toMatch(/^[A-Z`].{10,}\.$/)
    expect(existsSync(new URL('index.ts', folderOf(factory)))).toBe(true)
  })

  test('has a line in the table above, and the config there is valid', () => {
    expect(cases[key], `add ${key} to the cases of this test`).toBeDefined()
    expect(factory.schema.safeParse(cases[key]!.config).error).toBeUndefined()
  })

  test('takes no key that it does not know', () => {
    const config = { ...(cases[key]!.config as object), no_such_key: 1 }
    expect(factory.schema.safeParse(config).success).toBe(false)
  })

  test('describes every key, and its README names it', () => {
    const readme = readFileSync(new URL('README.md', folderOf(factory)), 'utf8')
    const keys = keysOf(jsonSchemaOf(factory.schema))
    expect(keys.filter(({ isDescribed }) => !isDescribed).map(({ path }) => path)).toEqual([])
    const unnamed = keys.filter(({ path, name }) => !isShared(path) && !new RegExp(`\\b${name}\\b`).test(readme))
    expect(unnamed.map(({ path }) => path)).toEqual([])
  })

  test('does nothing before start; shutdown works without start, and twice', async () => {
    const before = process.getActiveResourcesInfo().sort()
    const made = [1, 2, 3].map(() => create(factory, testHost({ id: factory.type })))
    expect(process.getActiveResourcesInfo().sort()).toEqual(before)
    for (const component of made) {
      await component.shutdown?.(AbortSignal.timeout(1000))
      await component.shutdown?.(AbortSignal.abort())
    }
  })
})

describe.each(processors)('%s', (_, factory, signal) => {
  const { keeps: what = false, neutral = false } = cases[keyOf(factory)] ?? {}
  const keeps = what === true || what === signal

  test.runIf(neutral)('passes on what it has no business with, byte for byte', async () => {
    const { host, recorder, feed, stop } = await running(factory, signal)
    const batch = anyBatch(signal, 5, { resource: { 'service.name': 'shop' }, scope: { name: 'library' } })
    const fed = feed(batch)
    await host.clock.advance(1000)
    await fed
    expect(Buffer.concat(recorder.batches.map(({ bytes }) => bytes)).equals(batch.bytes)).toBe(true)
    await stop()
  })

  test.runIf(!keeps)('hands a refusal back as it is, with the batch wholly in flight', async () => {
    const { recorder, account, processor, stop } = await running(factory, signal)
    const refusal = retryLater('queue_full', 'full', 1234)
    recorder.refuse(refusal)
    account.book.enter(5)
    await expect(processor.consume(anyBatch(signal, 5), account.context())).rejects.toBe(refusal)
    expect(account.balance()).toMatchObject({
      ...{ entered: 5, delivered: 0, sampled_out: 0, duplicate: 0, dropped: {} },
      held: { in_flight: 5, pending: 0, queued: 0, rescuable: 0 },
    })
    await stop()
  })

  test.runIf(keeps)('keeps what the next refuses for now, and hands it on later', async () => {
    const { host, recorder, account, feed, stop } = await running(factory, signal)
    recorder.refuse(retryLater('queue_full', 'full', 500), 2)
    await feed(anyBatch(signal, 5))
    await host.clock.advance(LONG_MS)
    expect(recorder.asked).toBe(3)
    expect(account.balance()).toMatchObject({
      entered: 5,
      delivered: 5,
      dropped: {},
      held: { pending: 0, in_flight: 0 },
    })
    await stop()
  })

  test('the books balance while it runs and after it has stopped, and nothing is held then', async () => {
    const { host, recorder, account, feed, stop } = await running(factory, signal)
    for (const count of [1, 7, 300]) {
      await feed(anyBatch(signal, count))
      expect(account.discrepancy()).toBe(0)
      expect(account.balance().held.in_flight).toBe(0)
    }
    await host.clock.advance(100)
    expect(account.discrepancy()).toBe(0)
    await stop()
    const balance = account.balance()
    expect(discrepancyOf(balance)).toBe(0)
    expect(balance.entered).toBe(308)
    expect(balance.held).toEqual({ in_flight: 0, pending: 0, queued: 0, rescuable: 0 })
    expect(balance.delivered).toBe(recorder.count)
  })

  test('keeps with its items by which policy they were judged, and merges none of unequal ones', async () => {
    const { host, recorder, account, processor, stop } = await running(factory, signal)
    for (const policy of [policyOf(1), policyOf(2)])
      await account.feed(processor as Consumer<Signal>, anyBatch(signal, 5), { policy })
    await host.clock.advance(LONG_MS)
    const counts = new Map<number | undefined, number>()
    for (const { batch, context } of recorder.taken)
      counts.set(context.policy?.id, (counts.get(context.policy?.id) ?? 0) + batch.count)
    expect([...counts.keys()].filter((id) => id !== 1 && id !== 2)).toEqual([])
    // The second may be the first one's duplicate.
    expect(counts.get(1) ?? 0).toBeLessThanOrEqual(5)
    expect(counts.get(2) ?? 0).toBeLessThanOrEqual(5)
    await stop()
  })

  test('an empty batch does no harm', async () => {
    const { host, account, feed, stop } = await running(factory, signal)
    await feed(anyBatch(signal, 0))
    await host.clock.advance(LONG_MS)
    await stop()
    expect(account.balance()).toMatchObject({ entered: 0, held: { in_flight: 0, pending: 0 } })
  })

  test('answers an update with the same config', async () => {
    const { processor, stop } = await running(factory, signal)
    if (processor.update) expect(typeof (await processor.update(parsed(factory)))).toBe('boolean')
    await stop()
  })
})

describe.each(connectors.map((factory) => [keyOf(factory), factory] as const))('%s', (_, factory) => {
  const froms = [...new Set(factory.signals.map(([from]) => from))]

  test.each(froms)('takes %s, and delivers or refuses them as a whole', async (from) => {
    const host = testHost({ id: factory.type })
    const ends = SIGNALS.map(
      (signal) => [signal, new Recorder<Signal>(), bookedAccount(signal, `→ ${signal}`)] as const,
    )
    const ports = Object.fromEntries(ends.map(([signal, end, account]) => [signal, new Edge(account.book, end)]))
    const connector = factory.create(parsed(factory), host, ports as unknown as Ports)
    await connector.start?.()
    const account = bookedAccount(from as Signal)
    await account.feed(connector.inputs[from] as unknown as Consumer<Signal>, anyBatch(from as Signal, 5))
    await host.clock.advance(LONG_MS)
    await connector.shutdown?.(AbortSignal.timeout(1000))
    const balance = account.balance()
    expect([balance.entered, discrepancyOf(balance), balance.held.in_flight, balance.held.pending]).toEqual([
      5, 0, 0, 0,
    ])
    for (const [, , behind] of ends) expect(behind.discrepancy()).toBe(0)
    if (factory.passesItems) expect(ends.find(([signal]) => signal === from)![1].count).toBe(5)
  })

  test.runIf(factory.passesItems).each(froms)(
    'hands a refusal of %s back, with the batch wholly in flight',
    async (from) => {
      const end = new Recorder<Signal>()
      end.refuse(retryLater('queue_full', 'full'))
      const ports = { [from as Signal]: end } as unknown as Ports
      const connector = factory.create(parsed(factory), testHost({ id: factory.type }), ports)
      const account = bookedAccount(from as Signal)
      account.book.enter(5)
      const input = connector.inputs[from] as unknown as Consumer<Signal>
      await expect(input.consume(anyBatch(from as Signal, 5), account.context())).rejects.toThrow('full')
      expect(account.balance()).toMatchObject({ entered: 5, delivered: 0, dropped: {}, held: { in_flight: 5 } })
    },
  )
})

describe.each(exporters.map((factory) => [keyOf(factory), factory] as const))('%s', (_, factory) => {
  test('has an input for each signal that it lists', async () => {
    const exporter = (factory as ExporterFactory<unknown>).create(parsed(factory), testHost({ id: factory.type }))
    expect(factory.signals.filter((signal) => exporter.inputs[signal] === undefined)).toEqual([])
    await exporter.shutdown?.(AbortSignal.abort())
  })
})

describe('components', () => {
  test('each name means one component of its kind', () => {
    const names = components.flatMap((factory) =>
      [factory.type, ...(factory.aliases ?? [])].map((name) => `${factory.kind}/${name}`),
    )
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })

  test('every folder of a component is listed, and every listed one has its folder', () => {
    const kinds = ['receiver', 'processor', 'connector', 'exporter', 'extension'] as const
    const folders = kinds.flatMap((kind) =>
      readdirSync(new URL(`../src/${kind}s/`, import.meta.url), { withFileTypes: true })
        .filter((entry) => existsSync(join(entry.parentPath, entry.name, 'index.ts')))
        .map((entry) => `${kind}/${entry.name}`),
    )
    expect(components.map(keyOf).sort()).toEqual(folders.sort())
  })
})

function parsed(factory: Factory): unknown {
  return factory.schema.parse(cases[keyOf(factory)]!.config)
}

function create(factory: Factory, host: TestHost): Component {
  const config = parsed(factory)
  const ports = Object.fromEntries(SIGNALS.map((signal) => [signal, new Recorder<Signal>()])) as unknown as Ports
  switch (factory.kind) {
    case 'receiver':
    case 'connector':
      return (factory as ConnectorFactory<unknown>).create(config, host, ports)
    case 'processor':
      return factory.create(config, host, factory.signals[0]!, new Recorder<Signal>())
    default:
      return factory.create(config, host)
  }
}

async function running(factory: ProcessorFactory<unknown>, signal: Signal) {
  const host = testHost({ id: factory.type })
  const recorder = new Recorder<Signal>()
  const processor = factory.create(parsed(factory), host, signal, recorder)
  await processor.start?.()
  const account = bookedAccount<Signal>(signal)
  const feed = (batch: ReturnType<typeof anyBatch<Signal>>) => account.feed(processor, batch)
  const stop = async () => {
    await processor.shutdown?.(AbortSignal.timeout(5000))
    await processor.shutdown?.(AbortSignal.abort())
  }
  return { host, recorder, processor, account, feed, stop }
}

/** Blocks that many components have: their keys are described in one place for all. */
function isShared(path: string): boolean {
  return /(^|\.)(tls|headers|retry_on_failure|sending_queue|keepalive)\./.test(path)
}

/** All keys that may be written, at any depth, without those of free maps. */
function keysOf(root: JsonSchema, schema = root, path = ''): { path: string; name: string; isDescribed: boolean }[] {
  return alternatives(root, schema).flatMap((one) => [
    ...Object.entries(one.properties ?? {}).flatMap(([name, inner]) => {
      const isDescribed = alternatives(root, inner).some(({ description = '' }) => description.length > 3)
      return [{ path: path + name, name, isDescribed }, ...keysOf(root, inner, `${path}${name}.`)]
    }),
    ...(one.items ? keysOf(root, one.items, path) : []),
    ...(typeof one.additionalProperties === 'object' ? keysOf(root, one.additionalProperties, path) : []),
  ])
}

function alternatives(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema
  const referred = $ref === undefined ? [] : [root.$defs?.[$ref.replace('#/$defs/', '')] ?? {}]
  return [schema, ...[...referred, ...anyOf, ...oneOf, ...allOf].flatMap((one) => alternatives(root, one))]
}
