import { describe, expect, test } from 'vitest'
import { Random } from '../../otlp/random.fixture.ts'
import { groupCalls, groupsOf } from './group_calls.ts'
import type { Ancestry } from './groups.ts'
import { StepCount } from './pauses.ts'
import type { CallFacts } from './same_call.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

function report(facts: Partial<CallFacts> & { spanId: number }): CallFacts {
  return {
    parentId: 0,
    responseId: 0,
    emitter: 1,
    nearness: 0,
    isMerged: false,
    isCounted: false,
    isStreamRecord: false,
    operation: 0,
    requestModel: 3,
    responseModel: 0,
    start_ms: 0,
    end_ms: 1000,
    failed: false,
    rateLimited: false,
    inputTokens: Number.NaN,
    outputTokens: Number.NaN,
    cacheReadTokens: Number.NaN,
    cacheWriteTokens: Number.NaN,
    reasoningTokens: Number.NaN,
    cost_usd: Number.NaN,
    isCostStated: false,
    ...facts,
  }
}

/** Span ids of each call, outermost first; calls by their outermost span. */
function callsOf(reports: readonly CallFacts[], above?: Ancestry): number[][] {
  const groups = groupCalls(reports, above).map((group) => group.map((at) => reports[at]!.spanId as number))
  return groups.sort((a, b) => a[0]! - b[0]!)
}

const tokens = (inputTokens: number, outputTokens = 7) => ({ inputTokens, outputTokens })
const failed = { failed: true }

/** Spans that report no call: the parent of each. */
const between = new Map([
  [101, 1],
  [102, 101],
  [103, 104],
  [104, 103],
])
const ancestry = { above: (spanId: number) => between.get(spanId) ?? 0 }

describe('reports with other spans between', () => {
  const inside = { parentId: 102, start_ms: 10, end_ms: 900 }
  test.each<[string, CallFacts[], number[][]]>([
    [
      'a wrapper, a chain, the call',
      [report({ spanId: 1 }), report({ spanId: 2, ...inside, ...tokens(50) })],
      [[1, 2]],
    ],
    [
      'of two instrumentations',
      [report({ spanId: 1, emitter: 2 }), report({ spanId: 2, ...inside, ...tokens(50) })],
      [[1, 2]],
    ],
    [
      'a wrapper that repeats the tokens',
      [report({ spanId: 1, ...tokens(50) }), report({ spanId: 2, ...inside, ...tokens(50) })],
      [[1, 2]],
    ],
    [
      'a call with tokens of its own, and one in a chain below it',
      [report({ spanId: 1, ...tokens(60) }), report({ spanId: 2, ...inside, ...tokens(50) })],
      [[1], [2]],
    ],
    [
      'a report without tokens around two calls',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, ...inside, end_ms: 400, ...tokens(50) }),
        report({ spanId: 3, ...inside, start_ms: 500, ...tokens(60) }),
      ],
      [[1], [2], [3]],
    ],
    [
      'around a failed attempt and the one that worked',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, ...inside, end_ms: 400, ...failed }),
        report({ spanId: 3, ...inside, start_ms: 500, ...tokens(60) }),
      ],
      [[1, 3], [2]],
    ],
    [
      'a wrapper that has its call already, and another one in a chain',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, parentId: 1, end_ms: 400 }),
        report({ spanId: 3, ...inside, start_ms: 500 }),
      ],
      [[1, 2], [3]],
    ],
    [
      'two wrappers one in the other, chains between',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, ...inside }),
        report({ spanId: 3, parentId: 2, start_ms: 20, end_ms: 800, ...tokens(50) }),
      ],
      [[1, 2, 3]],
    ],
    [
      'around one call that two instrumentations saw',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, ...inside, emitter: 2, ...tokens(50) }),
        report({ spanId: 3, ...inside, emitter: 3, start_ms: 20, end_ms: 800, ...tokens(50) }),
      ],
      [[1, 2, 3]],
    ],
    [
      'of another model',
      [report({ spanId: 1 }), report({ spanId: 2, ...inside, requestModel: 4, ...tokens(50) })],
      [[1], [2]],
    ],
    [
      'later than the wrapper',
      [report({ spanId: 1 }), report({ spanId: 2, ...inside, start_ms: 1500, end_ms: 1600, ...tokens(50) })],
      [[1], [2]],
    ],
    ['below a circle', [report({ spanId: 1 }), report({ spanId: 2, parentId: 103, ...tokens(50) })], [[1], [2]]],
  ])('%s', (_, reports, expected) => {
    for (const order of ordersOf(reports)) expect(callsOf(order, ancestry)).toEqual(expected)
  })
})

