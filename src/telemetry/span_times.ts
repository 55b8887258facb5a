/** Which times of a span are believed. */
import { fixed64, nanosBetween } from '../otlp/cursor.ts'
import type { SpanView } from './span_view.ts'

/** Traces of agents run for days; what is longer has a time that was never set. */
export const SPAN_DURATION_MAX_MS = 7 * 86_400_000

/** Both times are there, neither is 0, and the span is no longer than `duration_max_ms` and does not end before it begins. */
export function hasPlausibleTimes(view: SpanView, duration_max_ms: number): boolean {
  const { bytes, startTime, endTime } = view
  if (startTime < 0 || endTime < 0 || fixed64(bytes, startTime) === 0 || fixed64(bytes, endTime) === 0) return false
  const duration_ms = nanosBetween(bytes, startTime, endTime) / 1e6
  return duration_ms >= 0 && duration_ms <= duration_max_ms
}
