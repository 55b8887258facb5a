/**
 * What is kept of a call's span, or log record, until its trace has settled: a Span with its place, times and normalised
 * attributes only.
 */
import { normalisedKeys } from '../../gen_ai/normalised.ts'
import type { Output } from '../../otlp/output.ts'
import { contentStart, EMPTY, STRING, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { flagsOf } from './log_record.ts'

/** A longer text is left out but for its beginning, any other longer value altogether. */
const VALUE_BYTES_MAX = 1024

/** Tags of a Span's fields. Source: opentelemetry/proto/trace/v1/trace.proto. */
const TAG = { traceId: 0x0a, spanId: 0x12, start: 0x39, end: 0x41, attributes: 0x4a } as const

const found = new Int32Array(normalisedKeys.names.length)

/** Writes the digest of a normalised item. */
export function writeDigest(out: Output, span: SpanView): void {
  const { bytes, attributes } = span
  if (span.traceId >= 0) writeField(out, TAG.traceId, bytes, span.traceId, 16)
  if (span.spanId >= 0) writeField(out, TAG.spanId, bytes, span.spanId, 8)
  if (span.startTime >= 0) writeTime(out, TAG.start, bytes, span.startTime)
  if (span.endTime >= 0) writeTime(out, TAG.end, bytes, span.endTime)
  attributes.find(bytes, normalisedKeys, found)
  for (const row of found) if (row >= 0) writeAttribute(out, span, row)
  const flags = flagsOf(span)
  if (flags !== 0) {
    out.byte(0x85)
    out.byte(0x01)
    out.fixed32(flags)
  }
}

/** A digest that is read: where each of `normalisedKeys` stands among its attributes, -1 for none. */
export class Digest {
  readonly span = new SpanView()
  readonly rows = new Int32Array(normalisedKeys.names.length)

  read(bytes: Buffer, start: number, end: number): this {
    this.span.readAt(bytes, start, end)
    this.span.attributes.find(bytes, normalisedKeys, this.rows)
    return this
  }

  /** Position of a name for the methods below. */
  static keyOf(name: string): number {
    return normalisedKeys.names.indexOf(name)
  }

  has(key: number): boolean {
    return this.rows[key]! >= 0
  }

  /** The text under that key, empty if there is none. */
  text(key: number): string {
    const row = this.rows[key]!
    if (row < 0) return ''
    const { bytes, attributes } = this.span
    const end = attributes.valueEnd(row)
    return valueKind(bytes, attributes.valueStart(row), end) === STRING ? bytes.toString('utf8', contentStart, end) : ''
  }
}

function writeAttribute(out: Output, { bytes, attributes }: SpanView, row: number): void {
  const [start, end] = [attributes.valueStart(row), attributes.valueEnd(row)]
  const kind = valueKind(bytes, start, end)
  if (kind === EMPTY) return
  if (end - start <= VALUE_BYTES_MAX) {
    const tag = attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.tag]!
    out.byte(TAG.attributes)
    out.copy(bytes, tag + 1, attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.end]!)
    return
  }
  if (kind !== STRING) return
  let stop = contentStart + VALUE_BYTES_MAX
  while ((bytes[stop]! & 0xc0) === 0x80) stop--
  const attribute = out.open(9, VALUE_BYTES_MAX)
  writeField(out, 0x0a, bytes, attributes.keyStart(row), attributes.keyEnd(row) - attributes.keyStart(row))
  const value = out.open(2, VALUE_BYTES_MAX)
  const text = contentStart
  writeField(out, 0x0a, bytes, text, stop - text)
  out.close(value, VALUE_BYTES_MAX)
  out.close(attribute, VALUE_BYTES_MAX)
}

function writeField(out: Output, tag: number, bytes: Uint8Array, start: number, size: number): void {
  out.byte(tag)
  out.varint(size)
  out.copy(bytes, start, start + size)
}

function writeTime(out: Output, tag: number, bytes: Uint8Array, at: number): void {
  out.byte(tag)
  out.copy(bytes, at, at + 8)
}
