/** Times that servers tell: numbers of seconds, or texts as Rust prints a duration (`1.5s`, `12.3ms`, `800µs`, `90ns`). */
import { numberOf, textStart } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import type { DialectRow } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import { firstSource, placeStart, readNumber, rowOf } from './sources.ts'

const UNITS_S: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6, us: 1e-6, ns: 1e-9 }
const DURATION = /^(\d+(?:\.\d+)?)\s?(s|ms|µs|us|ns)$/
const TEXT_MAX_BYTES = 40

/** Seconds of the field's first source, not longer than a call may be; NaN without one. */
export function readSeconds(
  view: SpanView,
  found: Int32Array,
  dialect: DialectRow,
  field: number,
  call: ModelCall,
): number {
  const source = firstSource(view, found, dialect, field, call)
  if (source < 0) return Number.NaN
  const longest_s = call.plausible.duration_max_ms / 1000
  if (placeStart(dialect, source) >= 0) return readNumber(view, found, dialect, field, call, longest_s)
  const row = rowOf(found, dialect, source)
  const [start, end] = [view.attributes.valueStart(row), view.attributes.valueEnd(row)]
  const text = textStart(view.bytes, start, end)
  const value_s = text < 0 ? numberOf(view.bytes, start, end) : secondsIn(view.bytes, text, end)
  return value_s >= 0 && value_s <= longest_s ? value_s : Number.NaN
}

function secondsIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > TEXT_MAX_BYTES) return Number.NaN
  const [, digits, unit] = DURATION.exec(bytes.toString('utf8', start, end)) ?? []
  return digits === undefined ? Number.NaN : Number(digits) * UNITS_S[unit!]!
}
