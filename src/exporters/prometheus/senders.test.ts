/** Several senders tell of one series: what tells them apart is no label. */
import { afterEach, expect, test } from 'vitest'
import type { Message } from '../../otlp/codec.ts'
import {
  type Bench,
  bench,
  counter,
  delta,
  exponential,
  gauge,
  histogram,
  NOW,
  point,
  START,
  summary,
} from './request.fixture.ts'

let at: Bench

afterEach(() => at?.exporter.shutdown())

/** What one sender says: whose, a value (undefined: it ends its stream), seconds of its time, and of its beginning. */
type Say = readonly [pod: string, value: number | undefined, time_s?: number, start_s?: number]
/** Or how many milliseconds pass. */
type Step = Say | number

const DEFAULT_EXPIRATION_MS = 300_000
const nanos = (from: bigint, seconds: number) => from + BigInt(Math.round(seconds * 1e9))

interface Case {
  readonly name: string
  readonly steps: readonly Step[]
  /** What is shown after each thing that is said; undefined: no series. */
  readonly shown: readonly (number | undefined)[]
  readonly kind?: 'cumulative' | 'delta' | 'gauge'
  readonly booked?: Record<string, number>
}

const cases: readonly Case[] = [
  {
    name: 'one sender',
    steps: [
      ['a', 5],
      ['a', 7, 1],
    ],
    shown: [5, 7],
  },
  {
    name: 'one sender that starts again, as it says',
    steps: [
      ['a', 5],
      ['a', 2, 1, 1],
    ],
    shown: [5, 2],
  },
  {
    name: 'two are added up',
    steps: [
      ['a', 100],
      ['b', 5],
      ['a', 101, 1],
      ['b', 6, 1],
    ],
    shown: [100, 105, 106, 107],
  },
  {
    name: 'clocks that differ keep nobody out',
    steps: [
      ['a', 100, 50],
      ['b', 5, 1],
      ['a', 101, 51],
      ['b', 6, 2],
    ],
    shown: [100, 105, 106, 107],
  },
  {
    name: 'one of two is told again, and late',
    steps: [
      ['a', 100, 1],
      ['b', 5, 1],
      ['a', 100, 1],
      ['a', 90, 0],
    ],
    shown: [100, 105, 105, 105],
    booked: { delivered: 3, stale: 1 },
  },
  {
    name: 'one of two starts again',
    steps: [
      ['a', 100],
      ['b', 5],
      ['a', 3, 1, 1],
      ['a', 4, 2, 1],
      ['b', 6, 1],
    ],
    shown: [100, 105, 108, 109, 110],
  },
  {
    name: 'one of two starts again and does not say when',
    steps: [
      ['a', 100, 0, -1],
      ['b', 5],
      ['a', 3, 1, Number.NaN],
      ['a', 4, 2, Number.NaN],
    ],
    shown: [100, 105, 108, 109],
  },
  {
    name: 'a point of before the restart comes late',
    steps: [
      ['a', 100],
      ['b', 5],
      ['a', 3, 1, 1],
      ['a', 2, 2, 0.5],
    ],
    shown: [100, 105, 108, 108],
    booked: { delivered: 3, stale: 1 },
  },
  {
    name: 'a pod is replaced by another',
    steps: [['a', 100], 60_000, ['b', 5, 1, 1], DEFAULT_EXPIRATION_MS, ['b', 9, 2, 1]],
    shown: [100, 105, 109],
  },
  {
    name: 'a sender that was silent for long goes on where it was',
    steps: [['a', 100], ['b', 5], DEFAULT_EXPIRATION_MS, ['b', 6, 1], ['a', 120, 2], ['b', 7, 3]],
    shown: [100, 105, 106, 126, 127],
  },
  {
    name: 'a sender that ends its stream leaves its sum',
    steps: [
      ['a', 100],
      ['b', 5],
      ['a', undefined, 1],
      ['b', 6, 1],
      ['b', undefined, 2],
    ],
    shown: [100, 105, 105, 106, undefined],
  },
  {
    name: 'the only sender ends its stream',
    steps: [
      ['a', 100],
      ['a', undefined, 1],
    ],
    shown: [100, undefined],
  },
  {
    name: 'somebody ends a stream that he does not have',
    steps: [
      ['a', 100],
      ['b', 5],
      ['c', undefined],
    ],
    shown: [100, 105, 105],
  },
  {
    name: 'a sender whose resource is written otherwise after a reload',
    steps: [['a', 100], 15_000, ['a2', 101, 15], ['a2', 102, 15.1]],
    shown: [100, 101, 102],
  },
  {
    name: 'two senders whose resources are written otherwise',
    steps: [['a', 100, 0, -1], ['b', 5, 0, -2], 15_000, ['a2', 101, 15, -1], ['b2', 6, 15, -2], ['a2', 103, 16, -1]],
    shown: [100, 105, 106, 107, 109],
  },
  {
    name: 'all are silent for long',
    steps: [['a', 100], ['b', 5], DEFAULT_EXPIRATION_MS + 60_000, ['b', 6, 1]],
    shown: [100, 105, 6],
  },
  {
    name: 'deltas',
    kind: 'delta',
    steps: [
      ['a', 100],
      ['b', 5],
      ['a', 1, 1],
      ['b', 2, 1],
    ],
    shown: [100, 105, 106, 108],
  },
  {
    name: 'deltas sent twice',
    kind: 'delta',
    steps: [
      ['a', 100],
      ['b', 5],
      ['b', 5],
      ['a', 100],
      ['a', 1, 1],
      ['a', 1, 1],
    ],
    shown: [100, 105, 105, 105, 106, 106],
    booked: { delivered: 3, stale: 3 },
  },
  {
    name: 'deltas of clocks that differ',
    kind: 'delta',
    steps: [
      ['a', 100, 50],
      ['b', 5, 1],
      ['b', 5, 2],
      ['a', 1, 51],
    ],
    shown: [100, 105, 110, 111],
  },
  {
    name: 'deltas of senders that are forgotten stay',
    kind: 'delta',
    steps: [['a', 100], ['b', 5], DEFAULT_EXPIRATION_MS, ['b', 1, 1], 60_000, ['a', 2, 2]],
    shown: [100, 105, 106, 108],
  },
  {
    name: 'of gauges the last word holds',
    kind: 'gauge',
    steps: [
      ['a', 100],
      ['b', 5, 1],
      ['a', 101, 2],
      ['b', undefined, 3],
    ],
    shown: [100, 5, 101, undefined],
  },
]

