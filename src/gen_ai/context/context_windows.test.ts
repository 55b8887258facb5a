import { describe, expect, it } from 'vitest'
import { readPriceFile } from '../pricing/price_file.ts'
import { type Attributes, chat, priced, read } from '../pricing/priced.fixture.ts'
import { Prices } from '../pricing/prices.ts'
import { type StatedWindow, utilizationOf } from './context_windows.ts'
import { windowByName } from './windows_by_name.ts'

const windows: readonly StatedWindow[] = [
  { model: 'house-model*', tokens: 1000 },
  { model: 'claude-*', provider: 'anthropic', tokens: 1_000_000 },
  { model: 'shared', server_address: 'eu.acme.example', tokens: 500 },
]
const liteLlm = readPriceFile(
  JSON.stringify({
    'acme/own-70b': { input_cost_per_token: 1e-6, max_input_tokens: 4000, max_tokens: 100, litellm_provider: 'acme' },
    'acme/own-7b': { input_cost_per_token: 1e-6, max_tokens: 2000, litellm_provider: 'acme' },
  }),
)
const genaiPrices = readPriceFile(
  JSON.stringify([
    {
      id: 'acme',
      models: [{ id: 'wide', match: { equals: 'wide' }, context_window: 8000, prices: { input_mtok: 1 } }],
    },
  ]),
)

const cases: readonly (readonly [what: string, attributes: Attributes, part: number])[] = [
  ['a listed model', chat('openai', 'gpt-4o', 64_000, 500), 0.5],
  ['a snapshot of one', chat('openai', 'gpt-4o-2024-08-06', 64_000, 500), 0.5],
  ['what was read from a cache takes its place too', chat('openai', 'gpt-4o', 64_000, 5, read(60_000)), 0.5],
  ['a gateway before it', chat('litellm', 'openai/gpt-4o', 64_000, 500), 0.5],
  ['on Bedrock', chat('aws.bedrock', 'us.anthropic.claude-3-5-sonnet-20241022-v2:0', 50_000, 1), 0.25],
  ['run at home', chat('ollama', 'llama3.1:8b', 32_768, 1), 0.25],
  ['a path before the name', chat('vllm', 'meta-llama/Llama-3.1-8B-Instruct', 65_536, 1), 0.5],
  ['of an unknown provider', chat('my-proxy', 'gpt-4o-mini', 12_800, 1), 0.1],
  ['a deployment with a name of its own', chat('azure.ai.openai', 'prod-east', 100, 1), Number.NaN],
  ['stated', chat('acme', 'house-model-3', 250, 1), 0.25],
  ['stated for a provider', chat('anthropic', 'claude-sonnet-4-5', 500_000, 1), 0.5],
  ['stated for a host', { ...chat('openai', 'shared', 100, 1), 'server.address': 'eu.acme.example' }, 0.2],
  ['in a file like LiteLLM’s', chat('acme', 'own-70b', 1000, 1), 0.25],
  ['which has only max_tokens', chat('acme', 'own-7b', 1000, 1), 0.5],
  ['in a file like that of genai-prices', chat('acme', 'wide', 800, 1), 0.1],
  ['more than its rounded size', chat('acme', 'house-model', 1040, 1), 1],
  ['far more than that: the window must be another', chat('acme', 'house-model', 1100, 1), Number.NaN],
  ['without tokens', { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o' }, Number.NaN],
  [
    'embeddings have no conversation',
    { ...chat('openai', 'text-embedding-3-small', 4000, 0), 'gen_ai.operation.name': 'embeddings' },
    Number.NaN,
  ],
]

describe('how full the context window is', () => {
  it.each(cases)('%s', (_, attributes, part) => {
    const prices = new Prices({ windows, files: [liteLlm, genaiPrices] })
    const { contextUtilization } = priced(attributes, prices)
    if (Number.isNaN(part)) expect(contextUtilization).toBeNaN()
    else expect(contextUtilization).toBeCloseTo(part, 6)
  })

  it('is told where a deployment is priced as a model', () => {
    const stated = [{ model: 'prod-east', priced_as: 'gpt-4o' }]
    const { contextUtilization } = priced(chat('azure.ai.openai', 'prod-east', 64_000, 1), new Prices({ stated }))
    expect(contextUtilization).toBe(0.5)
  })

  it.each([
    ['gpt-4', 8192],
    ['gpt-4o-mini-2024-07-18', 128_000],
    ['gpt-4.1-nano', 1_047_576],
    ['ft:gpt-4o-mini:acme::a1', 128_000],
    ['models/gemini-1.5-pro-002', 2_097_152],
    ['anthropic.claude-v2:1', 200_000],
    ['Qwen/Qwen2.5-7B-Instruct', 131_072],
    ['mistral:7b', 32_768],
    ['deepseek-r1:70b', 131_072],
    ['gemma3:1b', 32_768],
    ['acme-large', undefined],
  ])('the name %s', (name, tokens) => {
    expect(windowByName(name)).toBe(tokens)
  })

  it('is a part of the whole', () => {
    expect(utilizationOf(0, 100)).toBe(0)
    expect(utilizationOf(85, 100)).toBe(0.85)
    expect(utilizationOf(Number.NaN, 100)).toBeNaN()
    expect(utilizationOf(5, Number.NaN)).toBeNaN()
  })
})
