import { describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { attributesOf, itemsOf, type LogOptions, logBatch } from '../../../test/support/otlp.ts'
import { Random } from '../../otlp/random.fixture.ts'
import { retryLater } from '../../refusal.ts'
import { sharedTables } from '../../traces/tables.ts'
import { sharedVerdicts } from '../../traces/verdicts.ts'
import { schema } from './config.ts'
import { type Bench, bench, ERRORS, failed, record, span, traceId } from './sampler.fixture.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
const MIB = 1 << 20
const summary = (more: LogOptions): LogOptions => ({ body: 'summary', ...more })

interface Pair {
  readonly spans: Bench
  readonly logs: Bench<'logs'>
}

/** One sampler in a pipeline of traces and in one of logs. */
async function pair(config: object = {}, shards = 1): Promise<Pair> {
  const spans = await bench(config, { shards })
  return { spans, logs: await bench(config, { signal: 'logs', beside: spans }) }
}

describe.each([1, 2, 5])('log records with %d shards', (shards) => {
  test('wait for the decision on their trace and follow it', async () => {
    const { spans, logs } = await pair({}, shards)
    await logs.send([record(1, 'early'), record(2, 'early')])
    await spans.send([failed(1, 'a'), span(2, 'b')])
    await logs.send([record(1, 'x'), record(2, 'y'), record(1, 'z')])
    await logs.pass(9750)
    expect(logs.books()).toMatchObject({ pending: 5, delivered: 0 })
    await logs.pass(250)
    expect(logs.kept()).toEqual(['early:decided', 'x:decided', 'z:decided'])
    expect(logs.books()).toMatchObject({ entered: 5, delivered: 3, sampled_out: 2, pending: 0 })
    expect(spans.books()).toMatchObject({ entered: 2, delivered: 1, sampled_out: 1, pending: 0 })
    await logs.send([record(1, 'late'), record(2, 'too late')])
    await logs.pass(250)
    expect(logs.kept().at(-1)).toBe('late:late_log')
    expect(logs.books()).toMatchObject({ entered: 7, delivered: 4, sampled_out: 3, pending: 0 })
    expect(sharedTables(logs.host).map((table) => table.held)).toEqual(Array(shards).fill(0))
  })

  test('wait from the first span, if one comes while they wait alone', async () => {
    const { spans, logs } = await pair({}, shards)
    await logs.send([record(1, 'x')])
    await logs.pass(9000)
    await spans.send([failed(1, 'a')])
    await logs.pass(9750)
    expect(logs.books()).toMatchObject({ pending: 1 })
    await logs.pass(250)
    expect(logs.kept()).toEqual(['x:decided'])
  })

  test('of a trace without spans pass, and wait again for those that come after all', async () => {
    const { spans, logs } = await pair({}, shards)
    await logs.send([record(1, 'x'), record(2, 'y')])
    await logs.pass(10_000)
    expect(logs.kept().sort()).toEqual(['x:no_spans', 'y:no_spans'])
    await logs.send([record(1, 'x2'), record(2, 'y2')])
    await logs.pass(250)
    expect(logs.kept().slice(2).sort()).toEqual(['x2:no_spans', 'y2:no_spans'])
    await spans.send([failed(1, 'a'), span(2, 'b')])
    await logs.send([record(1, 'x3'), record(2, 'y3')])
    expect(logs.books()).toMatchObject({ pending: 2 })
    await logs.pass(10_000)
    expect(logs.kept().slice(4)).toEqual(['x3:decided'])
    expect(logs.books()).toMatchObject({ entered: 6, delivered: 5, sampled_out: 1, pending: 0 })
    expect(logs.host.meter.value('sluice_tail_sampling_logs_without_spans')).toBe(4)
  })

  test('of a trace without spans go, if the config says so', async () => {
    const { spans, logs } = await pair({ logs_without_spans: 'drop' }, shards)
    await logs.send([record(1, 'x')])
    await logs.pass(10_000)
    await logs.send([record(1, 'x2')])
    expect(logs.books()).toMatchObject({ entered: 2, delivered: 0, sampled_out: 2, pending: 0 })
    await spans.send([failed(1, 'a')])
    await logs.send([record(1, 'x3')])
    await logs.pass(10_000)
    expect(logs.kept()).toEqual(['x3:decided'])
  })

  test('that were let through alone and have not gone stay out of the decision', async () => {
    const { spans, logs } = await pair({}, shards)
    for (const { next } of [spans, logs]) next.refuse(retryLater('queue_full', 'full'))
    await logs.send([record(1, 'x')])
    await spans.send([failed(9, 'blocked')])
    await logs.pass(10_000)
    await logs.send([record(1, 'y'), record(2, 'other')])
    await spans.send([span(1, 'a')])
    await logs.send([record(1, 'z')])
    for (const { next } of [spans, logs]) next.refuse(undefined)
    await logs.pass(30_000)
    expect(logs.kept().sort()).toEqual(['other:no_spans', 'x:no_spans', 'y:no_spans'])
    expect(logs.books()).toMatchObject({ entered: 4, delivered: 3, sampled_out: 1, pending: 0 })
    expect(sharedTables(logs.host).map((table) => table.held)).toEqual(Array(shards).fill(0))
  })

  test('at the end the traces are decided, and the records follow', async () => {
    const { spans, logs } = await pair({}, shards)
    await spans.send([failed(1, 'a'), span(2, 'b'), failed(3, 'c')])
    await logs.send([record(1, 'x'), record(2, 'y'), record(4, 'alone')])
    await logs.stop()
    expect(logs.kept().sort()).toEqual(['alone:no_spans', 'x:decided'])
    expect(logs.books()).toMatchObject({ delivered: 2, sampled_out: 1, pending: 0 })
    expect(spans.books()).toMatchObject({ pending: 1 })
    await spans.stop()
    expect(spans.kept().sort()).toEqual(['a:decided', 'c:decided'])
    await expect(logs.send([record(5, 'after')])).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
  })
})

describe('log records', () => {
  test('without a trace, and summaries, pass at once, byte for byte if nothing else is in the batch', async () => {
    const { logs } = await pair()
    const passing = [
      { body: 'none' },
      { body: 'zero', trace: '00'.repeat(16) },
      { body: 'short', trace: '01' },
      summary({ trace: traceId(1), event: 'sluice.gen_ai.summary' }),
      summary({ trace: traceId(1), attributes: { other: 1, event_name: 'sluice.gen_ai.summary' } }),
    ]
    const batch = logBatch(passing, { resource: { 'service.name': 'shop' } })
    await logs.send(batch)
    expect(logs.next.batches[0]!.bytes.equals(batch.bytes)).toBe(true)
    await logs.send([record(1, 'waits'), ...passing, record(2, 'waits too')])
    expect(logs.next.batches[1]!.count).toBe(5)
    expect(logs.books()).toMatchObject({ entered: 12, delivered: 10, pending: 2 })
    await logs.send([record(1, 'content', { event: 'sluice.gen_ai.content' })])
    expect(logs.books()).toMatchObject({ pending: 3 })
  })

  test('if those that pass are refused, none of the batch stays', async () => {
    const { logs } = await pair()
    logs.next.refuse(retryLater('queue_full', 'full'), 1)
    const batch = [record(1, 'waits'), { body: 'none' }]
    await expect(logs.send(batch)).rejects.toMatchObject({ reason: 'queue_full' })
    expect(logs.books()).toMatchObject({ entered: 0, refused: 2, pending: 0 })
    await logs.send(batch)
    expect(logs.books()).toMatchObject({ entered: 2, delivered: 1, pending: 1 })
  })

  test('a batch that is under way while its instance stops is accounted', async () => {
    const { logs } = await pair()
    const open = logs.next.block()
    const sent = logs.send([record(1, 'waits'), { body: 'none' }])
    await logs.host.clock.advance(0)
    const stopped = logs.stop()
    open()
    await Promise.all([sent, stopped])
    expect(logs.books()).toMatchObject({ entered: 2, delivered: 1, dropped: { shutdown: 1 }, pending: 0 })
  })

  test('have the policy and the decision put behind the rest', async () => {
    const { spans, logs } = await pair()
    await spans.send([failed(1, 'a')])
    await logs.send([record(1, 'x', { severity: 9, event: 'e', attributes: { k: 'v' } }), record(2, 'alone')])
    await logs.pass(10_000)
    const [kept, alone] = logs.next.batches.flatMap(itemsOf)
    expect(kept).toMatchObject({ severityNumber: 9, eventName: 'e', body: { stringValue: 'x' } })
    expect(attributesOf(kept)).toEqual([
      ['k', 'v'],
      ['sluice.sampling.policy', 'errors'],
      ['sluice.sampling.decision', 'decided'],
    ])
    expect(attributesOf(alone)).toEqual([['sluice.sampling.decision', 'no_spans']])
  })

  test('vote with their score in quality policies, before and after the first span, over new policies too', async () => {
    const quality = (name: string, threshold: number) => ({ name, type: 'quality', quality: { threshold } })
    const { spans, logs } = await pair({ policies: [quality('q', 0.5)] })
    const scored = (trace: number, score: number) =>
      record(trace, `${trace}`, { attributes: { 'sluice.quality.score': score } })
    await logs.send([scored(1, 0.2), scored(2, 0.6)])
    await spans.send([span(1, 'a'), span(2, 'b'), span(3, 'c'), span(4, 'd')])
    await logs.send([scored(3, 0.3), record(4, '4')])
    const update = schema.parse({ decision_wait: '10s', policies: [ERRORS, quality('q', 0.25)] })
    expect(await spans.sampler.update!(update)).toBe(true)
    expect(await logs.sampler.update!(update)).toBe(true)
    await spans.pass(10_000)
    expect(spans.kept()).toEqual(['a:decided'])
    expect(logs.kept()).toEqual(['1:decided'])
    await logs.send([scored(2, 0.1)])
    expect(logs.books()).toMatchObject({ delivered: 1, sampled_out: 4 })
  })

  test('count as memory, and with block_on_overflow are refused for now when there is none; those that pass are not', async () => {
    const { spans, logs } = await pair({ max_pending_bytes: MIB, block_on_overflow: true })
    const large = (trace: number) => [record(trace, 'x'.repeat(200_000))]
    for (let trace = 1; trace <= 5; trace++) await logs.send(large(trace))
    await expect(logs.send(large(6))).rejects.toMatchObject({ reason: 'pending_full', retryable: true })
    await expect(spans.send([span(7, 'a', { attributes: { text: 'x'.repeat(200_000) } })])).rejects.toThrow('wait')
    await logs.send([{ body: 'y'.repeat(200_000) }])
    await logs.pass(10_000)
    expect(logs.books()).toMatchObject({ entered: 6, delivered: 6, refused: 1, pending: 0 })
  })

  test('over num_traces the oldest goes first, whether it has spans or not; errors last', async () => {
    const { spans, logs } = await pair({ num_traces: 2 })
    await logs.send([record(1, 'x')])
    await logs.pass(10)
    await spans.send([failed(2, 'a')])
    await spans.send([span(3, 'b')])
    await logs.pass(250)
    expect(logs.kept()).toEqual(['x:no_spans'])
    await logs.send([record(4, 'y')])
    await logs.pass(0)
    expect(spans.books()).toMatchObject({ sampled_out: 1, pending: 1 })
    expect(logs.host.meter.value('otelcol_processor_tail_sampling_sampling_traces_on_memory')).toBe(2)
  })

  test('a sampler without a pipeline of traces says so', async () => {
    const warnings: unknown[] = []
    const host = { ...testHost({ id: 'tail_sampling' }) }
    Object.assign(host, { log: { warn: (text: unknown) => void warnings.push(text) } })
    const logs = await bench({}, { signal: 'logs', host })
    await logs.pass(250)
    expect(warnings).toEqual([expect.stringContaining('in no pipeline of traces')])
    await bench({}, { beside: logs })
    await logs.pass(1000)
    expect(warnings.length).toBe(1)
  })

  test(`follow their traces and none is lost, with one shard and with several, seed ${seed}`, async () => {
    const run = async (shards: number): Promise<string[]> => {
      const random = new Random(seed)
      const { spans, logs } = await pair({ decision_wait: '2s', num_traces: 10_000 }, shards)
      for (let request = 0; request < 150; request++) {
        const traces = Array.from({ length: random.below(20) }, () => 1 + request + random.below(30))
        const batch = traces.map((trace, at) => (random.chance(4) ? failed : span)(trace, `${request}/${at}`))
        const records = traces.map((trace, at) =>
          random.chance(80) ? record(trace + random.below(5), `${request}/${at}`) : { body: `${request}/${at}` },
        )
        if (random.chance(8)) logs.next.refuse(retryLater('queue_full', 'full'), 1 + random.below(3))
        const sends = [() => spans.send(batch), () => logs.send(records).catch(() => undefined)]
        for (const send of random.chance(50) ? sends : sends.toReversed()) await send()
        await logs.pass(random.below(600))
      }
      await logs.pass(60_000)
      for (const { books } of [spans, logs]) expect(books()['pending']).toBe(0)
      const { entered, delivered, sampled_out } = logs.books()
      expect([delivered, entered]).toEqual([logs.kept().length, (delivered as number) + (sampled_out as number)])
      expect(sharedTables(logs.host).map((table) => table.held)).toEqual(Array(shards).fill(0))
      return logs.kept().sort()
    }
    const one = await run(1)
    expect(one.length).toBeGreaterThan(100)
    expect(await run(2)).toEqual(one)
  })
})

describe('a sampler in several pipelines', () => {
  test('counts a span once that comes through two of them, and hands it on in both', async () => {
    const policies = [{ name: 'many', type: 'span_count', span_count: { min_spans: 2 } }]
    const one = await bench({ policies })
    const other = await bench({ policies }, { beside: one })
    const shared = [span(1, 'a'), span(2, 'b'), span(2, 'c')]
    await one.send(shared)
    await other.send(shared)
    await one.pass(10_000)
    expect([one.kept(), other.kept()]).toEqual([
      ['b:decided', 'c:decided'],
      ['b:decided', 'c:decided'],
    ])
    expect(one.books()).toMatchObject({ delivered: 2, sampled_out: 1, duplicate: 0 })
  })

  test('goes on when one of them stops', async () => {
    const one = await bench()
    const other = await bench({}, { beside: one })
    await one.send([failed(1, 'a')])
    await other.send([failed(2, 'b'), failed(1, 'c')])
    await other.stop()
    expect(other.kept().sort()).toEqual(['b:decided', 'c:decided'])
    expect(one.kept()).toEqual(['a:decided'])
    await one.send([failed(3, 'd')])
    await one.pass(10_000)
    expect(one.kept()).toEqual(['a:decided', 'd:decided'])
  })

  test('with another id is another sampler', async () => {
    const one = await bench()
    const host = testHost({ id: 'tail_sampling/other', clock: one.host.clock, sharedWith: one.host })
    const other = await bench({ policies: [{ name: 'all', type: 'always_sample' }] }, { host })
    await one.send([span(1, 'a')])
    await other.send([span(1, 'a')])
    await one.pass(10_000)
    expect([one.kept(), other.kept()]).toEqual([[], ['a:decided']])
    const votes = 'otelcol_processor_tail_sampling_count_traces_sampled'
    expect(host.meter.value(votes, { policy: 'other.all', decision: 'sampled' })).toBe(1)
  })

  test('tells what it decided, until it stops', async () => {
    const { spans, logs } = await pair()
    const verdicts = sharedVerdicts(spans.host)
    const of = (trace: number) => verdicts.verdictOf(Buffer.from(traceId(trace), 'hex'), 0)
    await spans.send([failed(1, 'a'), span(2, 'b')])
    await logs.send([record(3, 'x')])
    expect([of(1), of(2), of(3), of(4)]).toEqual(['undecided', 'undecided', 'undecided', 'undecided'])
    await spans.pass(10_000)
    expect([of(1), of(2), of(3), of(4)]).toEqual(['kept', 'dropped', 'undecided', 'undecided'])
    expect(verdicts.isEmpty).toBe(false)
    await spans.stop()
    expect(verdicts.isEmpty).toBe(true)
    await logs.stop()
    expect(of(1)).toBe('undecided')
  })

  test('may begin anew after the last of them has stopped', async () => {
    const { spans, logs } = await pair()
    await spans.send([failed(1, 'a')])
    await logs.stop()
    await spans.stop()
    const again = await bench({}, { beside: spans })
    await again.send([failed(1, 'a'), span(2, 'b')])
    await again.pass(10_000)
    expect(again.kept()).toEqual(['a:decided'])
  })
})
