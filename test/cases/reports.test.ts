/**
 * What people reported of other programs: what a call costs, whether it is one, and why it ended. The second input of a kind
 * has other emitters and numbers.
 */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bodyOf, oneByOne } from './bodies.fixture.ts'
import { type Body, type ByModel, counted } from './counted.fixture.ts'

const directory = new URL('reports/', import.meta.url)
/** Of the others it is asked what redaction leaves of them. */
const inputs = readdirSync(directory)
  .map((name) => name.replace('.traces.json', ''))
  .filter((name) => !/^(01|10|11)-/.test(name))
const waysOf = (name: string): [how: string, bodies: readonly Body[]][] => {
  const body = bodyOf('traces', new URL(`${name}.traces.json`, directory))
  return [
    ['in one request', [body]],
    ['twice', [body, body]],
    ['span by span, the last first', oneByOne(body).reverse()],
  ]
}

/** Their spans' names end with what the call costs, in USD. */
const costs = inputs.filter((name) => /^0[234]-/.test(name))

describe.each(costs)('%s', (name) => {
  test.each(waysOf(name))('%s', async (_, bodies) => {
    const { spans } = await counted(bodies)
    const right = Object.keys(spans).map((span) => Number(/: ([\d.]+)$/.exec(span)![1]))
    const told = Object.values(spans).map((attributes) => attributes['sluice.cost.usd'] as number)
    for (const [at, cost] of told.entries()) expect(cost, Object.keys(spans)[at]).toBeCloseTo(right[at]!, 9)
  })
})

/** The price is that of the provider whose model has the name. */
const withoutProvider: Readonly<Record<string, { right: ByModel; costs_usd: Readonly<Record<string, number>> }>> = {
  '06-no-provider': {
    right: {
      'gemini-2.5-flash': { calls: 1, input: 1000, output: 1000 },
      'gpt-4.1': { calls: 1, input: 1000, output: 1000 },
    },
    costs_usd: { 'gemini-2.5-flash': 0.0028, 'gpt-4.1': 0.01 },
  },
  '06-no-provider.second': {
    right: {
      'mistral-large-latest': { calls: 1, input: 100, output: 10 },
      'text-embedding-3-small': { calls: 1, input: 50 },
      'claude-haiku-4-5': { calls: 1, input: 200, output: 20 },
    },
    costs_usd: { 'mistral-large-latest': 0.00026, 'text-embedding-3-small': 0.000001, 'claude-haiku-4-5': 0.0003 },
  },
}

describe.each(Object.entries(withoutProvider))('%s', (name, { right, costs_usd }) => {
  test.each(waysOf(name))('%s', async (_, bodies) => {
    const { byModel, bySummaries, cost_usd } = await counted(bodies)
    expect([byModel, bySummaries]).toEqual([right, right])
    for (const [model, cost] of Object.entries(costs_usd)) expect(cost_usd[model], model).toBeCloseTo(cost, 9)
  })
})

const flatNames: Readonly<Record<string, { right: ByModel; finish: string; first_s: number }>> = {
  '07-claude-code-flat-names': {
    right: {
      'claude-opus-4-5': { calls: 1, input: 91_660, output: 1200, cached_read: 84_562, cache_write: 7096 },
    },
    finish: 'tool_call',
    first_s: 0.9,
  },
  '07-claude-code-flat-names.second': {
    right: {
      'claude-sonnet-4-5-20250929': {
        calls: 2,
        rate_limited: 1,
        input: 20_307,
        output: 410,
        cached_read: 20_000,
        cache_write: 300,
      },
    },
    finish: 'stop',
    first_s: 0.512,
  },
}

describe.each(Object.entries(flatNames))('%s', (name, { right, finish, first_s }) => {
  test.each(waysOf(name))('%s', async (_, bodies) => {
    const { byModel, bySummaries, cost_usd, value } = await counted(bodies)
    expect([byModel, bySummaries]).toEqual([right, right])
    expect(sum(Object.values(cost_usd))).toBeGreaterThan(0)
    expect(value('llm_finish_reasons_total', { finish_reason: finish })).toBe(1)
    expect(value('llm_time_to_first_token_seconds')).toBeCloseTo(first_s, 9)
  })
})

const FILTER = ['content_filter', 'content_filter'] as const
const FAILED = ['error', 'invalid_output'] as const
/** Reason and signal that each span's own reason, its name, becomes. */
const reasons: Readonly<
  Record<string, Readonly<Record<string, readonly [reason: string, signal: string | undefined]>>>
> = {
  '08-failed-finish-reasons': {
    MALFORMED_FUNCTION_CALL: FAILED,
    UNEXPECTED_TOOL_CALL: FAILED,
    malformed_tool_use: FAILED,
    IMAGE_SAFETY: FILTER,
    IMAGE_PROHIBITED_CONTENT: FILTER,
    IMAGE_RECITATION: FILTER,
    ERROR_TOXIC: FILTER,
    SAFETY: FILTER,
  },
  '08-failed-finish-reasons.second': {
    'FinishReason.MALFORMED_FUNCTION_CALL': FAILED,
    TOO_MANY_TOOL_CALLS: FAILED,
    malformed_model_output: FAILED,
    guardrail_intervened: FILTER,
    PROHIBITED_CONTENT: FILTER,
    BLOCKLIST: FILTER,
    SPII: FILTER,
    'image-safety': FILTER,
    'content-filter': FILTER,
    stop: ['stop', undefined],
  },
}

describe.each(Object.entries(reasons))('%s', (name, right) => {
  test.each(waysOf(name))('%s', async (_, bodies) => {
    const { spans, value } = await counted(bodies)
    expect(Object.keys(spans).sort()).toEqual(Object.keys(right).sort())
    for (const [span, [, signal]] of Object.entries(right))
      expect(spans[span]!['sluice.quality.signals'] ?? [], span).toEqual(signal === undefined ? [] : [signal])
    for (const [reason, of] of Map.groupBy(Object.values(right), ([reason]) => reason))
      expect(value('llm_finish_reasons_total', { finish_reason: reason }), reason).toBe(of.length)
  })
})

test('every input is a row', () => {
  const rows = [...costs, ...[withoutProvider, flatNames, reasons].flatMap((table) => Object.keys(table))]
  expect(rows.sort()).toEqual(inputs.sort())
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