test.each(cases.map((one) => [one.name, one] as const))(
  '%s',
  async (_, { steps, shown, kind = 'cumulative', booked }) => {
    at = await bench()
    const seen: (number | undefined)[] = []
    for (const step of steps) {
      if (typeof step === 'number') await at.clock.advance(step)
      else {
        await at.send([metricOf(kind, step)], { resource: { 'k8s.pod.name': step[0] } })
        seen.push(await shownOf('n'))
      }
    }
    expect(seen).toEqual(shown)
    if (booked !== undefined) expect(at.booked).toEqual(booked)
  },
)

function metricOf(kind: 'cumulative' | 'delta' | 'gauge', [, value, time_s = 0, start_s = 0]: Say): Message {
  const times = {
    timeUnixNano: nanos(NOW, time_s),
    startTimeUnixNano: Number.isNaN(start_s) ? 0n : nanos(START, start_s),
    ...(value === undefined && { flags: 1 }),
  }
  if (kind === 'gauge') return gauge('n', '', point(value ?? 0, {}, times))
  const counted = counter('n', '', point(value ?? 0, {}, times))
  return kind === 'delta' ? delta(counted) : counted
}

async function shownOf(name: string): Promise<number | undefined> {
  const line = (await at.scrape())
    .split('\n')
    .find((one) => one.startsWith(`${name}_total `) || one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

async function lines(): Promise<string[]> {
  return (await at.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

const podOf = (pod: string) => ({ resource: { 'k8s.pod.name': pod } })

test('histograms of two are added up under the bounds that both have', async () => {
  at = await bench()
  const of = (count: bigint, sum: number, explicitBounds: number[], bucketCounts: bigint[]) =>
    histogram('h', '', { count, sum, explicitBounds, bucketCounts })
  await at.send([of(6n, 10, [1, 2, 5], [1n, 2n, 3n, 0n])], podOf('a'))
  await at.send([of(3n, 4, [1, 5, 10], [1n, 1n, 1n, 0n])], podOf('b'))
  expect(await lines()).toEqual([
    'h_bucket{le="1"} 2',
    'h_bucket{le="5"} 8',
    'h_bucket{le="+Inf"} 9',
    'h_sum 14',
    'h_count 9',
  ])
})

test('exponential histograms and summaries of two are added up', async () => {
  at = await bench()
  const of = (scale: number, bucketCounts: bigint[], count: bigint) =>
    exponential('e', '', { count, sum: 1, scale, positive: { offset: 0, bucketCounts } })
  const summed = (count: bigint, value: number) =>
    summary('s', '', { count, sum: 2, quantileValues: [{ quantile: 0.5, value }] })
  await at.send([of(1, [1n, 1n], 2n), summed(3n, 0.25)], podOf('a'))
  await at.send([of(0, [1n, 4n], 5n), summed(4n, 0.5)], podOf('b'))
  expect(await lines()).toEqual([
    'e_bucket{le="0"} 0',
    'e_bucket{le="1"} 0',
    'e_bucket{le="2"} 3',
    'e_bucket{le="4"} 7',
    'e_bucket{le="+Inf"} 7',
    'e_sum 2',
    'e_count 7',
    's{quantile="0.5"} 0.5',
    's_sum 4',
    's_count 7',
  ])
})

test('scopes are senders of their own where they are no labels', async () => {
  at = await bench({ without_scope_info: true })
  await at.send([counter('n', '', point(1))], { scope: { name: 'a' } })
  await at.send([counter('n', '', point(2))], { scope: { name: 'b' } })
  expect(await shownOf('n')).toBe(3)
})

test('over the bound further senders are dropped, counted; with room those that are silent make place', async () => {
  at = await bench({ max_series: 10 })
  for (let pod = 0; pod < 15; pod++)
    await at.send([counter('n', '', point(1, {}, { startTimeUnixNano: START + BigInt(pod) }))], podOf(`${pod}`))
  expect(await shownOf('n')).toBe(11)
  expect(at.booked).toEqual({ delivered: 11, senders_limit: 4 })
  await at.clock.advance(DEFAULT_EXPIRATION_MS)
  await at.send([counter('n', '', point(2))], podOf('0'))
  await at.clock.advance(120_000)
  await at.send([counter('n', '', point(1, {}, { startTimeUnixNano: NOW }))], podOf('new'))
  expect(await shownOf('n')).toBe(13)
  expect(at.booked).toEqual({ delivered: 13, senders_limit: 4 })
})

test('what goes takes its senders with it', async () => {
  at = await bench({ max_series: 2 })
  for (let round = 0; round < 5; round++) {
    for (const pod of ['a', 'b', 'c'])
      await at.send(
        [counter('n', '', point(1, {}, { startTimeUnixNano: START + BigInt(pod.charCodeAt(0)) }))],
        podOf(pod),
      )
    expect(await shownOf('n')).toBe(3)
    await at.clock.advance(DEFAULT_EXPIRATION_MS + 60_000)
    expect(await lines()).toEqual([])
  }
  expect(at.booked).toEqual({ delivered: 15 })
})
