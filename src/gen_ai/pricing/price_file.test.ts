import { waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import { readPriceFile } from './price_file.ts'
import { findListed } from './price_table.ts'
import { priced } from './priced.fixture.ts'
import { Prices } from './prices.ts'
import { costOf, ratesAt } from './rates.ts'
import type { Tier } from './service_tiers.ts'

const file = (value: unknown) => readPriceFile(JSON.stringify(value))

/** In the shape of genai-prices. */
const listed = [
  {
    id: 'acme',
    name: 'Acme',
    api_pattern: 'https://api\\.acme\\.example',
    provider_match: { contains: 'acme' },
    model_match: { starts_with: 'acme-' },
    fallback_model_providers: ['openai'],
    models: [
      {
        id: 'acme-large',
        match: { or: [{ equals: 'acme-large' }, { regex: '^acme-large-\\d+$' }] },
        prices: { input_mtok: 2, output_mtok: 8, cache_read_mtok: 0.5 },
      },
      { id: 'acme-long', prices: { input_mtok: { base: 1, tiers: [{ start: 200_000, price: 3 }] }, output_mtok: 10 } },
      {
        id: 'acme-dated',
        match: { equals: 'acme-dated' },
        prices: [
          { constraint: null, prices: { input_mtok: 4 } },
          { constraint: { type: 'start_date', start_date: '2026-06-01' }, prices: { input_mtok: 1 } },
        ],
      },
      {
        id: 'acme-search',
        match: { equals: 'acme-search' },
        prices: { input_mtok: 1, requests_kcount: 5, web_searches_kcount: 10, input_video_mtok: 9 },
      },
    ],
  },
  { id: 'openai', models: [{ id: 'gpt-4o', prices: { input_mtok: 1, output_mtok: 2 } }] },
  { id: 'ollama', models: [{ id: 'llama3', prices: { input_mtok: 0.1 } }] },
  { id: 'aws', models: [{ id: 'claude', match: { contains: 'anthropic.claude-haiku' }, prices: { input_mtok: 0.9 } }] },
]

/** In the shape of LiteLLM. */
const mapped = {
  sample_spec: { input_cost_per_token: 'in USD' },
  'gpt-4o': {
    litellm_provider: 'openai',
    mode: 'chat',
    max_tokens: 16_384,
    input_cost_per_token: 1e-6,
    output_cost_per_token: 2e-6,
    cache_read_input_token_cost: 5e-7,
    input_cost_per_token_flex: 4e-7,
    output_cost_per_token_priority: 3e-6,
    input_cost_per_token_batches: 2.5e-7,
  },
  'azure/gpt-4o': {
    litellm_provider: 'azure',
    mode: 'chat',
    input_cost_per_token: 1.1e-6,
    output_cost_per_token: 2.2e-6,
  },
  'azure/eu/gpt-4o': { litellm_provider: 'azure', input_cost_per_token: 1.2e-6 },
  'gemini/gemini-x': {
    litellm_provider: 'gemini',
    input_cost_per_token: 1e-6,
    input_cost_per_token_above_200k_tokens: 2e-6,
    output_cost_per_token: 1e-5,
    output_cost_per_token_above_200k_tokens: 1.5e-5,
    input_cost_per_audio_token: 3e-6,
    input_cost_per_token_above_200k_tokens_priority: 5e-6,
    input_cost_per_token_priority: 3e-6,
  },
  'gemini-x': { litellm_provider: 'vertex_ai-language-models', input_cost_per_token: 7e-6 },
  'us.anthropic.claude-x-v1:0': {
    litellm_provider: 'bedrock_converse',
    input_cost_per_token: 3.3e-6,
    cache_creation_input_token_cost: 4e-6,
    cache_creation_input_token_cost_above_1hr: 6.6e-6,
  },
  'anthropic.claude-x-v1:0': { litellm_provider: 'bedrock', input_cost_per_token: 3e-6 },
  'dashscope/qwen-x': {
    litellm_provider: 'dashscope',
    tiered_pricing: [
      { range: [0, 32_000], input_cost_per_token: 1e-6 },
      { range: [32_000, 128_000], input_cost_per_token: 2e-6 },
    ],
  },
  'gpt-image-x': {
    litellm_provider: 'openai',
    mode: 'image_generation',
    input_cost_per_image_token: 1e-5,
    input_cost_per_token: 5e-6,
    output_cost_per_image_token: 4e-5,
    output_cost_per_image: 0.04,
  },
  'whisper-x': { litellm_provider: 'openai', mode: 'audio_transcription', input_cost_per_second: 0.0001 },
  'perplexity/sonar-x': {
    litellm_provider: 'perplexity',
    input_cost_per_token: 1e-6,
    input_cost_per_request: 0.005,
    search_context_cost_per_query: { search_context_size_low: 0.005, search_context_size_medium: 0.008 },
  },
  'gpt-balanced': { litellm_provider: 'openai', input_cost_per_token: 1e-6, input_cost_per_token_balanced: 9e-6 },
}

type Row = readonly [what: string, provider: string, model: string, tier: Tier, input_usd: number | undefined]

/** What a million input tokens cost, no more than fit into the lowest tier of prices counted alone. */
function inputPrice(source: ReturnType<typeof file>, provider: string, model: string, tier: Tier): number | undefined {
  const found = source.find(provider, model, tier)
  return found && found.periods.at(-1)!.rates.input!.base_pusd / 1e6
}

describe('a file like genai-prices’', () => {
  test.each<Row>([
    ['by id', 'acme', 'acme-large', 'standard', 2],
    ['in any case', 'ACME', 'Acme-Large', 'standard', 2],
    ['by another name', 'my-acme-gateway', 'acme-large', 'standard', 2],
    ['by a pattern', 'acme', 'acme-large-7', 'standard', 2],
    ['nobody is named', '', 'acme-large', 'standard', 2],
    ['nobody is named, and only one lists it', '', 'llama3', 'standard', 0.1],
    ['by a path', '', 'acme/acme-large', 'standard', 2],
    ['from whom it falls back to', 'acme', 'gpt-4o', 'standard', 1],
    ['by the conventions’ name of a provider', 'aws.bedrock', 'eu.anthropic.claude-haiku-9-v1:0', 'standard', 0.9],
    ['a server of one’s own', 'ollama', 'llama3', 'standard', 0.1],
    ['a later date', 'acme', 'acme-dated', 'standard', 1],
    ['another’s model', 'openai', 'acme-large', 'standard', undefined],
    ['another provider', 'azure.ai.openai', 'gpt-4o', 'standard', undefined],
    ['another model', 'acme', 'acme-larger', 'standard', undefined],
  ])('%s', (_, provider, model, tier, usd) => expect(inputPrice(file(listed), provider, model, tier)).toBe(usd))

  test('calls cost what it says, by length, date, request and search', () => {
    const prices = new Prices({ files: [file(listed)] })
    const usd = (model: string, input: number, more = {}, time = '2026-06-01T00:00:00Z') =>
      priced(
        { 'gen_ai.system': 'acme', 'gen_ai.request.model': model, 'gen_ai.usage.input_tokens': input, ...more },
        prices,
        Date.parse(time),
      )
    expect(usd('acme-long', 200_000).usd).toBe(0.2)
    expect(usd('acme-long', 200_001).usd).toBe(0.600003)
    expect(usd('acme-dated', 1000, {}, '2026-05-31T23:59:59Z').usd).toBe(0.004)
    expect(usd('acme-dated', 1000).usd).toBe(0.001)
    expect(usd('acme-search', 1000, { 'gen_ai.usage.details.web_search_requests': 2 }).usd).toBe(0.026)
    expect(usd('acme-large', 1000, { 'gen_ai.usage.cache_read.input_tokens': 600 })).toMatchObject({
      usd: 0.0011,
      source: 'override',
      saved_usd: 0.0009,
    })
    expect(usd('acme-large', 1000, { 'openai.response.service_tier': 'flex' })).toMatchObject({
      usd: 0.001,
      source: 'override',
    })
    expect(usd('acme-large', 1000, { 'openai.response.service_tier': 'priority' }).source).toBe('guess')
  })

  test('the package’s own list gives the prices of the bundled one', async () => {
    const providers = (await waitForUpdate())!
    const source = file(providers)
    const usage = { inputTokens: 250_001, outputTokens: 700, cacheReadTokens: 1000, cacheWriteTokens: 200 } as never
    let compared = 0
    for (const { id, models } of providers)
      for (const model of models) {
        const ours = findListed(id, model.id)
        if (ours === undefined || ours.isGuess) continue
        const theirs = source.find(id, model.id, 'standard')
        expect(theirs?.payee, `${id} ${model.id}`).toBe(ours.payee)
        const at = Date.parse('2026-06-01')
        expect(costOf(ratesAt(theirs!.periods, at), usage)).toBe(costOf(ratesAt(ours.periods, at), usage))
        compared++
      }
    expect(compared).toBeGreaterThan(1000)
  })
})

describe('a file like LiteLLM’s', () => {
  test.each<Row>([
    ['by name', 'openai', 'gpt-4o', 'standard', 1],
    ['in another case', 'OpenAI', 'GPT-4o', 'standard', 1],
    ['nobody is named', '', 'gpt-4o', 'standard', 1],
    ['in a tier', 'openai', 'gpt-4o', 'flex', 0.4],
    ['in a batch', 'openai', 'gpt-4o', 'batch', 0.25],
    ['a tier of which it says only what the output costs', 'openai', 'gpt-4o', 'priority', 1],
    ['by the conventions’ name of Azure', 'azure.ai.openai', 'gpt-4o', 'standard', 1.1],
    ['by a path', '', 'azure/gpt-4o', 'standard', 1.1],
    ['a gateway’s path', 'litellm', 'azure/eu/gpt-4o', 'standard', 1.2],
    ['a region of Azure', 'azure.ai.openai', 'eu/gpt-4o', 'standard', 1.2],
    ['Gemini’s own interface', 'gcp.gemini', 'models/gemini-x', 'standard', 1],
    ['Vertex', 'gcp.vertex_ai', 'gemini-x', 'standard', 7],
    ['Bedrock in a region', 'aws.bedrock', 'us.anthropic.claude-x-v1:0', 'standard', 3.3],
    ['Bedrock in a region that is not listed', 'aws.bedrock', 'eu.anthropic.claude-x-v1:0', 'standard', 3],
    ['by ranges of the prompt’s length', 'dashscope', 'qwen-x', 'standard', 1],
    ['a tier of another’s', 'openai', 'gpt-balanced', 'standard', 1],
    ['only by seconds', 'openai', 'whisper-x', 'standard', undefined],
    ['another provider', 'anthropic', 'gpt-4o', 'standard', undefined],
    ['the explanation', '', 'sample_spec', 'standard', undefined],
  ])('%s', (_, provider, model, tier, usd) => expect(inputPrice(file(mapped), provider, model, tier)).toBe(usd))

  test('calls cost what it says, by length, tier, lifetime, modality and request', () => {
    const prices = new Prices({ files: [file(mapped)] })
    const usd = (provider: string, model: string, input: number, more = {}) =>
      priced(
        { 'gen_ai.system': provider, 'gen_ai.request.model': model, 'gen_ai.usage.input_tokens': input, ...more },
        prices,
      ).usd
    const tier = (name: string) => ({ 'openai.response.service_tier': name })
    const output = (tokens: number) => ({ 'gen_ai.usage.output_tokens': tokens })
    expect(usd('openai', 'gpt-4o', 1000, { ...output(100), 'gen_ai.usage.cache_read.input_tokens': 600 })).toBe(0.0009)
    expect(usd('openai', 'gpt-4o', 1000, { ...output(100), ...tier('flex') })).toBe(0.0006)
    expect(usd('openai', 'gpt-4o', 1000, { ...output(100), ...tier('priority') })).toBe(0.0013)
    expect(usd('openai', 'gpt-4o', 1000, { ...output(100), ...tier('batch') })).toBe(0.00045)
    expect(usd('azure.ai.openai', 'gpt-4o', 1000, tier('flex'))).toBe(0.00055)
    expect(usd('gcp.gemini', 'gemini-x', 200_000, output(1000))).toBe(0.21)
    expect(usd('gcp.gemini', 'gemini-x', 200_001, output(1000))).toBe(0.415002)
    expect(usd('gcp.gemini', 'gemini-x', 200_001, tier('PRIORITY'))).toBe(1.000005)
    expect(usd('gcp.gemini', 'gemini-x', 1000, { 'gen_ai.usage.audio.input_tokens': 400 })).toBe(0.0018)
    expect(
      usd('aws.bedrock', 'us.anthropic.claude-x-v1:0', 1000, {
        'gen_ai.usage.cache_creation.input_tokens': 500,
        'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 200,
      }),
    ).toBe(0.00417)
    expect(usd('dashscope', 'qwen-x', 40_000)).toBe(0.08)
    expect(
      usd('openai', 'gpt-image-x', 1000, {
        'gen_ai.usage.image.input_tokens': 600,
        ...output(100),
        'gen_ai.usage.image.output_tokens': 100,
      }),
    ).toBe(0.012)
    expect(usd('perplexity', 'sonar-x', 1000, { 'gen_ai.usage.details.web_search_requests': 2 })).toBe(0.022)
  })
})

describe('order', () => {
  const call = { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 1e6 }
  const [first, second] = [file(listed), file({ 'gpt-4o': { litellm_provider: 'openai', input_cost_per_token: 5e-6 } })]
  const stated = [{ model: 'gpt-4o', input_usd_per_million: 7 }]

  test('stated prices, then files in their order, then the list', () => {
    expect(priced(call, new Prices({ stated, files: [first, second] }))).toMatchObject({ usd: 7, source: 'override' })
    expect(priced(call, new Prices({ files: [first, second] }))).toMatchObject({ usd: 1, source: 'override' })
    expect(priced(call, new Prices({ files: [second, first] }))).toMatchObject({ usd: 5, source: 'override' })
    expect(priced({ ...call, 'gen_ai.request.model': 'gpt-4o-mini' }, new Prices({ files: [first] }))).toMatchObject({
      usd: 0.15,
      source: 'table',
    })
    expect(priced(call, new Prices({ files: [first], useTable: false })).source).toBe('override')
  })

  test('what a file says of a server of one’s own holds', () => {
    const own = { ...call, 'gen_ai.system': 'ollama', 'gen_ai.request.model': 'llama3' }
    expect(priced(own, new Prices({ files: [first] }))).toMatchObject({ usd: 0.1, source: 'override' })
    const vllm = { ...call, 'gen_ai.system': '', 'gen_ai.latency.e2e': 1 }
    expect(priced(vllm, new Prices({ files: [first] }))).toMatchObject({ usd: 1, source: 'override' })
    expect(priced(vllm).source).toBe('unknown_model')
  })
})

const model = (prices: unknown, more = {}) => [{ id: 'acme', models: [{ id: 'm', prices, ...more }] }]

describe('what cannot be used is said with its place', () => {
  test.each<[string, unknown, string]>([
    ['a text', 'gpt-4o', 'found a text, expected a list of providers, or a map of models'],
    ['nothing', {}, 'found a map without models, expected a list of providers'],
    ['no models', { a: 1 }, 'found a map without models'],
    ['a provider that is none', [7], '[0]: found 7, expected a map'],
    ['without an id', [{ models: [] }], '[0] → id: found nothing, expected a text of 1 to 400 characters'],
    ['without models', [{ id: 'acme' }], '[0] → (acme) → models: found nothing, expected a list'],
    ['without prices', model(undefined), '(m) → prices: found nothing, expected a map'],
    ['without any of several', model([]), '(m) → prices: found an empty list, expected prices'],
    [
      'a negative price',
      model({ input_mtok: -1 }),
      '[0] → (acme) → models[0] → (m) → prices → input_mtok: found -1, expected a price in USD from 0 to 1000000000',
    ],
    ['a price as text', model({ input_mtok: '1' }), 'input_mtok: found a text, expected a price'],
    ['a price beyond all', model({ input_mtok: 1e30 }), 'found 1e+30, expected a price'],
    [
      'an unknown unit',
      model({ input_tokens: 1 }),
      'prices → input_tokens: found a unit that is unknown, expected one of genai-prices',
    ],
    [
      'a tier without a start',
      model({ input_mtok: { base: 1, tiers: [{ price: 1 }] } }),
      'tiers[0] → start: found nothing',
    ],
    [
      'a negative tier',
      model({ input_mtok: { base: 1, tiers: [{ start: 1, price: -2 }] } }),
      'tiers[0] → price: found -2',
    ],
    [
      'a date that is none',
      model([{ constraint: { start_date: 'soon' }, prices: {} }]),
      'constraint: found neither, expected a start_date',
    ],
    [
      'a test that is none',
      model({}, { match: { like: 'x' } }),
      'match: found like, expected one of equals, starts_with',
    ],
    [
      'two tests at once',
      model({}, { match: { equals: 'x', contains: 'y' } }),
      'found equals, contains, expected one of',
    ],
    [
      'a pattern that is none',
      model({}, { match: { regex: '(' } }),
      'regex: found a text that is none, expected a regular expression',
    ],
    [
      'a pattern that may take for ever',
      model({}, { match: { regex: '^(a+)+$' } }),
      'regex: found a repeated group, expected a pattern without',
    ],
    ['a model that is none', { 'gpt-4o': { a: {} }, x: 3 }, 'x: found 3, expected a map'],
    [
      'a negative cost',
      { m: { input_cost_per_token: -1e-6 } },
      'm → input_cost_per_token: found -0.000001, expected a price',
    ],
    [
      'a negative cost that is not counted',
      { m: { input_cost_per_second: -1 } },
      'm → input_cost_per_second: found -1',
    ],
    [
      'a cost of an unknown unit',
      { m: { input_cost_per_tokn: 1 } },
      'm → input_cost_per_tokn: found a cost of an unknown unit',
    ],
    ['a cost as text', { m: { input_cost_per_token: '1' } }, 'input_cost_per_token: found a text'],
    ['ranges that are none', { m: { tiered_pricing: 1 } }, 'tiered_pricing: found 1, expected a list'],
    [
      'too many models',
      Object.fromEntries(Array.from({ length: 50_001 }, (_, at) => [`m${at}`, {}])),
      'found 50001 models, expected at most 50000',
    ],
    [
      'too many models of a provider',
      [{ id: 'a', models: Array.from({ length: 50_001 }, (_, at) => ({ id: `m${at}`, prices: {} })) }],
      'found 50001 models',
    ],
  ])('%s', (_, value, message) => expect(() => file(value)).toThrow(message))

  test.each([
    ['', 'line 1, column 1: found a text that is none, expected JSON'],
    ['{\n  "a": {,\n}', 'line 2, column 9: found a text that is none, expected JSON'],
    ['[{"id": "secret"', 'column 17: found a text that is none, expected JSON'],
  ])('%j is no JSON', (text, message) => {
    expect(() => readPriceFile(text)).toThrow(message)
    expect(() => readPriceFile(text)).not.toThrow('secret')
  })

  test('as many models as are allowed', () => {
    const many = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, at) => [`m${at}`, { litellm_provider: 'acme', input_cost_per_token: 1e-6 }]),
    )
    expect(inputPrice(file(many), 'acme', 'm49999', 'standard')).toBe(1)
  })
})
