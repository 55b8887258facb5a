import { describe, expect, test } from 'vitest'
import {
  type CallFacts,
  isAround,
  isSameAsParent,
  isSameInOtherTrace,
  isSeenTwice,
  isStreamOf,
  isStreamTold,
  mergeCalls,
} from './same_call.ts'

/** Numbers that stand for texts. */
const [a, b, m, n, r, s, y, z] = [1, 2, 3, 4, 5, 6, 7, 8] as const

const outer: CallFacts = {
  spanId: a,
  parentId: 0,
  responseId: 0,
  emitter: 5,
  nearness: 0,
  isMerged: false,
  isCounted: false,
  isStreamRecord: false,
  operation: 0,
  requestModel: m,
  responseModel: 0,
  start_ms: 1000,
  end_ms: 2000,
  failed: false,
  rateLimited: false,
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: Number.NaN,
  cacheWriteTokens: Number.NaN,
  reasoningTokens: Number.NaN,
  cost_usd: 0.01,
  isCostStated: false,
}
const noTokens = { inputTokens: Number.NaN, outputTokens: Number.NaN }
const inner: CallFacts = { ...outer, spanId: b, parentId: a, start_ms: 1001, end_ms: 1999 }

describe('parent and child are one call', () => {
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['parent and child that agree', {}, {}, true],
    ['equal response ids', { responseId: r }, { responseId: r, requestModel: n, inputTokens: 11 }, true],
    ['different response ids', { responseId: r }, { responseId: s }, false],
    ['one response id known', { responseId: r }, {}, true],
    ['a failed attempt below a good call', {}, { failed: true }, false],
    ['both failed', { failed: true }, { failed: true, rateLimited: true }, true],
    ['another model', {}, { requestModel: n, inputTokens: Number.NaN }, false],
    ['another model that a router took: equal tokens', {}, { requestModel: n }, true],
    ['another model, equal tokens, two instrumentations', {}, { requestModel: n, emitter: 6 }, false],
    ['another name, no tokens, two instrumentations', noTokens, { requestModel: n, emitter: 6 }, true],
    ['another name, no tokens, one instrumentation', noTokens, { requestModel: n }, false],
    ['an alias, and what it stands for', { responseModel: n }, { requestModel: n }, true],
    ['a model unknown', {}, { requestModel: 0 }, true],
    ['other tokens', {}, { inputTokens: 11 }, false],
    ['tokens unknown', { inputTokens: Number.NaN }, {}, true],
    ['an embedding inside a chat', {}, { operation: 3 }, false],
    ['generate_content inside a chat', {}, { operation: 2 }, true],
    ['speech inside a transcription', { operation: 7 }, { operation: 6 }, false],
    ['a child that outlives its parent', {}, { end_ms: 2500 }, false],
    ['clocks a little apart', {}, { end_ms: 2003 }, true],
    ['a stream that was handed over', noTokens, { end_ms: 2500, emitter: 6 }, true],
    ['a stream of the same instrumentation', noTokens, { end_ms: 2500 }, false],
    ['a child that begins after its parent', noTokens, { start_ms: 2100, end_ms: 2500, emitter: 6 }, false],
    ['input without the cached tokens', { inputTokens: 7 }, { cacheReadTokens: 2, cacheWriteTokens: 1 }, true],
    ['and the other way round', { cacheReadTokens: 3 }, { inputTokens: 7, cacheReadTokens: 3 }, true],
    ['input that differs by something else', { inputTokens: 6 }, { cacheReadTokens: 3 }, false],
    ['an input of 0 beside an output', { inputTokens: 0 }, {}, true],
    ['an input of 0 beside another output', { inputTokens: 0 }, { outputTokens: 6 }, false],
    ['output without the reasoning', { outputTokens: 3 }, { reasoningTokens: 2 }, true],
  ])('%s', (_, ofOuter, ofInner, is) => {
    const one = { ...outer, ...ofOuter }
    const other = { ...inner, ...ofInner }
    expect(isSameAsParent(one, other)).toBe(is)
  })
})

