/**
 * Writing the fields of a LogRecord. Grammar: LogRecord { time = 1, severity number = 2, severity text = 3, body = 5,
 * attributes = 6: KeyValue { key = 1, value = 2: AnyValue }, flags = 8, trace id = 9, span id = 10, observed time = 11,
 * event name = 12 }. Source: opentelemetry/proto/{logs,common}/v1.
 */
import { Constant, Output, varintSize } from '../../../otlp/output.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'

/** Numbers of fields, to be written with `Output.open`. */
export const BODY = 5
export const ATTRIBUTES = 6

export type Severity = 'INFO' | 'WARN' | 'ERROR'

const TAG = {
  time: 0x09,
  severityNumber: 0x10,
  severityText: 0x1a,
  attributes: 0x32,
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

/** A key of attributes, for the functions below. ASCII, of less than 100 characters. */
export type AttributeKey = Constant

/** Everything of the attribute between its own length and that of its value. */
export function attributeKey(name: string): AttributeKey {
  return new Constant(Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name), Buffer.from([0x12])]))
}

/** The event's name as a field and as the attribute `event_name`: some stores drop the field. */
function eventFields(name: string): Constant {
  const out = new Output(128)
  writeText(out, attributeKey('event_name'), name)
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

/** Writes an attribute. */
export function writeText(out: Output, key: AttributeKey, text: string): void {
  const size = Buffer.byteLength(text)
  writeKey(out, key, 1 + varintSize(size) + size)
  out.byte(0x0a)
  out.varint(size)
  out.text(text)
}

/** The texts are ASCII, and short. */
export function writeTexts(out: Output, key: AttributeKey, texts: readonly string[]): void {
  const size = texts.reduce((total, { length }) => total + length + 4, 0)
  writeKey(out, key, 1 + varintSize(size) + size)
  out.byte(0x2a)
  out.varint(size)
  for (const text of texts) {
    out.byte(0x0a)
    out.byte(text.length + 2)
    out.byte(0x0a)
    out.byte(text.length)
    out.text(text)
  }
}

export function writeInt(out: Output, key: AttributeKey, value: number): void {
  writeKey(out, key, 1 + varintSize(value))
  out.byte(0x18)
  out.varint(value)
}

export function writeDouble(out: Output, key: AttributeKey, value: number): void {
  writeKey(out, key, 9)
  out.byte(0x21)
  out.double(value)
}

export function writeTrue(out: Output, key: AttributeKey): void {
  writeKey(out, key, 2)
  out.byte(0x10)
  out.byte(1)
}

/** Everything of the attribute but the content of its value, which is `size` bytes long. */
function writeKey(out: Output, key: AttributeKey, size: number): void {
  out.byte(TAG.attributes)
  out.varint(key.length + varintSize(size) + size)
  out.constant(key)
  out.varint(size)
}

function writeId(out: Output, tag: number, bytes: Uint8Array, start: number, size: number): void {
  out.byte(tag)
  out.byte(size)
  out.copy(bytes, start, start + size)
}

/** Fields of the two events. */
export const SUMMARY_EVENT = eventFields('sluice.gen_ai.summary')
export const CONTENT_EVENT = eventFields('sluice.gen_ai.content')
