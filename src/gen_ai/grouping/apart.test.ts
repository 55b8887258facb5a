import { expect, test } from 'vitest'
import { Random } from '../../otlp/random.fixture.ts'
import { areApart } from './apart.ts'
import { groupsOf } from './group_calls.ts'
import type { CallFacts } from './same_call.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test(`what is apart is apart by all rules, seed ${seed}`, () => {
  const random = new Random(seed)
  const found = { apart: 0, joined: 0 }
  for (let round = 0; round < 20_000; round++) {
    const reports = Array.from({ length: 1 + random.below(9) }, (_, at) => reportOf(random, at + 1))
    const above = new Map(
      Array.from({ length: 6 }, (_, at) => [100 + at, random.below(3) === 0 ? random.below(10) : 0]),
    )
    const ancestry = { above: (id: number) => above.get(id) ?? 0 }
    const list = { count: reports.length, facts: (at: number) => reports[at]!, place: (at: number) => reports[at]! }
    const groups = [...groupsOf(list, ancestry)].filter((group) => group !== undefined)
    const isJoined = groups.some((group) => group.length > 1)
    if (isJoined) found.joined++
    if (!areApart(list, ancestry)) continue
    found.apart++
    expect(isJoined, JSON.stringify({ reports, above: [...above] })).toBe(false)
  }
  expect(found.apart).toBeGreaterThan(2000)
  expect(found.joined).toBeGreaterThan(2000)
})

/** Now and then of another emitter, with an equal response id, a record, below another, or below a span that is. */
function reportOf(random: Random, spanId: number): CallFacts {
  const seldom = () => random.below(12) === 0
  const start_ms = random.below(4) * 100
  const inputTokens = seldom() ? Number.NaN : 10 * (1 + random.below(2))
  return {
    spanId,
    parentId: random.below(3) === 0 ? 100 + random.below(6) : seldom() ? 1 + random.below(9) : 0,
    responseId: seldom() ? 1 + random.below(3) : 0,
    emitter: seldom() ? 2 : 1,
    nearness: random.below(3),
    isMerged: false,
    isCounted: seldom(),
    isStreamRecord: seldom() && seldom(),
    isRecord: seldom() && seldom(),
    operation: 0,
    requestModel: 3,
    responseModel: 0,
    start_ms,
    end_ms: start_ms + 100 * random.below(4),
    failed: seldom(),
    rateLimited: false,
    inputTokens,
    outputTokens: inputTokens,
    cacheReadTokens: Number.NaN,
    cacheWriteTokens: Number.NaN,
    reasoningTokens: Number.NaN,
    cost_usd: Number.NaN,
    isCostStated: false,
  }
}
