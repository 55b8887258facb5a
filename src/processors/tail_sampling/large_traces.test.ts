/** Traces with many spans, and with many bytes: what is done for each span, and how much at once. */
import { afterEach, expect, test, vi } from 'vitest'
import type { SpanOptions } from '../../../test/support/otlp.ts'
import { retryLater } from '../../refusal.ts'
import { ItemStore } from '../../traces/item_store.ts'
import { type Bench, bench, failed, record, span } from './sampler.fixture.ts'

const MIB = 1 << 20

afterEach(() => vi.restoreAllMocks())

/** Items that are looked at while this goes on. */
async function reads(act: () => Promise<void>): Promise<number> {
  const read = vi.spyOn(ItemStore.prototype, 'read')
  await act()
  const { length } = read.mock.calls
  read.mockRestore()
  return length
}

const spansOf = (trace: number, count: number) => Array.from({ length: count }, (_, at) => span(trace, `s${at}`))

async function sendInBatches(it: Bench, spans: readonly SpanOptions[]): Promise<void> {
  for (let at = 0; at < spans.length; at += 100) await it.send(spans.slice(at, at + 100))
}

test.each([10, 1000, 5000])('a span costs the same whether it is one of %d in its trace', async (count) => {
  const it = await bench()
  const spans = Array.from({ length: 5000 / count }, (_, at) => spansOf(at + 1, count)).flat()
  // None is looked at, but for a hash that two may share.
  expect(await reads(() => sendInBatches(it, spans))).toBeLessThan(50)
  // Sent again, each is compared with itself.
  const again = await reads(() => sendInBatches(it, spans))
  expect(again).toBeGreaterThanOrEqual(5000)
  expect(again).toBeLessThan(5050)
  expect(it.books()).toMatchObject({ pending: 5000, duplicate: 5000 })
})

test('spans of one id and different bytes are compared with so many', async () => {
  const it = await bench()
  const spans = Array.from({ length: 2000 }, (_, at) => span(1, `s${at}`, { id: '00000000000000aa' }))
  expect(await reads(() => sendInBatches(it, spans))).toBeLessThanOrEqual(2000 * 64)
  expect(it.books()).toMatchObject({ pending: 2000, duplicate: 0 })
})

test.each([
  ['many spans', 100_000, 10],
  ['large spans', 400, 100_000],
])(
  'a kept trace of %s goes out in slices, in order, and others have their turn in between',
  async (_, count, bytes) => {
    const it = await bench({ max_pending_bytes: 400 * MIB })
    const text = 'x'.repeat(bytes)
    const spans = spansOf(1, count).map((one) => ({ ...one, attributes: { text } }))
    await it.send([failed(1, 'first')])
    for (let at = 0; at < count; at += 5000) await it.send(spans.slice(at, at + 5000))
    const store = ItemStore.prototype
    const [read, release] = [store.read, store.release]
    let [items, most_items, most_bytes, slice_bytes] = [0, 0, 0, 0]
    vi.spyOn(store, 'read').mockImplementation(function (this: ItemStore, address) {
      items++
      most_items = Math.max(most_items, items)
      return read.call(this, address)
    })
    vi.spyOn(store, 'release').mockImplementation(function (this: ItemStore, address) {
      slice_bytes += this.end - this.start
      most_bytes = Math.max(most_bytes, slice_bytes)
      return release.call(this, address)
    })
    let isOver = false
    const everyTurn = (): void => {
      items = slice_bytes = 0
      if (!isOver) setImmediate(everyTurn)
    }
    setImmediate(everyTurn)
    await it.pass(10_000)
    while (it.books()['pending'] !== 0) await it.pass(250)
    isOver = true
    expect(most_items).toBeLessThanOrEqual(50_000)
    expect(most_bytes).toBeLessThanOrEqual(6 * MIB)
    expect(it.books()).toMatchObject({ delivered: count + 1, pending: 0 })
    vi.restoreAllMocks()
    expect(it.kept().slice(0, 3)).toEqual(['first:decided', 's0:decided', 's1:decided'])
    expect(it.kept().at(-1)).toBe(`s${count - 1}:decided`)
  },
  60_000,
)

test('what comes while the trace goes out is late, and goes behind it', async () => {
  const it = await bench({ max_pending_bytes: 400 * MIB })
  it.next.refuse(retryLater('queue_full', 'full'))
  const text = 'x'.repeat(100_000)
  await it.send([failed(1, 'first'), ...spansOf(1, 200).map((one) => ({ ...one, attributes: { text } }))])
  await it.pass(10_000)
  await it.send([span(1, 'late')])
  it.next.refuse(undefined)
  while (it.books()['pending'] !== 0) await it.pass(250)
  expect(it.kept().at(-1)).toBe('late:late_span')
  expect(it.books()).toMatchObject({ delivered: 202, pending: 0, sampled_out: 0 })
})

test('a stop hands on all of a large trace, records included', async () => {
  const it = await bench({ max_pending_bytes: 400 * MIB })
  const logs = await bench({}, { signal: 'logs', beside: it as unknown as Bench<'traces'> & Bench<never> })
  const text = 'x'.repeat(100_000)
  await it.send([failed(1, 'first'), ...spansOf(1, 200).map((one) => ({ ...one, attributes: { text } }))])
  await logs.send([record(1, 'a line')])
  await Promise.all([it.stop(), logs.stop()])
  expect(it.books()).toMatchObject({ delivered: 201, pending: 0 })
  expect(logs.books()).toMatchObject({ delivered: 1, pending: 0 })
})

test('a consumer that does not take it: of a large trace the oldest goes, some at a time', async () => {
  const it = await bench({ max_pending_bytes: 40 * MIB, when_full: 'drop_oldest' })
  it.next.refuse(retryLater('queue_full', 'full'))
  const text = 'x'.repeat(100_000)
  for (let trace = 1; trace <= 4; trace++)
    await it.send([failed(trace, 'first'), ...spansOf(trace, 90).map((one) => ({ ...one, attributes: { text } }))])
  await it.pass(30_000)
  const { delivered, pending, dropped } = it.books() as { delivered: number; pending: number; dropped: object }
  expect(pending * 100_000).toBeLessThanOrEqual(16 * MIB)
  expect(delivered + pending + Object.values(dropped).reduce((sum, items) => sum + items, 0)).toBeLessThanOrEqual(
    4 * 91,
  )
  expect(dropped).toHaveProperty('queue_full')
})