describe('a stream in two reports', () => {
  const request = { start_ms: 0, end_ms: 20 }
  const record = { isStreamRecord: true, start_ms: 21, end_ms: 900, ...tokens(50) }
  test.each<[string, CallFacts[], number[][]]>([
    [
      'the request, and the record of its stream',
      [report({ spanId: 1, ...request }), report({ spanId: 2, ...record })],
      [[1, 2]],
    ],
    [
      'a record without usage',
      [report({ spanId: 1, ...request }), report({ spanId: 2, ...record, inputTokens: Number.NaN })],
      [[1, 2]],
    ],
    [
      'two at once',
      [
        report({ spanId: 1, ...request }),
        report({ spanId: 2, start_ms: 1, end_ms: 23 }),
        report({ spanId: 3, ...record }),
        report({ spanId: 4, ...record, start_ms: 24 }),
      ],
      [
        [1, 3],
        [2, 4],
      ],
    ],
    [
      'with the SDK’s report below the request',
      [
        report({ spanId: 1, ...request }),
        report({ spanId: 2, ...record }),
        report({ spanId: 3, emitter: 2, parentId: 1, start_ms: 5, end_ms: 895, ...tokens(50) }),
      ],
      [[1, 3, 2]],
    ],
    [
      'a request that did not stream',
      [report({ spanId: 1, ...request, ...tokens(9) }), report({ spanId: 2, ...record })],
      [[1], [2]],
    ],
    ['one that failed', [report({ spanId: 1, ...request, ...failed }), report({ spanId: 2, ...record })], [[1], [2]]],
    [
      'one that was counted',
      [report({ spanId: 1, ...request, isCounted: true }), report({ spanId: 2, ...record })],
      [[1], [2]],
    ],
    [
      'of another instrumentation',
      [report({ spanId: 1, ...request, emitter: 2 }), report({ spanId: 2, ...record })],
      [[1], [2]],
    ],
    [
      'under another parent',
      [report({ spanId: 1, ...request, parentId: 9 }), report({ spanId: 2, ...record })],
      [[1], [2]],
    ],
    [
      'of another model',
      [report({ spanId: 1, ...request, requestModel: 4 }), report({ spanId: 2, ...record })],
      [[1], [2]],
    ],
    [
      'a stream that began long after',
      [report({ spanId: 1, ...request }), report({ spanId: 2, ...record, start_ms: 300 })],
      [[1], [2]],
    ],
    [
      'a stream that began before',
      [report({ spanId: 1, ...request }), report({ spanId: 2, ...record, start_ms: 10 })],
      [[1], [2]],
    ],
  ])('%s', (_, reports, expected) => {
    for (const order of ordersOf(reports)) expect(callsOf(order)).toEqual(expected)
  })
})

