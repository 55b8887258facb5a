/** What was kept and waits for a consumer that does not take it: bounded, in nobody's way, counted. */
import { describe, expect, test } from 'vitest'
import { traceBatch } from '../../../test/support/otlp.ts'
import { retryLater } from '../../refusal.ts'
import { bench, failed, record, span } from './sampler.fixture.ts'

const MIB = 1 << 20
/** Several times the chunks in which items are kept, two for each shard. */
const LIMIT = 16 * MIB
const FULL = retryLater('queue_full', 'full')
const padded = { attributes: { pad: 'x'.repeat(10_000) } }

describe.each([1, 3])('an exit that takes nothing, with %i shards', (shards) => {
  test('holds up neither senders nor the other exit, and keeps within its share: the oldest goes', async () => {
    const spans = await bench({ max_pending_bytes: LIMIT }, { shards })
    const logs = await bench({ max_pending_bytes: LIMIT }, { signal: 'logs', beside: spans })
    spans.next.refuse(FULL)
    for (let at = 1; at <= 3000; at++) {
      await spans.send([failed(at, `s${at}`, padded)])
      await logs.send([record(at, `r${at}`)])
      if (at % 20 === 0) await spans.pass(1000)
      expect(spans.host.meter.value('sluice_tail_sampling_pending_bytes')).toBeLessThan(LIMIT + shards * 2 * MIB)
    }
    await spans.pass(10_000)
    expect(logs.books()).toMatchObject({ entered: 3000, delivered: 3000, refused: 0 })
    const { pending, dropped, refused } = spans.books()
    expect(refused).toBe(0)
    expect(pending).toBeGreaterThan(100)
    expect(dropped).toEqual({ queue_full: 3000 - Number(pending) })
    spans.next.refuse(undefined)
    await spans.pass(1000)
    const names = spans.kept().map((name) => Number(name.slice(1).split(':')[0]))
    // Shards are emptied one after the other.
    expect(Math.min(...names)).toBeGreaterThan(3000 - Number(pending) - 20 * shards)
    expect(new Set(names).size).toBe(Number(pending))
  })

  test('undecided traces make room although what is kept fills its share', async () => {
    const it = await bench({ max_pending_bytes: LIMIT }, { shards })
    it.next.refuse(FULL)
    for (let at = 1; at <= 3000; at++) await it.send([failed(at, `s${at}`, padded)])
    await it.pass(10_000)
    const { entered, refused, dropped, pending } = it.books()
    expect([entered, refused]).toEqual([3000, 0])
    expect(dropped).toEqual({ queue_full: 3000 - Number(pending) })
    expect(pending).toBeGreaterThan(100)
  })

  test('one that does not answer is treated alike', async () => {
    const it = await bench({ max_pending_bytes: LIMIT }, { shards })
    const open = it.next.block()
    const account = it.account
    for (let at = 1; at <= 3000; at++) {
      await account.feed(it.sampler, traceBatch([failed(at, `s${at}`, padded)]))
      if (at % 20 === 0) await it.host.clock.advance(1000)
    }
    await it.host.clock.advance(10_000)
    const { entered, refused, dropped } = account.balance()
    expect([entered, refused]).toEqual([3000, 0])
    expect(dropped['queue_full']).toBeGreaterThan(500)
    open()
    await it.pass(1000)
    expect(it.books()).toMatchObject({ pending: 0, delivered: 3000 - dropped['queue_full']! })
  })
})

test('what is decided early, or comes late, is handed on in batches', async () => {
  const it = await bench({ num_traces: 10 })
  for (let at = 1; at <= 500; at++) await it.send([failed(at, `${at}`)])
  await it.pass(250)
  expect(it.kept()).toHaveLength(490)
  expect(it.next.batches.length).toBeLessThan(5)
  for (let at = 1; at <= 400; at++) await it.send([span(at, `late ${at}`)])
  await it.pass(250)
  expect(it.kept()).toHaveLength(890)
  expect(it.next.batches.length).toBeLessThan(10)
})
