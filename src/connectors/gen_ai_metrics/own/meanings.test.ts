import { expect, test } from 'vitest'
import { FAMILIES, familyOf, familyOfBytes } from './meanings.ts'

const meaning = (name: string) => FAMILIES[familyOf(name)]?.[0]

test.each([
  ['llm.tokens.input', 'llm_tokens_input_total'],
  ['llm_tokens_input', 'llm_tokens_input_total'],
  ['llm_tokens_input_total', 'llm_tokens_input_total'],
  ['LLM.Tokens.Input', 'llm_tokens_input_total'],
  ['llm.tokensInput', 'llm_tokens_input_total'],
  ['llm.tokens.output', 'llm_tokens_output_total'],
  ['llm.requests', 'llm_requests_total'],
  ['llm.requests.total', 'llm_requests_total'],
  ['llm.rateLimited', 'llm_rate_limited_total'],
  ['llm.rate_limited', 'llm_rate_limited_total'],
  ['llm.cost.usd', 'llm_cost_usd'],
  ['llm_cost_usd_USD', 'llm_cost_usd'],
  ['llm.cost', 'llm_cost_usd'],
  ['llm_cost_usd_sum', 'llm_cost_usd'],
  ['llm.cost.saved', 'llm_cost_saved_usd_total'],
  ['llm.latency.ms', 'llm_latency_ms'],
  ['llm_latency_ms_milliseconds_bucket', 'llm_latency_ms'],
  ['llm.latency', 'llm_latency_ms'],
  ['llm.time_to_first_token', 'llm_time_to_first_token_seconds'],
  ['llm.time_per_output_token.ms', 'llm_time_per_output_token_seconds'],
  ['gen_ai.client.token.usage', 'gen_ai.client.token.usage'],
  ['gen_ai_client_token_usage_tokens', 'gen_ai.client.token.usage'],
  ['gen_ai.client.operation.duration', 'gen_ai.client.operation.duration'],
  ['gen_ai_client_operation_duration_seconds_bucket', 'gen_ai.client.operation.duration'],
  ['gen_ai.client.operation.time_to_first_chunk', 'gen_ai.client.operation.time_to_first_chunk'],
])('%s is %s', (name, family) => {
  expect(meaning(name)).toBe(family)
  const bytes = Buffer.from(`x${name}x`)
  expect(familyOfBytes(bytes, 1, bytes.length - 1)).toBe(familyOf(name))
})

test.each([
  'http.server.request.duration',
  'llm.hallucination.score',
  'llm.tokens',
  'llm.tokens.budget',
  'llm.tokens.input.limit',
  'llm.cost.budget.usd',
  'llm',
  'llm_total',
  'gen_ai.server.request.duration',
  'gen_ai.server.time_to_first_token',
  'gen_ai.client.generation.choices',
  'gen_ai.client.operation',
  'my.llm.tokens.input',
  'general.count',
  '',
])('%s is none', (name) => {
  expect(meaning(name)).toBeUndefined()
  const bytes = Buffer.from(name)
  expect(familyOfBytes(bytes, 0, bytes.length)).toBe(-1)
})

test('a set of families has a bit for each', () => expect(FAMILIES.length).toBeLessThan(31))

test('the name of every family is that family', () => {
  for (const [at, names] of FAMILIES.entries()) for (const name of names) expect(familyOf(name)).toBe(at)
})
