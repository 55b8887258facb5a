/**
 * What a sampler at the head says in the W3C trace state of how few spans it let through, `ot=th:c` among other entries.
 * Sources: opentelemetry.io/docs/specs/otel/trace/tracestate-handling, W3C Trace Context level 2 (tracestate).
 */

import { next, readUint32, skipValue } from '../otlp/cursor.ts'
import { fieldEnd, fieldStart } from '../telemetry/find_field.ts'

/** Tag of Span.trace_state = 3. */
const TRACE_STATE = 0x1a
/** Hexadecimal digits of a threshold; those that are left out are zeros. */
const DIGITS = 14
const ALL = 2 ** (4 * DIGITS)
/** As the W3C has it; longer ones are not looked at. */
const STATE_BYTES_MAX = 512
/** A span that stands for more is not believed: one such would hide all others in a sum. */
const WEIGHT_MAX = 1e6

/**
 * How many spans a span stands for, of which [start, end) of `bytes` are the fields behind its trace id: 1 where its trace
 * state names no threshold that is believed. Encoders write fields by number, so it is looked for no further than to the
 * first field of a higher one: most spans have none, and it is asked of each call.
 */
export function sampledWeight(bytes: Buffer, start: number, end: number): number {
  const field = findTraceState(bytes, start, end)
  if (field < 0) return 1
  const [from, to] = [fieldStart(bytes, field), fieldEnd(bytes, field)]
  return to - from > STATE_BYTES_MAX ? 1 : weightOf(bytes.toString('latin1', from, to))
}

function findTraceState(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag === TRACE_STATE) return next
    if (tag > TRACE_STATE) return -1
    at = skipValue(tag & 7, bytes, next, end)
  }
  return -1
}

/** The same of a trace state's text. */
export function weightOf(traceState: string): number {
  const digits = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=[;,\s]|$)/.exec(traceState)?.[1]
  if (digits === undefined) return 1
  const rejected = Number.parseInt(digits.padEnd(DIGITS, '0'), 16)
  const weight = ALL / (ALL - rejected)
  return weight <= WEIGHT_MAX ? weight : 1
}
