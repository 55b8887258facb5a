/** Token counts as the newest convention has them: cached ones are part of the input, reasoning is part of the output. */
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import type { DialectRow } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import { readNumber } from './sources.ts'

/** Reads the call's token counts, and adds to input and output what their emitter left out. Needs the provider. */
export function readTokens(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.inputTokens = readCount(view, found, dialect, FIELD.inputTokens, call)
  call.outputTokens = readCount(view, found, dialect, FIELD.outputTokens, call)
  const exclusive = !dialect.inputIncludesCached
  call.cacheReadTokens = readCount(view, found, dialect, FIELD.cacheReadTokens, call)
  let leftOut = exclusive || isApart(call, FIELD.cacheReadTokens) ? zeroIfUnknown(call.cacheReadTokens) : 0
  call.cacheWriteTokens = readCount(view, found, dialect, FIELD.cacheWriteTokens, call)
  if (exclusive || isApart(call, FIELD.cacheWriteTokens)) leftOut += zeroIfUnknown(call.cacheWriteTokens)
  const cached = zeroIfUnknown(call.cacheReadTokens) + zeroIfUnknown(call.cacheWriteTokens)
  if (cached > call.inputTokens) leftOut = cached
  if (leftOut > 0 && call.inputTokens >= 0) {
    call.inputTokens += leftOut
    call.correctedTokens += leftOut
    call.replaced |= 1 << FIELD.inputTokens
  }
  call.reasoningTokens = readCount(view, found, dialect, FIELD.reasoningTokens, call)
  const reasoning = zeroIfUnknown(call.reasoningTokens)
  const isLeftOut =
    isApart(call, FIELD.reasoningTokens) || !dialect.outputIncludesReasoning || reasoning > call.outputTokens
  if (isLeftOut && reasoning > 0 && call.outputTokens >= 0) {
    call.outputTokens += reasoning
    call.correctedTokens += reasoning
    call.replaced |= 1 << FIELD.outputTokens
  }
}

function readCount(view: SpanView, found: Int32Array, dialect: DialectRow, field: number, call: ModelCall): number {
  return Math.round(readNumber(view, found, dialect, field, call, call.plausible.tokens_max))
}

function isApart(call: ModelCall, field: number): boolean {
  return (call.apart & (1 << field)) !== 0
}

function zeroIfUnknown(tokens: number): number {
  return tokens || 0
}
