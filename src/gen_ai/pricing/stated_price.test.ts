/** What the user states of prices, and what calls then cost: computed by hand, in USD. */
import { describe, test } from 'vitest'
import {
  type Attributes,
  chat,
  expectCosts,
  forHours,
  NOTHING,
  type Row,
  read,
  served,
  written,
} from './priced.fixture.ts'
import { Prices } from './prices.ts'
import type { StatedPrice } from './stated_price.ts'

describe('as the user states', () => {
  const rates: StatedPrice = {
    model: 'own',
    input_usd_per_million: 10,
    output_usd_per_million: 20,
    reasoning_usd_per_million: 30,
    cache_read_usd_per_million: 1,
    cache_write_usd_per_million: 12,
    cache_write_1h_usd_per_million: 18,
    input_audio_usd_per_million: 40,
    output_audio_usd_per_million: 80,
    cache_read_audio_usd_per_million: 4,
    input_image_usd_per_million: 15,
    output_image_usd_per_million: 60,
    requests_usd_per_thousand: 5,
    web_searches_usd_per_thousand: 10,
    above: [
      { input_tokens: 500_000, input_usd_per_million: 40, cache_read_usd_per_million: 3 },
      { input_tokens: 200_000, input_usd_per_million: 20, output_usd_per_million: 50 },
    ],
  }
  const own = (input: number, output: number, more: Attributes = {}) => chat('acme', 'own', input, output, more)

  test.each<Row>([
    ['input, output and the request', own(1000, 100), 0.017, 'override'],
    ['reasoning', own(1000, 100, { 'gen_ai.usage.reasoning.output_tokens': 40 }), 0.0174, 'override'],
    ['read from a cache', own(1000, 0, read(400)), 0.0114, 'override'],
    ['written to a cache', own(1000, 0, written(400)), 0.0158, 'override'],
    ['written for an hour', own(1000, 0, { ...written(400), ...forHours(100, 300) }), 0.0164, 'override'],
    [
      'audio',
      own(1000, 100, { 'gen_ai.usage.audio.input_tokens': 600, 'gen_ai.usage.audio.output_tokens': 50 }),
      0.038,
      'override',
    ],
    [
      'audio read from a cache',
      own(1000, 0, {
        ...read(400),
        'gen_ai.usage.audio.input_tokens': 600,
        'gen_ai.usage.audio.cache_read.input_tokens': 100,
      }),
      0.0267,
      'override',
    ],
    [
      'images',
      own(1000, 100, { 'gen_ai.usage.image.input_tokens': 200, 'gen_ai.usage.image.output_tokens': 100 }),
      0.022,
      'override',
    ],
    ['searches', own(0, 0, { 'gen_ai.usage.details.web_search_requests': 3 }), 0.035, 'override'],
    ['up to a border', own(200_000, 1000), 2.025, 'override'],
    ['above it', own(200_001, 1000), 4.05502, 'override'],
    ['what costs as before above it', own(200_001, 0, read(100_000)), 2.10502, 'override'],
    ['above the next', own(500_001, 1000, read(100_000)), 16.35504, 'override'],
    ['whatever the tier', own(1000, 100, served('flex')), 0.017, 'override'],
  ])('%s', (...row) => expectCosts(row, new Prices({ stated: [rates] })))

  const eu = 'acme-eu.openai.azure.com'
  const deployments: StatedPrice[] = [
    { model: 'prod', provider: 'azure.ai.openai', server_address: eu, priced_as: 'gpt-4o-mini' },
    { model: 'prod', provider: 'azure.ai.openai', priced_as: 'gpt-4o' },
    { model: 'path', priced_as: 'azure/gpt-4o' },
    { model: 'short', priced_as: 'claude-haiku-4-5' },
    { model: 'lost', priced_as: 'no-such-model' },
    { model: '*claude*', server_address: '*.eu-central-1.amazonaws.com', input_usd_per_million: 4 },
    { model: 'm', server_address: 'eu.*', service_tier: 'flex', input_usd_per_million: 1 },
    { model: 'm', server_address: 'eu.*', input_usd_per_million: 2 },
    { model: 'm', input_usd_per_million: 3 },
    { model: 'llama*', provider: 'ollama', input_usd_per_million: 0.5 },
  ]
  const at = (address: string) => ({ 'server.address': address })

  test.each<Row>([
    ['a deployment as a model', chat('azure.ai.openai', 'prod', 1000, 100), 0.0035, 'override'],
    ['another of that name elsewhere', chat('azure.ai.openai', 'prod', 1000, 100, at(eu)), 0.00021, 'override'],
    ['the same by its URL', chat('azure.ai.openai', 'prod', 1000, 100, at(`https://${eu}:443/x`)), 0.00021, 'override'],
    ['its tier', chat('azure.ai.openai', 'prod', 1000, 100, served('flex')), 0.00175, 'override'],
    ['of another provider', chat('acme', 'prod', 1000, 100), NOTHING, 'unknown_model'],
    ['a model with its path', chat('acme', 'path', 1000, 100), 0.0035, 'override'],
    ['another provider’s model', chat('acme', 'short', 1000, 100), 0.0015, 'override'],
    ['a model that nobody knows', chat('openai', 'lost', 1000, 100), NOTHING, 'unknown_model'],
    [
      'a region',
      chat('aws.bedrock', 'us.anthropic.claude-x', 1000, 0, at('bedrock-runtime.eu-central-1.amazonaws.com')),
      0.004,
      'override',
    ],
    ['elsewhere', chat('acme', 'claude-x', 1000, 0, at('a.us-east-1.amazonaws.com')), NOTHING, 'unknown_model'],
    [
      'a beginning, and a tier',
      chat('acme', 'm', 1000, 0, { ...at('EU.acme.example'), ...served('flex') }),
      0.001,
      'override',
    ],
    ['a beginning', chat('acme', 'm', 1000, 0, at('eu.acme.example')), 0.002, 'override'],
    ['anywhere else', chat('acme', 'm', 1000, 0, at('us.acme.example')), 0.003, 'override'],
    ['no address', chat('acme', 'm', 1000, 0), 0.003, 'override'],
    ['a server of one’s own', chat('ollama', 'llama3', 1000, 0), 0.0005, 'override'],
  ])('%s', (...row) => {
    const prices = new Prices({ stated: deployments })
    for (let round = 0; round < 2; round++) expectCosts(row, prices)
  })

  test('addresses are told apart by one and the same instance', () => {
    const prices = new Prices({ stated: deployments })
    for (let round = 0; round < 2; round++) {
      expectCosts(['', chat('acme', 'm', 1000, 0, at('eu.a')), 0.002, 'override'], prices)
      expectCosts(['', chat('acme', 'm', 1000, 0, at('us.a')), 0.003, 'override'], prices)
    }
  })
})

describe('a provider by any of its names', () => {
  test.each<Row>(
    ['azure', 'AzureOpenAI', 'azure.ai.openai'].map((said) => [
      said,
      chat(said, 'gpt-4o', 1_000_000, 0),
      111,
      'override',
    ]),
  )('%s', (...row) => {
    for (const provider of ['azure', 'azure.ai.openai', 'Azure'])
      expectCosts(row, new Prices({ stated: [{ provider, model: 'gpt-4o', input_usd_per_million: 111 }] }))
  })
})

describe('a price for each call of a kind that has no tokens', () => {
  const of = (operation: string): Attributes => ({
    'gen_ai.operation.name': operation,
    'gen_ai.system': 'cohere',
    'gen_ai.request.model': 'own',
  })
  test.each<Row>([
    ['reranking', of('rerank'), 0.04, 'override'],
    ['an image', of('image_generation'), 0.04, 'override'],
  ])('%s', (...row) => expectCosts(row, new Prices({ stated: [{ model: 'own', requests_usd_per_thousand: 40 }] })))

  test('without one they are visible as calls without a price', () => {
    expectCosts(['reranking', of('rerank'), NOTHING, 'unknown_model'], new Prices({ useTable: false }))
  })
})
