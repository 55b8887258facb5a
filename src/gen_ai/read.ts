/** From a span's bytes to the facts of a model call. */
import { boolOf, contentStart, numberOf, STRING, valueKind } from '../telemetry/any_value.ts'
import { ATTRIBUTE } from '../telemetry/attributes.ts'
import { type SpanView, STATUS_ERROR } from '../telemetry/span_view.ts'
import { readFailure } from './failure.ts'
import { FIELD, FIELDS, TEXTS } from './field.ts'
import { readFinishReasons } from './finish.ts'
import { type DialectRow, lexicon } from './lexicon.ts'
import type { ModelCall } from './model_call.ts'
import { type Candidates, mayBeMarked, recognise } from './recognise.ts'
import { OPERATIONS } from './values.ts'

// Held directly, since every field of every span is read through them.
const { keys, judged, names, width } = lexicon

/** Scratch of the size that `readModelCall` needs. */
export function foundKeys(): Int32Array {
  return new Int32Array(keys.names.length)
}

/**
 * Fills `call` from the span that `view` is on. False if the span is no model call, is in no known dialect, or was
 * judged before (it carries `sluice.dialect`); `call` is then undefined in its content.
 */
export function readModelCall(view: SpanView, found: Int32Array, candidates: Candidates, call: ModelCall): boolean {
  if (!mayBeMarked(candidates, view)) return false
  view.attributes.find(view.bytes, keys, found)
  const dialect = recognise(candidates, found)
  if (dialect < 0 || found[judged]! >= 0) return false
  const row = lexicon.rows[dialect]!
  call.reset(view.bytes, dialect)
  if (!readOperation(view, found, row, call)) return false
  for (let field = 0; field < TEXTS; field++) readText(view, found, field, call)
  readNumbers(view, found, row, call)
  if (call.rows[FIELD.operation]! < 0 && !guessOperation(row, call)) return false
  readProvider(row, call)
  const stream = firstRow(found, call.dialect, FIELD.stream)
  if (stream >= 0) {
    call.stream = boolOf(view.bytes, view.attributes.valueStart(stream), view.attributes.valueEnd(stream)) === true
    call.rows[FIELD.stream] = stream
  }
  const reasons = firstRow(found, dialect, FIELD.finishReasons)
  if (reasons >= 0) readFinishReasons(view, reasons, row.finishReasons, call)
  if (view.statusCode === STATUS_ERROR || call.has(FIELD.errorType) || call.statusCode >= 400) readFailure(view, call)
  return true
}

function readOperation(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): boolean {
  const row = firstRow(found, call.dialect, FIELD.operation)
  if (row < 0) return dialect.operationOptional
  const end = view.attributes.valueEnd(row)
  if (valueKind(view.bytes, view.attributes.valueStart(row), end) !== STRING) return false
  const operation = dialect.operations.find(view.bytes, contentStart, end)
  if (operation < 0) return false
  call.operation = operation
  call.rows[FIELD.operation] = row
  if (!dialect.operations.exact) call.replaced |= 1 << FIELD.operation
  return true
}

function readText(view: SpanView, found: Int32Array, field: number, call: ModelCall): void {
  for (let at = (call.dialect * FIELDS + field) * width; names[at]! >= 0; at++) {
    const row = found[names[at]!]!
    if (row < 0) continue
    const end = view.attributes.valueEnd(row)
    if (valueKind(view.bytes, view.attributes.valueStart(row), end) !== STRING || contentStart >= end) continue
    call.setText(field, contentStart, end)
    call.rows[field] = row
    return
  }
}

function readNumber(view: SpanView, found: Int32Array, field: number, call: ModelCall): number {
  const rows = view.attributes.rows
  for (let at = (call.dialect * FIELDS + field) * width; names[at]! >= 0; at++) {
    const row = found[names[at]!]!
    if (row < 0) continue
    const column = row * ATTRIBUTE.width
    const value = numberOf(view.bytes, rows[column + ATTRIBUTE.valueStart]!, rows[column + ATTRIBUTE.valueEnd]!)
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) continue
    call.rows[field] = row
    return value
  }
  return Number.NaN
}

function readNumbers(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.inputTokens = Math.round(readNumber(view, found, FIELD.inputTokens, call))
  call.outputTokens = Math.round(readNumber(view, found, FIELD.outputTokens, call))
  call.cacheReadTokens = Math.round(readNumber(view, found, FIELD.cacheReadTokens, call))
  call.cacheWriteTokens = Math.round(readNumber(view, found, FIELD.cacheWriteTokens, call))
  call.reasoningTokens = Math.round(readNumber(view, found, FIELD.reasoningTokens, call))
  call.timeToFirstChunk_s = readNumber(view, found, FIELD.timeToFirstChunk, call) * dialect.timeToFirstChunk_s
  if (dialect.timeToFirstChunk_s !== 1) call.replaced |= 1 << FIELD.timeToFirstChunk
  call.cost_usd = readNumber(view, found, FIELD.cost, call)
  call.statusCode = readNumber(view, found, FIELD.statusCode, call)
  const cached = zeroIfUnknown(call.cacheReadTokens) + zeroIfUnknown(call.cacheWriteTokens)
  if (cached > 0 && (cached > call.inputTokens || (!dialect.inputIncludesCached && call.inputTokens >= 0))) {
    call.inputTokens += cached
    call.correctedTokens += cached
    call.replaced |= 1 << FIELD.inputTokens
  }
  const reasoning = call.reasoningTokens
  if (
    reasoning > 0 &&
    (reasoning > call.outputTokens || (!dialect.outputIncludesReasoning && call.outputTokens >= 0))
  ) {
    call.outputTokens += reasoning
    call.correctedTokens += reasoning
    call.replaced |= 1 << FIELD.outputTokens
  }
}

/** For a span without an operation name: a call if it says which model, or how many tokens. */
function guessOperation(dialect: DialectRow, call: ModelCall): boolean {
  if (!dialect.operationOptional) return false
  const hasModel = call.has(FIELD.requestModel) || call.has(FIELD.responseModel)
  if (!hasModel && Number.isNaN(call.inputTokens) && Number.isNaN(call.outputTokens)) return false
  const field = call.has(FIELD.requestModel) ? FIELD.requestModel : FIELD.responseModel
  call.operation = contains(call.bytes, call.start(field), call.end(field), EMBED) ? EMBEDDINGS : CHAT
  return true
}

const EMBED = Buffer.from('embed')
const CHAT = OPERATIONS.indexOf('chat')
const EMBEDDINGS = OPERATIONS.indexOf('embeddings')

function readProvider(dialect: DialectRow, call: ModelCall): void {
  if (!call.has(FIELD.provider)) return
  call.provider = dialect.providers.find(call.bytes, call.start(FIELD.provider), call.end(FIELD.provider))
  if (call.provider >= 0 && !dialect.providers.exact) call.replaced |= 1 << FIELD.provider
}

function firstRow(found: Int32Array, dialect: number, field: number): number {
  for (let at = (dialect * FIELDS + field) * width; names[at]! >= 0; at++) {
    const row = found[names[at]!]!
    if (row >= 0) return row
  }
  return -1
}

function zeroIfUnknown(tokens: number): number {
  return tokens || 0
}

function contains(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  for (let at = start; at + word.length <= end; at++) {
    let same = 0
    while (same < word.length && bytes[at + same] === word[same]) same++
    if (same === word.length) return true
  }
  return false
}
