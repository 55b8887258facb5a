/** Reports that are written when a stream has ended, beside the report of its request. */

import { dialects } from '../gen_ai/dialects/dialects.ts'
import type { ModelCall } from '../gen_ai/model_call.ts'
import { nanosBetween } from '../otlp/cursor.ts'
import { numberOf } from '../telemetry/any_value.ts'
import { KeySet } from '../telemetry/key_set.ts'
import type { SpanView } from '../telemetry/span_view.ts'

const names = [...new Set(dialects.flatMap(({ streamDuration }) => streamDuration ?? []))]
const keys = new KeySet(names)
/** Position among the keys by dialect, -1 where it has none. */
const keyOf = dialects.map(({ streamDuration }) => (streamDuration === undefined ? -1 : names.indexOf(streamDuration)))
const found = new Int32Array(names.length)

/** May a record of its stream come? A request that went well and knows no tokens was one of a stream, also if it does not say so. */
export function awaitsRecord({ dialect, failed, inputTokens, outputTokens }: ModelCall): boolean {
  return !failed && (keyOf[dialect] ?? -1) >= 0 && Number.isNaN(inputTokens) && Number.isNaN(outputTokens)
}

/** How long the stream was that the span is a record of, in milliseconds; 0 if it is none. */
export function readStreamRecord(view: SpanView, { dialect, plausible }: ModelCall): number {
  const key = keyOf[dialect] ?? -1
  const { bytes, attributes } = view
  if (key < 0 || view.startTime < 0 || view.endTime < 0) return 0
  if (nanosBetween(bytes, view.startTime, view.endTime) !== 0) return 0
  attributes.find(bytes, keys, found)
  const row = found[key]!
  if (row < 0) return 0
  const duration_ms = numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) * 1000
  return duration_ms > 0 && duration_ms <= plausible.duration_max_ms ? duration_ms : 0
}
