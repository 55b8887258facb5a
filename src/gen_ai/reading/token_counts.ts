/** Token counts as the newest convention has them: cached ones are part of the input, reasoning is part of the output. */
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { EXCLUSIVE } from '../dialects/dialect.ts'
import { type DialectRow, PROVIDERS } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import { readNumber } from './sources.ts'

/** 1 for Google's ways to Gemini, by position in PROVIDERS. */
const countsThoughtsApart = Uint8Array.from(PROVIDERS, (name) =>
  /^gcp\.(gemini|gen_ai|vertex_ai)$/.test(name) ? 1 : 0,
)
/** 1 for providers whose input leaves out what was cached. */
const countsCachedApart = Uint8Array.from(PROVIDERS, (name) => (EXCLUSIVE.some((one) => one === name) ? 1 : 0))

/** What input and output leave out, as bits. */
const READ = 1
const WRITE = 2
const REASONING = 4
const NOT_TOLD = -1
/** What a sum may leave out, the likelier first: nobody counts writes apart and reads not. */
const WAYS = [READ | WRITE, REASONING, READ | WRITE | REASONING, READ, READ | REASONING]

/**
 * Reads the call's token counts, and adds to input and output what their emitter left out: as the sum of all tells, else as
 * the dialect has it, and in any case where a part is more than the whole. Needs the provider.
 */
export function readTokens(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.inputTokens = readCount(view, found, dialect, FIELD.inputTokens, call)
  call.outputTokens = readCount(view, found, dialect, FIELD.outputTokens, call)
  const hasParts = mayHaveParts(found, dialect)
  if (hasParts) readParts(view, found, dialect, call)
  call.cacheReadTokens = readCount(view, found, dialect, FIELD.cacheReadTokens, call)
  call.cacheWriteTokens = readCount(view, found, dialect, FIELD.cacheWriteTokens, call)
  if (hasParts) readLifetimes(view, found, dialect, call)
  call.reasoningTokens = readCount(view, found, dialect, FIELD.reasoningTokens, call)
  const cached = zeroIfUnknown(call.cacheReadTokens) + zeroIfUnknown(call.cacheWriteTokens)
  const reasoning = zeroIfUnknown(call.reasoningTokens)
  if (hasParts) addAudio(call)
  const knowsThoughts = reasoning > 0 || countsThoughtsApart[call.provider] !== 1
  if (cached === 0 && reasoning === 0) {
    if (!knowsThoughts) addThoughts(readCount(view, found, dialect, FIELD.totalTokens, call), call)
    else if (mayLeaveCachedUntold(dialect, call)) addUntold(view, found, dialect, call)
    return
  }
  const total = readCount(view, found, dialect, FIELD.totalTokens, call)
  const told = toldByTotal(total, dialect, call)
  if (!knowsThoughts && told === NOT_TOLD) addThoughts(total, call)
  const leftOut = told === NOT_TOLD ? usuallyLeftOut(dialect, call) : told
  addToInput(call, cached > call.inputTokens && (leftOut & READ) === 0 ? cached : partOf(leftOut, call))
  if ((leftOut & REASONING) !== 0 || reasoning > call.outputTokens) addToOutput(call, reasoning)
}

/**
 * Bits of what input and output leave out, if the sum of all tokens tells. A sum of no more than input and output tells
 * nothing where the emitter may have added them up by itself.
 */
function toldByTotal(total: number, dialect: DialectRow, call: ModelCall): number {
  const more = total - zeroIfUnknown(call.inputTokens) - zeroIfUnknown(call.outputTokens)
  if (!(call.inputTokens >= 0 && call.outputTokens >= 0 && more >= 0)) return NOT_TOLD
  if (more === 0) return dialect.totalIsOfProvider ? 0 : NOT_TOLD
  return WAYS.find((way) => more === partOf(way, call) + reasoningOf(way, call)) ?? NOT_TOLD
}

/**
 * Google's count of the output leaves out thoughts, its sum of all tokens does not. An emitter that passes on both and does
 * not know of thoughts tells them by what the sum is more.
 */
function addThoughts(total: number, call: ModelCall): void {
  const thoughts = total - call.inputTokens - call.outputTokens
  if (!(thoughts > 0)) return
  call.reasoningTokens = thoughts
  call.replaced |= 1 << FIELD.reasoningTokens
  addToOutput(call, thoughts)
}

/** As the dialect has it. Reads and writes are counted in one way: that of the reads, where there are any. */
function usuallyLeftOut(dialect: DialectRow, call: ModelCall): number {
  const decides = call.cacheReadTokens > 0 ? FIELD.cacheReadTokens : FIELD.cacheWriteTokens
  const cacheIs = !dialect.inputIncludesCached || isApart(call, decides)
  const reasoningIs = !dialect.outputIncludesReasoning || isApart(call, FIELD.reasoningTokens)
  return (cacheIs ? READ | WRITE : 0) | (reasoningIs ? REASONING : 0)
}

function partOf(bits: number, call: ModelCall): number {
  return (
    ((bits & READ) !== 0 ? zeroIfUnknown(call.cacheReadTokens) : 0) +
    ((bits & WRITE) !== 0 ? zeroIfUnknown(call.cacheWriteTokens) : 0)
  )
}

function reasoningOf(bits: number, call: ModelCall): number {
  return (bits & REASONING) !== 0 ? zeroIfUnknown(call.reasoningTokens) : 0
}

function mayLeaveCachedUntold(dialect: DialectRow, call: ModelCall): boolean {
  return dialect.totalIsOfProvider && (!dialect.inputIncludesCached || countsCachedApart[call.provider] === 1)
}

/** Where the provider's sum has more than its input and output, the rest was read from or written to a cache. */
function addUntold(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  if (!(call.outputTokens >= 0)) return
  const total = readCount(view, found, dialect, FIELD.totalTokens, call)
  addToInput(call, total - call.inputTokens - call.outputTokens)
}

function addToInput(call: ModelCall, tokens: number): void {
  if (!(tokens > 0 && call.inputTokens >= 0)) return
  call.inputTokens += tokens
  call.correctedTokens += tokens
  call.replaced |= 1 << FIELD.inputTokens
}

function addToOutput(call: ModelCall, tokens: number): void {
  if (!(tokens > 0 && call.outputTokens >= 0)) return
  call.outputTokens += tokens
  call.correctedTokens += tokens
  call.replaced |= 1 << FIELD.outputTokens
}

function mayHaveParts(found: Int32Array, dialect: DialectRow): boolean {
  const { parts } = dialect.lexicon
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

/** Audio that its emitter counts beside input and output. */
function addAudio(call: ModelCall): void {
  if (isApart(call, FIELD.inputAudioTokens)) addToInput(call, zeroIfUnknown(call.inputAudioTokens))
  if (isApart(call, FIELD.outputAudioTokens)) addToOutput(call, zeroIfUnknown(call.outputAudioTokens))
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
