/**
 * What a sampler at the head says in the W3C trace state of how few spans it let through, `ot=th:c` among other entries.
 * Sources: opentelemetry.io/docs/specs/otel/trace/tracestate-handling, W3C Trace Context level 2 (tracestate).
 */

import { fieldEnd, fieldStart, findField } from '../telemetry/find_field.ts'

/** Tag of Span.trace_state = 3. */
const TRACE_STATE = 0x1a
/** Hexadecimal digits of a threshold; those that are left out are zeros. */
const DIGITS = 14
const ALL = 2 ** (4 * DIGITS)
/** As the W3C has it; longer ones are not looked at. */
const STATE_BYTES_MAX = 512
/** A span that stands for more is not believed: one such would hide all others in a sum. */
const WEIGHT_MAX = 1e6

/** How many spans the span in [start, end) of `bytes` stands for: 1 where its trace state names no threshold that is believed. */
export function sampledWeight(bytes: Buffer, start: number, end: number): number {
  const field = findField(bytes, start, end, TRACE_STATE)
  if (field < 0) return 1
  const [from, to] = [fieldStart(bytes, field), fieldEnd(bytes, field)]
  return to - from > STATE_BYTES_MAX ? 1 : weightOf(bytes.toString('latin1', from, to))
}

/** The same of a trace state's text. */
export function weightOf(traceState: string): number {
  const digits = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=[;,\s]|$)/.exec(traceState)?.[1]
  if (digits === undefined) return 1
  const rejected = Number.parseInt(digits.padEnd(DIGITS, '0'), 16)
  const weight = ALL / (ALL - rejected)
  return weight <= WEIGHT_MAX ? weight : 1
}
