/** Prices of spans, for tests. */
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
  }
}
