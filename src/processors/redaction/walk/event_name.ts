/** Finding names that decide how the rest of a message is judged; fields may stand in any order. */
import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { contentStart, STRING, valueKind } from '../../../telemetry/any_value.ts'
import { findField, foundEnd } from '../../../telemetry/find_field.ts'
import { isEqual } from '../../../telemetry/key_set.ts'
import { tagOf } from './walk_steps.ts'

/** End of what the last `findEventName` found. */
export let eventNameEnd = 0

const ATTRIBUTES_TAG = tagOf('LogRecord', 'attributes')
const NAME_TAG = tagOf('LogRecord', 'eventName')
const KEY_TAG = tagOf('KeyValue', 'key')
const VALUE_TAG = tagOf('KeyValue', 'value')
const nameKeys = ['event.name', 'event_name'].map((key) => Buffer.from(key))

/** Start of a log record's event name: the field, or the attribute of older senders; -1 if it has none. Sets `foundEnd`. */
export function findEventName(bytes: Buffer, start: number, end: number): number {
  let found = -1
  let stop = 0
  for (let at = start; at < end; ) {
    const tag = bytes[at]!
    if (tag === ATTRIBUTES_TAG && found < 0 && bytes[at + 1]! < 128) {
      const behind = at + 2 + bytes[at + 1]!
      // The key mostly comes first, and is mostly another one.
      if (bytes[at + 2] !== KEY_TAG || bytes[at + 3] === 10) {
        found = nameInAttribute(bytes, at + 2, behind)
        stop = foundEnd
      }
      at = behind
      continue
    }
    const one = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(one & 7, bytes, value, end)
    if (one === NAME_TAG || (one === ATTRIBUTES_TAG && found < 0)) {
      readLength(bytes, value, end)
      const content = next
      if (one === NAME_TAG && behind > content) {
        found = content
        stop = behind
      } else if (one === ATTRIBUTES_TAG) {
        found = nameInAttribute(bytes, content, behind)
        stop = foundEnd
      }
    }
    at = behind
  }
  eventNameEnd = stop
  return found
}

function nameInAttribute(bytes: Buffer, start: number, end: number): number {
  const key = findField(bytes, start, end, KEY_TAG)
  const keyEnd = foundEnd
  if (key < 0 || !nameKeys.some((name) => isEqual(name, bytes, key, keyEnd))) return -1
  const value = findField(bytes, start, end, VALUE_TAG)
  if (value < 0 || valueKind(bytes, value, foundEnd) !== STRING) return -1
  return contentStart
}
