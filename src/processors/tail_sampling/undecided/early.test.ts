/** Traces decided before their time: who goes first, who last, and what becomes of what comes later. */
import { describe, expect, test } from 'vitest'
import { testHost } from '../../../../test/support/host.ts'
import { retryLater } from '../../../refusal.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import { schema } from '../config.ts'
import { type Bench, bench, ERRORS, failed, record, span } from '../sampler.fixture.ts'
import { EarlyChoice } from './early.ts'

const MIB = 1 << 20
const QUALITY = { name: 'bad', type: 'quality' }
const padded = (bytes: number) => ({ attributes: { text: 'x'.repeat(bytes) } })
const early = ({ host }: Bench, reason: string) =>
  host.meter.value('sluice_tail_sampling_traces_decided_early', { processor: 'tail_sampling', reason })

describe.each([1, 3])('under pressure, with %d shards', (shards) => {
  test('bytes decide: a hundred thousand traces wait in the default config, and errors that come last are kept', async () => {
    const it = await bench({}, { shards })
    memoryOf(it.host).limit_bytes = 256 * MIB
    for (let at = 0; at < 100_000; at += 5000)
      await it.send(Array.from({ length: 5000 }, (_, k) => span(at + k + 1, 'root')))
    await it.pass(2000)
    await it.send(Array.from({ length: 100 }, (_, k) => failed(k * 1000 + 1, `error ${k}`)))
    await it.pass(10_000)
    expect(it.kept().filter((name) => name.startsWith('error'))).toHaveLength(100)
    expect(early(it, 'pressure')).toBe(0)
  })

  test('the oldest goes first, errors and low quality last, and nobody is refused', async () => {
    const it = await bench({ max_pending_bytes: 4 * MIB, policies: [ERRORS, QUALITY] }, { shards })
    await it.send([failed(1, 'error', padded(1000))])
    await it.send([span(2, 'bad', { attributes: { 'sluice.quality.score': 0.2 } })])
    for (let at = 3; at < 200; at++) await it.send([span(at, `${at}`, padded(100_000))])
    await it.pass(250)
    expect(it.kept()).toEqual([])
    expect(it.books()).toMatchObject({ entered: 199, refused: 0 })
    expect(early(it, 'pressure')).toBeGreaterThan(150)
    await it.send([span(1, 'with the error'), failed(199, 'newest')])
    await it.pass(10_000)
    expect(it.kept().sort()).toEqual(
      ['error:decided', 'with the error:decided', 'bad:decided', '199:decided', 'newest:decided'].sort(),
    )
  })

  test('the whole process short of memory: the oldest are decided early, errors last, though there is room here', async () => {
    const it = await bench({ policies: [ERRORS] }, { shards })
    await it.send([failed(1, 'error', padded(1000))])
    for (let at = 2; at < 102; at++) await it.send([span(at, `${at}`, padded(100_000))])
    const before_bytes = memoryOf(it.host).held().tail_sampling!
    memoryOf(it.host).relieve(5 * MIB)
    expect(before_bytes - memoryOf(it.host).held().tail_sampling!).toBeGreaterThanOrEqual(4 * MIB)
    await it.pass(250)
    const decided = early(it, 'pressure')!
    expect([decided > 40, decided < 95]).toEqual([true, true])
    expect(it.kept(), 'the error waits for the rest of its trace').toEqual([])
    await it.pass(10_000)
    expect(it.kept()).toEqual(['error:decided'])
  })

  test('block_on_overflow: nothing is decided early, also when the whole process is short', async () => {
    const it = await bench({ block_on_overflow: true, num_traces: 1000 }, { shards })
    for (let at = 1; at < 50; at++) await it.send([span(at, `${at}`, padded(100_000))])
    memoryOf(it.host).relieve(5 * MIB)
    await it.pass(250)
    expect(early(it, 'pressure')).toBe(0)
  })

  test('errors among many others do not keep the places of those that go', async () => {
    const it = await bench({ max_pending_bytes: 8 * MIB }, { shards })
    for (let batch = 0; batch < 100; batch++)
      await it.send(
        Array.from({ length: 100 }, (_, k) =>
          (k === 50 ? failed : span)(batch * 100 + k + 1, `${batch}`, padded(2000)),
        ),
      )
    await it.pass(0)
    expect([it.books()['refused'], it.kept()]).toEqual([0, []])
    await it.pass(10_000)
    expect(it.kept().sort()).toEqual(Array.from({ length: 100 }, (_, batch) => `${batch}:decided`).sort())
  })

  test('where only errors wait, the oldest of them are decided, kept, and say so', async () => {
    const it = await bench({ max_pending_bytes: 16 * MIB }, { shards })
    for (let at = 1; at <= 400; at++) await it.send([failed(at, `${at}`, padded(100_000))])
    await it.pass(0)
    expect(it.kept().length).toBeGreaterThan(20)
    expect(it.kept().slice(0, 3)).toEqual(['1:pressure', '2:pressure', '3:pressure'])
    expect(it.books()).toMatchObject({ refused: 0 })
  })

  test('what is kept and finds no taker is not made more with when_full: refuse: then senders are refused', async () => {
    const it = await bench({ max_pending_bytes: 4 * MIB, when_full: 'refuse' }, { shards })
    it.next.refuse(retryLater('queue_full', 'full'))
    const send = async (): Promise<void> => {
      for (let at = 1; at <= 100; at++) await it.send([failed(at, `${at}`, padded(100_000))])
    }
    await expect(send()).rejects.toMatchObject({ reason: 'pending_full', retryable: true })
    expect(early(it, 'pressure')).toBeLessThan(30)
    it.next.refuse(undefined)
    await it.pass(10_000)
    expect(it.books()).toMatchObject({ pending: 0, dropped: {} })
  })

  test('an error that comes after its trace was dropped early is kept, and what follows it', async () => {
    const it = await bench({ max_pending_bytes: MIB }, { shards })
    await it.send([span(1, 'first', padded(10_000))])
    for (let at = 2; at < 40; at++) await it.send([span(at, `${at}`, padded(100_000))])
    await it.send([span(1, 'too late')])
    await it.send([failed(1, 'late error'), span(1, 'after it')])
    await it.pass(250)
    expect(it.kept()).toEqual(['late error:late_span', 'after it:late_span'])
    await it.pass(10_000)
    expect(it.host.meter.value('sluice_tail_sampling_traces_rescued')).toBe(1)
    await it.send([failed(20, 'of an early one'), failed(39, 'of one that was decided in time')])
    await it.pass(250)
    expect(it.kept().slice(2)).toEqual(['of an early one:late_span'])
  })

  test('a trace that alone is too large is decided itself, and starves nobody', async () => {
    const it = await bench({ max_pending_bytes: 4 * MIB }, { shards })
    await it.send([span(1, 'small')])
    for (let at = 0; at < 100; at++) await it.send([span(2, `${at}`, padded(100_000))])
    await it.send([failed(1, 'error of the small one')])
    expect([early(it, 'trace_size'), early(it, 'pressure')]).toEqual([0, 0])
    await it.pass(10_000)
    expect([early(it, 'trace_size'), early(it, 'pressure')]).toEqual([1, 0])
    expect(it.kept()).toEqual(['small:decided', 'error of the small one:decided'])
    expect(it.books()).toMatchObject({ refused: 0, pending: 0 })
  })

  test('over num_traces one goes for one that comes', async () => {
    const it = await bench({ num_traces: 2 * shards }, { shards })
    for (let at = 1; at <= 50; at++) await it.send([(at === 1 ? failed : span)(at, `${at}`)])
    await it.pass(10_000)
    expect(early(it, 'num_traces')).toBe(50 - 2 * shards)
    expect(it.kept()).toEqual(['1:decided'])
  })
})

