/** Takes what is not plausible out of a call, and marks it as such. */
import { nanosBetween } from '../otlp/cursor.ts'
import { hasPlausibleTimes } from '../telemetry/span_times.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import type { ModelCall } from './model_call.ts'
import { COST, DURATION, FIRST_CHUNK } from './plausible.ts'

/** A first chunk may be this much behind its span's end: spans end when a stream is handed over, and clocks differ. */
const FIRST_CHUNK_SLACK_S = 1

/** Judges the call's times. A call without times has no duration, which is not the same as a wrong one. */
export function judgeTimes(view: SpanView, call: ModelCall): void {
  const { duration_max_ms } = call.plausible
  const hasTimes = view.startTime >= 0 && view.endTime >= 0
  const isPlausible = hasTimes && hasPlausibleTimes(view, duration_max_ms)
  if (hasTimes && !isPlausible) call.implausible |= DURATION
  if (call.duration_ms > duration_max_ms) {
    call.implausible |= DURATION
    call.duration_ms = Number.NaN
  }
  const duration_s = isPlausible
    ? nanosBetween(view.bytes, view.startTime, view.endTime) / 1e9
    : call.duration_ms / 1000
  const longest_s = Number.isNaN(duration_s) ? duration_max_ms / 1000 : duration_s + FIRST_CHUNK_SLACK_S
  if (!(call.timeToFirstChunk_s > longest_s)) return
  call.implausible |= FIRST_CHUNK
  call.timeToFirstChunk_s = Number.NaN
}

/** Judges a cost, whoever has found it. */
export function judgeCost(call: ModelCall): void {
  if (call.table_usd > call.plausible.cost_usd_max) call.table_usd = call.saved_usd = Number.NaN
  if (!(call.cost_usd > call.plausible.cost_usd_max)) return
  call.implausible |= COST
  call.cost_usd = Number.NaN
  call.costSource = -1
}
