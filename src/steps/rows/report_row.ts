/** From the facts of a model call, as its span or log record tells them, to the columns of a row. */
import { FIELD } from '../../gen_ai/call_fields.ts'
import { dialects } from '../../gen_ai/dialects/dialects.ts'
import { isExplained } from '../../gen_ai/failure.ts'
import { FINISH_REASONS } from '../../gen_ai/known_values.ts'
import type { ModelCall } from '../../gen_ai/model_call.ts'
import { DURATION } from '../../gen_ai/plausible.ts'
import { nanosAsMillis, uint32 } from '../../otlp/cursor.ts'
import { textId } from '../../telemetry/hash.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import {
  ANSWER_CACHED,
  AWAITS_RECORD,
  type CallRows,
  FAILED,
  INT,
  NUMBER,
  OF_PROVIDER,
  PROVIDER,
  RATE_LIMITED,
  RECORD,
  STREAM_RECORD,
  STREAMED,
  UNEXPLAINED_FAILURE,
} from '../call_rows.ts'
import type { Emitter } from '../emitters.ts'
import { traceOf } from '../span_links.ts'
import { awaitsRecord, readStreamRecord } from '../stream_record.ts'

/** Makes another emitter of the log records of a scope than of its spans. */
const RECORD_SALT = 0x5bd1e994

/** Texts of a call as numbers: equal texts, equal numbers; 0 where there is none. */
export interface CallTexts {
  readonly model: number
  readonly responseModel: number
  readonly errorType: number
  /** Of the resource (`ResourceHashes`), which tells the process; absent where calls of other traces do not matter. */
  readonly resource?: number
  /** Who made the span (`Emitters`). */
  readonly emitter: Emitter
}

/** Sets all columns that the report itself tells. */
export function writeReport(
  { ints, numbers }: CallRows,
  row: number,
  view: SpanView,
  call: ModelCall,
  texts: CallTexts,
): void {
  const { bytes } = view
  const word = (at: number, offset: number) => (at < 0 ? 0 : uint32(bytes, at + offset) | 0)
  const [int, number] = [row * INT.width, row * NUMBER.width]
  const nearness = dialects[call.dialect]?.ofProvider ? PROVIDER : texts.emitter.isOfProvider ? OF_PROVIDER : 0
  ints[int + INT.flags] =
    (call.failed ? FAILED : 0) |
    (call.failed && !isExplained(view, call) ? UNEXPLAINED_FAILURE : 0) |
    (call.rateLimited ? RATE_LIMITED : 0) |
    (view.isRecord ? RECORD : 0) |
    (call.isAnswerCached ? ANSWER_CACHED : 0) |
    (call.stream ? STREAMED : 0) |
    nearness
  ints[int + INT.trace] = traceOf(view)
  // Records are another making than the spans of the same scope, and belong below the span that they name.
  ints[int + INT.emitter] = (texts.emitter.hash || call.dialect + 2) ^ (view.isRecord ? RECORD_SALT : 0)
  const [span, parent] = view.isRecord ? [-1, view.spanId] : [view.spanId, view.parentId]
  ints[int + INT.spanHigh] = word(span, 0)
  ints[int + INT.spanLow] = word(span, 4)
  ints[int + INT.parentHigh] = word(parent, 0)
  ints[int + INT.parentLow] = word(parent, 4)
  ints[int + INT.response] = textId(bytes, call.start(FIELD.responseId), call.end(FIELD.responseId))
  ints[int + INT.operation] = call.operation
  ints[int + INT.provider] = call.provider
  ints[int + INT.model] = texts.model
  ints[int + INT.responseModel] = texts.responseModel
  ints[int + INT.errorType] = texts.errorType
  ints[int + INT.dialect] = call.dialect
  ints[int + INT.resource] = texts.resource ?? 0
  ints[int + INT.finishReasons] = finishBits(call)
  ints[int + INT.signals] = call.qualitySignals
  ints[int + INT.safety] = call.safetySignals
  ints[int + INT.costSource] = call.costSource
  // Without a start there is no duration; the end still says when the call was.
  const end_ms = view.endTime < 0 ? Number.NaN : nanosAsMillis(bytes, view.endTime)
  numbers[number + NUMBER.start_ms] = startOf(view, call, end_ms)
  numbers[number + NUMBER.end_ms] = end_ms
  const stream_ms = view.isRecord ? 0 : readStreamRecord(view, call)
  if (stream_ms > 0) {
    ints[int + INT.flags]! |= STREAM_RECORD
    numbers[number + NUMBER.start_ms] = end_ms - stream_ms
  } else if (!view.isRecord && awaitsRecord(call)) ints[int + INT.flags]! |= AWAITS_RECORD
  numbers[number + NUMBER.input] = call.inputTokens
  numbers[number + NUMBER.output] = call.outputTokens
  numbers[number + NUMBER.cacheRead] = call.cacheReadTokens
  numbers[number + NUMBER.cacheWrite] = call.cacheWriteTokens
  numbers[number + NUMBER.reasoning] = call.reasoningTokens
  numbers[number + NUMBER.ttft_s] = call.timeToFirstChunk_s
  numbers[number + NUMBER.cost_usd] = call.cost_usd
  numbers[number + NUMBER.score] = call.qualityScore
  numbers[number + NUMBER.table_usd] = call.table_usd
  numbers[number + NUMBER.saved_usd] = call.saved_usd
  numbers[number + NUMBER.contextUtilization] = call.contextUtilization
  numbers[number + NUMBER.perChunk_s] = call.timePerChunk_s
  numbers[number + NUMBER.queue_s] = call.queueTime_s
}

function startOf({ bytes, isRecord, startTime }: SpanView, call: ModelCall, end_ms: number): number {
  if (isRecord) return end_ms - call.duration_ms
  return startTime < 0 || (call.implausible & DURATION) !== 0 ? Number.NaN : nanosAsMillis(bytes, startTime)
}

/** A reason that nobody knows is a reason all the same. */
function finishBits(call: ModelCall): number {
  let bits = 0
  for (let at = 0; at < call.finishReasonCount; at++) {
    const reason = call.finishReasons[at]!
    bits |= 1 << (reason < 0 ? OTHER_REASON : reason)
  }
  return bits
}

const OTHER_REASON = FINISH_REASONS.indexOf('other')
