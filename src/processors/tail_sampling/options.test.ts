import { describe, expect, test } from 'vitest'
import { type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import { bench, failed, record, span } from './sampler.fixture.ts'

const ALL = { name: 'all', type: 'always_sample' }
const CHILD = { parent: '00000000000000aa' }

describe.each([1, 2])('with %d shards', (shards) => {
  test('decision_wait_after_root_received decides earlier, but not later', async () => {
    const it = await bench({ decision_wait_after_root_received: '2s' }, { shards })
    await it.send([failed(1, 'child', CHILD), failed(2, 'child', CHILD), failed(3, 'root')])
    await it.pass(1000)
    await it.send([failed(1, 'root')])
    await it.pass(1000)
    expect(it.kept()).toEqual(['root:decided'])
    await it.pass(1000)
    expect(it.kept()).toEqual(['root:decided', 'child:decided', 'root:decided'])
    await it.pass(6000)
    await it.send([failed(2, 'root')])
    await it.pass(1000)
    expect(it.kept().slice(3)).toEqual(['child:decided', 'root:decided'])
    expect(it.books()).toMatchObject({ entered: 5, delivered: 5, pending: 0 })
  })

  test('block_on_overflow refuses for now instead of deciding early', async () => {
    const it = await bench({ num_traces: 2, block_on_overflow: true }, { shards })
    await it.send([failed(1, 'a'), failed(2, 'b')])
    const refused = { reason: 'pending_full', retryable: true }
    await expect(it.send([failed(3, 'c')])).rejects.toMatchObject(refused)
    await it.pass(10_000)
    await it.send([failed(3, 'c')])
    expect(it.books()).toMatchObject({ entered: 3, delivered: 2, refused: 1, pending: 1 })
  })

  test('maximum_trace_size_bytes drops a trace at once, what comes later too', async () => {
    const it = await bench({ policies: [ALL], maximum_trace_size_bytes: 10_000 }, { shards })
    const large = (trace: number, name: string) => span(trace, name, { attributes: { text: 'x'.repeat(4000) } })
    const logs = await bench({ policies: [ALL], maximum_trace_size_bytes: 10_000 }, { signal: 'logs', beside: it })
    await logs.send([record(1, 'x'), record(2, 'y'.repeat(20_000))])
    await it.send([large(1, 'a'), large(1, 'b'), large(2, 'c'), large(1, 'd'), large(1, 'e')])
    expect(it.books()).toMatchObject({ entered: 5, sampled_out: 4, pending: 1 })
    expect(logs.books()).toMatchObject({ entered: 2, sampled_out: 1, pending: 1 })
    await it.pass(10_000)
    expect(it.kept()).toEqual(['c:decided'])
    expect(it.host.meter.value('otelcol_processor_tail_sampling_traces_dropped_too_large')).toBe(1)
  })

  test('drop_pending_traces_on_shutdown drops what is undecided, but not log records that wait alone', async () => {
    const config = { policies: [ALL], drop_pending_traces_on_shutdown: true }
    const it = await bench(config, { shards })
    const logs = await bench(config, { signal: 'logs', beside: it })
    await it.send([span(1, 'a')])
    await logs.send([record(1, 'x'), record(2, 'alone')])
    await it.stop()
    await logs.stop()
    expect(it.books()).toMatchObject({ entered: 1, dropped: { pending_at_shutdown: 1 }, pending: 0 })
    expect(logs.books()).toMatchObject({ entered: 2, delivered: 1, dropped: { pending_at_shutdown: 1 }, pending: 0 })
    expect(logs.kept()).toEqual(['alone:no_spans'])
  })

  test('a rate is used up in the order in which the traces came, whatever the number of shards', async () => {
    const rate = { name: 'rate', type: 'rate_limiting', rate_limiting: { spans_per_second: 5 } }
    const it = await bench({ policies: [rate] }, { shards })
    for (let trace = 1; trace <= 30; trace++) await it.send([span(trace, `${trace}`), span(trace, `${trace}`)])
    await it.pass(10_000)
    const names = it.kept().map((one) => Number(one.split(':')[0]))
    expect(names.sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
  })
})

describe('spans that come twice', () => {
  test('are kept once while they wait, on whichever account they come', async () => {
    const it = await bench({ policies: [ALL] })
    const batch = traceBatch(Array.from({ length: 60 }, (_, at) => span(1 + (at % 7), `${at}`)))
    await it.send(batch)
    await it.pass(3000)
    await it.send(batch, { tenant: 'other' })
    expect(it.books()).toMatchObject({ entered: 120, duplicate: 60, pending: 60 })
    await it.pass(10_000)
    expect(it.kept().length).toBe(60)
  })

  test('are two if one of them says more', async () => {
    const it = await bench({ policies: [ALL] })
    const begun: SpanOptions = span(1, 'a')
    await it.send([begun, { ...begun, attributes: { end: 'yes' } }, { ...begun, name: 'b' }])
    expect(it.books()).toMatchObject({ duplicate: 0, pending: 3 })
  })

  test('do not count in the trace', async () => {
    const policies = [{ name: 'many', type: 'span_count', span_count: { min_spans: 2 } }]
    const it = await bench({ policies })
    const once = span(1, 'a')
    await it.send([once, once, once])
    await it.pass(10_000)
    expect(it.books()).toMatchObject({ entered: 3, duplicate: 2, sampled_out: 1, pending: 0 })
  })
})

test('the reason says how many spans there were when the trace was decided', async () => {
  const policies = [{ name: 'many', type: 'span_count', span_count: { min_spans: 2 } }]
  const it = await bench({ policies })
  await it.send([span(1, 'a'), span(1, 'b'), span(2, 'c'), span(2, 'd'), span(2, 'e')])
  await it.pass(10_000)
  await it.send([span(1, 'late')])
  await it.pass(250)
  expect(
    it.next.batches.flatMap((batch) => [...batch.bytes.toString('latin1').matchAll(/span count \d/g)].map(String)),
  ).toEqual([...['span count 2', 'span count 2', 'span count 3', 'span count 3', 'span count 3', 'span count 2']])
})
