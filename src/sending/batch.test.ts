import { describe, expect, it } from 'vitest'
import type { Batches } from '../component.ts'
import { contextOf, metrics, spans, TestAccount, testHost } from './host.fixture.ts'
import { SENT } from './sender.ts'
import { advance, namesIn, schema, setUp } from './sending.fixture.ts'
import { Sending } from './sending.ts'

describe('too large', () => {
  it('sends halves, and drops only the item that is too large alone', async () => {
    const { host, clock } = testHost()
    const sent: string[][] = []
    const sending = new Sending({
      host,
      settings: schema.parse({}),
      signals: ['traces'],
      sender: () => ({
        send: async (batch) => {
          const names = namesIn(batch as Batches['traces'])
          if (names.includes('span-5') || names.length > 4) return { outcome: 'too_large', message: '' }
          sent.push(names)
          return SENT
        },
      }),
    })
    const account = new TestAccount()
    await account.pass(9, () => sending.inputs.traces!.consume(spans(9), contextOf(account)))
    await advance(clock, 0)
    expect(sent.flat()).toEqual([0, 1, 2, 3, 4, 6, 7, 8].map((at) => `span-${at}`))
    expect(account).toMatchObject({ delivered: 8, dropped: { too_large: 1 } })
  })
})

describe('batch', () => {
  const batch = { min_size: 10, flush_timeout: '1s' }

  it('merges until min_size, over accounts, and books each exactly', async () => {
    const { pass, clock, calls, account } = setUp({ sending_queue: { batch } }, [{ outcome: 'sent', rejected: 3 }])
    const other = new TestAccount()
    await pass(spans(4, 'a'))
    await pass(spans(5, 'b'), {}, other)
    await advance(clock, 999)
    expect(calls).toHaveLength(0)
    expect([account.held.queued, other.held.queued]).toEqual([4, 5])
    await pass(spans(3, 'c'))
    await advance(clock, 0)
    expect(calls.map((call) => namesIn(call.batch).join(' '))).toEqual([
      'a-0 a-1 a-2 a-3 b-0 b-1 b-2 b-3 b-4 c-0 c-1 c-2',
    ])
    expect(account.delivered + other.delivered).toBe(9)
    expect([account.held.queued, other.held.queued]).toEqual([0, 0])
  })

  it('sends after flush_timeout what there is', async () => {
    const { pass, clock, calls, account } = setUp({ sending_queue: { batch } })
    await pass(spans(4))
    await advance(clock, 500)
    await pass(spans(2))
    await advance(clock, 500)
    expect(calls.map((call) => call.batch.count)).toEqual([6])
    expect(account.delivered).toBe(6)
  })

  it('splits above max_size and books the parts', async () => {
    const settings = { sending_queue: { batch: { ...batch, max_size: 10 } } }
    const bad = { outcome: 'permanent', reason: 'rejected_by_backend', message: '' } as const
    const { pass, clock, calls, account } = setUp(settings, [SENT, bad, SENT])
    const other = new TestAccount()
    await pass(spans(7, 'a'))
    await pass(spans(18, 'b'), {}, other)
    await advance(clock, 1000)
    expect(calls.map((call) => call.batch.count)).toEqual([10, 10, 5])
    expect(account).toMatchObject({ delivered: 7, dropped: {} })
    expect(other).toMatchObject({ delivered: 8, dropped: { rejected_by_backend: 10 } })
  })

  it('splits by bytes', async () => {
    const limit = 2000
    const settings = { sending_queue: { batch: { ...batch, min_size: 0, max_size: limit, sizer: 'bytes' as const } } }
    const { pass, clock, calls, account } = setUp(settings)
    await pass(spans(40, 'span', 100))
    await advance(clock, 0)
    expect(calls.length).toBeGreaterThan(2)
    expect(Math.max(...calls.map((call) => call.batch.size_bytes))).toBeLessThanOrEqual(limit)
    expect(account.delivered).toBe(40)
  })

  it('keeps unequal tenants and metadata apart', async () => {
    const { pass, clock, calls } = setUp({ sending_queue: { batch } })
    await pass(spans(1, 'a'), { tenant: 'one' })
    await pass(spans(1, 'b'), { tenant: 'two' })
    await pass(spans(1, 'c'), { tenant: 'one', metadata: new Map([['k', 'v']]) })
    await pass(spans(1, 'd'), { tenant: 'one' })
    await advance(clock, 1000)
    expect(calls.map((call) => namesIn(call.batch).join(' '))).toEqual(['a-0 d-0', 'b-0', 'c-0'])
  })

  it('waits for the merged result with wait_for_result', async () => {
    const bad = { outcome: 'permanent', reason: 'rejected_by_backend', message: '' } as const
    const { pass, clock, account } = setUp({ sending_queue: { wait_for_result: true, batch } }, [bad])
    const both = Promise.allSettled([pass(spans(1)), pass(spans(1))])
    await advance(clock, 1000)
    expect((await both).map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(account.entered).toBe(0)
  })
})

describe('metrics', () => {
  it('accounts data points, also when a part is cut', async () => {
    const test = testHost()
    const counts: number[] = []
    const batch = { min_size: 0, max_size: 6 }
    const sending = new Sending({
      host: test.host,
      settings: schema.parse({ sending_queue: { batch } }),
      signals: ['metrics'],
      sender: () => ({
        send: async (batch) => {
          counts.push(batch.count)
          return SENT
        },
      }),
    })
    const account = new TestAccount('metrics')
    await account.pass(15, () => sending.inputs.metrics!.consume(metrics([1, 9, 2, 0, 3]), contextOf(account)))
    await advance(test.clock, 0)
    expect(counts.length).toBeGreaterThan(1)
    expect(account).toMatchObject({ delivered: 15, held: { queued: 0 } })
    expect(test.counter('otelcol_exporter_sent_metric_points')).toBe(15)
  })
})
