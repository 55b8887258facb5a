import { describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, batchOf, itemsOf, logBatch, metricBatch, traceBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import { retryLater } from '../../refusal.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { filter } from './index.ts'

function filterOf<S extends Signal>(signal: S, config: Record<string, unknown>) {
  const host = testHost({ id: 'filter' })
  const recorder = new Recorder<S>()
  const processor = filter.create(schema.parse(config), host, signal, recorder)
  const account = bookedAccount(signal)
  const feed = (batch: Batches[S]) => account.feed(processor, batch)
  const names = () => recorder.batches.flatMap((batch) => itemsOf(batch).map(({ name, body }) => name ?? body))
  return { host, recorder, processor, account, feed, names }
}

const strict = { match_type: 'strict' }

describe('filter', () => {
  test('spans: include and exclude together', async () => {
    const { host, account, feed, names } = filterOf('traces', {
      spans: {
        include: { ...strict, services: ['shop'], attributes: [{ key: 'http.route' }] },
        exclude: { ...strict, span_names: ['GET /health'] },
      },
    })
    const spans = [
      { name: 'GET /health', attributes: { 'http.route': '/health' } },
      { name: 'GET /cart', attributes: { 'http.route': '/cart' } },
      { name: 'work' },
    ]
    await feed(traceBatch(spans, { resource: { 'service.name': 'shop' } }))
    await feed(traceBatch(spans, { resource: { 'service.name': 'other' } }))
    expect(names()).toEqual(['GET /cart'])
    expect(account.balance()).toMatchObject({ entered: 6, delivered: 1, dropped: { filtered: 5 } })
    expect(account.discrepancy()).toBe(0)
    expect(host.meter.value('otelcol_processor_filter_spans_filtered', { filter: 'filter' })).toBe(5)
  })

  test('metrics are dropped whole and counted by data points', async () => {
    const { account, feed, names } = filterOf('metrics', {
      metrics: { exclude: { ...strict, metric_names: ['debug.a', 'debug.b'] } },
    })
    await feed(metricBatch([{ name: 'debug.a', points: [{}, {}, {}] }, { name: 'kept' }, { name: 'debug.b' }]))
    expect(names()).toEqual(['kept'])
    expect(account.balance()).toMatchObject({ entered: 5, delivered: 1, dropped: { filtered: 4 } })
  })

  test('metrics by resource, in one request with several', async () => {
    const group = (team: string, name: string) => ({
      resource: { attributes: [{ key: 'team', value: { stringValue: team } }] },
      scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints: [{}] } }] }],
    })
    const { feed, names } = filterOf('metrics', {
      metrics: { include: { ...strict, resource_attributes: [{ key: 'team', value: 'a' }] } },
    })
    await feed(batchOf('metrics', { resourceMetrics: [group('a', 'x'), group('b', 'y'), group('a', 'z')] }))
    expect(names()).toEqual(['x', 'z'])
  })

  test('log records by severity, attributes and body', async () => {
    const { feed, names } = filterOf('logs', {
      logs: {
        include: { ...strict, severity_number: { min: 'WARN' } },
        exclude: { ...strict, record_attributes: [{ key: 'noisy', value: true }] },
      },
    })
    await feed(
      logBatch([
        { body: 'info', severity: 9 },
        { body: 'warn', severity: 13 },
        { body: 'noisy', severity: 17, attributes: { noisy: true } },
        { body: 'none' },
      ]),
    )
    expect(names()).toEqual([{ stringValue: 'warn' }])
  })

  test('when nothing is left, nothing is passed on', async () => {
    const { recorder, account, feed } = filterOf('traces', { spans: { exclude: { ...strict, span_names: ['span'] } } })
    await feed(traceBatch([{}, {}]))
    expect(recorder.asked).toBe(0)
    expect(account.balance()).toMatchObject({ entered: 2, dropped: { filtered: 2 }, held: { in_flight: 0 } })
  })

  test('a refused batch is refused whole, and counted once when it comes again', async () => {
    const { host, recorder, account, feed } = filterOf('traces', {
      spans: { exclude: { ...strict, span_names: ['a'] } },
    })
    const batch = traceBatch([{ name: 'a' }, { name: 'b' }])
    recorder.refuse(retryLater('queue_full', 'full'), 1)
    await expect(feed(batch)).rejects.toThrow('full')
    expect(account.balance()).toMatchObject({ entered: 0, dropped: {}, refused: 2, held: { in_flight: 0 } })
    await feed(batch)
    expect(account.balance()).toMatchObject({ entered: 2, delivered: 1, dropped: { filtered: 1 } })
    expect(host.meter.value('otelcol_processor_filter_spans_filtered')).toBe(1)
  })

  test.each(['traces', 'metrics', 'logs'] as const)('without conditions %s pass as they are', async (signal) => {
    const { recorder, feed } = filterOf(signal, {})
    const batch = anyBatch(signal, 3)
    await feed(batch)
    expect(recorder.batches[0]).toBe(batch)
  })

  test('takes other conditions in place', async () => {
    const { processor, feed, names } = filterOf('traces', {})
    await processor.update!(schema.parse({ spans: { include: { ...strict, span_names: ['b'] } } }))
    await feed(traceBatch([{ name: 'a' }, { name: 'b' }]))
    expect(names()).toEqual(['b'])
  })
})

describe('config', () => {
  const mistakes: [Record<string, unknown>, string][] = [
    [{ traces: { span: ['attributes["x"] == "y"'] } }, 'no OTTL conditions, which are not supported yet'],
    [{ logs: { log_record: ['true'] } }, 'no OTTL conditions'],
    [{ metrics: { datapoint: ['true'] } }, 'no OTTL conditions'],
    [{ log_conditions: ['true'] }, 'no OTTL conditions'],
    [{ spans: { include: { match_type: 'regexp', span_names: ['.*'] } } }, 'regexp and expr are not supported yet'],
    [{ spans: { exclude: strict } }, 'something to match'],
  ]
  test.each(mistakes)('%j is a mistake', (config, message) => {
    expect(schema.safeParse(config).error?.issues[0]?.message).toContain(message)
  })
})
