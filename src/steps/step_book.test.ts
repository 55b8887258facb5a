import { describe, expect, test } from 'vitest'
import { testHost } from '../../test/support/host.ts'
import { type PlainAttributes, type SpanOptions, traceBatch } from '../../test/support/otlp.ts'
import type { Context } from '../component.ts'
import { notAccounted } from '../not_accounted.ts'
import { Random } from '../otlp/random.fixture.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import type { TraceBatch } from '../telemetry/batch.ts'
import type { Report } from './report.ts'
import type { Subscriber } from './step_book.ts'
import { Subscription } from './subscription.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
const TIMES = { settle_after: 5000, settle_max: 30_000 }
const BOUNDS = { calls_max: 1000, duplicates_window: 1000 }
const context: Context = { account: notAccounted, metadata: new Map() }

/** Keeps span ids of what it has, and of what it was told. */
class Listener implements Subscriber {
  /** Reports of each call, a line each. */
  readonly told: string[] = []
  readonly inputs: number[] = []
  readonly repeated: string[] = []
  keeps = 0
  readonly steps: Subscription
  readonly #spans = new Map<number, string>()

  constructor(host: ReturnType<typeof testHost>, bounds = BOUNDS) {
    this.steps = new Subscription(host, bounds)
    this.steps.join(this)
  }

  keep(row: number, { view, call }: Report): void {
    expect(call.inputTokens > 0 || call.stream).toBe(true)
    this.keeps++
    this.#spans.set(row, view.bytes.toString('hex', view.spanId, view.spanId + 8))
  }

