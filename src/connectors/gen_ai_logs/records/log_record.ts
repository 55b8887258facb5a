/**
 * Writing the fields of a LogRecord. Grammar: LogRecord { time = 1, severity number = 2, severity text = 3, body = 5,
 * attributes = 6: KeyValue { key = 1, value = 2: AnyValue }, flags = 8, trace id = 9, span id = 10, observed time = 11,
 * event name = 12 }. Source: opentelemetry/proto/{logs,common}/v1.
 */
import { Constant, Output } from '../../../otlp/output.ts'
import { appendString, KeyTemplate, LOG_ATTRIBUTES } from '../../../telemetry/attribute_writer.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'

/** Numbers of fields, to be written with `Output.open`. */
export const BODY = 5
export const ATTRIBUTES = 6

export type Severity = 'INFO' | 'WARN' | 'ERROR'

const TAG = {
  time: 0x09,
  severityNumber: 0x10,
  severityText: 0x1a,
  flags: 0x45,
  traceId: 0x4a,
  spanId: 0x52,
  observedTime: 0x59,
  eventName: 0x62,
} as const
/** Those of the W3C trace context: all that logs may have. */
const TRACE_FLAGS = 0xff

/** The severity's fields. */
const SEVERITIES: Readonly<Record<Severity, Constant>> = {
  INFO: severityFields(9, 'INFO'),
  WARN: severityFields(13, 'WARN'),
  ERROR: severityFields(17, 'ERROR'),
}

/** The key of an attribute of log records, of less than 100 bytes. */
export function attributeKey(name: string): KeyTemplate {
  return new KeyTemplate(name, LOG_ATTRIBUTES)
}

/** The event's name as a field and as the attribute `event_name`: some stores drop the field. */
function eventFields(name: string): Constant {
  const out = new Output(128)
  appendString(out, attributeKey('event_name'), name)
  out.byte(TAG.eventName)
  out.byte(name.length)
  out.text(name)
  return new Constant(out.take())
}

export function writeSeverity(out: Output, severity: Severity): void {
  out.constant(SEVERITIES[severity])
}

function severityFields(number: number, text: string): Constant {
  const head = [TAG.severityNumber, number, TAG.severityText, text.length]
  return new Constant(Buffer.concat([Buffer.from(head), Buffer.from(text)]))
}

/** Trace, span and flags of the span, its end as the time: less than 64 bytes. */
export function writePlace(out: Output, span: SpanView): void {
  const { bytes } = span
  const time = span.endTime < 0 ? span.startTime : span.endTime
  if (time >= 0) {
    out.byte(TAG.time)
    out.copy(bytes, time, time + 8)
  }
  const flags = span.flags & TRACE_FLAGS
  if (flags !== 0) {
    out.byte(TAG.flags)
    out.fixed32(flags)
  }
  if (span.traceId >= 0) writeId(out, TAG.traceId, bytes, span.traceId, 16)
  if (span.spanId >= 0) writeId(out, TAG.spanId, bytes, span.spanId, 8)
}

export function writeObservedTime(out: Output, now_ms: number): void {
  out.byte(TAG.observedTime)
  writeNanos(out, now_ms)
}

/** Milliseconds as fixed64 nanoseconds, in two halves that are exact: their product has more digits than a double. */
function writeNanos(out: Output, time_ms: number): void {
  const whole_ms = Math.round(time_ms)
  const high = Math.floor(whole_ms / 2 ** 22) * 1e6
  const low = (high % 2 ** 10) * 2 ** 22 + (whole_ms % 2 ** 22) * 1e6
  out.fixed32(low)
  out.fixed32(Math.floor(high / 2 ** 10) + Math.floor(low / 2 ** 32))
}

function writeId(out: Output, tag: number, bytes: Uint8Array, start: number, size: number): void {
  out.byte(tag)
  out.byte(size)
  out.copy(bytes, start, start + size)
}

/** Fields of the two events. */
export const SUMMARY_EVENT = eventFields('sluice.gen_ai.summary')
export const CONTENT_EVENT = eventFields('sluice.gen_ai.content')
