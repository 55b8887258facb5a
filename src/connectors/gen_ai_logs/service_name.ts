/** The name of the service that a head belongs to. */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { contentStart, STRING, valueKind } from '../../telemetry/any_value.ts'
import { Attributes } from '../../telemetry/attributes.ts'
import { findField, foundEnd } from '../../telemetry/find_field.ts'
import type { Head } from '../../telemetry/heads.ts'
import { KeySet } from '../../telemetry/key_set.ts'

/** Tag of the Resource in its group, and of the attributes in it: both have the number 1. */
const FIRST_FIELD = 0x0a

/** Of a longer name: it is written into every record. */
const NAME_BYTES_MAX = 1024

const NO_NAME = Buffer.alloc(0)

/** By the bytes of the resource, which its heads share. */
const known = new WeakMap<Buffer, Buffer>()
const keys = new KeySet(['service.name'])
const attributes = new Attributes()
const found = new Int32Array(1)

/** The resource's `service.name` in UTF-8, empty if it has none that is a text. */
export function serviceOf(head: Head): Buffer {
  let name = known.get(head.resource)
  if (name === undefined) known.set(head.resource, (name = readService(head.resource)))
  return name
}

function readService(bytes: Buffer): Buffer {
  const start = findField(bytes, 0, bytes.length, FIRST_FIELD)
  if (start < 0) return NO_NAME
  const end = foundEnd
  attributes.clear()
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === FIRST_FIELD) {
      readLength(bytes, value, end)
      attributes.add(bytes, at, next, behind)
    }
    at = behind
  }
  attributes.find(bytes, keys, found)
  const row = found[0]!
  if (row < 0) return NO_NAME
  const valueEnd = attributes.valueEnd(row)
  if (valueKind(bytes, attributes.valueStart(row), valueEnd) !== STRING) return NO_NAME
  return Buffer.from(bytes.subarray(contentStart, Math.min(valueEnd, contentStart + NAME_BYTES_MAX)))
}
