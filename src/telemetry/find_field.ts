/** Finding one field of a message that nothing has indexed. */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'

/** End of what the last `findField` found. */
export let foundEnd = 0

/** Start of the content of the length-delimited field with that tag in [start, end), -1 if there is none. Sets `foundEnd`. */
export function findField(bytes: Uint8Array, start: number, end: number, tag: number): number {
  let found = -1
  for (let at = start; at < end; ) {
    const one = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(one & 7, bytes, value, end)
    if (one === tag) {
      readLength(bytes, value, end)
      found = next
      foundEnd = behind
    }
    at = behind
  }
  return found
}
