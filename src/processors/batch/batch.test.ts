import { describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, itemsOf, metricBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import type { Signal } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { batch } from './index.ts'
import { piecesOf } from './pieces.ts'

const metric = (name: string) => `otelcol_processor_batch_${name}`

function batcher<S extends Signal = 'traces'>(config: Record<string, unknown> = {}, signal: S = 'traces' as S) {
  const host = testHost({ id: 'batch' })
  const recorder = new Recorder<S>()
  const processor = batch.create(schema.parse(config), host, signal, recorder)
  const account = bookedAccount(signal)
  const feed = (count: number, metadata: Record<string, string> = {}, tenant?: string) =>
    account.feed(processor, anyBatch(signal, count), { metadata: new Map(Object.entries(metadata)), tenant })
  const sizes = () => recorder.batches.map(({ count }) => count)
  const stop = (deadline = new AbortController().signal) => processor.shutdown!(deadline)
  return { host, recorder, processor, account, feed, sizes, stop }
}

describe('batch', () => {
  test('sends after the timeout, joined, and acknowledges before', async () => {
    const { host, recorder, account, feed, sizes } = batcher()
    await feed(2)
    await feed(3)
    await host.clock.advance(199)
    expect(sizes()).toEqual([])
    expect(account.balance()).toMatchObject({ entered: 5, held: { pending: 5, in_flight: 0 } })
    await host.clock.advance(1)
    expect(sizes()).toEqual([5])
    expect(itemsOf(recorder.batches[0]!)).toEqual([
      ...itemsOf(anyBatch('traces', 2)),
      ...itemsOf(anyBatch('traces', 3)),
    ])
    expect(account.balance()).toMatchObject({ delivered: 5, held: { pending: 0, in_flight: 0 } })
    expect(host.meter.value(metric('timeout_trigger_send'))).toBe(1)
    expect(host.meter.recorded(metric('batch_send_size'))).toEqual([5])
    expect(host.meter.recorded(metric('batch_send_size_bytes'))).toEqual([recorder.batches[0]!.size_bytes])
    expect(host.meter.value(metric('metadata_cardinality'))).toBe(0)
  })

  test('sends at once when the size is reached', async () => {
    const { host, feed, sizes } = batcher({ send_batch_size: 5 })
    await feed(4)
    await feed(4)
    await host.clock.advance(0)
    expect(sizes()).toEqual([8])
    expect(host.meter.value(metric('batch_size_trigger_send'))).toBe(1)
  })

  test.each([{ timeout: '0s' }, { send_batch_size: 0 }])('sends everything at once with %j', async (config) => {
    const { host, feed, sizes } = batcher(config)
    await feed(1)
    await host.clock.advance(0)
    expect(sizes()).toEqual([1])
  })

  test('splits by the largest size; the rest waits for the timeout', async () => {
    const { host, feed, sizes } = batcher({ send_batch_size: 4, send_batch_max_size: 4 })
    await feed(10)
    await host.clock.advance(199)
    expect(sizes()).toEqual([4, 4])
    await host.clock.advance(1)
    expect(sizes()).toEqual([4, 4, 2])
  })

  test('one batch per tenant and value of the metadata keys; other metadata goes', async () => {
    const { host, recorder, feed, sizes } = batcher({ metadata_keys: ['X-Team'] })
    await feed(1, { 'x-team': 'a', 'user-agent': 'x' })
    await feed(2, { 'x-team': 'b' })
    await feed(3, { 'x-team': 'a' })
    await feed(4)
    await feed(5, { 'x-team': 'a' }, 'tenant')
    expect(host.meter.value(metric('metadata_cardinality'))).toBe(4)
    await host.clock.advance(200)
    expect(sizes()).toEqual([4, 2, 4, 5])
    expect(recorder.taken.map(({ context }) => [...context.metadata])).toEqual([
      [['x-team', 'a']],
      [['x-team', 'b']],
      [],
      [['x-team', 'a']],
    ])
  })

  test('the number of groups is bounded; one that has been sent leaves room', async () => {
    const { host, account, feed } = batcher({ metadata_keys: ['k'], metadata_cardinality_limit: 1 })
    await feed(1, { k: 'a' })
    await expect(feed(1, { k: 'b' })).rejects.toMatchObject({ reason: 'metadata_cardinality', retryable: true })
    await host.clock.advance(200)
    await feed(1, { k: 'b' })
    expect(account.balance()).toMatchObject({ entered: 2, refused: 1 })
  })

  test('items of different accounts are not mixed', async () => {
    const { host, processor, feed, sizes } = batcher()
    const other = bookedAccount('traces', 'receiver/other → pipeline')
    await feed(1)
    await other.feed(processor, anyBatch('traces', 2))
    await host.clock.advance(200)
    expect(sizes()).toEqual([1, 2])
    expect(other.balance()).toMatchObject({ entered: 2, delivered: 2 })
  })

  test('a batch refused for now is kept and sent again; meanwhile the next one grows', async () => {
    const { host, recorder, account, feed, sizes } = batcher({ send_batch_size: 2 })
    recorder.refuse(retryLater('queue_full', 'full', 5000), 1)
    await feed(2)
    await feed(2)
    await feed(2)
    await host.clock.advance(4999)
    expect(account.balance()).toMatchObject({ delivered: 0, held: { pending: 6, in_flight: 0 } })
    await host.clock.advance(1)
    expect(sizes()).toEqual([2, 4])
    expect(account.balance()).toMatchObject({ entered: 6, delivered: 6, dropped: {}, held: { pending: 0 } })
  })

  test('when too much waits, senders are refused', async () => {
    const { host, recorder, account, feed } = batcher({ send_batch_size: 10_000 })
    const proceed = recorder.block()
    await feed(60_000)
    await feed(40_000)
    await expect(feed(1)).rejects.toMatchObject({ reason: 'queue_full', retryable: true })
    proceed()
    await host.clock.advance(200)
    await feed(1)
    expect(account.balance()).toMatchObject({ entered: 100_001, refused: 1 })
    expect(account.discrepancy()).toBe(0)
  })

  test.each([
    ['export_failed', new Refusal('export_failed', 'no', { retryable: false })],
    ['error', new TypeError('a bug')],
  ])('what is refused for good is dropped as %s', async (reason, error) => {
    const { host, recorder, account, feed } = batcher()
    recorder.refuse(error, 1)
    await feed(3)
    await host.clock.advance(200)
    expect(account.balance()).toMatchObject({ dropped: { [reason]: 3 }, held: { pending: 0, in_flight: 0 } })
    await feed(1)
    await host.clock.advance(200)
    expect(account.balance()).toMatchObject({ delivered: 1 })
  })

  test('shutdown hands on what waits and takes nothing more', async () => {
    const { account, feed, sizes, stop } = batcher()
    await feed(3)
    await stop()
    await stop()
    expect(sizes()).toEqual([3])
    await expect(feed(1)).rejects.toMatchObject({ reason: 'shutdown' })
    expect(account.balance()).toMatchObject({ entered: 3, delivered: 3 })
  })

  test('at the deadline the rest is dropped', async () => {
    const { host, recorder, account, feed, stop } = batcher()
    recorder.refuse(retryLater('queue_full', 'full'))
    await feed(3)
    const deadline = new AbortController()
    const stopped = stop(deadline.signal)
    await host.clock.advance(0)
    await host.clock.advance(2500)
    expect(recorder.asked).toBe(3)
    deadline.abort()
    await stopped
    expect(account.balance()).toMatchObject({ dropped: { shutdown: 3 }, held: { pending: 0, in_flight: 0 } })
  })

  test('takes another config in place', async () => {
    const { host, processor, feed, sizes } = batcher()
    await feed(2)
    expect(await processor.update!(schema.parse({ send_batch_size: 3 }))).toBe(true)
    await feed(1)
    await host.clock.advance(0)
    expect(sizes()).toEqual([3])
  })

  test.each(['traces', 'metrics', 'logs'] as const)('joins and cuts %s', async (signal) => {
    const { host, feed, sizes } = batcher({ send_batch_size: 4, send_batch_max_size: 5 }, signal)
    for (let at = 0; at < 4; at++) await feed(3)
    await host.clock.advance(200)
    expect(sizes().reduce((sum, one) => sum + one, 0)).toBe(12)
    expect(Math.max(...sizes())).toBeLessThanOrEqual(6)
  })
})

describe('config', () => {
  const mistakes: [Record<string, unknown>, string][] = [
    [{ send_batch_max_size: 100 }, 'at least send_batch_size (8192)'],
    [{ metadata_keys: ['X-Team', 'x-team'] }, 'each header once'],
    [{ send_batch_size: -1 }, '>=0'],
  ]
  test.each(mistakes)('%j is a mistake', (config, message) => {
    expect(schema.safeParse(config).error?.issues[0]?.message).toContain(message)
  })
})

describe('piecesOf', () => {
  test.each([
    [10, 3, [3, 3, 3, 1]],
    [9, 3, [3, 3, 3]],
    [7, 1, [1, 1, 1, 1, 1, 1, 1]],
    [5, 5, [5]],
    [5, 0, [5]],
  ])('%i items in pieces of %i', (count, max_size, sizes) => {
    const whole = anyBatch('traces', count, { resource: { 'service.name': 'shop' } })
    const pieces = piecesOf(whole, max_size)
    expect(pieces.map((piece) => piece.count)).toEqual(sizes)
    expect(pieces.flatMap((piece) => itemsOf(piece))).toEqual(itemsOf(whole))
  })

  test('a metric is not cut in two', () => {
    const whole = metricBatch([{ name: 'm', points: [{}, {}, {}] }])
    expect(piecesOf(whole, 2).map((piece) => piece.count)).toEqual([3])
  })
})