describe('two spans that know nothing of each other are one call', () => {
  const client: CallFacts = { ...outer, emitter: 7 }
  const gateway: CallFacts = { ...inner, parentId: z }
  const failed = { failed: true, inputTokens: Number.NaN, outputTokens: Number.NaN }
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['one in the other’s time, with equal input', {}, {}, true],
    ['both failed', failed, failed, true],
    ['one failed', failed, {}, false],
    ['one of them knows no input', { inputTokens: Number.NaN }, {}, false],
    ['other input', { inputTokens: 11 }, {}, false],
    ['no output known on one side', { outputTokens: Number.NaN }, {}, true],
    ['another model', { requestModel: n }, {}, false],
    ['not in its time', {}, { start_ms: 1500, end_ms: 2500 }, false],
    ['different response ids', { responseId: r }, { responseId: s }, false],
  ])('%s', (_, ofClient, ofGateway, is) => {
    const one = { ...client, ...ofClient }
    const other = { ...gateway, ...ofGateway }
    expect(isSeenTwice(one, other)).toBe(is)
    expect(isSeenTwice(other, one)).toBe(is)
  })
})

describe('a report that only stands around another one', () => {
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['without numbers', noTokens, {}, true],
    ['with those of the inner one', {}, {}, true],
    ['with the input of the inner one and another output', { outputTokens: Number.NaN }, {}, false],
    ['of another emitter, with numbers of its own', { emitter: 6 }, {}, false],
    ['without numbers, but with a cost', { ...noTokens, cost_usd: 0.01 }, {}, false],
    ['without numbers, of another model', noTokens, { requestModel: n }, false],
    ['without numbers, around one that failed', noTokens, { failed: true }, false],
  ])('%s', (_, ofOuter, ofInner, is) => {
    const around = { ...outer, cost_usd: Number.NaN, ...ofOuter }
    expect(isAround(around, { ...inner, parentId: z, ...ofInner })).toBe(is)
  })
})

describe('a stream’s request and its record', () => {
  const request: CallFacts = { ...outer, ...noTokens, end_ms: 1020 }
  const record: CallFacts = { ...outer, spanId: b, isStreamRecord: true, start_ms: 1021, end_ms: 1900 }
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['belong together', {}, {}, true],
    ['read a little later', {}, { start_ms: 1100 }, true],
    ['read much later', {}, { start_ms: 1200 }, false],
    ['begun before the request ended', {}, { start_ms: 1010 }, false],
    ['no record', {}, { isStreamRecord: false }, false],
    ['two records', { isStreamRecord: true }, {}, false],
    ['a request that tells its tokens', { inputTokens: 5 }, {}, false],
    ['a request that was counted', { isCounted: true }, {}, false],
    ['under two parents', {}, { parentId: z }, false],
    ['of two emitters', {}, { emitter: 6 }, false],
    ['of two models', {}, { requestModel: n }, false],
    ['of two kinds', {}, { operation: 3 }, false],
    ['one failed', {}, { failed: true }, false],
  ])('%s', (_, ofRequest, ofRecord, is) => {
    expect(isStreamOf({ ...request, ...ofRequest }, { ...record, ...ofRecord })).toBe(is)
  })

  test.each<[string, CallFacts, CallFacts, boolean]>([
    ['the record was told', record, request, true],
    ['the request was told: its tokens are not known yet', request, record, false],
    ['the request was told, with tokens', { ...outer, end_ms: 1901 }, record, true],
    ['with other tokens', { ...outer, inputTokens: 11, end_ms: 1901 }, record, false],
    ['at another time', record, { ...request, start_ms: 3000, end_ms: 3020 }, false],
    ['below something', { ...record, parentId: z }, { ...request, parentId: z }, false],
    ['two records', record, record, false],
    ['of another instrumentation', { ...record, emitter: 6 }, request, false],
    ['paired already', { ...record, isMerged: true }, request, false],
  ])('in two traces, %s', (_, told, now, is) => {
    expect(isStreamTold(told, now)).toBe(is)
  })

  test('last until the stream has ended', () => {
    expect(mergeCalls(request, record)).toMatchObject({ start_ms: 1000, end_ms: 1900, inputTokens: 10 })
    expect(mergeCalls(request, { ...record, isStreamRecord: false, emitter: 6 })).toMatchObject({ end_ms: 1900 })
    expect(mergeCalls(outer, { ...inner, end_ms: 2004 })).toMatchObject({ end_ms: 2000 })
  })
})

