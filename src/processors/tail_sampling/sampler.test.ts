import { describe, expect, test } from 'vitest'
import { attributesOf, batchOf, itemsOf, requestOf, traceBatch } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { Random } from '../../otlp/random.fixture.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import { join } from '../../telemetry/batch.ts'
import { Heads } from '../../telemetry/heads.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { sharedTables } from '../../traces/tables.ts'
import { hashTraceId } from '../../traces/trace_id.ts'
import { TraceTable } from '../../traces/trace_table.ts'
import { schema } from './config.ts'
import { bench, ERRORS, failed, span, traceId } from './sampler.fixture.ts'
import { Pending, UNKNOWN } from './undecided/pending.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
const MIB = 1 << 20

describe.each([1, 2, 5])('tail sampling with %d shards', (shards) => {
  test('decides a trace decision_wait after its first span, whatever came in between', async () => {
    const it = await bench({}, { shards })
    await it.send([span(1, 'a'), span(2, 'b')])
    await it.pass(6000)
    await it.send([span(2, 'c'), failed(1, 'd'), span(3, 'e')])
    await it.pass(3750)
    expect(it.books()).toMatchObject({ pending: 5 })
    await it.pass(250)
    expect(it.kept()).toEqual(['a:decided', 'd:decided'])
    expect(it.books()).toMatchObject({ entered: 5, delivered: 2, sampled_out: 2, pending: 1 })
    await it.pass(6000)
    expect(it.books()).toMatchObject({ delivered: 2, sampled_out: 3, pending: 0 })
  })

  test('late spans follow the decision', async () => {
    const it = await bench({}, { shards })
    await it.send([failed(1, 'kept'), span(2, 'dropped')])
    await it.pass(10_000)
    await it.send([span(1, 'late'), failed(2, 'too late'), span(1, 'late too')])
    await it.pass(250)
    expect(it.kept()).toEqual(['kept:decided', 'late:late_span', 'late too:late_span'])
    expect(it.books()).toMatchObject({ entered: 5, delivered: 3, sampled_out: 2, pending: 0 })
  })

  test('many late spans wait while the next consumer refuses', async () => {
    const it = await bench({}, { shards })
    await it.send([failed(1, 'kept')])
    await it.pass(10_000)
    it.next.refuse(retryLater('queue_full', 'full'))
    for (let round = 0; round < 300; round++) await it.send([span(1, `late${round}`)])
    await it.pass(5000)
    expect(it.books()).toMatchObject({ delivered: 1, pending: 300 })
    it.next.refuse(undefined)
    await it.pass(1000)
    expect(it.kept().slice(1)).toEqual(Array.from({ length: 300 }, (_, round) => `late${round}:late_span`))
    expect(it.books()).toMatchObject({ delivered: 301, pending: 0 })
    expect(sharedTables(it.host).map((table) => table.held)).toEqual(Array(shards).fill(0))
  })

  test('spans without a valid trace id are dropped', async () => {
    const it = await bench({ policies: [{ name: 'all', type: 'always_sample' }] }, { shards })
    const ids = ['', '01', '00'.repeat(16), 'ff'.repeat(17)]
    await it.send(ids.map((trace) => ({ trace })))
    expect(it.books()).toMatchObject({ entered: 4, pending: 0, dropped: { invalid_trace_id: 4 } })
    await it.send([span(1, 'valid'), { trace: '00'.repeat(16) }])
    await it.pass(10_000)
    expect(it.kept()).toEqual(['valid:decided'])
  })

  test('at shutdown decides on what is there', async () => {
    const it = await bench({}, { shards })
    await it.send([failed(1, 'a'), span(2, 'b')])
    await it.stop()
    expect(it.kept()).toEqual(['a:decided'])
    expect(it.books()).toMatchObject({ delivered: 1, sampled_out: 1, pending: 0 })
    await expect(it.send([span(3, 'c')])).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
    await it.stop()
  })
})

