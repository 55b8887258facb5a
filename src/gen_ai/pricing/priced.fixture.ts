/** Prices of spans, for tests. */
import { expect } from 'vitest'
import { SpanView } from '../../telemetry/span_view.ts'
import { COST_SOURCES, ModelCall } from '../model_call.ts'
import { foundKeys, readModelCall } from '../reading/read.ts'
import { ScopeMarks } from '../reading/recognise.ts'
import { batchOf, type Plain } from '../span.fixture.ts'
import { Prices } from './prices.ts'

/** What a chat with these attributes costs, where the price is from, and what it costs by the table; NaN: unknown. */
export function priced(
  attributes: Record<string, Plain>,
  prices = new Prices(),
  start_ms = Date.parse('2026-06-01'),
  scope?: string,
) {
  const batch = batchOf({
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': '', ...attributes },
    start_ms,
    ...(scope !== undefined && { scope }),
  })
  const view = new SpanView()
  const call = new ModelCall()
  view.read(batch, 0)
  if (!readModelCall(view, foundKeys(), new ScopeMarks().of(batch, 0), call)) throw new Error('no model call')
  prices.price(call, view)
  return {
    usd: call.cost_usd,
    source: COST_SOURCES[call.costSource],
    table_usd: call.table_usd,
    saved_usd: call.saved_usd,
    contextUtilization: call.contextUtilization,
  }
}

export type Attributes = Record<string, Plain>
/** A call and what it costs in USD, `NOTHING` if that is unknown. */
export type Row = readonly [what: string, attributes: Attributes, usd: number, source: string]

export function chat(
  provider: string,
  model: string,
  input: number,
  output: number,
  more: Attributes = {},
): Attributes {
  return {
    'gen_ai.system': provider,
    'gen_ai.request.model': model,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    ...more,
  }
}

export const read = (tokens: number) => ({ 'gen_ai.usage.cache_read.input_tokens': tokens })
export const written = (tokens: number) => ({ 'gen_ai.usage.cache_creation.input_tokens': tokens })
export const forHours = (hour: number, minutes = 0) => ({
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': hour,
  'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': minutes,
})
export const served = (tier: string) => ({ 'openai.response.service_tier': tier })
export const NOTHING = Number.NaN

export function expectCosts(row: Row, prices = new Prices(), time = '2026-06-01T00:00:00Z', scope?: string): void {
  const [, attributes, usd, source] = row
  const cost = priced(attributes, prices, Date.parse(time), scope)
  expect(cost.source).toBe(source)
  if (Number.isNaN(usd)) expect(cost.usd).toBeNaN()
  else expect(Math.abs(cost.usd - usd)).toBeLessThan(1e-9)
}
