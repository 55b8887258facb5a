/** When the first chunk of a streamed answer came: as a number, as a moment, or as a span event. */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import { textStart } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import type { DialectRow } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import { findEventTime } from '../wire.ts'
import { firstSource, readNumber, rowOf } from './sources.ts'

/** Sets the call's time to the first chunk where the span tells it. */
export function readFirstChunk(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  const unit_s = dialect.timeToFirstChunk_s
  if (unit_s > 0) call.timeToFirstChunk_s = readNumber(view, found, dialect, FIELD.timeToFirstChunk, call) * unit_s
  else {
    const source = firstSource(view, found, dialect, FIELD.timeToFirstChunk, call)
    call.timeToFirstChunk_s =
      source < 0 ? Number.NaN : sinceStart_s(view, momentIn(view, rowOf(found, dialect, source)))
  }
  if (unit_s !== 1) call.replaced |= 1 << FIELD.timeToFirstChunk
  if (dialect.firstChunkEvent === undefined || call.timeToFirstChunk_s >= 0 || view.events === 0) return
  const time = findEventTime(view, dialect.firstChunkEvent)
  if (time >= 0) call.timeToFirstChunk_s = sinceStart_s(view, nanosAsMillis(view.bytes, time))
}

/** Longest ISO 8601 moment, with quotes. */
const MOMENT_MAX = 40

/** Milliseconds since the epoch; NaN where the attribute is no moment. Streamed calls are few: a string is fine here. */
function momentIn(view: SpanView, row: number): number {
  const end = view.attributes.valueEnd(row)
  const start = textStart(view.bytes, view.attributes.valueStart(row), end)
  if (start < 0 || end - start > MOMENT_MAX) return Number.NaN
  return Date.parse(view.bytes.toString('latin1', start, end).replaceAll('"', ''))
}

/** NaN also for a moment before the span's start: clocks differ, and it would be no duration. */
function sinceStart_s(view: SpanView, moment_ms: number): number {
  if (view.startTime < 0) return Number.NaN
  const duration_ms = moment_ms - nanosAsMillis(view.bytes, view.startTime)
  return duration_ms >= 0 ? duration_ms / 1000 : Number.NaN
}