describe('what decides early', () => {
  test.each([
    ['an error', ERRORS, { status: { code: 2 } }, true],
    ['chance', { name: 'p', type: 'probabilistic', probabilistic: { sampling_percentage: 100 } }, {}, false],
    ['a rate', { name: 'r', type: 'rate_limiting', rate_limiting: { spans_per_second: 9 } }, {}, false],
    ['every trace', { name: 'a', type: 'always_sample' }, {}, false],
    ['slowness', { name: 'l', type: 'latency', latency: { threshold_ms: 5 } }, { start_ms: 1000, end_ms: 2000 }, true],
    [
      'a value',
      { name: 'v', type: 'numeric_attribute', numeric_attribute: { key: 'usd', min_value: 1 } },
      { attributes: { usd: 2 } },
      true,
    ],
    [
      'the absence of a value',
      { name: 'v', type: 'string_attribute', string_attribute: { key: 'k', values: ['x'], invert_match: true } },
      {},
      false,
    ],
    [
      'an error, within a rate',
      {
        name: 'v',
        type: 'and',
        and: { and_sub_policy: [ERRORS, { name: 'r', type: 'rate_limiting', rate_limiting: { spans_per_second: 9 } }] },
      },
      { status: { code: 2 } },
      false,
    ],
    [
      'an error that a composite keeps',
      {
        name: 'v',
        type: 'composite',
        composite: {
          max_total_spans_per_second: 100,
          composite_sub_policy: [ERRORS],
          rate_allocation: [{ policy: 'errors', percent: 100 }],
        },
      },
      { status: { code: 2 } },
      true,
    ],
    [
      'an error of what is dropped',
      { name: 'd', type: 'drop', drop: { drop_sub_policy: [ERRORS] } },
      { status: { code: 2 } },
      false,
    ],
  ])('%s spares a trace: %j', async (_, policy, more, isSpared) => {
    const it = await bench({ num_traces: 1, policies: [policy] })
    await it.send([span(1, 'one', more), span(2, 'other', { start_ms: 1000, end_ms: 1000 })])
    await it.pass(0)
    const waits = await late(it)
    expect(waits).toBe(isSpared ? 1 : 2)
  })

  test('the memory of the process decides at the moment of use; the user decides before it', async () => {
    const it = await bench()
    const memory = memoryOf(it.host)
    memory.limit_bytes = 4 * MIB
    for (let at = 1; at <= 20; at++) await it.send([span(at, 's', padded(100_000))])
    expect(it.books()['pending']).toBeLessThan(12)
    expect(memory.held()['tail_sampling']).toBeGreaterThan(100_000)
    expect(memory.held()['trace_tables']).toBeGreaterThan(1000)
    memory.limit_bytes = 400 * MIB
    for (let at = 21; at <= 80; at++) await it.send([span(at, 's', padded(100_000))])
    expect(it.books()['pending']).toBeGreaterThan(60)
    await it.sampler.update!(schema.parse({ policies: [ERRORS], max_pending_bytes: MIB }))
    await it.send([span(81, 's')])
    expect(it.books()['pending']).toBeLessThan(12)
    await it.stop()
    expect(memory.held()['tail_sampling']).toBeUndefined()
  })

  test('is said once, and again when it had stopped', async () => {
    const lines: string[] = []
    const host = testHost({ id: 'tail_sampling' })
    const log = {
      warn: (_: object, text: string) => lines.push(text),
      info: (_: object, text: string) => lines.push(text),
    }
    const it = await bench({ num_traces: 1 }, { host: { ...host, log: log as never } })
    for (let round = 0; round < 2; round++) {
      for (let at = 1; at <= 5; at++) await it.send([span(round * 10 + at, 's')])
      await it.pass(70_000)
    }
    expect(lines.map((line) => line.slice(0, 23))).toEqual([
      'traces are decided befo',
      'traces are decided in t',
      'traces are decided befo',
      'traces are decided in t',
    ])
  })

  test('log records of an early trace follow it', async () => {
    const spans = await bench({ num_traces: 1 })
    const logs = await bench({ num_traces: 1 }, { signal: 'logs', beside: spans })
    await spans.send([span(1, 'a')])
    await logs.send([record(1, 'of it')])
    await spans.send([failed(2, 'b')])
    await logs.send([record(1, 'late')])
    expect(logs.books()).toMatchObject({ entered: 2, sampled_out: 2, pending: 0 })
  })

  test('asks about each trace once, however many are spared', async () => {
    let asked = 0
    const choice = new EarlyChoice(() => ++asked > 0)
    const queue = (rows: number) => {
      let at = 0
      return {
        since_ms: 0,
        notSparedSince_ms: 0,
        first: () => 0,
        firstNotSpared(isSpared: (row: number) => boolean) {
          while (at < rows) if (!isSpared(at++)) return at - 1
          return -1
        },
      }
    }
    const shard = { waits: queue(1000), logs: queue(0), ticketOf: () => 1 }
    for (let round = 0; round < 100; round++) expect(choice.next([shard as never])).toBe(true)
    expect(asked).toBe(1000)
  })
})

/** Items that are still undecided of the first trace, or 2 if it was decided. */
async function late(it: Bench): Promise<number> {
  await it.send([span(1, 'more')])
  const { pending } = it.books()
  return pending === 2 ? 1 : 2
}
