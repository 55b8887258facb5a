import { describe, expect, it } from 'vitest'
import { spans } from './host.fixture.ts'
import { SENT } from './sender.ts'
import { advance, namesIn, setUp } from './sending.fixture.ts'

describe('queue on', () => {
  it('acknowledges on enqueue, then books delivered', async () => {
    const { pass, account, calls, clock, test } = setUp({}, ['hang'])
    await pass(spans(3))
    expect(account.held).toMatchObject({ queued: 3, in_flight: 0 })
    expect(test.gauge('otelcol_exporter_queue_size', 'traces')).toBe(1)
    expect(test.gauge('otelcol_exporter_queue_capacity', 'traces')).toBe(1000)
    expect(test.gauge('otelcol_exporter_in_flight_requests', 'traces')).toBe(1)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(account).toMatchObject({ delivered: 3, held: { queued: 0, in_flight: 0 } })
    expect(test.counter('otelcol_exporter_sent_spans')).toBe(3)
    expect(test.gauge('otelcol_exporter_queue_size', 'traces')).toBe(0)
    expect(test.gauge('otelcol_exporter_in_flight_requests', 'traces')).toBe(0)
  })

  it('sends the bytes as they came', async () => {
    const { pass, calls, clock } = setUp()
    const batch = spans(2)
    await pass(batch)
    await advance(clock, 0)
    expect(calls[0]!.batch.bytes).toBe(batch.bytes)
  })

  it('drops for good what the backend refuses, once', async () => {
    const { pass, account, calls, clock, test } = setUp({}, [
      { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' },
      SENT,
    ])
    await pass(spans(2))
    await pass(spans(5))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(2)
    expect(account).toMatchObject({ delivered: 5, dropped: { rejected_by_backend: 2 } })
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(2)
    expect(test.counter('sluice_exporter_failed_items', 'traces', 'rejected_by_backend')).toBe(2)
  })

  it('books a partial success as rejected and never repeats it', async () => {
    const { pass, account, calls, clock, test } = setUp({}, [{ outcome: 'sent', rejected: 2 }])
    await pass(spans(5))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(1)
    expect(account).toMatchObject({ delivered: 3, dropped: { rejected_by_backend: 2 } })
    expect(test.counter('otelcol_exporter_sent_spans')).toBe(3)
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(2)
    expect(test.lines).toMatchObject([{ level: 'warn', fields: { rejected_items: 2 } }])
  })

  it.each([7, -1])('does not believe a rejected count of %i among 5', async (rejected) => {
    const { pass, account, clock } = setUp({}, [{ outcome: 'sent', rejected }])
    await pass(spans(5))
    await advance(clock, 0)
    expect(account.delivered).toBe(rejected > 0 ? 0 : 5)
  })

  it('takes a throw of the sender for a bug: dropped, logged without the message', async () => {
    const { pass, account, clock, test } = setUp({}, ['throw'])
    await pass(spans(1))
    await advance(clock, 0)
    expect(account.dropped).toEqual({ permanent_error: 1 })
    expect(test.lines[0]).toMatchObject({ level: 'error', fields: { error: 'Error' } })
    expect(JSON.stringify(test.lines)).not.toContain('bug')
  })

  it('has num_consumers requests under way at most', async () => {
    const { pass, calls, clock, account } = setUp({ sending_queue: { num_consumers: 2 } }, ['hang'])
    for (let at = 0; at < 5; at++) await pass(spans(1))
    await advance(clock, 0)
    expect(calls).toHaveLength(2)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(calls).toHaveLength(3)
    expect(account).toMatchObject({ delivered: 1, held: { queued: 4 } })
  })

  it.each([
    ['requests', 2, [1, 1, 1], 2],
    ['items', 10, [6, 4, 1], 2],
    ['bytes', spans(6).size_bytes, [6, 1], 1],
  ] as const)('refuses when full, by %s', async (sizer, queue_size, sizes, fit) => {
    const { pass, account, test } = setUp({ sending_queue: { sizer, queue_size } }, ['hang'])
    for (const size of sizes.slice(0, fit)) await pass(spans(size))
    const queued = account.held.queued
    const refusal = { reason: 'queue_full', retryable: true, retryAfter_ms: expect.any(Number) }
    await expect(pass(spans(sizes[fit]!))).rejects.toMatchObject(refusal)
    expect(account.entered).toBe(queued)
    expect(test.counter('otelcol_exporter_enqueue_failed_spans')).toBe(sizes[fit]!)
  })

  it('refuses for good what can never fit', async () => {
    const { pass } = setUp({ sending_queue: { sizer: 'items', queue_size: 3 } })
    await expect(pass(spans(4))).rejects.toMatchObject({ reason: 'too_large', retryable: false })
  })

  it('waits for room in order with block_on_overflow, until the deadline', async () => {
    const settings = { sending_queue: { queue_size: 1, block_on_overflow: true } }
    const { pass, calls, clock, account } = setUp(settings, ['hang'])
    await pass(spans(1))
    const second = pass(spans(2))
    const third = pass(spans(3), { deadline_ms: clock.monotonic_ms() + 1000 })
    const refused = expect(third).rejects.toMatchObject({ reason: 'queue_full', retryable: true })
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    await second
    expect(account).toMatchObject({ delivered: 1, held: { queued: 2, in_flight: 3 } })
    await advance(clock, 1000)
    await refused
    expect(account).toMatchObject({ entered: 3, delivered: 1, held: { queued: 2, in_flight: 0 } })
  })

  it('lets no small request overtake a large one that waits', async () => {
    const settings = { sending_queue: { sizer: 'items' as const, queue_size: 5, block_on_overflow: true } }
    const { pass, calls, clock } = setUp(settings, ['hang'])
    await pass(spans(3, 'a'))
    const waiting = [pass(spans(4, 'b')), pass(spans(1, 'c'))]
    await advance(clock, 0)
    expect(calls).toHaveLength(1)
    calls[0]!.answer(SENT)
    await Promise.all(waiting)
    expect(calls.map((call) => namesIn(call.batch)[0])).toEqual(['a-0', 'b-0', 'c-0'])
  })

  it('settles with the result of the send with wait_for_result', async () => {
    const permanent = { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' } as const
    const { pass, account, test } = setUp({ sending_queue: { wait_for_result: true } }, [SENT, permanent])
    await pass(spans(2))
    expect(account.delivered).toBe(2)
    await expect(pass(spans(1))).rejects.toMatchObject({ reason: 'rejected_by_backend', retryable: false })
    expect(account).toMatchObject({ entered: 2, dropped: {} })
    expect(test.counter('otelcol_exporter_enqueue_failed_spans')).toBe(0)
  })

  it('lets an empty request pass without sending it', async () => {
    const { pass, calls } = setUp()
    await pass(spans(0))
    expect(calls).toHaveLength(0)
  })
})
