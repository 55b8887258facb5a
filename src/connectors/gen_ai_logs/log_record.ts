/**
 * Writing the fields of a LogRecord. Grammar: LogRecord { time = 1, severity number = 2, severity text = 3, body = 5,
 * attributes = 6: KeyValue { key = 1, value = 2: AnyValue }, flags = 8, trace id = 9, span id = 10, observed time = 11,
 * event name = 12 }. Source: opentelemetry/proto/{logs,common}/v1.
 */
import { next, readUint32, skipValue, uint32 } from '../../otlp/cursor.ts'
import { type Output, varintSize } from '../../otlp/output.ts'
import type { SpanView } from '../../telemetry/span_view.ts'

export const SUMMARY_EVENT = 'sluice.gen_ai.summary'
export const CONTENT_EVENT = 'sluice.gen_ai.content'

/** Number of the field, to be written with `Output.open`. */
export const BODY = 5

export type Severity = 'INFO' | 'WARN' | 'ERROR'
const SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = { INFO: 9, WARN: 13, ERROR: 17 }

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
/** Span.flags = 16, fixed32; its lower eight bits are those of the W3C trace context, and all that logs may have. */
const SPAN_FLAGS = 0x85

/** The event's name as a field and as the attribute `event_name`: some stores drop the field. */
export function writeEvent(out: Output, name: string): void {
  writeText(out, 'event_name', name)
  out.byte(TAG.eventName)
  out.varint(name.length)
  out.text(name)
}

export function writeSeverity(out: Output, severity: Severity): void {
  out.byte(TAG.severityNumber)
  out.byte(SEVERITY_NUMBERS[severity])
  out.byte(TAG.severityText)
  out.byte(severity.length)
  out.text(severity)
}

/** Trace, span and flags of the span, its end as the time. */
export function writePlace(out: Output, span: SpanView, now_ms: number): void {
  const { bytes } = span
  const time = span.endTime < 0 ? span.startTime : span.endTime
  if (time >= 0) {
    out.byte(TAG.time)
    out.copy(bytes, time, time + 8)
  }
  const flags = flagsOf(span)
  if (flags !== 0) {
    out.byte(TAG.flags)
    out.fixed32(flags)
  }
  if (span.traceId >= 0) writeId(out, TAG.traceId, bytes, span.traceId, 16)
  if (span.spanId >= 0) writeId(out, TAG.spanId, bytes, span.spanId, 8)
  out.byte(TAG.observedTime)
  out.fixed64(BigInt(Math.round(now_ms)) * 1_000_000n)
}

/** The lower eight bits of the flags of the span, or log record. */
export function flagsOf({ bytes, start, end, isRecord }: SpanView): number {
  for (let at = start; at < end; ) {
    if (isRecord && bytes[at] === TAG.flags) return uint32(bytes, at + 1) & 0xff
    if (!isRecord && bytes[at] === SPAN_FLAGS && bytes[at + 1] === 1) return uint32(bytes, at + 2) & 0xff
    const tag = readUint32(bytes, at, end)
    at = skipValue(tag & 7, bytes, next, end)
  }
  return 0
}

/** Writes an attribute. Keys are ASCII, of less than 100 characters. */
export function writeText(out: Output, key: string, text: string): void {
  const size = Buffer.byteLength(text)
  writeKey(out, key, 1 + varintSize(size) + size)
  out.byte(0x0a)
  out.varint(size)
  out.text(text)
}

/** The texts are ASCII, and short. */
export function writeTexts(out: Output, key: string, texts: readonly string[]): void {
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

export function writeInt(out: Output, key: string, value: number): void {
  writeKey(out, key, 1 + varintSize(value))
  out.byte(0x18)
  out.varint(value)
}

export function writeDouble(out: Output, key: string, value: number): void {
  writeKey(out, key, 9)
  out.byte(0x21)
  out.double(value)
}

export function writeTrue(out: Output, key: string): void {
  writeKey(out, key, 2)
  out.byte(0x10)
  out.byte(1)
}

/** An attribute as it stands in the span, whose tag (of one byte) is at `tag`. */
export function copyAttribute(out: Output, bytes: Uint8Array, tag: number, end: number): void {
  out.byte(TAG.attributes)
  out.copy(bytes, tag + 1, end)
}

/** Everything of the attribute but the content of its value, which is `size` bytes long. */
function writeKey(out: Output, key: string, size: number): void {
  out.byte(TAG.attributes)
  out.varint(2 + key.length + 1 + varintSize(size) + size)
  out.byte(0x0a)
  out.byte(key.length)
  out.text(key)
  out.byte(0x12)
  out.varint(size)
}

function writeId(out: Output, tag: number, bytes: Uint8Array, start: number, size: number): void {
  out.byte(tag)
  out.byte(size)
  out.copy(bytes, start, start + size)
}