describe('tail sampling', () => {
  test(`keeps the same spans, and loses none, with one shard and with several, seed ${seed}`, async () => {
    const kept = async (shards: number): Promise<string[]> => {
      const random = new Random(seed)
      const policies = [
        ERRORS,
        { name: 'some', type: 'probabilistic', probabilistic: { sampling_percentage: 20 } },
        { name: 'slow', type: 'latency', latency: { threshold_ms: 900 } },
      ]
      const it = await bench({ policies, decision_wait: '2s' }, { shards })
      for (let request = 0; request < 200; request++) {
        const spans = Array.from({ length: random.below(30) }, (_, at) => {
          const trace = request + random.below(20)
          const start_ms = 1_700_000_000_000 + random.below(500)
          const more = { start_ms, end_ms: start_ms + random.below(600) }
          return random.chance(3)
            ? failed(trace + 1, `${request}/${at}`, more)
            : span(trace + 1, `${request}/${at}`, more)
        })
        if (random.chance(5)) it.next.refuse(retryLater('queue_full', 'full'), 1 + random.below(3))
        await it.send(spans)
        await it.pass(random.below(600))
      }
      await it.pass(60_000)
      const { entered, delivered, sampled_out, pending } = it.books()
      expect([pending, delivered]).toEqual([0, it.kept().length])
      expect(entered).toBe((delivered as number) + (sampled_out as number))
      return it.kept().sort()
    }
    const one = await kept(1)
    expect(one.length).toBeGreaterThan(100)
    expect(await kept(2)).toEqual(one)
    expect(await kept(5)).toEqual(one)
  })

  test('spans, resources and scopes go on as they came, with three attributes more', async () => {
    const it = await bench()
    const group = (name: string) => ({
      resource: { 'service.name': name, n: 5 },
      scope: { name: `${name}.scope`, version: '2' },
    })
    const rich = failed(1, 'rich', {
      attributes: { list: ['a', 1], text: 'x'.repeat(500) },
      events: [{ name: 'e', attributes: { k: true } }],
      more: { traceState: 'a=b', links: [{ traceId: Buffer.alloc(16, 9), spanId: Buffer.alloc(8, 9) }] },
    })
    const batches = [
      traceBatch([span(1, 'first'), span(2, 'other'), rich], group('shop')),
      traceBatch([span(1, 'second')], group('cart')),
      traceBatch([span(1, 'third')], group('shop')),
    ]
    for (const batch of batches) await it.send(batch)
    await it.pass(10_000)
    expect(it.next.taken.length).toBe(1)
    const request = requestOf(it.next.batches[0]!) as { resourceSpans: Message[] }
    const [shop, cart] = request.resourceSpans
    const spansIn = (resource: Message | undefined) =>
      (resource!['scopeSpans'] as Message[]).flatMap((scope) => scope['spans'] as Message[])
    const { scopeSpans: _, ...resource } = shop!
    expect(resource).toEqual({ resource: (requestOf(batches[0]!)['resourceSpans'] as Message[])[0]!['resource'] })
    expect((shop!['scopeSpans'] as Message[])[0]!['scope']).toEqual({ name: 'shop.scope', version: '2' })
    expect(spansIn(shop).map((one) => one['name'])).toEqual(['first', 'rich', 'third'])
    expect(spansIn(cart).map((one) => one['name'])).toEqual(['second'])
    const kept = spansIn(shop)[1]!
    const [sent] = itemsOf(traceBatch([rich]))
    expect({ ...kept, attributes: [] }).toEqual({ ...sent, attributes: [] })
    expect(attributesOf(kept)).toEqual([
      ['list', ['a', 1]],
      ['text', 'x'.repeat(500)],
      ['sluice.sampling.policy', 'errors'],
      ['sluice.sampling.decision', 'decided'],
      ['sluice.sampling.reason', 'a span has status ERROR'],
    ])
  })

  test('num_traces below the number of shards lets one trace wait in each', async () => {
    const it = await bench({ num_traces: 1 }, { shards: 2 })
    await it.send([failed(1, 'a')])
    await it.pass(0)
    expect(it.kept()).toEqual([])
  })

  test('with block_on_overflow refuses for now at max_pending_bytes, and takes again when there is room', async () => {
    const it = await bench({ max_pending_bytes: MIB, block_on_overflow: true })
    const large = (trace: number) => [span(trace, 'large', { attributes: { text: 'x'.repeat(200_000) } })]
    for (let trace = 1; trace <= 5; trace++) await it.send(large(trace))
    await expect(it.send(large(6))).rejects.toMatchObject({ reason: 'pending_full', retryable: true })
    expect(it.books()).toMatchObject({ entered: 5, refused: 1, pending: 5 })
    await it.pass(10_000)
    for (let trace = 6; trace <= 10; trace++) await it.send(large(trace))
    expect(it.books()).toMatchObject({ entered: 10, refused: 1, sampled_out: 5, pending: 5 })
  })

  test('takes one request that is larger than max_pending_bytes while nothing waits', async () => {
    const it = await bench({ max_pending_bytes: MIB, block_on_overflow: true })
    await it.send([failed(1, 'huge', { attributes: { text: 'x'.repeat(2 * MIB) } })])
    await it.pass(0)
    expect(it.kept()).toEqual(['huge:pressure'])
    await it.send([span(2, 'small')])
  })

  test('counts resources that differ in every request as memory', async () => {
    const it = await bench({ max_pending_bytes: MIB, block_on_overflow: true })
    const send = (id: number) => it.send(traceBatch([span(id, 's')], { resource: { id, text: 'x'.repeat(50_000) } }))
    const refused = (async () => {
      for (let id = 1; id < 30; id++) await send(id)
    })()
    await expect(refused).rejects.toMatchObject({ reason: 'pending_full' })
    expect(it.books()['pending']).toBeLessThan(12)
  })

  test('what the next consumer refuses for now waits, and goes when it takes again', async () => {
    const it = await bench()
    it.next.refuse(retryLater('queue_full', 'full', 3000))
    await it.send([failed(1, 'a'), failed(2, 'b')])
    await it.pass(10_000)
    expect(it.books()).toMatchObject({ delivered: 0, pending: 2 })
    const asked = it.next.asked
    await it.pass(2900)
    expect(it.next.asked).toBe(asked)
    it.next.refuse(undefined)
    await it.pass(100)
    expect(it.kept()).toEqual(['a:decided', 'b:decided'])
  })

  test.each([
    [new Refusal('bad_data', 'no', { retryable: false }), { bad_data: 2 }],
    [new TypeError('a bug'), { error: 2 }],
  ])('what it refuses for good is dropped: %o', async (error, dropped) => {
    const it = await bench()
    it.next.refuse(error, 1)
    await it.send([failed(1, 'a'), failed(2, 'b')])
    await it.pass(10_000)
    expect(it.books()).toMatchObject({ entered: 2, delivered: 0, pending: 0, dropped })
    await it.send([failed(3, 'c')])
    await it.pass(10_000)
    expect(it.kept()).toEqual(['c:decided'])
  })

  test('a large trace goes in several batches', async () => {
    const it = await bench()
    const spans = Array.from({ length: 40 }, (_, at) =>
      failed(1, `${at}`, { attributes: { text: 'x'.repeat(100_000) } }),
    )
    for (const one of spans) await it.send([one])
    await it.pass(10_000)
    expect(it.kept()).toEqual(spans.map(({ name }) => `${name}:decided`))
    expect(it.next.batches.map((batch) => batch.count)).toEqual([11, 11, 11, 7])
  })

  test.each([
    ['that refuses', (it: Awaited<ReturnType<typeof bench>>) => it.next.refuse(retryLater('queue_full', 'full'))],
    ['that never answers', (it: Awaited<ReturnType<typeof bench>>) => void it.next.block()],
  ])('at the deadline drops what is left for a consumer %s', async (_, spoil) => {
    const it = await bench()
    for (let trace = 1; trace <= 4; trace++)
      await it.send([failed(trace, 'a', { attributes: { text: 'x'.repeat(MIB) } }), span(trace + 10, 'b')])
    spoil(it)
    const deadline = new AbortController()
    const stopped = it.sampler.shutdown!(deadline.signal)
    await it.host.clock.advance(3000)
    deadline.abort()
    await stopped
    const { dropped, held, sampled_out } = it.account.balance()
    expect([(dropped['shutdown'] ?? 0) + held.in_flight, held.pending, sampled_out]).toEqual([4, 0, 4])
    expect(held.in_flight).toBeLessThanOrEqual(1)
  })

  test('a shutdown without a start, and one whose deadline has passed, resolve', async () => {
    const it = await bench()
    await it.send([failed(1, 'a'), span(2, 'b')])
    await it.stop(AbortSignal.abort())
    expect(it.books()).toMatchObject({ entered: 2, sampled_out: 1, pending: 0 })
  })

  test('a new config acts on the traces that wait', async () => {
    const it = await bench()
    await it.send([failed(1, 'a'), span(2, 'b', { attributes: { vip: 1 } }), span(3, 'c')])
    await it.pass(9000)
    const policies = [{ name: 'vip', type: 'numeric_attribute', numeric_attribute: { key: 'vip', min_value: 1 } }]
    expect(await it.sampler.update!(schema.parse({ decision_wait: '11s', policies }))).toBe(true)
    await it.send([span(3, 'd', { attributes: { vip: 2 } })])
    await it.pass(1500)
    expect(it.books()).toMatchObject({ pending: 4 })
    await it.pass(500)
    expect(it.kept()).toEqual(['b:decided', 'c:decided', 'd:decided'])
    expect(attributesOf(itemsOf(it.next.batches[0]!)[1]).at(-1)).toEqual([
      'sluice.sampling.reason',
      'a span has vip in 1 …',
    ])
    expect(await it.sampler.update!(schema.parse({ decision_wait: '11s', policies }))).toBe(true)
    await it.send([span(2, 'late')])
    await it.pass(250)
    expect(it.kept().at(-1)).toBe('late:late_span')
  })

  test('a config that cannot be compiled changes nothing', async () => {
    const it = await bench()
    const many = Array.from({ length: 513 }, (_, at) => ({
      name: `p${at}`,
      type: 'numeric_attribute',
      numeric_attribute: { key: 'k', min_value: at },
    }))
    await it.send([failed(1, 'a')])
    await expect(it.sampler.update!(schema.parse({ policies: many }))).rejects.toThrow('more than 512')
    await it.pass(10_000)
    expect(it.kept()).toEqual(['a:decided'])
  })

  test('senders that differ are kept apart, however many they are', async () => {
    const it = await bench({ policies: [{ name: 'all', type: 'always_sample' }] })
    for (let sender = 0; sender < 600; sender++)
      await it.send([span(sender + 1, `${sender}`)], { tenant: `t${sender}`, metadata: new Map([['k', `${sender}`]]) })
    await it.pass(10_000)
    expect(it.next.taken.length).toBe(600)
    for (const { batch, context } of it.next.taken) {
      const name = itemsOf(batch)[0]!['name']
      expect([context.tenant, context.metadata.get('k')]).toEqual([`t${name}`, name])
    }
  })

  test('one trace may come over several accounts', async () => {
    const it = await bench()
    await it.send([failed(1, 'a'), span(2, 'x')])
    await it.send([span(1, 'b'), span(2, 'y')], { tenant: 'other' })
    await it.pass(10_000)
    expect(it.next.taken.map(({ batch, context }) => [itemsOf(batch)[0]!['name'], context.tenant])).toEqual([
      ['a', undefined],
      ['b', 'other'],
    ])
    expect(it.books()).toMatchObject({ delivered: 2, sampled_out: 2, pending: 0 })
  })

  test('waits at least a second', async () => {
    const it = await bench({ decision_wait: '0s' })
    await it.send([failed(1, 'a')])
    await it.pass(999)
    expect(it.kept()).toEqual([])
    await it.pass(250)
    expect(it.kept()).toEqual(['a:decided'])
  })

  test('the duration of a trace goes from its first start to its last end, times that are not set left out', async () => {
    const it = await bench({ policies: [{ name: 'slow', type: 'latency', latency: { threshold_ms: 100 } }] })
    const times = (start_ms: number, end_ms: number) => ({
      start_ms: start_ms && 1.7e12 + start_ms,
      end_ms: end_ms && 1.7e12 + end_ms,
    })
    await it.send([span(1, 'a', times(0, 10)), span(2, 'a', times(50, 110)), span(3, 'a', times(-1, 101))])
    await it.send([span(1, 'b', times(20, 90)), span(2, 'b', times(1, 60)), span(3, 'b', times(0, 0))])
    await it.pass(10_000)
    expect(it.books()).toMatchObject({ delivered: 4, sampled_out: 2 })
  })

  test('counts its decisions and shows what waits', async () => {
    const it = await bench({
      policies: [ERRORS, { name: 'some', type: 'probabilistic', probabilistic: { sampling_percentage: 0 } }],
    })
    const { meter } = it.host
    await it.send([failed(1, 'a'), failed(2, 'b'), span(3, 'c')])
    expect(meter.value('otelcol_processor_tail_sampling_sampling_traces_on_memory')).toBe(3)
    expect(meter.value('sluice_tail_sampling_pending_bytes')).toBeGreaterThan(MIB)
    await it.pass(10_000)
    const all = 'otelcol_processor_tail_sampling_global_count_traces_sampled'
    expect([meter.value(all, { sampled: 'true' }), meter.value(all, { sampled: 'false' })]).toEqual([2, 1])
    const votes = 'otelcol_processor_tail_sampling_count_traces_sampled'
    const said = (policy: string, decision: string) => meter.value(votes, { policy, decision })
    expect([said('errors', 'sampled'), said('errors', 'not_sampled'), said('some', 'not_sampled')]).toEqual([2, 1, 3])
    expect(meter.value('otelcol_processor_tail_sampling_new_trace_id_received')).toBe(3)
    await it.send([failed(1, 'late'), failed(3, 'too late'), span(3, 'too late')])
    await it.pass(250)
    const late = 'otelcol_processor_tail_sampling_early_releases_from_cache_decision'
    expect([meter.value(late, { sampled: 'true' }), meter.value(late, { sampled: 'false' })]).toEqual([1, 2])
    expect(meter.value('otelcol_processor_tail_sampling_sampling_traces_on_memory')).toBe(0)
  })

  test('a span keeps no more memory than half its own size, with its share of the tables', () => {
    for (const wire_bytes of [250, 680]) {
      const table = new TraceTable(1_000_000)
      // What gen_ai_metrics keeps beside it.
      for (const type of ['int32', 'float64', 'float64', 'int32'] as const) table.addColumn(type)
      const heads = new Heads()
      const pending = new Pending(table, heads)
      const view = new SpanView()
      const [traces, spans] = [20_000, 8]
      for (let at = 0; at < traces * spans; at++) {
        const batch = traceBatch([{ trace: traceId((at % traces) + 1), attributes: { pad: '' } }])
        const pad = 'x'.repeat(wire_bytes - sizeOf(batch))
        const padded = at < 100 ? traceBatch([{ trace: traceId((at % traces) + 1), attributes: { pad } }]) : undefined
        if (padded !== undefined) expect(Math.abs(sizeOf(padded) - wire_bytes)).toBeLessThan(5)
        const bytes = Buffer.concat([batch.bytes, Buffer.alloc(wire_bytes)])
        view.read(batch, 0)
        const head = heads.obtain(batch, 0)
        const hash = hashTraceId(view.bytes, view.traceId)
        const row = pending.rowOf(view.bytes, view.traceId, hash)
        // Span ids are all alike here.
        const mark = pending.markOf(hash ^ at, view)
        view.bytes = bytes
        view.end = view.start + wire_bytes
        pending.keep(row, bytes, view.start, view.end, head, mark)
        if (pending.stateOf(row) === UNKNOWN) pending.begin(row, at + 1, 0, false)
        pending.note(row, view)
      }
      const reserved = pending.reserved_bytes + table.size_bytes + heads.size_bytes
      expect(reserved / (traces * spans * wire_bytes)).toBeLessThan(1.5)
    }
  }, 60_000)

  test('spans of many groups and requests in one batch are all placed', async () => {
    const it = await bench()
    const batches = Array.from({ length: 20 }, (_, at) =>
      traceBatch([failed(1, `${at}`), span(2, 'x')], { resource: { at } }),
    )
    const empty = batchOf('traces', {
      resourceSpans: [{ scopeSpans: [{ scope: { name: 'empty' } }] }],
    } as unknown as Message)
    await it.send(join('traces', [...batches, empty]))
    await it.pass(10_000)
    expect(it.kept().length).toBe(20)
    expect(requestOf(it.next.batches[0]!)['resourceSpans']).toHaveLength(20)
  })
})

function sizeOf(batch: ReturnType<typeof traceBatch>): number {
  const view = new SpanView()
  view.read(batch, 0)
  return view.end - view.start
}
