/** What went wrong with a call, and whether it was a rate limit. Failed calls are few: strings are fine here. */
import type { SpanView } from '../telemetry/span_view.ts'
import { FIELD } from './field.ts'
import type { ModelCall } from './model_call.ts'
import { findExceptionText, findStatusMessage, range } from './wire.ts'

/** Error types and codes that mean a rate limit, in the spelling of any provider or SDK. */
const rateLimitType = /^429$|rate.?limit|throttl|too.?many.?requests|resource.?exhausted/i
/** The same in a sentence. Used only where neither an error type nor a status code says anything. */
const rateLimitText = /\b429\b|rate.?limit|too many requests|throttl/i
/** As much of an error text as is looked at. */
const TEXT_MAX = 2000
const exceptionType = Buffer.from('exception.type')
const exceptionMessage = Buffer.from('exception.message')

/** Marks the call as failed; fills in the error type from the exception event where the span itself has none. */
export function readFailure(view: SpanView, call: ModelCall): void {
  call.failed = true
  const stated = call.has(FIELD.errorType)
  if (!stated && findExceptionText(view, exceptionType) && range.end > range.start)
    call.setText(FIELD.errorType, range.start, range.end)
  call.rateLimited = isRateLimit(view, call, stated)
}

function isRateLimit(view: SpanView, call: ModelCall, stated: boolean): boolean {
  if (call.statusCode === 429) return true
  if (call.has(FIELD.errorType) && rateLimitType.test(call.text(FIELD.errorType))) return true
  if (stated || call.statusCode >= 400) return false
  const said = call.bytes.toString('latin1', call.start(FIELD.errorText), textEnd(call))
  return (
    rateLimitText.test(said) ||
    (findStatusMessage(view) && rateLimitText.test(rangeText(view))) ||
    (findExceptionText(view, exceptionMessage) && rateLimitText.test(rangeText(view)))
  )
}

function textEnd(call: ModelCall): number {
  return Math.min(call.end(FIELD.errorText), call.start(FIELD.errorText) + TEXT_MAX)
}

function rangeText(view: SpanView): string {
  return view.bytes.toString('latin1', range.start, Math.min(range.end, range.start + TEXT_MAX))
}