describe('calls of a trace', () => {
  test.each<[string, CallFacts[], number[][]]>([
    ['one report', [report({ spanId: 1 })], [[1]]],
    [
      'three nested, tokens on the innermost',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, parentId: 1, start_ms: 10, end_ms: 900 }),
        report({ spanId: 3, parentId: 2, start_ms: 20, end_ms: 800, ...tokens(50) }),
      ],
      [[1, 2, 3]],
    ],
    [
      'a wrapper and its attempts: the last one is the wrapper’s',
      [
        report({ spanId: 1, ...tokens(50) }),
        report({ spanId: 2, parentId: 1, end_ms: 100, ...failed }),
        report({ spanId: 3, parentId: 1, start_ms: 200, end_ms: 900, requestModel: 4, ...tokens(50) }),
      ],
      [[1, 3], [2]],
    ],
    [
      'a wrapper without tokens and two that worked',
      [
        report({ spanId: 1 }),
        report({ spanId: 2, parentId: 1, end_ms: 100, ...tokens(10) }),
        report({ spanId: 3, parentId: 1, start_ms: 200, end_ms: 900, ...tokens(50) }),
      ],
      [[1, 3], [2]],
    ],
    [
      'failed attempts of a call that failed',
      [
        report({ spanId: 1, ...failed }),
        report({ spanId: 2, parentId: 1, end_ms: 100, ...failed }),
        report({ spanId: 3, parentId: 1, start_ms: 200, end_ms: 900, ...failed }),
      ],
      [[1, 3], [2]],
    ],
    [
      'equal ids far apart',
      [report({ spanId: 1, responseId: 9 }), report({ spanId: 2, responseId: 9, start_ms: 5000, end_ms: 6000 })],
      [[1], [2]],
    ],
    [
      'equal ids far apart by the clocks of two machines, one above the other',
      [
        report({ spanId: 1, responseId: 9 }),
        report({ spanId: 2, parentId: 1, emitter: 2, responseId: 9, start_ms: 5000, end_ms: 6000 }),
      ],
      [[1, 2]],
    ],
    [
      'a cache that answers twice, each time told by two, the last within the one before last',
      [
        report({ spanId: 1, responseId: 9, emitter: 1 }),
        report({ spanId: 2, responseId: 9, emitter: 2, start_ms: 100, end_ms: 300 }),
        report({ spanId: 3, responseId: 9, emitter: 2, start_ms: 500, end_ms: 900 }),
        report({ spanId: 4, responseId: 9, emitter: 1, start_ms: 1500, end_ms: 2000 }),
        report({ spanId: 5, responseId: 9, emitter: 2, start_ms: 1600, end_ms: 1900 }),
      ],
      [
        [1, 3, 2],
        [4, 5],
      ],
    ],
    [
      'a log record with the id, written when the call was over',
      [
        report({ spanId: 1, responseId: 9 }),
        report({ spanId: 0, responseId: 9, emitter: 2, isRecord: true, start_ms: Number.NaN, end_ms: 1500 }),
      ],
      [[1, 0]],
    ],
    [
      'a client, a gateway and the SDK below it, which know nothing of each other',
      [
        report({ spanId: 1, emitter: 1, ...tokens(50) }),
        report({ spanId: 2, emitter: 2, start_ms: 10, end_ms: 900, ...tokens(50) }),
        report({ spanId: 3, emitter: 3, start_ms: 20, end_ms: 800, ...tokens(50) }),
      ],
      [[1, 2, 3]],
    ],
    [
      'two calls at once, each seen by two',
      [
        report({ spanId: 1, emitter: 1, ...tokens(50) }),
        report({ spanId: 2, emitter: 1, start_ms: 1, end_ms: 1001, ...tokens(50) }),
        report({ spanId: 3, emitter: 2, start_ms: 10, end_ms: 900, ...tokens(50) }),
        report({ spanId: 4, emitter: 2, start_ms: 11, end_ms: 901, ...tokens(50) }),
      ],
      [
        [1, 4],
        [2, 3],
      ],
    ],
    [
      'one counts the cached tokens in, the other does not',
      [
        report({ spanId: 1, emitter: 1, ...tokens(50), cacheReadTokens: 20 }),
        report({ spanId: 2, emitter: 2, start_ms: 10, end_ms: 900, ...tokens(30) }),
      ],
      [[1, 2]],
    ],
    [
      'a framework and an SDK side by side, of whom one knows no tokens: the tightest are one',
      [
        report({ spanId: 1, emitter: 1 }),
        report({ spanId: 2, emitter: 1, start_ms: 100, end_ms: 1100 }),
        report({ spanId: 3, emitter: 2, nearness: 1, start_ms: 10, end_ms: 990, ...tokens(50) }),
        report({ spanId: 4, emitter: 2, nearness: 1, start_ms: 110, end_ms: 1090, ...tokens(60) }),
      ],
      [
        [1, 3],
        [2, 4],
      ],
    ],
    [
      'the same of two frameworks',
      [report({ spanId: 1, emitter: 1 }), report({ spanId: 2, emitter: 2, start_ms: 10, end_ms: 990, ...tokens(50) })],
      [[1], [2]],
    ],
    [
      'a framework without tokens around two of the SDK, and one beside it',
      [
        report({ spanId: 1, emitter: 1 }),
        report({ spanId: 2, parentId: 1, emitter: 2, nearness: 1, start_ms: 10, end_ms: 400, ...tokens(50) }),
        report({ spanId: 3, parentId: 1, emitter: 2, nearness: 1, start_ms: 500, end_ms: 900, ...tokens(60) }),
        report({ spanId: 4, emitter: 2, nearness: 1, start_ms: 20, end_ms: 300, ...tokens(70) }),
      ],
      [[1, 3], [2], [4]],
    ],
    [
      'two of one instrumentation, side by side',
      [report({ spanId: 1, ...tokens(50) }), report({ spanId: 2, ...tokens(50) })],
      [[1], [2]],
    ],
    [
      'parents in a circle, and one of its own',
      [
        report({ spanId: 1, parentId: 2, ...tokens(1) }),
        report({ spanId: 2, parentId: 1, ...tokens(2) }),
        report({ spanId: 3, parentId: 3, ...tokens(3) }),
      ],
      [[1], [2], [3]],
    ],
    [
      'no times',
      [
        report({ spanId: 1, start_ms: Number.NaN, end_ms: Number.NaN, ...tokens(1) }),
        report({ spanId: 2, emitter: 2, start_ms: Number.NaN, end_ms: Number.NaN, ...tokens(1) }),
      ],
      [[1], [2]],
    ],
  ])('%s', (_, reports, expected) => {
    for (const order of ordersOf(reports)) expect(callsOf(order)).toEqual(expected)
  })

  test.each([
    ['nested pairs', 2400, (call: number) => ({ parentId: call * 2 + 1 })],
    ['pairs that know nothing of each other', 50_000, () => ({ emitter: 2 })],
  ])(`%s: %i calls are so many, with as many comparisons, seed ${seed}`, (_, count, ofInner) => {
    const reports = pairs(count, 200, ofInner)
    const steps = new StepCount()
    const groups = groupCalls(reports, undefined, steps)
    expect(groups.length).toBe(count)
    expect(groups.every((group) => group.length === 2)).toBe(true)
    expect(steps.compared).toBeLessThan(count * 25)
  })

  test(`a hundred that begin and end at once are told apart by nothing, and counted, seed ${seed}`, () => {
    expect(groupCalls(pairs(100, 100_000, () => ({ emitter: 2 }))).length).toBe(100)
  })
})

