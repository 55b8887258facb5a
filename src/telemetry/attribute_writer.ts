/**
 * Appending attributes to the content of a Span or LogRecord. Grammar: Span.attributes = 9, LogRecord.attributes = 6:
 * KeyValue { key = 1, value = 2: AnyValue }.
 */
import { Constant, type Output, varintSize } from '../otlp/output.ts'

/** Tags of Span.attributes = 9 and LogRecord.attributes = 6. */
export const SPAN_ATTRIBUTES = 0x4a
export const LOG_ATTRIBUTES = 0x32
const STRING = 0x0a
const BOOL = 0x10
const INT = 0x18
const DOUBLE = 0x21
const ARRAY = 0x2a

/** An attribute's key, ready to be written in front of values: the key field and the value's tag, and the tag of attributes. */
export class KeyTemplate extends Constant {
  readonly attributes: number

  /** `name`: less than 100 bytes. */
  constructor(name: string, attributes: number) {
    super(Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name), Buffer.from([0x12])]))
    this.attributes = attributes
  }
}

export function appendInt(out: Output, key: KeyTemplate, value: number): void {
  head(out, key, 1 + varintSize(value))
  out.byte(INT)
  out.varint(value)
}

export function appendDouble(out: Output, key: KeyTemplate, value: number): void {
  head(out, key, 9)
  out.byte(DOUBLE)
  out.double(value)
}

export function appendTrue(out: Output, key: KeyTemplate): void {
  head(out, key, 2)
  out.byte(BOOL)
  out.byte(1)
}

/** The text is what stands in [start, end) of `source`. */
export function appendText(out: Output, key: KeyTemplate, source: Uint8Array, start: number, end: number): void {
  head(out, key, textSize(end - start))
  text(out, source, start, end)
}

/** A text as a string, for what is written seldom. */
export function appendString(out: Output, key: KeyTemplate, value: string): void {
  const bytes = Buffer.from(value)
  appendText(out, key, bytes, 0, bytes.length)
}

/** A list of texts, each a range (start, end) of its source. */
export function appendTexts(
  out: Output,
  key: KeyTemplate,
  texts: readonly { source: Uint8Array; start: number; end: number }[],
): void {
  let list = 0
  for (const one of texts) list += withHead(textSize(one.end - one.start))
  head(out, key, withHead(list))
  out.byte(ARRAY)
  out.varint(list)
  for (const one of texts) {
    out.byte(0x0a)
    out.varint(textSize(one.end - one.start))
    text(out, one.source, one.start, one.end)
  }
}

/** A list of doubles. */
export function appendDoubles(out: Output, key: KeyTemplate, values: readonly number[]): void {
  const list = values.length * withHead(9)
  head(out, key, withHead(list))
  out.byte(ARRAY)
  out.varint(list)
  for (const value of values) {
    out.byte(0x0a)
    out.varint(9)
    out.byte(DOUBLE)
    out.double(value)
  }
}

/** Everything of the attribute but the content of its value, which is `size` bytes long. */
function head(out: Output, key: KeyTemplate, size: number): void {
  out.byte(key.attributes)
  out.varint(key.length + varintSize(size) + size)
  out.constant(key)
  out.varint(size)
}

function text(out: Output, source: Uint8Array, start: number, end: number): void {
  out.byte(STRING)
  out.varint(end - start)
  out.copy(source, start, end)
}

function textSize(length: number): number {
  return withHead(length)
}

/** Size of a length-delimited field with a one-byte tag. */
function withHead(length: number): number {
  return 1 + varintSize(length) + length
}
