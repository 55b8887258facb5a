/**
 * Finding one field of a message that nothing has indexed. A "field" is here one number, the offset of the length that
 * stands before the content of a length-delimited field: `fieldStart` and `fieldEnd` read off it where the content is. The
 * text in an AnyValue is passed around in the same way (`textField`).
 */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'

/** Offset of the length of the length-delimited field with that tag in [start, end); -1 if there is none. */
export function findField(bytes: Uint8Array, start: number, end: number, tag: number): number {
  let found = -1
  for (let at = start; at < end; ) {
    const one = readUint32(bytes, at, end)
    const value = next
    at = skipValue(one & 7, bytes, value, end)
    if (one === tag) found = value
  }
  return found
}

/** Where the content of a field begins whose length stands at `field`. */
export function fieldStart(bytes: Uint8Array, field: number): number {
  let at = field
  while (bytes[at]! > 127) at++
  return at + 1
}

/** Where that content ends. The field has been found in its message, so it ends within. */
export function fieldEnd(bytes: Uint8Array, field: number): number {
  const length = readLength(bytes, field, bytes.length)
  return next + length
}
