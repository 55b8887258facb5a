/** Values as text: plain ones as they are, lists and maps as JSON, bytes in base64. What is not UTF-8 becomes U+FFFD. */
import { isUtf8 } from 'node:buffer'
import { double, next, readBigInt64, readInt64, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import type { Output } from '../../../otlp/output.ts'
import * as values from '../../../telemetry/any_value.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'

/** KeyValue.key and .value; field 1 of ArrayValue and KeyValueList (opentelemetry/proto/common/v1/common.proto). */
export const KEY_TAG = 0x0a
export const VALUE_TAG = 0x12
const VALUES_TAG = 0x0a

/** Below this many bytes a loop is quicker than a call into native code. */
const LOOP_BYTES = 48

/** Are these bytes valid UTF-8? */
export function isText(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > LOOP_BYTES) return isUtf8(bytes.subarray(start, end))
  for (let at = start; at < end; at++) if (bytes[at]! > 127) return isUtf8(bytes.subarray(start, end))
  return true
}

/** Writes the value in [start, end) as text; of an absent one nothing. */
export function writeValue(bytes: Buffer, start: number, end: number, out: Output): void {
  const kind = values.valueKind(bytes, start, end)
  const from = values.contentStart(bytes, start, end)
  if (kind === values.STRING) writeText(bytes, from, end, out)
  else if (kind === values.ARRAY || kind === values.KVLIST) writeJson(bytes, start, end, out)
  else if (kind !== values.EMPTY) out.text(plainText(kind, bytes, from, end))
}

function writeText(bytes: Buffer, start: number, end: number, out: Output): void {
  if (isText(bytes, start, end)) out.copy(bytes, start, end)
  else out.text(bytes.toString('utf8', start, end))
}

/** Of a bool, number or bytes value whose content is in [start, end). */
function plainText(kind: values.ValueKind, bytes: Buffer, start: number, end: number): string {
  switch (kind) {
    case values.BOOL:
      return readInt64(bytes, start, end) === 0 ? 'false' : 'true'
    case values.INT: {
      const value = readInt64(bytes, start, end)
      return Number.isSafeInteger(value) ? String(value) : String(readBigInt64(bytes, start, end))
    }
    case values.DOUBLE:
      return String(double(bytes, start))
    default:
      return bytes.toString('base64', start, end)
  }
}

/** JSON of the AnyValue in [start, end): 64-bit integers with all their digits, NaN and infinities as strings. */
function writeJson(bytes: Buffer, start: number, end: number, out: Output): void {
  const kind = values.valueKind(bytes, start, end)
  const from = values.contentStart(bytes, start, end)
  switch (kind) {
    case values.EMPTY:
      return out.text('null')
    case values.STRING:
      return writeQuoted(bytes, from, end, out)
    case values.BYTES:
      return out.text(`"${plainText(kind, bytes, from, end)}"`)
    case values.ARRAY:
      return writeList(bytes, from, end, out)
    case values.KVLIST:
      return writeMap(bytes, from, end, out)
    case values.DOUBLE: {
      const value = double(bytes, from)
      return out.text(Number.isFinite(value) ? String(value) : `"${value}"`)
    }
    default:
      return out.text(plainText(kind, bytes, from, end))
  }
}

function writeList(bytes: Buffer, start: number, end: number, out: Output): void {
  out.text('[')
  let isFirst = true
  forEachValue(bytes, start, end, (from, to) => {
    if (!isFirst) out.text(',')
    isFirst = false
    writeJson(bytes, from, to, out)
  })
  out.text(']')
}

function writeMap(bytes: Buffer, start: number, end: number, out: Output): void {
  out.text('{')
  let isFirst = true
  forEachValue(bytes, start, end, (from, to) => {
    if (!isFirst) out.text(',')
    isFirst = false
    const key = findField(bytes, from, to, KEY_TAG)
    if (key < 0) out.text('""')
    else writeQuoted(bytes, fieldStart(bytes, key), fieldEnd(bytes, key), out)
    out.text(':')
    const value = findField(bytes, from, to, VALUE_TAG)
    if (value < 0) out.text('null')
    else writeJson(bytes, fieldStart(bytes, value), fieldEnd(bytes, value), out)
  })
  out.text('}')
}

/** Calls with each element of an ArrayValue, or each KeyValue of a KeyValueList, in [start, end). */
export function forEachValue(bytes: Buffer, start: number, end: number, use: (from: number, to: number) => void): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const content = next
    if (tag === VALUES_TAG) {
      const behind = readLength(bytes, content, end) + next
      const from = next
      use(from, behind)
      at = behind
    } else at = skipValue(tag & 7, bytes, content, end)
  }
}

function writeQuoted(bytes: Buffer, start: number, end: number, out: Output): void {
  if (!isPlain(bytes, start, end)) return out.text(JSON.stringify(bytes.toString('utf8', start, end)))
  out.byte(0x22)
  out.copy(bytes, start, end)
  out.byte(0x22)
}

/** Can it stand in a JSON string as it is? */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false
  }
  return true
}
