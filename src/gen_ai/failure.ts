/** What went wrong with a call, or with what stands above it, and whether it was a rate limit. Failed calls are few: strings are fine here. */
import { boolOf, numberOf, textStart } from '../telemetry/any_value.ts'
import { fieldEnd, fieldStart } from '../telemetry/find_field.ts'
import { KeySet } from '../telemetry/key_set.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import { FIELD, SLUICE } from './call_fields.ts'
import type { ModelCall } from './model_call.ts'
import { findExceptionText, findStatusMessage } from './wire.ts'

/** Error types and codes that mean a rate limit, in the spelling of any provider or SDK. */
const rateLimitType = /^429$|rate.?limit|throttl|too.?many.?requests|resource.?exhausted/i
/** The same in a sentence. Used only where neither an error type nor a status code says anything. */
const rateLimitText = /\b429\b|rate.?limit|too many requests|throttl/i
/** As much of an error text as is looked at. */
const TEXT_MAX = 2000
const exceptionType = Buffer.from('exception.type')
const exceptionMessage = Buffer.from('exception.message')
/** Of a span that may have been about anything: 429 is a status, not a number. */
const rateLimitStatus = /\b(status|code|error|http)\W{0,3}(code\W{0,3})?429\b|\b429\W{0,3}(too many|resource)/i
const rateLimitWords = /rate.?limit|too many requests|throttl/i
/** Error types that say something else, whatever the sentence. */
const otherType =
  /^[45]\d\d$|bad.?request|internal.?server|authenti|permission|forbidden|not.?found|time.?out|validation|cancel|abort|connection/i
/** Error types that say nothing. */
const saysNothing = /^(_OTHER|unknown|error|exception)$/i

/** What a span says of its failure: nothing, that it failed, why, that it was a rate limit. */
export const NO_FAILURE = 0
export const UNEXPLAINED = 1
export const EXPLAINED = 2
export const RATE_LIMIT = 3

/** Marks the call as failed; fills in the error type from the exception event where the span itself has none. */
export function readFailure(view: SpanView, call: ModelCall): void {
  call.failed = true
  const stated = call.has(FIELD.errorType)
  if (!stated) readExceptionType(view, call)
  call.rateLimited = isRateLimit(view, call, stated)
}

function readExceptionType(view: SpanView, call: ModelCall): void {
  const type = findExceptionText(view, exceptionType)
  if (type < 0) return
  const [start, end] = [fieldStart(view.bytes, type), fieldEnd(view.bytes, type)]
  if (end > start) call.setText(FIELD.errorType, start, end)
}

/**
 * What a span of any kind whose status is ERROR says of it, UNEXPLAINED to RATE_LIMIT. All its texts are asked: what stands
 * above a call has a word of its own for its failure, and hands on the provider's in a sentence.
 */
export function failureOf(view: SpanView): number {
  const { bytes, attributes } = view
  attributes.find(bytes, failureKeys, found)
  if (isTrue(view, RATE_LIMITED_ROW)) return RATE_LIMIT
  const said = TYPE_ROWS.map((row) => textAt(view, row))
  said.push(textIn(view, findExceptionText(view, exceptionType)))
  if (said.some((type) => rateLimitType.test(type))) return RATE_LIMIT
  if (said.some((type) => otherType.test(type))) return EXPLAINED
  for (const row of TEXT_ROWS) said.push(textAt(view, row))
  said.push(textIn(view, findStatusMessage(view)), textIn(view, findExceptionText(view, exceptionMessage)))
  if (said.some((text) => rateLimitStatus.test(text) || rateLimitWords.test(text))) return RATE_LIMIT
  return said.some((text) => text !== '' && !saysNothing.test(text)) ? EXPLAINED : UNEXPLAINED
}

/** Does a normalised call that failed say why? */
export function isExplained(view: SpanView, call: ModelCall): boolean {
  if (call.rateLimited || (call.has(FIELD.errorType) && !saysNothing.test(call.text(FIELD.errorType)))) return true
  return failureOf(view) !== UNEXPLAINED
}

const types = ['error.type', 'exception.type', 'http.response.status_code', 'http.status_code']
const texts = ['error.message', 'exception.message']
const failureKeys = new KeySet([...types, ...texts, SLUICE.rateLimited])
const rowsOf = (names: readonly string[]) => names.map((name) => failureKeys.names.indexOf(name))
const [TYPE_ROWS, TEXT_ROWS] = [rowsOf(types), rowsOf(texts)]
const RATE_LIMITED_ROW = failureKeys.names.indexOf(SLUICE.rateLimited)
const found = new Int32Array(failureKeys.names.length)

function isTrue({ bytes, attributes }: SpanView, key: number): boolean {
  const row = found[key]!
  return row >= 0 && boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) === true
}

/** A text or a number; empty if there is none. */
function textAt({ bytes, attributes }: SpanView, key: number): string {
  const row = found[key]!
  if (row < 0) return ''
  const [start, end] = [attributes.valueStart(row), attributes.valueEnd(row)]
  const text = textStart(bytes, start, end)
  if (text >= 0) return bytes.toString('latin1', text, Math.min(end, text + TEXT_MAX))
  const number = numberOf(bytes, start, end)
  return number >= 400 ? String(number) : ''
}

function isRateLimit(view: SpanView, call: ModelCall, stated: boolean): boolean {
  if (call.statusCode === 429) return true
  if (call.has(FIELD.errorType) && rateLimitType.test(call.text(FIELD.errorType))) return true
  if (stated || call.statusCode >= 400) return false
  const said = call.bytes.toString('latin1', call.start(FIELD.errorText), textEnd(call))
  return (
    rateLimitText.test(said) ||
    rateLimitText.test(textIn(view, findStatusMessage(view))) ||
    rateLimitText.test(textIn(view, findExceptionText(view, exceptionMessage)))
  )
}

function textEnd(call: ModelCall): number {
  return Math.min(call.end(FIELD.errorText), call.start(FIELD.errorText) + TEXT_MAX)
}

/** The beginning of a field's text, empty for -1. */
function textIn({ bytes }: SpanView, field: number): string {
  if (field < 0) return ''
  const start = fieldStart(bytes, field)
  return bytes.toString('latin1', start, Math.min(fieldEnd(bytes, field), start + TEXT_MAX))
}
