/** Did the application keep only some of its spans? It says so in their trace state. */
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'

/** Tag of `trace_state` in a Span (opentelemetry/proto/trace/v1). */
const TRACE_STATE = 0x1a
/** W3C Trace Context: so long at most is passed on. */
const BYTES_MAX = 512

/** Of the Span in [start, end). */
export function isHeadSampled(bytes: Buffer, start: number, end: number): boolean {
  const field = findField(bytes, start, end, TRACE_STATE)
  if (field < 0) return false
  const from = fieldStart(bytes, field)
  return saysSampled(bytes.toString('latin1', from, Math.min(fieldEnd(bytes, field), from + BYTES_MAX)))
}

/**
 * `ot=th:8;rv:…` is a threshold below which traces are dropped, as a fraction in hexadecimal digits, so one of zeros drops
 * none; `ot=p:3` is what came before it: one of 2^3 is kept (63: none).
 * Source: opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling.
 */
export function saysSampled(traceState: string): boolean {
  for (const member of traceState.split(',')) {
    const [vendor = '', value = ''] = member.trim().split('=', 2)
    if (vendor !== 'ot') continue
    for (const pair of value.split(';')) if (THRESHOLD.test(pair) || POWER.test(pair)) return true
  }
  return false
}

const THRESHOLD = /^th:0*[1-9a-f][0-9a-f]*$/
const POWER = /^p:0*[1-9][0-9]*$/
