import { afterEach, expect, test } from 'vitest'
import type { Message } from '../../../otlp/codec.ts'
import { PROTOBUF, readFamilies } from '../client_model.fixture.ts'
import {
  attributes,
  type Bench,
  bench,
  counter,
  delta,
  exponential,
  gauge,
  histogram,
  hostile,
  NOW,
  point,
  START,
  summary,
} from '../request.fixture.ts'

const CREATED = { seconds: Number(START / 1_000_000_000n), nanos: 0 }

let at: Bench

afterEach(() => at.exporter.shutdown())

/** What the oracle reads of the scrape. */
async function families(): Promise<Message[]> {
  const answer = await fetch(`http://127.0.0.1:${at.exporter.port}/metrics`, { headers: { accept: PROTOBUF } })
  expect(answer.headers.get('content-type')).toBe(
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8',
  )
  return readFamilies(new Uint8Array(await answer.arrayBuffer()))
}

const ids = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) }
const exemplarAt = (asDouble: number, time: bigint) => ({ asDouble, timeUnixNano: time, ...ids })
const pairs = [
  { name: 'trace_id', value: '01'.repeat(16) },
  { name: 'span_id', value: '02'.repeat(8) },
]

test('all types', async () => {
  at = await bench({ send_timestamps: true })
  await at.send([
    { ...gauge('g', '', point(1.5, { a: '"\\\n', b: 'x="y",z' })), description: 'help' },
    counter('c', '', point(5n, {}, { exemplars: [exemplarAt(2, NOW)] })),
    summary('s', '', { count: 10n, sum: 2.5, quantileValues: [{ quantile: 0.5, value: 1 }] }),
    histogram('h', '', {
      count: 6n,
      sum: 12.5,
      bucketCounts: [1n, 2n, 3n],
      explicitBounds: [0.5, 1],
      exemplars: [exemplarAt(0.7, NOW + 5n)],
    }),
  ])
  const timestampMs = Number(NOW / 1_000_000n)
  const time = { seconds: Number(NOW / 1_000_000_000n), nanos: 0 }
  expect(await families()).toEqual([
    {
      name: 'c_total',
      type: 'COUNTER',
      metric: [
        {
          counter: { value: 5, exemplar: { label: pairs, value: 2, timestamp: time }, createdTimestamp: CREATED },
          timestampMs,
        },
      ],
    },
    {
      name: 'g',
      help: 'help',
      type: 'GAUGE',
      metric: [
        {
          label: [
            { name: 'a', value: '"\\\n' },
            { name: 'b', value: 'x="y",z' },
          ],
          gauge: { value: 1.5 },
          timestampMs,
        },
      ],
    },
    {
      name: 'h',
      type: 'HISTOGRAM',
      metric: [
        {
          histogram: {
            sampleCount: 6,
            sampleSum: 12.5,
            bucket: [
              { cumulativeCount: 1, upperBound: 0.5 },
              {
                cumulativeCount: 3,
                upperBound: 1,
                exemplar: { label: pairs, value: 0.7, timestamp: { ...time, nanos: 5 } },
              },
              { cumulativeCount: 6, upperBound: Number.POSITIVE_INFINITY },
            ],
            createdTimestamp: CREATED,
          },
          timestampMs,
        },
      ],
    },
    {
      name: 's',
      type: 'SUMMARY',
      metric: [
        {
          summary: {
            sampleCount: 10,
            sampleSum: 2.5,
            quantile: [{ quantile: 0.5, value: 1 }],
            createdTimestamp: CREATED,
          },
          timestampMs,
        },
      ],
    },
  ])
})

test('exponential histograms are native, beside their classic buckets', async () => {
  at = await bench()
  const one = {
    count: 14n,
    sum: 12.5,
    scale: 3,
    zeroCount: 1n,
    positive: { offset: -2, bucketCounts: [1n, 0n, 5n, 2n] },
    negative: { offset: 0, bucketCounts: [3n, 2n] },
    exemplars: [exemplarAt(1.1, NOW + 9n), exemplarAt(-1, NOW + 1n)],
  }
  await at.send([exponential('e', '', one), delta(exponential('d', '', one))])
  await at.send([delta(exponential('d', '', { ...one, scale: 2, timeUnixNano: NOW + 1n, exemplars: [] }))])
  const [summed, shown] = (await families()).map(({ metric }) => (metric as Message[])[0]!['histogram'] as Message)
  expect(shown).toMatchObject({
    sampleCount: 14,
    schema: 3,
    zeroThreshold: 1e-128,
    zeroCount: 1,
    negativeSpan: [{ offset: 1, length: 2 }],
    negativeDelta: [3, -1],
    positiveSpan: [
      { offset: -1, length: 1 },
      { offset: 1, length: 2 },
    ],
    positiveDelta: [1, 4, -3],
  })
  expect((shown!['exemplars'] as Message[]).map(({ value }) => value)).toEqual([-1, 1.1])
  expect((shown!['bucket'] as Message[]).length).toBeGreaterThan(3)
  // Merged pair by pair: −2 0 5 2 at −2 … 1 becomes 1 at −1 and 7 at 0.
  expect(summed).toMatchObject({
    sampleCount: 28,
    schema: 2,
    zeroCount: 2,
    positiveSpan: [{ offset: -1, length: 4 }],
    positiveDelta: [1, 0, 11, -10],
  })
})

test('one that is too coarse to be native has only classic buckets', async () => {
  at = await bench()
  await at.send([exponential('e', '', { count: 1n, scale: -5, positive: { bucketCounts: [1n] } })])
  const [family] = await families()
  const shown = (family!['metric'] as Message[])[0]!['histogram'] as Message
  expect(shown['schema']).toBe(undefined)
  expect(shown['bucket']).toHaveLength(4)
})

test('a large family comes in several messages, each series once', async () => {
  at = await bench({ translation_strategy: 'NoTranslation' })
  await at.send([
    gauge('many.series', '', ...Array.from({ length: 5000 }, (_, at) => point(at, { 'an.attribute': `number ${at}` }))),
  ])
  const found = await families()
  expect(found.length).toBeGreaterThan(2)
  expect(new Set(found.map(({ name }) => name))).toEqual(new Set(['many.series']))
  const values = found.flatMap(({ metric }) => (metric as Message[]).map((one) => (one['gauge'] as Message)['value']))
  expect(values).toEqual(Array.from({ length: 5000 }, (_, at) => at))
})

test('whatever comes can be read', async () => {
  at = await bench({ translation_strategy: 'NoUTF8EscapingWithSuffixes' })
  await at.send(hostile, { scope: { name: '"\n', attributes: attributes({ '"': '"' }) } })
  expect((await families()).length).toBeGreaterThan(20)
})
