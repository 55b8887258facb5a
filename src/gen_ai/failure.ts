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
/** Error types that say something else, whatever the sentence. Any other type (a wrapper's) says nothing. */
const otherType =
  /^[45]\d\d$|bad.?request|invalid.?request|internal.?server|unavailable|overloaded|authenti|permission|forbidden|not.?found|time.?out|validation|cancel|abort|connection/i
/** Error types and texts that say nothing. */
const saysNothing = /^(_OTHER|unknown|error|exception)$/i
/** A number is a status where a sentence begins with it, names it so, or goes on as one does. */
const statusInText =
  /(?:status|code|error|http(?:\/\d(?:\.\d)?)?)[\W_]{0,3}(?:code[\W_]{0,3})?([45]\d\d)\b|^\W*([45]\d\d)\b(?! (?:tokens?|requests?|characters?|words?|messages?|images?|items?|bytes|ms|s|seconds?|times?|per)\b)|\b([45]\d\d)(?=:|\W{1,2}(?:too many|resource))/i
/** Class names in a sentence: the innermost is the last. */
const classesInText = /\b\w+(?:Error|Exception)\b/g
const rateLimitWords =
  /rate.?limit|too many requests|too many tokens, please wait|throttl|resource (?:has been )?exhausted|resource.?exhausted|quota exceeded|exceeded (?:your|the) (?:current )?quota|capacity exceeded/i
/** As much of an error text as is looked at. */
const TEXT_MAX = 2000
const exceptionType = Buffer.from('exception.type')
const exceptionMessage = Buffer.from('exception.message')

/** What a span says of its failure: nothing, that it failed, why, that it was a rate limit. */
export const NO_FAILURE = 0
export const UNEXPLAINED = 1
export const EXPLAINED = 2
export const RATE_LIMIT = 3

/** Marks the call as failed; fills in the error type from the exception event where the span itself has none. */
export function readFailure(view: SpanView, call: ModelCall): void {
  call.failed = true
  if (!call.has(FIELD.errorType)) readExceptionType(view, call)
  call.rateLimited = isRateLimit(view, call)
  call.contextExceeded = !call.rateLimited && exceedsContext(view, call)
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
  if (said.some((text) => saysRateLimit(text) === true)) return RATE_LIMIT
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

/** What names the error decides, then its status, then the first of its texts that says something. */
function isRateLimit(view: SpanView, call: ModelCall): boolean {
  if (call.statusCode === 429) return true
  const types = typesOf(view, call)
  if (types.some((type) => rateLimitType.test(type))) return true
  if (call.statusCode >= 400 || types.some((type) => otherType.test(type))) return false
  return (
    textsOf(view, call)
      .map(saysRateLimit)
      .find((says) => says !== undefined) ?? false
  )
}

/** What the prompt was too long for is the context window: providers say so in a code, or in a sentence. */
const exceededType = /context.?(?:length|window)/i
const exceededWords =
  /context.?(?:length|window|limit)|maximum context|(?:prompt|input|request)(?: \w+)? (?:is|was|are) too (?:long|large)|too many (?:input |prompt )?tokens(?!,| per)|(?:exceed|more than|greater than)[^.]{0,60}\b(?:input |prompt )?tokens? (?:limit|allowed|count)|reduce the length of the (?:messages|prompt|input)/i

function exceedsContext(view: SpanView, call: ModelCall): boolean {
  if (typesOf(view, call).some((type) => exceededType.test(type))) return true
  return textsOf(view, call).some((text) => exceededWords.test(text))
}

/** Names of the error, and sentences on it. */
function typesOf(view: SpanView, call: ModelCall): string[] {
  return [call.text(FIELD.errorType), textIn(view, findExceptionText(view, exceptionType))]
}

function textsOf(view: SpanView, call: ModelCall): string[] {
  return [
    call.bytes.toString('latin1', call.start(FIELD.errorText), textEnd(call)),
    textIn(view, findStatusMessage(view)),
    textIn(view, findExceptionText(view, exceptionMessage)),
  ]
}

/**
 * Does the sentence tell of a rate limit? Undefined: it tells nothing. What it states as a status or as the error's class
 * counts more than its words, which may be an echo of the prompt.
 */
function saysRateLimit(text: string): boolean | undefined {
  const status = statusInText.exec(text)
  if (status !== null) return (status[1] ?? status[2] ?? status[3]) === '429'
  const inner = text.match(classesInText)?.findLast((name) => rateLimitType.test(name) || otherType.test(name))
  if (inner !== undefined) return rateLimitType.test(inner)
  return rateLimitWords.test(text) ? true : undefined
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
