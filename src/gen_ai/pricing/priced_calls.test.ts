/** Calls as applications send them, and what each costs: computed by hand from the prices beside it, in USD. */
import { describe, expect, test } from 'vitest'
import {
  type Attributes,
  chat,
  expectCosts,
  forHours,
  NOTHING,
  priced,
  type Row,
  read,
  served,
  written,
} from './priced.fixture.ts'
import { Prices } from './prices.ts'
import type { StatedPrice } from './stated_price.ts'

const asked = (tier: string) => ({ 'openai.request.service_tier': tier })
const answered = (model: string) => ({ 'gen_ai.response.model': model })

describe('by provider and name', () => {
  test.each<Row>([
    ['OpenAI: 2.5 and 10', chat('openai', 'gpt-4o', 1000, 100), 0.0035, 'table'],
    ['a dated name', chat('openai', 'gpt-4o-2024-08-06', 1000, 100), 0.0035, 'table'],
    ['an alias that the answer makes exact', chat('openai', 'mine', 1000, 100, answered('gpt-4o')), 0.0035, 'table'],
    ['in other letters', chat('OpenAI', 'GPT-4o', 1000, 100), 0.0035, 'table'],
    ['OpenAI’s embeddings: 0.02', chat('openai', 'text-embedding-3-small', 1_000_000, 0), 0.02, 'table'],
    ['Azure has OpenAI’s models', chat('azure.ai.openai', 'gpt-4o', 1000, 100), 0.0035, 'table'],
    ['Azure as LangChain calls it', chat('azure', 'gpt-4o', 1000, 100), 0.0035, 'table'],
    ['Azure as others call it', chat('AzureOpenAI', 'gpt-4o-mini', 1_000_000, 0), 0.15, 'table'],
    [
      'a deployment of Azure, told by the answer',
      chat('az.ai.openai', 'prod-eu', 1000, 100, answered('gpt-4o-2024-08-06')),
      0.0035,
      'table',
    ],
    ['a deployment of Azure', chat('azure.ai.openai', 'prod-eu', 1000, 100), NOTHING, 'unknown_model'],
    ['a gateway’s path to Azure', chat('', 'azure/gpt-4o', 1000, 100), 0.0035, 'table'],
    ['Azure’s own model: 0.07 and 0.14', chat('azure.ai.inference', 'phi-4', 1_000_000, 1_000_000), 0.21, 'table'],
    [
      'Bedrock, in a region: 3.3 and 16.5',
      chat('aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.00495,
      'table',
    ],
    [
      'Bedrock, in Europe',
      chat('aws.bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.00495,
      'table',
    ],
    [
      'Bedrock, anywhere: 3 and 15',
      chat('aws.bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.0045,
      'table',
    ],
    [
      'Bedrock, by an inference profile',
      chat(
        'bedrock',
        'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0',
        1000,
        100,
      ),
      0.00165,
      'table',
    ],
    [
      'Bedrock, by a foundation model',
      chat('aws_bedrock', 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0', 1000, 100),
      0.00112,
      'table',
    ],
    [
      'Bedrock, a profile of one’s own',
      chat('aws.bedrock', 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3', 1000, 100),
      NOTHING,
      'unknown_model',
    ],
    [
      'Bedrock, told by the model',
      chat('', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.00495,
      'table',
    ],
    [
      'Bedrock, told by the model to a framework',
      chat('strands-agents', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.00495,
      'table',
    ],
    [
      'Bedrock, called by Anthropic’s SDK',
      chat('anthropic', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      0.00495,
      'table',
    ],
    [
      'Bedrock, a gateway’s path',
      chat('', 'bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0', 1000, 100),
      0.00165,
      'table',
    ],
    ['Bedrock, Llama: 0.72', chat('aws.bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', 1_000_000, 0), 0.72, 'table'],
    ['Vertex, with its date', chat('gcp.vertex_ai', 'claude-haiku-4-5@20251001', 1000, 100), 0.0015, 'table'],
    [
      'Vertex, with its path',
      chat('vertex_ai', 'publishers/anthropic/models/claude-haiku-4-5@20251001', 1000, 100),
      0.0015,
      'table',
    ],
    [
      'Vertex, with all of its path',
      chat('gcp.vertex_ai', 'projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash', 1000, 100),
      0.00055,
      'table',
    ],
    ['Gemini: 0.3 and 2.5', chat('gcp.gemini', 'models/gemini-2.5-flash', 1000, 100), 0.00055, 'table'],
    ['Gemini as LangChain calls it', chat('google_genai', 'gemini-2.5-flash', 1000, 100), 0.00055, 'table'],
    ['Anthropic: 1 and 5', chat('anthropic', 'claude-haiku-4-5-20251001', 1000, 100), 0.0015, 'table'],
    ['Mistral: 2 and 6', chat('mistral_ai', 'mistral-large-latest', 1000, 100), 0.0026, 'table'],
    ['xAI: 3 and 15', chat('x_ai', 'grok-3', 1000, 100), 0.0045, 'table'],
    ['Groq: 0.59 and 0.79', chat('groq', 'llama-3.3-70b-versatile', 1_000_000, 1_000_000), 1.38, 'table'],
    ['Cohere: 2.5 and 10', chat('cohere', 'command-r-plus', 1000, 100), 0.0035, 'table'],
    ['DeepSeek by one of its interfaces', chat('deepseek.chat', 'deepseek-chat', 1_000_000, 0), 0.135, 'table'],
    ['Perplexity: 1 and 1, and 12 for 1000 requests', chat('perplexity', 'sonar', 1000, 1000), 0.014, 'table'],
    ['OpenRouter: 2.5 and 10', chat('openrouter', 'openai/gpt-4o', 1000, 100), 0.0035, 'table'],
    ['a gateway’s path to OpenRouter', chat('', 'openrouter/openai/gpt-4o', 1000, 100), 0.0035, 'table'],
    ['nobody named', chat('', 'gpt-4o', 1000, 100), 0.0035, 'table'],
    ['a framework named', chat('langchain', 'gpt-4o', 1000, 100), 0.0035, 'table'],
    ['another framework', chat('spring_ai', 'claude-haiku-4-5', 1000, 100), 0.0015, 'table'],
    ['fine-tuned: 3.75 and 15', chat('openai', 'ft:gpt-4o-2024-08-06:acme::a1b2', 1000, 100), 0.00525, 'table'],
    [
      'fine-tuned: 0.3 and 1.2',
      chat('openai', 'ft:gpt-4o-mini-2024-07-18:acme:support:a1b2', 1000, 100),
      0.00042,
      'table',
    ],
    ['fine-tuned, nobody named', chat('', 'ft:gpt-4o-mini-2024-07-18:acme::a1b2', 1000, 100), 0.00042, 'table'],
    [
      'fine-tuned, not in the list: its base’s 2 and 8',
      chat('openai', 'ft:gpt-4.1-2025-04-14:acme::a1b2', 1000, 100),
      0.0028,
      'guess',
    ],
    ['fine-tuned on Azure', chat('azure.ai.openai', 'gpt-4o-2024-08-06.ft-0a1b2c', 1000, 100), 0.0035, 'guess'],
    ['a snapshot that the list does not have yet', chat('openai', 'gpt-4o-2031-02-03', 1000, 100), 0.0035, 'guess'],
    ['the same, nobody named', chat('', 'gpt-4o-2031-02-03', 1000, 100), 0.0035, 'guess'],
    ['a numbered one', chat('gcp.gemini', 'gemini-2.5-flash-001', 1000, 100), 0.00055, 'guess'],
    ['a model that the list does not have', chat('openai', 'gpt-99-2031-02-03', 1000, 100), NOTHING, 'unknown_model'],
    ['another’s model behind OpenAI’s interface', chat('openai', 'claude-haiku-4-5', 1000, 100), 0.0015, 'guess'],
    ['the same by a path', chat('openai', 'anthropic/claude-haiku-4-5', 1000, 100), 0.0015, 'guess'],
  ])('%s', (...row) => expectCosts(row))
})

describe('what nobody but the user can price', () => {
  test.each<Row>([
    ['a provider that the list does not know', chat('acme-inference', 'gpt-4o', 1000, 100), NOTHING, 'unknown_model'],
    ['the same, with a path', chat('acme-inference', 'openai/gpt-4o', 1000, 100), NOTHING, 'unknown_model'],
    ['another', chat('ibm.watsonx.ai', 'mistral-large-latest', 1000, 100), NOTHING, 'unknown_model'],
    ['Ollama', chat('ollama', 'mistral-large-latest', 1000, 100), NOTHING, 'unknown_model'],
    ['Ollama, another spelling', chat('Ollama', 'deepseek-r1', 1000, 100), NOTHING, 'unknown_model'],
    ['Ollama, by one of its interfaces', chat('ollama.chat', 'deepseek-r1', 1000, 100), NOTHING, 'unknown_model'],
    [
      'a span of vLLM itself, which names no provider',
      chat('', 'mistral-large-latest', 1000, 100, { 'gen_ai.latency.e2e': 1 }),
      NOTHING,
      'unknown_model',
    ],
    ['Ollama, by a gateway’s path', chat('', 'ollama/mistral-large-latest', 1000, 100), NOTHING, 'unknown_model'],
    ['vLLM', chat('vllm', 'openai/gpt-oss-120b', 1000, 100), NOTHING, 'unknown_model'],
    [
      'vLLM, by a gateway’s path',
      chat('litellm', 'hosted_vllm/mistral-large-latest', 1000, 100),
      NOTHING,
      'unknown_model',
    ],
    ['Text Generation Inference', chat('huggingface_tgi', 'mistral-large-latest', 1000, 100), NOTHING, 'unknown_model'],
    ['llama.cpp', chat('llama.cpp', 'gemini-2.5-flash', 1000, 100), NOTHING, 'unknown_model'],
    ['LM Studio', chat('LM Studio', 'mistral-large-latest', 1000, 100), NOTHING, 'unknown_model'],
    [
      'something that speaks OpenAI’s language',
      chat('openai-compatible', 'gpt-4o', 1000, 100),
      NOTHING,
      'unknown_model',
    ],
    [
      'a model that anybody can run, at a private address',
      chat('openai', 'deepseek-ai/DeepSeek-R1', 1000, 100, { 'server.address': 'vllm.models.svc' }),
      NOTHING,
      'unknown_model',
    ],
    [
      'the same where nobody is named',
      chat('', 'mistral-large-latest', 1000, 100, { 'server.address': '10.0.0.7' }),
      NOTHING,
      'unknown_model',
    ],
    [
      'the same at its maker’s',
      chat('openai', 'deepseek-chat', 1_000_000, 0, { 'server.address': 'api.deepseek.com' }),
      0.135,
      'guess',
    ],
    [
      'a model that nobody else can run, behind a gateway at a private address',
      chat('openai', 'claude-haiku-4-5', 1000, 100, { 'server.address': '127.0.0.1' }),
      0.0015,
      'guess',
    ],
    ['a reported nothing', chat('ollama', 'mistral-large-latest', 1000, 100, { 'llm.cost_usd': 0 }), 0, 'reported'],
  ])('%s', (...row) => expectCosts(row))

  test('a nothing that may mean an unknown price is believed of a server of one’s own, not of others', () => {
    const litellm = (provider: string, model: string) =>
      chat(provider, model, 1000, 100, { 'gen_ai.cost.total_cost': 0 })
    const at = '2026-06-01T00:00:00Z'
    expectCosts(['own', litellm('ollama', 'llama3'), 0, 'reported'], undefined, at, 'litellm')
    expectCosts(['own, by path', litellm('litellm', 'ollama/llama3'), 0, 'reported'], undefined, at, 'litellm')
    expectCosts(['hosted', litellm('openai', 'gpt-4o'), 0.0035, 'table'], undefined, at, 'litellm')
    expectCosts(['nobody', litellm('acme', 'm'), NOTHING, 'unknown_model'], undefined, at, 'litellm')
    const own: StatedPrice = { model: 'llama3', input_usd_per_million: 1, output_usd_per_million: 0 }
    expectCosts(
      ['priced', litellm('ollama', 'llama3'), 0.001, 'override'],
      new Prices({ stated: [own] }),
      at,
      'litellm',
    )
  })
})

describe('by what was used', () => {
  test.each<Row>([
    ['read from a cache at 1.25', chat('openai', 'gpt-4o', 1000, 100, read(800)), 0.0025, 'table'],
    ['all of it read', chat('openai', 'gpt-4o', 1000, 0, read(1000)), 0.00125, 'table'],
    ['written to a cache at 1.25', chat('anthropic', 'claude-haiku-4-5', 1000, 0, written(400)), 0.0011, 'table'],
    [
      'read at 0.1 and written at 1.25',
      chat('anthropic', 'claude-haiku-4-5', 1000, 0, { ...read(500), ...written(400) }),
      0.00065,
      'table',
    ],
    [
      'a model without a price of cached tokens',
      chat('azure.ai.inference', 'phi-4', 1_000_000, 0, read(900_000)),
      0.07,
      'table',
    ],
    [
      'written for an hour at 2',
      chat('anthropic', 'claude-haiku-4-5', 1000, 0, { ...written(400), ...forHours(400) }),
      0.0014,
      'table',
    ],
    [
      'some for an hour, some for minutes',
      chat('anthropic', 'claude-haiku-4-5', 1000, 0, { ...written(400), ...forHours(100, 300) }),
      0.001175,
      'table',
    ],
    [
      'written, told by lifetime only',
      chat('anthropic', 'claude-haiku-4-5', 1000, 0, forHours(100, 300)),
      0.001175,
      'table',
    ],
    [
      'an hour where the list has no price of it: 1.375',
      chat('aws.bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 1000, 0, {
        ...written(1000),
        ...forHours(1000),
      }),
      0.001375,
      'table',
    ],
    ['up to the border: 3 and 15', chat('anthropic', 'claude-sonnet-4-5', 200_000, 1000), 0.615, 'table'],
    ['above the border all at 6 and 22.5', chat('anthropic', 'claude-sonnet-4-5', 200_001, 1000), 1.222506, 'table'],
    [
      'cached tokens count for the border',
      chat('anthropic', 'claude-sonnet-4-5', 200_001, 0, read(200_000)),
      0.120006,
      'table',
    ],
    [
      'an hour above the border: 12',
      chat('anthropic', 'claude-sonnet-4-5', 300_000, 0, { ...written(300_000), ...forHours(300_000) }),
      3.6,
      'table',
    ],
    ['Gemini below its border', chat('gcp.gemini', 'gemini-2.5-pro', 200_000, 1000), 0.26, 'table'],
    ['Gemini above it', chat('gcp.gemini', 'gemini-2.5-pro', 200_001, 1000), 0.5150025, 'table'],
    [
      'reasoning costs what other output does',
      chat('openai', 'o3', 1000, 1000, { 'gen_ai.usage.reasoning.output_tokens': 900 }),
      0.01,
      'table',
    ],
    [
      'audio in and out at 32 and 64',
      chat('openai', 'gpt-realtime', 1000, 500, {
        'gen_ai.usage.audio.input_tokens': 900,
        'gen_ai.usage.audio.output_tokens': 450,
      }),
      0.0588,
      'table',
    ],
    [
      'audio in at 1',
      chat('gcp.gemini', 'gemini-2.5-flash', 1000, 100, { 'gen_ai.usage.audio.input_tokens': 1000 }),
      0.00125,
      'table',
    ],
    [
      'audio read from a cache at 0.1',
      chat('gcp.gemini', 'gemini-2.5-flash', 1000, 0, {
        ...read(400),
        'gen_ai.usage.audio.input_tokens': 1000,
        'gen_ai.usage.audio.cache_read.input_tokens': 400,
      }),
      0.00064,
      'table',
    ],
    [
      'audio that must be the cached',
      chat('gcp.gemini', 'gemini-2.5-flash', 1000, 0, { ...read(400), 'gen_ai.usage.audio.input_tokens': 1000 }),
      0.00064,
      'table',
    ],
    [
      'more audio than input',
      chat('gcp.gemini', 'gemini-2.5-flash', 1000, 0, { 'gen_ai.usage.audio.input_tokens': 5000 }),
      0.001,
      'table',
    ],
    [
      'an image in at 10',
      chat('openai', 'gpt-image-1', 1000, 0, { 'gen_ai.usage.image.input_tokens': 600 }),
      0.008,
      'table',
    ],
    [
      'an image out at 30',
      chat('gcp.gemini', 'gemini-2.5-flash-image', 1000, 1290, { 'gen_ai.usage.image.output_tokens': 1290 }),
      0.039,
      'table',
    ],
    [
      'web searches at 10 for 1000',
      chat('anthropic', 'claude-haiku-4-5', 1000, 0, { 'gen_ai.usage.details.web_search_requests': 3 }),
      0.031,
      'table',
    ],
    [
      'no output known',
      { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 1000 },
      0.0025,
      'table',
    ],
  ])('%s', (...row) => expectCosts(row))
})

describe('by tier', () => {
  test.each<Row>([
    ['the default', chat('openai', 'gpt-5', 10_000, 1000, served('default')), 0.0225, 'table'],
    ['flex: half', chat('openai', 'gpt-5', 10_000, 1000, served('flex')), 0.01125, 'table'],
    ['priority: double', chat('openai', 'gpt-5', 10_000, 1000, served('priority')), 0.045, 'table'],
    [
      'served stands above asked',
      chat('openai', 'gpt-5', 10_000, 1000, { ...asked('priority'), ...served('default') }),
      0.0225,
      'table',
    ],
    ['asked, where nothing else is known', chat('openai', 'gpt-5', 10_000, 1000, asked('flex')), 0.01125, 'table'],
    [
      'an older name',
      chat('openai', 'gpt-5', 10_000, 1000, { 'gen_ai.openai.response.service_tier': 'flex' }),
      0.01125,
      'table',
    ],
    ['whatever is free', chat('openai', 'gpt-5', 10_000, 1000, asked('auto')), 0.0225, 'table'],
    [
      'priority of a model of which none is published',
      chat('openai', 'gpt-5-nano', 1_000_000, 0, served('priority')),
      0.1,
      'guess',
    ],
    ['priority of GPT-4.1: 3.5 and 14', chat('openai', 'gpt-4.1', 1000, 100, served('priority')), 0.0049, 'table'],
    ['priority of GPT-4o: 4.25 and 17', chat('openai', 'gpt-4o', 1000, 100, served('priority')), 0.00595, 'table'],
    [
      'priority of GPT-4o mini: 0.25 and 1',
      chat('openai', 'gpt-4o-mini', 1000, 100, served('priority')),
      0.00035,
      'table',
    ],
    [
      'priority of GPT-5 mini: 0.45 and 3.6',
      chat('openai', 'gpt-5-mini', 1000, 100, served('priority')),
      0.00081,
      'table',
    ],
    [
      'cached tokens in a tier: 0.0625',
      chat('openai', 'gpt-5', 10_000, 0, { ...read(8000), ...served('flex') }),
      0.00175,
      'table',
    ],
    [
      'a batch of Anthropic: half',
      chat('anthropic', 'claude-haiku-4-5', 1000, 100, { 'anthropic.response.service_tier': 'batch' }),
      0.00075,
      'table',
    ],
    [
      'Anthropic’s standard',
      chat('anthropic', 'claude-haiku-4-5', 1000, 100, { 'anthropic.response.service_tier': 'standard' }),
      0.0015,
      'table',
    ],
    [
      'Anthropic’s priority was paid before',
      chat('anthropic', 'claude-haiku-4-5', 1000, 100, { 'anthropic.response.service_tier': 'priority' }),
      0.0015,
      'guess',
    ],
    [
      'Bedrock’s flex',
      chat('aws.bedrock', 'amazon.nova-pro-v1:0', 1000, 100, { 'aws.bedrock.response.service_tier': 'flex' }),
      0.00056,
      'table',
    ],
    [
      'Groq’s flex is no cheaper',
      chat('groq', 'llama-3.3-70b-versatile', 1_000_000, 0, { service_tier: 'flex' }),
      0.59,
      'table',
    ],
  ])('%s', (...row) => expectCosts(row))

  test('the user’s price of a tier, and one of all', () => {
    const price = (input: number) => ({ model: 'gpt-5', input_usd_per_million: input, output_usd_per_million: 0 })
    const prices = new Prices({ stated: [{ ...price(7), service_tier: 'priority' }, price(2)] })
    for (let round = 0; round < 2; round++) {
      expectCosts(['', chat('openai', 'gpt-5', 1000, 0, served('priority')), 0.007, 'override'], prices)
      expectCosts(['', chat('openai', 'gpt-5', 1000, 0, served('flex')), 0.002, 'override'], prices)
      expectCosts(['', chat('openai', 'gpt-5', 1000, 0), 0.002, 'override'], prices)
    }
  })
})

describe('by time', () => {
  test.each<readonly [string, string, Attributes, number]>([
    ['before o3 became cheaper: 10 and 40', '2025-06-09T23:59:59Z', chat('openai', 'o3', 1000, 100), 0.014],
    ['since then: 2 and 8', '2025-06-10T00:00:00Z', chat('openai', 'o3', 1000, 100), 0.0028],
    ['long prompts cost more', '2026-03-12T23:59:59Z', chat('anthropic', 'claude-sonnet-4-6', 300_000, 0), 1.8],
    ['and do no more', '2026-03-13T00:00:00Z', chat('anthropic', 'claude-sonnet-4-6', 300_000, 0), 0.9],
    ['DeepSeek by day: 0.27', '2025-06-01T16:29:59Z', chat('deepseek', 'deepseek-chat', 1_000_000, 0), 0.27],
    ['and at night: 0.135', '2025-06-01T16:30:00Z', chat('deepseek', 'deepseek-chat', 1_000_000, 0), 0.135],
  ])('%s', (_, time, attributes, usd) => expectCosts(['', attributes, usd, 'table'], undefined, time))
})

test('costs are the nearest double to their decimals', () => {
  const cost = (model: string, input: number, output: number) => priced(chat('openai', model, input, output)).usd
  expect(cost('gpt-4o', 1000, 100)).toBe(0.0035)
  expect(cost('gpt-4o-mini', 7, 3)).toBe(0.00000285)
  expect(cost('gpt-5', 1_234_567, 7_654_321)).toBe(78.08641875)
  expect(priced(chat('perplexity', 'sonar', 1000, 1000)).usd).toBe(0.014)
})

describe('what is saved by cached tokens', () => {
  test.each<readonly [string, Attributes, number]>([
    ['2.5 instead of 1.25', chat('openai', 'gpt-4o', 1000, 100, read(800)), 0.001],
    [
      'half of that in half of the price',
      chat('openai', 'gpt-4o', 1000, 100, { ...read(800), ...served('flex') }),
      0.0005,
    ],
    ['above a border: 6 instead of 0.6', chat('anthropic', 'claude-sonnet-4-5', 300_000, 0, read(100_000)), 0.54],
    [
      'audio: 1 instead of 0.1',
      chat('gcp.gemini', 'gemini-2.5-flash', 1000, 0, {
        ...read(400),
        'gen_ai.usage.audio.input_tokens': 1000,
        'gen_ai.usage.audio.cache_read.input_tokens': 400,
      }),
      0.00036,
    ],
    ['nothing where cached tokens cost the same', chat('azure.ai.inference', 'phi-4', 1000, 0, read(900)), 0],
    [
      'all of it, where a gateway’s cache answered',
      chat('openai', 'gpt-4o', 1000, 100, { 'gen_ai.response.cached': true }),
      0.0035,
    ],
    ['nothing without a cache', chat('openai', 'gpt-4o', 1000, 100), NOTHING],
    ['nothing known without a price', chat('ollama', 'm', 1000, 100, read(900)), NOTHING],
  ])('%s', (_, attributes, usd) => {
    const { saved_usd } = priced(attributes)
    if (Number.isNaN(usd)) expect(saved_usd).toBeNaN()
    else expect(saved_usd).toBeCloseTo(usd, 12)
  })
})

test('an answer from a gateway’s cache costs nothing, unless its emitter says so', () => {
  const cached = (more: Attributes) => chat('openai', 'gpt-4o', 1000, 100, { 'litellm.cache_hit': true, ...more })
  expect(priced(cached({}))).toMatchObject({ usd: 0, source: 'table', table_usd: 0 })
  expect(priced(cached({ 'llm.cost_usd': 0.001 }))).toMatchObject({ usd: 0.001, source: 'reported', table_usd: 0 })
  expect(priced(cached({ 'litellm.cache_hit': false })).usd).toBe(0.0035)
})

describe('what the emitter says stands, and ours beside it', () => {
  test.each<readonly [string, Attributes, number, number]>([
    ['it says more', chat('openai', 'gpt-4o', 1000, 100, { 'llm.cost_usd': 0.01 }), 0.01, 0.0035],
    ['it says nothing at all', chat('openai', 'gpt-4o', 1000, 100, { 'llm.cost_usd': 0 }), 0, 0.0035],
    ['there is no price of ours', chat('ollama', 'm', 1000, 100, { 'llm.cost_usd': 0.01 }), 0.01, NOTHING],
  ])('%s', (_, attributes, usd, table_usd) => {
    const cost = priced(attributes)
    expect(cost.source).toBe('reported')
    expect(cost.usd).toBe(usd)
    if (Number.isNaN(table_usd)) expect(cost.table_usd).toBeNaN()
    else expect(cost.table_usd).toBeCloseTo(table_usd, 9)
  })
})
