import { describe, expect, test } from 'vitest'
import { type CallFacts, isSameCall, mergeCalls } from './same_call.ts'

const outer: CallFacts = {
  spanId: 'a',
  parentId: '',
  responseId: '',
  operation: 0,
  requestModel: 'm',
  responseModel: '',
  start_ms: 1000,
  end_ms: 2000,
  failed: false,
  rateLimited: false,
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: Number.NaN,
  cacheWriteTokens: Number.NaN,
  reasoningTokens: Number.NaN,
}
const inner: CallFacts = { ...outer, spanId: 'b', parentId: 'a', start_ms: 1001, end_ms: 1999 }

describe('two spans are one call', () => {
  test.each<[string, Partial<CallFacts>, Partial<CallFacts>, boolean]>([
    ['parent and child that agree', {}, {}, true],
    ['equal response ids, unrelated spans', { responseId: 'r' }, { responseId: 'r', parentId: 'z' }, true],
    ['different response ids', { responseId: 'r' }, { responseId: 's' }, false],
    ['one response id known', { responseId: 'r' }, {}, true],
    ['siblings that agree', { parentId: 'z' }, { parentId: 'z' }, false],
    ['a failed attempt below a good call', {}, { failed: true }, false],
    ['both failed', { failed: true }, { failed: true, rateLimited: true }, true],
    ['another model', {}, { requestModel: 'n' }, false],
    ['an alias, and what it stands for', { responseModel: 'n' }, { requestModel: 'n' }, true],
    ['a model unknown', {}, { requestModel: '' }, true],
    ['other tokens', {}, { inputTokens: 11 }, false],
    ['tokens unknown', { inputTokens: Number.NaN }, {}, true],
    ['an embedding inside a chat', {}, { operation: 3 }, false],
    ['generate_content inside a chat', {}, { operation: 2 }, true],
    ['a child that outlives its parent', {}, { end_ms: 2500 }, false],
    ['clocks a little apart', {}, { end_ms: 2003 }, true],
  ])('%s', (_, ofOuter, ofInner, is) => {
    const a = { ...outer, ...ofOuter }
    const b = { ...inner, ...ofInner }
    expect(isSameCall(a, b)).toBe(is)
    expect(isSameCall(b, a)).toBe(is)
  })
})

describe('merging', () => {
  test('labels of the outer span, numbers of the inner', () => {
    const sdk = { ...inner, cacheReadTokens: 3, rateLimited: true }
    const merged = mergeCalls(sdk, outer)
    expect(merged.span).toBe(outer)
    expect([merged.inputTokens, merged.cacheReadTokens, merged.rateLimited, merged.tokensOfSpan]).toEqual([
      10,
      3,
      true,
      false,
    ])
  })

  test('numbers of the outer span where the inner has none', () => {
    const merged = mergeCalls(outer, { ...inner, inputTokens: Number.NaN, outputTokens: Number.NaN })
    expect([merged.inputTokens, merged.outputTokens, merged.tokensOfSpan]).toEqual([10, 5, true])
  })
})
