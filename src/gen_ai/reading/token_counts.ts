/** Token counts as the newest convention has them: cached ones are part of the input, reasoning is part of the output. */
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { type DialectRow, lexicon } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import { readNumber } from './sources.ts'

const { parts } = lexicon

/** Reads the call's token counts, and adds to input and output what their emitter left out. Needs the provider. */
export function readTokens(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.inputTokens = readCount(view, found, dialect, FIELD.inputTokens, call)
  call.outputTokens = readCount(view, found, dialect, FIELD.outputTokens, call)
  const hasParts = mayHaveParts(found)
  if (hasParts) readParts(view, found, dialect, call)
  const exclusive = !dialect.inputIncludesCached
  call.cacheReadTokens = readCount(view, found, dialect, FIELD.cacheReadTokens, call)
  let leftOut = exclusive || isApart(call, FIELD.cacheReadTokens) ? zeroIfUnknown(call.cacheReadTokens) : 0
  call.cacheWriteTokens = readCount(view, found, dialect, FIELD.cacheWriteTokens, call)
  if (hasParts) readLifetimes(view, found, dialect, call)
  if (exclusive || isApart(call, FIELD.cacheWriteTokens)) leftOut += zeroIfUnknown(call.cacheWriteTokens)
  if (isApart(call, FIELD.inputAudioTokens)) leftOut += zeroIfUnknown(call.inputAudioTokens)
  const cached = zeroIfUnknown(call.cacheReadTokens) + zeroIfUnknown(call.cacheWriteTokens)
  if (cached > call.inputTokens) leftOut = Math.max(leftOut, cached)
  if (leftOut > 0 && call.inputTokens >= 0) {
    call.inputTokens += leftOut
    call.correctedTokens += leftOut
    call.replaced |= 1 << FIELD.inputTokens
  }
  call.reasoningTokens = readCount(view, found, dialect, FIELD.reasoningTokens, call)
  const reasoning = zeroIfUnknown(call.reasoningTokens)
  const isLeftOut =
    isApart(call, FIELD.reasoningTokens) || !dialect.outputIncludesReasoning || reasoning > call.outputTokens
  const audio = isApart(call, FIELD.outputAudioTokens) ? zeroIfUnknown(call.outputAudioTokens) : 0
  const outputLeftOut = (isLeftOut ? reasoning : 0) + audio
  if (outputLeftOut > 0 && call.outputTokens >= 0) {
    call.outputTokens += outputLeftOut
    call.correctedTokens += outputLeftOut
    call.replaced |= 1 << FIELD.outputTokens
  }
}

function mayHaveParts(found: Int32Array): boolean {
  for (let at = 0; at < parts.length; at++) if (found[parts[at]!]! >= 0) return true
  return false
}

/** Parts of the input and the output that may have prices of their own. */
function readParts(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.cacheWrite1hTokens = readCount(view, found, dialect, FIELD.cacheWrite1hTokens, call)
  call.inputAudioTokens = readCount(view, found, dialect, FIELD.inputAudioTokens, call)
  call.outputAudioTokens = readCount(view, found, dialect, FIELD.outputAudioTokens, call)
  call.cacheReadAudioTokens = readCount(view, found, dialect, FIELD.cacheReadAudioTokens, call)
  call.inputImageTokens = readCount(view, found, dialect, FIELD.inputImageTokens, call)
  call.outputImageTokens = readCount(view, found, dialect, FIELD.outputImageTokens, call)
  call.webSearches = readCount(view, found, dialect, FIELD.webSearches, call)
}

/** What was written may be told by lifetime only: that takes the place of a sum that is missing, or 0. */
function readLifetimes(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  const written =
    zeroIfUnknown(readCount(view, found, dialect, FIELD.cacheWrite5mTokens, call)) +
    zeroIfUnknown(call.cacheWrite1hTokens)
  if (written <= zeroIfUnknown(call.cacheWriteTokens)) return
  call.cacheWriteTokens = written
  call.replaced |= 1 << FIELD.cacheWriteTokens
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
