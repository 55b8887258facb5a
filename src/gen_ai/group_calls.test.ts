import { describe, expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { groupCalls } from './group_calls.ts'
import { Steps } from './pauses.ts'
import type { CallFacts } from './same_call.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

function report(facts: Partial<CallFacts> & { spanId: number }): CallFacts {
  return {
    parentId: 0,
    responseId: 0,
    emitter: 1,
    nearness: 0,
    isMerged: false,
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
    ...facts,
  }
}

/** Span ids of each call, outermost first; calls by their outermost span. */
function callsOf(reports: readonly CallFacts[]): number[][] {
  const groups = groupCalls(reports).map((group) => group.map((at) => reports[at]!.spanId as number))
  return groups.sort((a, b) => a[0]! - b[0]!)
}

const tokens = (inputTokens: number, outputTokens = 7) => ({ inputTokens, outputTokens })
const failed = { failed: true }

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
      [[1, 2]],
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
    const random = new Random(seed)
    const reports: CallFacts[] = []
    for (let call = 0; call < count; call++) {
      // Twenty at a time, all with the same numbers.
      const start_ms = call * 10
      const facts = { start_ms, end_ms: start_ms + 200, ...tokens(50) }
      reports.push(report({ spanId: call * 2 + 1, ...facts }))
      reports.push(
        report({ spanId: call * 2 + 2, ...facts, ...ofInner(call), start_ms: start_ms + 1, end_ms: start_ms + 199 }),
      )
    }
    for (let at = reports.length - 1; at > 0; at--) {
      const other = random.below(at + 1)
      ;[reports[at], reports[other]] = [reports[other]!, reports[at]!]
    }
    const steps = new Steps()
    const groups = groupCalls(reports, undefined, steps)
    expect(groups.length).toBe(count)
    expect(groups.every((group) => group.length === 2)).toBe(true)
    expect(steps.compared).toBeLessThan(count * 25)
  })
})

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((first, at) =>
    ordersOf(items.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
  )
}
