/** Metrics and summaries are made of the same calls, however their spans arrive. */
import { describe, expect, test } from 'vitest'
import { genAiLogs } from '../src/connectors/gen_ai_logs/index.ts'
import { genAiMetrics } from '../src/connectors/gen_ai_metrics/index.ts'
import { Random } from '../src/otlp/random.fixture.ts'
import type { LogBatch, MetricBatch } from '../src/telemetry/batch.ts'
import { bookedAccount } from './support/account.ts'
import { testHost } from './support/host.ts'
import { attributesOf, itemsOf, type PlainAttributes, type SpanOptions, traceBatch } from './support/otlp.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
const id = (number: number) => number.toString(16).padStart(16, '0')

/** What both say of the spans, sent in those batches, with so much time after each, and so much at the end. */
async function told(
  batches: readonly (readonly (SpanOptions & { scope?: string })[])[],
  shards = 1,
  wait_ms = 0,
  end_ms = 60_000,
) {
  const host = testHost({ shards })
  const summaries: PlainAttributes[] = []
  const metrics: MetricBatch[] = []
  const logs = genAiLogs.create(genAiLogs.schema.parse({}), host, {
    logs: {
      consume: async (batch: LogBatch) =>
        void summaries.push(...itemsOf(batch).map((record) => Object.fromEntries(attributesOf(record)))),
    },
  })
  const counts = genAiMetrics.create(genAiMetrics.schema.parse({ metrics_flush_interval: '1s' }), host, {
    metrics: { consume: async (batch: MetricBatch) => void metrics.push(batch) },
  })
  for (const connector of [logs, counts]) await connector.start?.()
  for (const spans of batches) {
    const batch = traceBatch([...spans], {
      resource: { 'service.name': 's' },
      scope: { name: spans[0]!.scope ?? 'lib' },
    })
    for (const connector of [logs, counts]) await bookedAccount().feed(connector.inputs.traces!, batch)
    if (wait_ms > 0) await host.clock.advance(wait_ms)
  }
  await host.clock.advance(end_ms)
  for (const connector of [logs, counts]) await connector.shutdown?.(new AbortController().signal)
  const value = (name: string) => {
    const newest = metrics.findLast((batch) => itemsOf(batch).some((metric) => metric['name'] === name))
    const points = itemsOf(newest!).filter((metric) => metric['name'] === name)
    return points.flatMap(({ sum }) => (sum as { dataPoints: { asDouble: number }[] }).dataPoints)[0]!.asDouble
  }
  const sums = (key: string) => summaries.reduce((sum, record) => sum + Number((record as never)[key] ?? 0), 0)
  const newest = metrics.findLast((batch) => itemsOf(batch).some(({ name }) => name === 'llm_latency_ms'))
  const latency = itemsOf(newest!).find(({ name }) => name === 'llm_latency_ms')!
  return {
    latencies_ms: [
      (latency['histogram'] as { dataPoints: { sum: number }[] }).dataPoints[0]!.sum,
      sums('sluice.latency.ms'),
    ],
    metrics: {
      calls: value('llm_requests_total'),
      input: value('llm_tokens_input_total'),
      limited: value('llm_rate_limited_total'),
    },
    summaries: {
      calls: summaries.length,
      input: sums('gen_ai.usage.input_tokens'),
      limited: sums('sluice.rate_limited'),
    },
  }
}

function call(options: SpanOptions, more: object = {}): SpanOptions {
  const attributes = {
    'sluice.dialect': 'openinference',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm1',
    ...more,
  }
  return { start_ms: 1000, end_ms: 2000, ...options, attributes }
}

describe('what stands above a call', () => {
  const inside = { start_ms: 1100, end_ms: 1900 }
  const failure = { 'error.type': '_OTHER' }
  test.each<[string, SpanOptions[], { calls: number; input: number; limited: number }]>([
    [
      'a wrapper and spans of any kind between',
      [
        call({ id: id(1) }),
        { id: id(2), parent: id(1) },
        { id: id(3), parent: id(2) },
        call({ id: id(4), parent: id(3), ...inside }, { 'gen_ai.usage.input_tokens': 100 }),
      ],
      { calls: 1, input: 100, limited: 0 },
    ],
    [
      'a reason of a failure',
      [
        { id: id(1), status: { code: 2, message: 'Rate limit reached' } },
        { id: id(2), parent: id(1) },
        call({ id: id(3), parent: id(2) }, failure),
      ],
      { calls: 1, input: 0, limited: 1 },
    ],
    [
      'a reason that the call itself has',
      [
        { id: id(1), status: { code: 2, message: 'Rate limit reached' } },
        call({ id: id(2), parent: id(1), status: { code: 2, message: 'connection reset' } }, failure),
      ],
      { calls: 1, input: 0, limited: 0 },
    ],
    [
      'a call that did not fail',
      [{ id: id(1), status: { code: 2, message: 'Rate limit reached' } }, call({ id: id(2), parent: id(1) })],
      { calls: 1, input: 0, limited: 0 },
    ],
  ])('%s', async (_, spans, right) => {
    for (const batches of [[spans], spans.map((span) => [span]), spans.toReversed().map((span) => [span])])
      expect(await told(batches)).toMatchObject({ metrics: right, summaries: right })
  })
})