  settle(row: number, reports: readonly number[]): void {
    this.told.push(reports.map((report) => this.#spans.get(report)).join(' '))
    this.inputs.push(this.steps.calls.number(row, 'input'))
  }

  repeat(row: number): void {
    this.repeated.push(this.#spans.get(row)!)
  }

  take(batch: TraceBatch): number {
    return this.steps.take(batch, context)
  }
}

function bench(count = 2) {
  const host = testHost()
  const listeners = Array.from({ length: count }, () => new Listener(host))
  const settle = async (after_ms = TIMES.settle_after) => {
    await host.clock.advance(after_ms)
    listeners[0]!.steps.tick(TIMES)
  }
  return { host, listeners, settle }
}

const idOf = (number: number) => number.toString(16).padStart(16, '0')

function call(id: number, more: SpanOptions & { input?: number; with?: PlainAttributes } = {}): SpanOptions {
  const { input = 100, with: others, ...options } = more
  return {
    trace: 'ab'.repeat(16),
    id: idOf(id),
    start_ms: 1000 * id,
    end_ms: 1000 * id + 500,
    ...options,
    attributes: {
      'sluice.dialect': 'otel-genai-newest',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'm',
      ...(input > 0 && { 'gen_ai.usage.input_tokens': input }),
      ...others,
    },
  }
}

describe('two who share a book', () => {
  test('are told of the same, from one row for each report', async () => {
    const { listeners, settle } = bench()
    const batch = traceBatch([call(1), call(2), { id: idOf(3) }])
    for (const one of listeners) expect(one.take(batch)).toBe(0)
    expect(listeners[0]!.steps.calls.count).toBe(2)
    await settle()
    for (const { told } of listeners) expect(told.sort()).toEqual([idOf(1), idOf(2)])
  })

  test.each([
    ['before', 0],
    ['when the trace has settled', 1],
  ])('one that had no room is told when it takes the batch, %s', async (_, settles) => {
    const { listeners, settle } = bench()
    const [first, late] = listeners
    const batch = traceBatch([call(1)])
    first!.take(batch)
    for (let at = 0; at < settles; at++) await settle()
    expect([late!.take(batch), first!.steps.calls.count]).toEqual([0, 1])
    await settle()
    for (const { told, repeated } of listeners) expect([told, repeated]).toEqual([[idOf(1)], []])
  })

  test('a batch that comes again is a duplicate for whom it is one', async () => {
    const { listeners, settle } = bench()
    const [first, late] = listeners
    first!.take(traceBatch([call(1), call(2)]))
    const again = traceBatch([call(1), call(2)])
    expect([first!.take(again), late!.take(again)]).toEqual([2, 0])
    await settle()
    for (const { told } of listeners) expect(told.sort()).toEqual([idOf(1), idOf(2)])
    expect([first!.take(again), late!.take(again)]).toEqual([2, 2])
  })

  test('each is told of what its own branch let through', async () => {
    const { listeners, settle } = bench()
    listeners[0]!.take(traceBatch([call(1), call(2)]))
    listeners[1]!.take(traceBatch([call(2), call(3)]))
    await settle()
    expect(listeners.map(({ told }) => told.sort())).toEqual([
      [idOf(1), idOf(2)],
      [idOf(2), idOf(3)],
    ])
  })

  test('who has one report of two is told of their call once', async () => {
    const { listeners, settle } = bench()
    const span = { start_ms: 1000, end_ms: 1500 }
    const [outer, inner] = [call(1, { ...span, input: 90 }), call(2, { ...span, parent: idOf(1), input: 90 })]
    const both = [traceBatch([outer], { scope: { name: 'a' } }), traceBatch([inner], { scope: { name: 'b' } })]
    for (const batch of both) listeners[0]!.take(batch)
    listeners[1]!.take(both[1]!)
    await settle()
    expect(listeners.map(({ told }) => told)).toEqual([[`${idOf(1)} ${idOf(2)}`], [idOf(2)]])
  })

  test('who leaves is told at once; who joins then begins anew', async () => {
    const { host, listeners } = bench()
    const [first, second] = listeners
    const batch = traceBatch([call(1)])
    for (const one of listeners) one.take(batch)
    first!.steps.close()
    expect([first!.told, second!.told]).toEqual([[idOf(1)], []])
    const third = new Listener(host)
    third.take(traceBatch([call(2)]))
    second!.take(traceBatch([call(1), call(2)]))
    await host.clock.advance(TIMES.settle_after)
    second!.steps.tick(TIMES)
    expect([second!.told.sort(), third.told]).toEqual([[idOf(1), idOf(2)], [idOf(2)]])
    for (const { steps } of [second!, third]) steps.close()
    expect(first!.told).toEqual([idOf(1)])
  })
})

describe('one call of several reports, and two who do not have them alike', () => {
  /** The request of a stream, which says nothing of tokens, and what is written at its end. */
  function stream(): TraceBatch[] {
    const group = { scope: { name: 'logfire.openai' } }
    const span = { parent: idOf(7), with: { 'sluice.dialect': 'logfire', 'gen_ai.request.stream': true } }
    const record = { ...span, with: { ...span.with, duration: 2 }, input: 70 }
    return [
      traceBatch([call(1, { ...span, input: 0, start_ms: 1000, end_ms: 1100 })], group),
      traceBatch([call(2, { ...record, start_ms: 3100, end_ms: 3100 })], group),
    ]
  }
  const both = `${idOf(1)} ${idOf(2)}`

  test('it is one also for whom it comes to when it has been told', async () => {
    const { listeners, settle } = bench()
    const batches = stream()
    for (const one of listeners) {
      for (const batch of batches) one.take(batch)
      await settle(TIMES.settle_max)
    }
    for (const { told, inputs } of listeners) expect([told, inputs]).toEqual([[both], [70]])
  })

  test('and where one of them has another call beside', async () => {
    const { listeners, settle } = bench()
    for (const batch of stream()) for (const one of listeners) one.take(batch)
    listeners[0]!.take(traceBatch([call(9)]))
    await settle()
    expect(listeners.map(({ told }) => told.sort())).toEqual([[both, idOf(9)], [both]])
  })

  test('who has one report of it is told what that says', async () => {
    const { listeners, settle } = bench()
    const [request, record] = stream()
    for (const one of listeners) one.take(request!)
    listeners[0]!.take(record!)
    await settle()
    expect(listeners.map(({ inputs }) => inputs)).toEqual([[70], [Number.NaN]])
  })

  test('the second report in another trace is a repeat to each, whenever it comes', async () => {
    const { listeners, settle } = bench()
    const resource = { 'service.name': 'shop' }
    const times = { start_ms: 1000, end_ms: 1500 }
    const outer = traceBatch([call(1, times)], { resource, scope: { name: 'framework' } })
    const scope = { name: 'opentelemetry.instrumentation.openai' }
    const inner = traceBatch([call(2, { ...times, trace: 'cd'.repeat(16) })], { resource, scope })
    for (const one of listeners) one.take(outer)
    await settle()
    for (const one of listeners) {
      one.take(inner)
      await settle()
    }
    for (const { told, repeated } of listeners) expect([told, repeated]).toEqual([[idOf(1)], [idOf(2)]])
  })
})

test('a batch that comes twice by two ways is kept once, also of spans without ids', async () => {
  const { listeners, settle } = bench()
  const batch = traceBatch([call(1, { id: '' })])
  for (const one of listeners) expect([one.take(batch), one.take(batch), one.keeps]).toEqual([0, 1, 1])
  await settle()
  for (const { told } of listeners) expect(told).toHaveLength(1)
})

test.each([
  ['what stands behind the alias', 'claude-sonnet-4-5-20250929', 1],
  ['another model', 'claude-sonnet-4-20250929', 2],
])('two instrumentations, of which one names the alias and the other %s', async (_, model, calls) => {
  const { listeners, settle } = bench()
  const times = { start_ms: 1000, end_ms: 1500, parent: idOf(7) }
  const alias = { 'gen_ai.request.model': 'claude-sonnet-4-5' }
  const own = { 'gen_ai.request.model': model }
  for (const [id, scope, named] of [
    [1, 'one.scope', alias],
    [2, 'other.scope', own],
  ] as const)
    for (const one of listeners) one.take(traceBatch([call(id, { ...times, with: named })], { scope: { name: scope } }))
  await settle()
  for (const { told } of listeners) expect(told.length).toBe(calls)
})

test('a call without a trace is told at once, to each when it takes it', () => {
  const { listeners } = bench()
  const batch = traceBatch([call(1, { trace: '' })])
  for (const one of listeners) one.take(batch)
  for (const { told } of listeners) expect(told).toEqual([idOf(1)])
})

test('as many may come and go as like', async () => {
  const { host, listeners } = bench(1)
  for (let at = 0; at < 100; at++) {
    const other = new Listener(host)
    const batch = traceBatch([call(at + 1, { trace: (at + 1).toString(16).padStart(32, '0') })])
    for (const one of [listeners[0]!, other]) one.take(batch)
    other.steps.close()
    expect(other.told).toEqual([idOf(at + 1)])
  }
  listeners[0]!.steps.close()
  expect(listeners[0]!.told.length).toBe(100)
})

test('those who want other bounds have a book of their own', async () => {
  const { host, listeners } = bench(1)
  const other = new Listener(host, { ...BOUNDS, calls_max: 7 })
  const batch = traceBatch([call(1)])
  for (const one of [listeners[0]!, other]) one.take(batch)
  expect(other.steps.calls).not.toBe(listeners[0]!.steps.calls)
  for (const one of [listeners[0]!, other]) one.steps.close()
  expect([listeners[0]!.told, other.told]).toEqual([[idOf(1)], [idOf(1)]])
})

test(`whoever takes what, whenever: each is told of what it has, once; seed ${seed}`, async () => {
  const random = new Random(seed)
  for (let round = 0; round < 60; round++) {
    const { host, listeners } = bench(3)
    const has = listeners.map(() => new Set<string>())
    const batches: TraceBatch[] = []
    const ids = new Map<TraceBatch, string[]>()
    for (let step = 0; step < 60; step++) {
      if (batches.length === 0 || random.chance(30)) {
        const spans = Array.from({ length: 1 + random.below(4) }, () => {
          const id = 1 + random.below(80)
          return call(id, { trace: idOf(1 + (id % 5)).repeat(2) })
        })
        const batch = traceBatch(spans)
        batches.push(batch)
        ids.set(batch, [...new Set(spans.map(({ id }) => id!))])
      }
      const who = random.below(listeners.length)
      const batch = random.pick(batches)
      if (random.chance(70)) {
        listeners[who]!.take(batch)
        for (const id of ids.get(batch)!) has[who]!.add(id)
      } else if (random.chance(40)) {
        await host.clock.advance(1000 * random.below(9))
        listeners[who]!.steps.tick(TIMES)
      }
    }
    for (const [who, listener] of listeners.entries()) {
      listener.steps.close()
      expect(listener.told.sort()).toEqual([...has[who]!].sort())
      expect(listener.repeated).toEqual([])
    }
  }
})

describe('in little memory', () => {
  const MIB = 1 << 20

  test('fewer calls wait', () => {
    const { host, listeners } = bench(1)
    memoryOf(host).limit_bytes = MIB
    const [one] = listeners
    for (let id = 1; id <= 600; id++) {
      const trace = id.toString(16).padStart(32, '0')
      one!.take(traceBatch([call(id, { trace })]))
    }
    // A sixteenth of a MiB, at 200 bytes a call.
    expect(600 - one!.told.length).toBeLessThanOrEqual(330)
    one!.steps.close()
    expect(one!.told.length).toBe(600)
  })

  test('less is known of what came before, and what is known is bounded', () => {
    const host = testHost()
    memoryOf(host).limit_bytes = 4 * MIB
    const one = new Listener(host, { ...BOUNDS, duplicates_window: 1_000_000 })
    const batches = Array.from({ length: 40_000 }, (_, at) =>
      traceBatch([call(at + 1, { trace: (at + 1).toString(16).padStart(32, '0') })]),
    )
    for (const batch of batches) one.take(batch)
    expect(memoryOf(host).held()['steps']).toBeLessThan(5 * MIB)
    expect([one.take(batches.at(-1)!), one.take(batches[0]!)]).toEqual([1, 0])
  })
})

test('who never began leaves nothing behind', () => {
  const host = testHost()
  for (let at = 0; at < 100; at++) new Subscription(host, BOUNDS)
  expect(memoryOf(host).held()['steps']).toBeUndefined()
  const [one, other] = [new Listener(host), new Listener(host)]
  expect(one.steps.calls).toBe(other.steps.calls)
})

test('who is late for a stream waits for it no longer than others', async () => {
  const { listeners, settle } = bench()
  const [first, late] = listeners
  const span = { parent: idOf(7), with: { 'sluice.dialect': 'logfire', 'gen_ai.request.stream': true } }
  const batch = traceBatch(
    [
      call(1, { ...span, input: 0, start_ms: 1000, end_ms: 1100 }),
      call(2, { ...span, input: 70, start_ms: 3100, end_ms: 3100, with: { ...span.with, duration: 2 } }),
    ],
    { scope: { name: 'logfire.openai' } },
  )
  first!.take(batch)
  await settle()
  late!.take(batch)
  await settle()
  expect(listeners.map(({ told }) => told)).toEqual([[`${idOf(1)} ${idOf(2)}`], [`${idOf(1)} ${idOf(2)}`]])
})
