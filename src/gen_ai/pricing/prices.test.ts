import { calcPrice, findProvider, waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import type { Plain } from '../span.fixture.ts'
import { findListed } from './price_table.ts'
import { Prices } from './prices.ts'
import { costOf, ratesAt, type Usage } from './rates.ts'
import type { StatedPrice } from './stated_price.ts'

const providerIds = (await waitForUpdate())!.map(({ id }) => id)

import { priced } from './priced.fixture.ts'

const million = { 'gen_ai.usage.input_tokens': 1_000_000, 'gen_ai.usage.output_tokens': 1_000_000 }

/** Undefined where the package needs to know more of the usage. */
function priceOrNothing(usage: Record<string, number>, model: string, providerId: string, time: string) {
  try {
    return calcPrice(usage, model, { providerId, timestamp: new Date(time) })?.total_price
  } catch {
    return undefined
  }
}

function usageOf(usage: Readonly<Record<string, number>>): Usage {
  return {
    inputTokens: usage.input_tokens ?? Number.NaN,
    outputTokens: usage.output_tokens ?? Number.NaN,
    cacheReadTokens: usage.cache_read_tokens ?? Number.NaN,
    cacheWriteTokens: usage.cache_write_tokens ?? Number.NaN,
    cacheWrite1hTokens: usage.cache_write_1h_tokens ?? Number.NaN,
    reasoningTokens: usage.output_reasoning_tokens ?? Number.NaN,
    inputAudioTokens: usage.input_audio_tokens ?? Number.NaN,
    outputAudioTokens: usage.output_audio_tokens ?? Number.NaN,
    cacheReadAudioTokens: usage.cache_audio_read_tokens ?? Number.NaN,
    inputImageTokens: usage.input_image_tokens ?? Number.NaN,
    outputImageTokens: usage.output_image_tokens ?? Number.NaN,
    webSearches: usage.web_searches ?? Number.NaN,
  }
}

describe('where a price comes from', () => {
  const mine: StatedPrice = { model: 'gpt-4o', input_usd_per_million: 1, output_usd_per_million: 2 }
  test.each<[string, Record<string, Plain>, StatedPrice[], string | undefined, number]>([
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
    const cost = priced(attributes, new Prices({ stated: overrides }))
    expect(cost.source).toBe(source)
    if (Number.isNaN(usd)) expect(cost.usd).toBeNaN()
    else expect(cost.usd).toBeCloseTo(usd, 9)
  })

  test('without the list, only own prices', () => {
    expect(priced({ 'gen_ai.request.model': 'gpt-4o-mini', ...million }, new Prices({ useTable: false })).source).toBe(
      'unknown_model',
    )
  })

  test('cached tokens have their own price, in an override too', () => {
    const prices = new Prices({
      stated: [{ model: 'm', input_usd_per_million: 10, output_usd_per_million: 0, cache_read_usd_per_million: 1 }],
    })
    const cost = priced(
      { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 1000, 'gen_ai.usage.cache_read.input_tokens': 400 },
      prices,
    )
    expect(cost.usd).toBeCloseTo((600 * 10 + 400) / 1e6, 12)
  })

  test('the names of one call are not mistaken for those of another', () => {
    const prices = new Prices({
      stated: [
        { ...mine, model: 'ab' },
        { ...mine, model: 'b', input_usd_per_million: 5 },
      ],
    })
    for (let round = 0; round < 2; round++) {
      expect(priced({ 'gen_ai.system': 'x', 'gen_ai.request.model': 'ab', ...million }, prices).usd).toBeCloseTo(3)
      expect(priced({ 'gen_ai.system': 'xa', 'gen_ai.request.model': 'b', ...million }, prices).usd).toBeCloseTo(7)
    }
  })

  test('more models than are remembered', () => {
    const prices = new Prices({ stated: [{ ...mine, model: 'm*' }], useTable: false })
    for (let at = 0; at < 4100; at++)
      expect(priced({ 'gen_ai.request.model': `m${at}`, ...million }, prices).usd).toBeCloseTo(3)
  })
})

describe('the table', () => {
  /** Keys of the package, and how many of each: plain, cached, long, for an hour, by modality, with searches. */
  const usages: readonly Record<string, number>[] = [
    { input_tokens: 1000, output_tokens: 100 },
    { input_tokens: 1000, output_tokens: 0, cache_read_tokens: 400, cache_write_tokens: 300 },
    { input_tokens: 250_001, output_tokens: 7000, cache_read_tokens: 100_000, cache_write_tokens: 5000 },
    { input_tokens: 300_000, output_tokens: 9, cache_write_tokens: 5000, cache_write_1h_tokens: 2000 },
    { input_tokens: 5000, output_tokens: 700, input_audio_tokens: 3000, output_audio_tokens: 600 },
    {
      input_tokens: 5000,
      output_tokens: 7,
      input_audio_tokens: 3000,
      cache_read_tokens: 900,
      cache_audio_read_tokens: 800,
    },
    { input_tokens: 5000, output_tokens: 700, input_image_tokens: 3000, output_image_tokens: 600 },
    { input_tokens: 5000, output_tokens: 700, output_reasoning_tokens: 300, web_searches: 3 },
  ]
  const times = ['2024-12-01T12:00:00Z', '2025-07-15T02:00:00Z', '2026-06-01T20:00:00Z']

  test.each(providerIds)('%s: costs are those of the package itself', (providerId) => {
    const models = findProvider({ providerId })!.models
    let compared = 0
    const names = models.flatMap(({ id }) => [id, `accounts/${providerId}/models/${id}`])
    for (const id of names) {
      const periods = findListed(providerId, id)?.periods
      for (const usage of usages)
        for (const time of times) {
          const expected = priceOrNothing(usage, id, providerId, time)
          if (periods === undefined || expected === undefined) continue
          const usd = costOf(ratesAt(periods, Date.parse(time)), usageOf(usage))
          expect(Math.abs(usd - expected), `${id} ${JSON.stringify(usage)} ${time}`).toBeLessThan(1e-9)
          compared++
        }
    }
    expect(compared).toBeGreaterThan(models.length * 10)
  })

  test.each([
    ['aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3],
    ['', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3],
    ['gcp.gemini', 'models/gemini-2.5-pro', 1.25],
    ['gcp.gen_ai', 'gemini-2.5-flash', 0.3],
    ['x_ai', 'grok-3', 3],
    ['', 'openai/gpt-4o', 2.5],
    ['gateway', 'anthropic/claude-haiku-4-5', 1],
    ['openai', 'claude-sonnet-4-5', 3],
    ['', 'text-embedding-3-large', 0.13],
  ])('%s has %s', (provider, model, input_usd) => {
    expect(findListed(provider, model)!.periods[0]!.rates.input!.base_pusd).toBe(Math.round(input_usd * 1e6))
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