describe('a stream in two spans', () => {
  const logfire = { 'sluice.dialect': 'logfire' }
  const request = (stream: boolean) =>
    call({ id: id(1), start_ms: 1000, end_ms: 1010 }, { ...logfire, 'gen_ai.request.stream': stream })
  const ended = { start_ms: 9010, end_ms: 9010 }
  const record = call({ id: id(2), ...ended }, { ...logfire, duration: 8, 'gen_ai.usage.input_tokens': 70 })

  const right = { calls: 1, input: 70, limited: 0 }
  test.each([
    ['in one batch', [[request(false), record]], 0, right],
    ['in two, in any order', [[record], [request(false)]], 0, right],
    ['the record some time later, as the request said', [[request(true)], [record]], 8000, right],
    [
      'so late that the request was counted: nothing is lost',
      [[request(true)], [record]],
      40_000,
      { ...right, calls: 2 },
    ],
  ])('%s', async (_, batches, wait_ms, expected) => {
    expect(await told(batches, 1, wait_ms)).toMatchObject({ metrics: expected, summaries: expected })
  })

  test.each([
    ['the record first', 0, right],
    ['the request first, which waits', 8000, right],
    ['so late that the request was counted: nothing is lost', 40_000, { ...right, calls: 2 }],
  ])('in two traces, %s', async (_, wait_ms, expected) => {
    const elsewhere = { ...record, trace: '9'.repeat(32) }
    const batches = wait_ms === 0 ? [[elsewhere], [request(true)]] : [[request(true)], [elsewhere]]
    expect(await told(batches, 1, wait_ms)).toMatchObject({ metrics: expected, summaries: expected })
  })

  const sdk = { scope: 'com.anthropic.sdk.python', ...call({ id: id(3), parent: id(1), start_ms: 1001, end_ms: 9008 }) }
  const told_by_sdk = { ...sdk, attributes: { ...sdk.attributes, 'gen_ai.usage.input_tokens': 70 } }
  const elsewhere = { ...record, trace: '9'.repeat(32) }
  const scope = 'logfire.anthropic'
  test.each([
    ['the record first', [[{ scope, ...elsewhere }], [{ scope, ...request(true) }], [told_by_sdk]], 0],
    ['the SDK first', [[told_by_sdk], [{ scope, ...request(true) }], [{ scope, ...elsewhere }]], 0],
    [
      'the record when the others have been counted',
      [[{ scope, ...request(true) }], [told_by_sdk], [{ scope, ...elsewhere }]],
      6000,
    ],
  ])('with a span of the SDK below, and the record in another trace, %s', async (_, batches, wait_ms) => {
    expect(await told(batches, 1, wait_ms)).toMatchObject({ metrics: right, summaries: right })
  })

  test('two streams of equal numbers have two records', async () => {
    const later = (span: SpanOptions) => ({
      ...span,
      id: id(7),
      start_ms: span.start_ms! + 2,
      end_ms: span.end_ms! + 2,
    })
    const batches = [[request(true), record], [{ ...later(request(true)), trace: '8'.repeat(32) }], [later(elsewhere)]]
    const both = { calls: 2, input: 140, limited: 0 }
    expect(await told(batches)).toMatchObject({ metrics: both, summaries: both })
  })

  test('in two traces, when everything ends', async () => {
    const elsewhere = { ...record, trace: '9'.repeat(32) }
    expect(await told([[request(true)], [elsewhere]], 1, 0, 0)).toMatchObject({ metrics: right, summaries: right })
  })

  test('streams shortly after each other, each told in traces of its own', async () => {
    const trace = (number: number) => number.toString(16).padStart(32, '0')
    const spans = [0, 1, 2, 3].flatMap((at) => {
      const begin_ms = 1000 + at * 32
      return [
        { ...request(false), trace: trace(2 * at + 1), start_ms: begin_ms, end_ms: begin_ms + 10 },
        call(
          { trace: trace(2 * at + 2), id: id(2), start_ms: begin_ms + 31, end_ms: begin_ms + 31 },
          { ...logfire, duration: 0.02, 'gen_ai.usage.input_tokens': 10 },
        ),
      ]
    })
    const expected = { calls: 4, input: 40, limited: 0 }
    for (const batches of [[spans], spans.map((span) => [span])])
      expect(await told(batches)).toMatchObject({ metrics: expected, summaries: expected })
  })

  test('lasts until the stream has ended', async () => {
    expect((await told([[request(false), record]])).latencies_ms).toEqual([8010, 8010])
  })

  test('a span with length that has a duration is none', async () => {
    const right = { calls: 2, input: 70, limited: 0 }
    const span = { ...record, start_ms: 9000 }
    expect(await told([[request(false), span]])).toMatchObject({ metrics: right, summaries: right })
  })
})

test.each([1, 2])(
  `a large trace in two dialects, shuffled, is as many calls, %i shards, seed ${seed}`,
  async (shards) => {
    const COUNT = 2400
    const random = new Random(seed)
    const spans = Array.from({ length: COUNT }, (_, at) => {
      const [start_ms, end_ms] = [1_000_000 + at * 10, 1_000_200 + at * 10]
      const tokens = { 'gen_ai.usage.input_tokens': 10 + (at % 7) }
      return [
        { scope: 'one', ...call({ id: id(at + 1), start_ms, end_ms }, tokens) },
        { scope: 'two', ...call({ id: id(at + 9000), start_ms: start_ms + 1, end_ms: end_ms - 1 }, tokens) },
      ]
    }).flat()
    for (let at = spans.length - 1; at > 0; at--) {
      const other = random.below(at + 1)
      ;[spans[at], spans[other]] = [spans[other]!, spans[at]!]
    }
    const batches = ['one', 'two'].flatMap((scope) => {
      const own = spans.filter((span) => span.scope === scope)
      return Array.from({ length: 24 }, (_, at) => own.slice(at * 100, at * 100 + 100))
    })
    const right = { calls: COUNT, input: 31_197, limited: 0 }
    expect(await told(batches, shards)).toMatchObject({ metrics: right, summaries: right })
  },
)
