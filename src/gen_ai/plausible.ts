/** Numbers of a model call that no honest emitter sends. They are in no sum: one of them would spoil a counter for good. */
import { nanosBetween } from '../otlp/cursor.ts'
import { hasPlausibleTimes } from '../telemetry/span_times.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import type { ModelCall } from './model_call.ts'

/** Beyond these a number is not believed. */
export interface Plausible {
  readonly duration_max_ms: number
  readonly tokens_max: number
  readonly cost_usd_max: number
}

const DAY_MS = 86_400_000
/** Ten times the largest context that anybody offers, and what a call of that size costs with the dearest model. */
export const PLAUSIBLE: Plausible = { duration_max_ms: DAY_MS, tokens_max: 100_000_000, cost_usd_max: 10_000 }

/** What `sluice.implausible` lists. The position is the bit in `ModelCall.implausible`; the first seven follow `FIELD`. */
export const IMPLAUSIBLE = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'time_to_first_chunk',
  'cost',
  'duration',
] as const

const FIRST_CHUNK = 1 << IMPLAUSIBLE.indexOf('time_to_first_chunk')
const COST = 1 << IMPLAUSIBLE.indexOf('cost')
export const DURATION = 1 << IMPLAUSIBLE.indexOf('duration')
/** Any of the token counts. */
export const TOKENS = FIRST_CHUNK - 1
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
  if (!(call.cost_usd > call.plausible.cost_usd_max)) return
  call.implausible |= COST
  call.cost_usd = Number.NaN
  call.costSource = -1
}
