/** Finding names that decide how the rest of a message is judged; fields may stand in any order. */
import { next, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { textField } from '../../../telemetry/any_value.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { isEqual } from '../../../telemetry/key_set.ts'
import { tagOf } from './walk_steps.ts'

const ATTRIBUTES_TAG = tagOf('LogRecord', 'attributes')
const NAME_TAG = tagOf('LogRecord', 'eventName')
const KEY_TAG = tagOf('KeyValue', 'key')
const VALUE_TAG = tagOf('KeyValue', 'value')
const nameKeys = ['event.name', 'event_name'].map((key) => Buffer.from(key))

/** A log record's event name as a field (`find_field.ts`): its own, or the attribute of older senders; -1 if it has none. */
export function findEventName(bytes: Buffer, start: number, end: number): number {
  let found = -1
  for (let at = start; at < end; ) {
    const tag = bytes[at]!
    if (tag === ATTRIBUTES_TAG && found < 0 && bytes[at + 1]! < 128) {
      const behind = at + 2 + bytes[at + 1]!
      // The key mostly comes first, and is mostly another one.
      if (bytes[at + 2] !== KEY_TAG || bytes[at + 3] === 10) found = nameInAttribute(bytes, at + 2, behind)
      at = behind
      continue
    }
    const one = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(one & 7, bytes, value, end)
    if (one === NAME_TAG && behind > fieldStart(bytes, value)) found = value
    else if (one === ATTRIBUTES_TAG && found < 0) found = nameInAttribute(bytes, fieldStart(bytes, value), behind)
    at = behind
  }
  return found
}

function nameInAttribute(bytes: Buffer, start: number, end: number): number {
  const key = findField(bytes, start, end, KEY_TAG)
  if (key < 0) return -1
  const [keyStart, keyEnd] = [fieldStart(bytes, key), fieldEnd(bytes, key)]
  if (!nameKeys.some((name) => isEqual(name, bytes, keyStart, keyEnd))) return -1
  const value = findField(bytes, start, end, VALUE_TAG)
  return value < 0 ? -1 : textField(bytes, fieldStart(bytes, value), fieldEnd(bytes, value))
}