describe('in two traces', () => {
  const around: CallFacts = { ...outer, emitter: 7, parentId: z }
  const sdk: CallFacts = { ...inner, emitter: 4, nearness: 1, parentId: 0 }
  const failed = { failed: true, inputTokens: Number.NaN, outputTokens: Number.NaN }
  const handedOver = { ...noTokens, end_ms: 2000 }
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['the SDK’s root in the other’s time', {}, {}, true],
    ['with an id of its own', {}, { responseId: r }, true],
    ['both failed', failed, failed, true],
    ['equal ids', { responseId: r }, { responseId: r }, true],
    ['equal ids, one output an estimate', { responseId: r, outputTokens: 6 }, { responseId: r }, true],
    ['equal ids in one emitter: a stub', { responseId: r }, { responseId: r, emitter: 7 }, false],
    [
      'equal ids one after the other: a cache',
      { responseId: r },
      { responseId: r, start_ms: 2100, end_ms: 2200 },
      false,
    ],
    ['equal ids by chance: other input', { responseId: r, inputTokens: 11 }, { responseId: r }, false],
    ['equal ids by chance: another model', { responseId: r, requestModel: n }, { responseId: r }, false],
    ['different ids', { responseId: r }, { responseId: s }, false],
    ['not the SDK’s', {}, { nearness: 0 }, false],
    ['the SDK’s span is no root', {}, { parentId: y }, false],
    ['already paired', { isMerged: true }, {}, false],
    ['both the SDK’s', { nearness: 1, parentId: 0 }, {}, false],
    ['the SDK’s own, and its instrumentation’s', { nearness: 1, parentId: 0 }, { nearness: 2 }, true],
    ['no tokens on either side', noTokens, noTokens, true],
    ['other tokens', {}, { inputTokens: 11 }, false],
    [
      'a stream that is read when the framework has ended',
      handedOver,
      { ...noTokens, start_ms: 2020, end_ms: 2500 },
      true,
    ],
    ['its tokens in both', { end_ms: 1500 }, { start_ms: 1560, end_ms: 2500 }, true],
    ['too long after', handedOver, { ...noTokens, start_ms: 2200, end_ms: 2500 }, false],
    [
      'failures at once',
      { ...handedOver, failed: true },
      { ...noTokens, failed: true, start_ms: 2003, end_ms: 2500 },
      true,
    ],
    [
      'failures after each other',
      { ...handedOver, failed: true },
      { ...noTokens, failed: true, start_ms: 2020, end_ms: 2500 },
      false,
    ],
    ['equal ids, only the output on one side', { responseId: r, inputTokens: 0 }, { responseId: r }, true],
  ])('%s', (_, ofAround, ofSdk, is) => {
    const one = { ...around, ...ofAround }
    const other = { ...sdk, ...ofSdk }
    expect(isSameInOtherTrace(one, other)).toBe(is)
    expect(isSameInOtherTrace(other, one)).toBe(is)
  })

  test('tokens on one side: what is told later may leave them out, but not be the only one to know', () => {
    const vague = { ...around, ...noTokens }
    expect([isSameInOtherTrace(sdk, vague), isSameInOtherTrace(vague, sdk)]).toEqual([true, false])
    const answer = { ...around, inputTokens: 0 }
    expect([isSameInOtherTrace(sdk, answer), isSameInOtherTrace(answer, sdk)]).toEqual([true, false])
    expect(isSameInOtherTrace(sdk, { ...answer, outputTokens: 6 })).toBe(false)
  })
})

describe('merging', () => {
  test('labels of the outer one, model and numbers of the inner', () => {
    const sdk = { ...inner, requestModel: n, cacheReadTokens: 3, rateLimited: true, cost_usd: 0.02 }
    expect(mergeCalls(outer, sdk)).toEqual({
      ...outer,
      isMerged: true,
      requestModel: n,
      cacheReadTokens: 3,
      rateLimited: true,
      cost_usd: 0.02,
      isCostStated: false,
    })
  })

  test('numbers of the outer one, and their cost, where the inner has none', () => {
    const sdk = { ...inner, inputTokens: Number.NaN, outputTokens: Number.NaN, cost_usd: 0 }
    expect(mergeCalls(outer, sdk)).toMatchObject({ inputTokens: 10, outputTokens: 5, cost_usd: 0.01 })
  })

  test('the input with the cached tokens, and its cost', () => {
    const cached = { ...outer, cacheReadTokens: 3, cost_usd: 0.03 }
    const without = { ...inner, inputTokens: 7, cacheReadTokens: 3, cost_usd: 0.02 }
    expect(mergeCalls(cached, without)).toMatchObject({ inputTokens: 10, cacheReadTokens: 3, cost_usd: 0.03 })
    const [outside, inside] = [
      { ...without, spanId: a, parentId: 0 },
      { ...cached, spanId: b, parentId: a },
    ]
    expect(mergeCalls(outside, inside)).toMatchObject({ inputTokens: 10, cost_usd: 0.03 })
  })
})