test(`ten times the reports are ten times the work, and sorting, seed ${seed}`, () => {
  const work = (count: number) => {
    const steps = new StepCount()
    const reports = pairs(count, 200, () => ({ emitter: 2 }))
    let longest = 0
    let before = 0
    for (const _ of groupsOf({ count: reports.length, facts: (at) => reports[at]! }, ancestry, steps)) {
      longest = Math.max(longest, steps.count - before)
      before = steps.count
    }
    return { steps: steps.count, longest }
  }
  const [small, large] = [work(2000), work(20_000)]
  expect(large.steps / small.steps).toBeLessThan(10 * 1.3)
  expect(large.longest).toBeLessThan(1000)
})

/** Pairs, one every ten milliseconds, all with the same numbers, in any order. */
function pairs(count: number, length_ms: number, ofInner: (call: number) => Partial<CallFacts>): CallFacts[] {
  const random = new Random(seed)
  const reports: CallFacts[] = []
  for (let call = 0; call < count; call++) {
    const start_ms = call * 10
    const facts = { start_ms, end_ms: start_ms + length_ms, ...tokens(50) }
    reports.push(report({ spanId: call * 2 + 1, ...facts }))
    reports.push(
      report({
        spanId: call * 2 + 2,
        ...facts,
        ...ofInner(call),
        start_ms: start_ms + 1,
        end_ms: start_ms + length_ms - 1,
      }),
    )
  }
  for (let at = reports.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[reports[at], reports[other]] = [reports[other]!, reports[at]!]
  }
  return reports
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((first, at) =>
    ordersOf(items.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
  )
}
