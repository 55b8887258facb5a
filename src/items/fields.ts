/** Where the fields that users may name are in a message, by their OTLP names. */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { fieldsOf, type MessageName } from '../otlp/schema.ts'
import type { Attributes } from '../telemetry/attributes.ts'

/** Number of the field with that JSON name; -1 if the message has none. */
export function fieldNumber(message: MessageName, name: string): number {
  return fieldsOf[message].find((field) => field.name === name)?.number ?? -1
}

/** Fills `attributes` with the KeyValues that are field `field` of the message in [start, end). */
export function readAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  attributes: Attributes,
): void {
  attributes.clear()
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === field * 8 + 2) {
      readLength(bytes, value, end)
      attributes.add(bytes, at, next, behind)
    }
    at = behind
  }
}
