/**
 * Reading an AnyValue in place. A value is its content's range [start, end); absent or empty values have start = end.
 * Source: opentelemetry/proto/common/v1/common.proto.
 */
import { double, next, readBigInt64, readInt64, readUint32, skipValue } from '../otlp/cursor.ts'

export const EMPTY = 0
export const STRING = 1
export const BOOL = 2
export const INT = 3
export const DOUBLE = 4
export const ARRAY = 5
export const KVLIST = 6
export const BYTES = 7
/** Field number of the member that is set; EMPTY if none is known. */
export type ValueKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

/** Start of the content that `valueKind` found: of the text, the list, the bytes, or of the number. */
export let contentStart = 0

/** Which member is set. Sets `contentStart`; the content ends where the value does. */
export function valueKind(bytes: Uint8Array, start: number, end: number): ValueKind {
  if (start >= end) return EMPTY
  const tag = bytes[start]!
  const field = tag >>> 3
  if (field > BYTES) return behindUnknown(bytes, start, end)
  if ((tag & 7) === 2) {
    readUint32(bytes, start + 1, end)
    contentStart = next
  } else contentStart = start + 1
  return field as ValueKind
}

/** Unknown fields stand before the member (regular form). */
function behindUnknown(bytes: Uint8Array, start: number, end: number): ValueKind {
  let at = start
  do {
    const tag = readUint32(bytes, at, end)
    if (tag >>> 3 <= BYTES) return valueKind(bytes, at, end)
    at = skipValue(tag & 7, bytes, next, end)
  } while (at < end)
  return EMPTY
}

/** The text of a string value, undefined for any other. */
export function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  return valueKind(bytes, start, end) === STRING ? bytes.toString('utf8', contentStart, end) : undefined
}

/**
 * A number from an int, a double, or a text that is a decimal number (some emitters send every attribute as text).
 * NaN for anything else.
 */
export function numberOf(bytes: Buffer, start: number, end: number): number {
  switch (valueKind(bytes, start, end)) {
    case INT:
      return readInt64(bytes, contentStart, end)
    case DOUBLE:
      return double(bytes, contentStart)
    case STRING:
      return numberOfText(bytes.toString('latin1', contentStart, Math.min(end, contentStart + 32)))
    default:
      return Number.NaN
  }
}

/** An int value exactly, undefined for any other. */
export function bigIntOf(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  return valueKind(bytes, start, end) === INT ? readBigInt64(bytes, contentStart, end) : undefined
}

/** A bool value (or the texts `true` and `false`), undefined for any other. */
export function boolOf(bytes: Buffer, start: number, end: number): boolean | undefined {
  const kind = valueKind(bytes, start, end)
  if (kind === BOOL) return readInt64(bytes, contentStart, end) !== 0
  if (kind !== STRING || end - contentStart > 5) return undefined
  const text = bytes.toString('latin1', contentStart, end).toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function numberOfText(text: string): number {
  return /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN
}
