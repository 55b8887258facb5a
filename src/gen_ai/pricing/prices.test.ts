import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import { SpanView } from '../../telemetry/span_view.ts'
import { COST_SOURCES, ModelCall } from '../model_call.ts'
import { foundKeys, readModelCall } from '../reading/read.ts'
import { ScopeMarks } from '../reading/recognise.ts'
import { batchOf, type Plain } from '../span.fixture.ts'
import { findPeriods } from './price_table.ts'
import { type PriceOverride, Prices } from './prices.ts'
import { costOf, ratesAt } from './rates.ts'

const million = { 'gen_ai.usage.input_tokens': 1_000_000, 'gen_ai.usage.output_tokens': 1_000_000 }

function priced(attributes: Record<string, Plain>, prices = new Prices(), start_ms = Date.parse('2026-06-01')) {
  const batch = batchOf({
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': '', ...attributes },
    start_ms,
  })
  const view = new SpanView()
  const call = new ModelCall()
  view.read(batch, 0)
  expect(readModelCall(view, foundKeys(), new ScopeMarks().of(batch, 0), call)).toBe(true)
  prices.price(call, view)
  return { usd: call.cost_usd, source: COST_SOURCES[call.costSource] }
}

describe('where a price comes from', () => {
  const mine: PriceOverride = { model: 'gpt-4o', input_usd_per_million: 1, output_usd_per_million: 2 }
  test.each<[string, Record<string, Plain>, PriceOverride[], string | undefined, number]>([
    ['the emitter', { 'llm.cost_usd': 0.5, 'gen_ai.request.model': 'gpt-4o', ...million }, [mine], 'reported', 0.5],
    ['an emitter that says nothing costs', { 'llm.cost_usd': 0, ...million }, [], 'reported', 0],
    ['a zero of a failed call', { 'llm.cost_usd': 0, 'error.type': 'x' }, [], undefined, Number.NaN],
    ['the user', { 'gen_ai.request.model': 'gpt-4o', ...million }, [mine], 'override', 3],
    ['the user, in another case', { 'gen_ai.request.model': 'GPT-4o', ...million }, [mine], 'override', 3],
    [
      'the user, by ending',
      { 'gen_ai.request.model': 'my-7', ...million },
      [{ ...mine, model: 'my-*' }],
      'override',
      3,
    ],
    [
      'the user, by the model of the answer',
      { 'gen_ai.request.model': 'alias', 'gen_ai.response.model': 'gpt-4o', ...million },
      [mine],
      'override',
      3,
    ],
    [
      'the user, for another provider',
      { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'own', ...million },
      [{ ...mine, model: 'own', provider: 'azure.ai.openai' }],
      'unknown_model',
      Number.NaN,
    ],
    [
      'the user, for this provider',
      { 'gen_ai.system': 'az.ai.openai', 'gen_ai.request.model': 'own', ...million },
      [{ ...mine, model: 'own', provider: 'azure.ai.openai' }],
      'override',
      3,
    ],
    ['the table', { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o-mini', ...million }, [], 'table', 0.75],
    ['the table, provider unknown', { 'gen_ai.request.model': 'gpt-4o-mini', ...million }, [], 'table', 0.75],
    [
      'the table, embeddings',
      {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.request.model': 'text-embedding-3-small',
        'gen_ai.usage.input_tokens': 1_000_000,
      },
      [],
      'table',
      0.02,
    ],
    ['nobody', { 'gen_ai.request.model': 'no-such-model', ...million }, [], 'unknown_model', Number.NaN],
    ['nobody: no model at all', million, [], 'unknown_model', Number.NaN],
    [
      'nobody: a server of one’s own',
      { 'gen_ai.system': 'ollama', 'gen_ai.request.model': 'mistral', ...million },
      [],
      'unknown_model',
      Number.NaN,
    ],
    ['nothing to price', { 'gen_ai.request.model': 'gpt-4o-mini' }, [], undefined, Number.NaN],
    [
      'a name too long to look up',
      { 'gen_ai.request.model': 'x'.repeat(500), ...million },
      [],
      'unknown_model',
      Number.NaN,
    ],
  ])('%s', (_, attributes, overrides, source, usd) => {
    const cost = priced(attributes, new Prices(overrides))
    expect(cost.source).toBe(source)
    if (Number.isNaN(usd)) expect(cost.usd).toBeNaN()
    else expect(cost.usd).toBeCloseTo(usd, 9)
  })

  test('without the list, only own prices', () => {
    expect(priced({ 'gen_ai.request.model': 'gpt-4o-mini', ...million }, new Prices([], false)).source).toBe(
      'unknown_model',
    )
  })

  test('cached tokens have their own price, in an override too', () => {
    const prices = new Prices([
      { model: 'm', input_usd_per_million: 10, output_usd_per_million: 0, cache_read_usd_per_million: 1 },
    ])
    const cost = priced(
      { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 1000, 'gen_ai.usage.cache_read.input_tokens': 400 },
      prices,
    )
    expect(cost.usd).toBeCloseTo((600 * 10 + 400) / 1e6, 12)
  })

  test('the names of one call are not mistaken for those of another', () => {
    const prices = new Prices([
      { ...mine, model: 'ab' },
      { ...mine, model: 'b', input_usd_per_million: 5 },
    ])
    for (let round = 0; round < 2; round++) {
      expect(priced({ 'gen_ai.system': 'x', 'gen_ai.request.model': 'ab', ...million }, prices).usd).toBeCloseTo(3)
      expect(priced({ 'gen_ai.system': 'xa', 'gen_ai.request.model': 'b', ...million }, prices).usd).toBeCloseTo(7)
    }
  })

  test('more models than are remembered', () => {
    const prices = new Prices([{ ...mine, model: 'm*' }], false)
    for (let at = 0; at < 4100; at++)
      expect(priced({ 'gen_ai.request.model': `m${at}`, ...million }, prices).usd).toBeCloseTo(3)
  })
})

describe('the table', () => {
  const providers = [
    'openai',
    'anthropic',
    'aws',
    'azure',
    'google',
    'mistral',
    'x-ai',
    'deepseek',
    'groq',
    'cohere',
    'perplexity',
    'moonshotai',
    'openrouter',
  ]
  const usages = [
    [1000, 100, 0, 0],
    [1000, 0, 400, 300],
    [250_001, 7000, 100_000, 5000],
  ] as const
  const times = ['2024-12-01T12:00:00Z', '2025-07-15T02:00:00Z', '2026-06-01T20:00:00Z']

  test.each(providers)('%s: costs are those of the package itself', (providerId) => {
    let compared = 0
    for (const { id } of findProvider({ providerId })!.models)
      for (const [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens] of usages)
        for (const time of times) {
          const usage = { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens }
          const periods = findPeriods(providerId, id)
          const expected = calcPrice(usage, id, { providerId, timestamp: new Date(time) })
          if (periods === undefined || expected === null) continue
          const rates = ratesAt(periods, Date.parse(time))
          const usd = costOf(rates, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, 0)
          expect(usd, `${id} ${JSON.stringify(usage)} ${time}`).toBeCloseTo(expected.total_price, 9)
          compared++
        }
    expect(compared).toBeGreaterThan(5)
  })

  test.each([
    ['aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3],
    ['', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3],
    ['gcp.gemini', 'models/gemini-2.5-pro', 1.25],
    ['gcp.gen_ai', 'gemini-2.5-flash', 0.3],
    ['x_ai', 'grok-3', 3],
    ['', 'openai/gpt-4o', 2.5],
    ['a-gateway', 'anthropic/claude-haiku-4-5', 1],
    ['openai', 'claude-sonnet-4-5', 3],
    ['', 'text-embedding-3-large', 0.13],
  ])('%s has %s', (provider, model, input_usd) => {
    expect(findPeriods(provider, model)![0]!.rates.input!.base_usd).toBe(input_usd)
  })

  test('the price of the span’s time holds', () => {
    const attributes = { 'gen_ai.system': 'deepseek', 'gen_ai.request.model': 'deepseek-chat', ...million }
    const at = (time: string) => priced(attributes, new Prices(), Date.parse(time)).usd
    const expected = (time: string) =>
      calcPrice({ input_tokens: 1e6, output_tokens: 1e6 }, 'deepseek-chat', {
        providerId: 'deepseek',
        timestamp: new Date(time),
      })!.total_price
    for (const time of ['2025-06-01T08:00:00Z', '2025-06-01T20:00:00Z']) expect(at(time)).toBeCloseTo(expected(time), 9)
    expect(at('2025-06-01T08:00:00Z')).not.toBeCloseTo(at('2025-06-01T20:00:00Z'), 6)
  })
})
