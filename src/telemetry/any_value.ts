/**
 * Reading an AnyValue in place. A value is its content's range [start, end); absent or empty values have start = end.
 * Source: opentelemetry/proto/common/v1/common.proto.
 */
import { double, next, readBigInt64, readInt64, readUint32, skipValue } from '../otlp/cursor.ts'
import { LENGTH } from '../otlp/schema.ts'

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

/** Which member is set. */
export function valueKind(bytes: Uint8Array, start: number, end: number): ValueKind {
  const member = memberStart(bytes, start, end)
  return member < end ? ((bytes[member]! >>> 3) as ValueKind) : EMPTY
}

/** Start of the content of a value that is not empty: of the text, the list, the bytes, or of the number. It ends with the value. */
export function contentStart(bytes: Uint8Array, start: number, end: number): number {
  let at = memberStart(bytes, start, end)
  if ((bytes[at]! & 7) !== LENGTH) return at + 1
  do at++
  while (bytes[at]! > 127)
  return at + 1
}

/** Start of the text of a string value; -1 for any other. */
export function textStart(bytes: Uint8Array, start: number, end: number): number {
  return valueKind(bytes, start, end) === STRING ? contentStart(bytes, start, end) : -1
}

/** The text of a string value as a field (`find_field.ts`): the offset of its length; -1 for any other value. */
export function textField(bytes: Uint8Array, start: number, end: number): number {
  return valueKind(bytes, start, end) === STRING ? memberStart(bytes, start, end) + 1 : -1
}

/** Where the member's tag stands, `end` if there is none: unknown fields stand before it (regular form). */
function memberStart(bytes: Uint8Array, start: number, end: number): number {
  return start >= end || bytes[start]! >>> 3 <= BYTES ? start : behindUnknown(bytes, start, end)
}

function behindUnknown(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  do {
    const tag = readUint32(bytes, at, end)
    if (tag >>> 3 <= BYTES) return at
    at = skipValue(tag & 7, bytes, next, end)
  } while (at < end)
  return end
}

/** The text of a string value, undefined for any other. */
export function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  const text = textStart(bytes, start, end)
  return text < 0 ? undefined : bytes.toString('utf8', text, end)
}

/**
 * A number from an int, a double, or a text that is a decimal number (some emitters send every attribute as text).
 * NaN for anything else.
 */
export function numberOf(bytes: Buffer, start: number, end: number): number {
  const kind = valueKind(bytes, start, end)
  if (kind !== INT && kind !== DOUBLE && kind !== STRING) return Number.NaN
  const content = contentStart(bytes, start, end)
  if (kind === INT) return readInt64(bytes, content, end)
  if (kind === DOUBLE) return double(bytes, content)
  return numberOfText(bytes.toString('latin1', content, Math.min(end, content + 32)))
}

/** An int value exactly, undefined for any other. */
export function bigIntOf(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  if (valueKind(bytes, start, end) !== INT) return undefined
  return readBigInt64(bytes, contentStart(bytes, start, end), end)
}

/** A bool value (or the texts `true` and `false`), undefined for any other. */
export function boolOf(bytes: Buffer, start: number, end: number): boolean | undefined {
  const kind = valueKind(bytes, start, end)
  if (kind !== BOOL && kind !== STRING) return undefined
  const content = contentStart(bytes, start, end)
  if (kind === BOOL) return readInt64(bytes, content, end) !== 0
  if (end - content > 5) return undefined
  const text = bytes.toString('latin1', content, end).toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function numberOfText(text: string): number {
  return /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN
}
