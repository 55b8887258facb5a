import { next, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { ARRAY, BYTES, contentStart, STRING, valueKind } from '../../../telemetry/any_value.ts'

/** JSON longer than this is not counted: dropping content has to be cheap. */
const COUNTED_MAX = 1 << 16
const PLACEHOLDER = /^\[DROPPED length=\d+( (parts|key)=\d+)?\]$/
const PLACEHOLDER_MAX = 64
/** Members of messages, mostly the first one (eight bytes are searched twice as fast as seven), and of parts without a role. */
const members = ['{"role":', '"role":', '"type":'].map((member) => Buffer.from(member))

/**
 * What stands in place of a content value in [start, end), an AnyValue: `[DROPPED length=6210 parts=3]`. The length is
 * in bytes of UTF-8 (of the encoded value where it is a list or a map); parts are the values of an array or the messages
 * of JSON text, where these are cheap to count. Undefined if there is nothing to drop: no text, no bytes, no structure,
 * or dropped already.
 */
export function droppedText(bytes: Buffer, start: number, end: number): string | undefined {
  if (start >= end) return undefined
  const kind = valueKind(bytes, start, end)
  const from = contentStart(bytes, start, end)
  if (kind === 0) return `[DROPPED length=${end - start}]`
  if (kind < ARRAY && kind !== STRING) return undefined
  const length = end - from
  if (length === 0) return undefined
  if (kind === STRING && isDropped(bytes, from, end)) return undefined
  const parts = kind === ARRAY ? countValues(bytes, from, end) : kind === BYTES ? 0 : countMessages(bytes, from, end)
  return parts > 0 ? `[DROPPED length=${length} parts=${parts}]` : `[DROPPED length=${length}]`
}

/**
 * What stands in place of a part of content, whose text is [start, end): `[DROPPED length=62]`; in place of a key of an
 * object, whose keys have to differ, `[DROPPED length=4 key=1]`. Undefined if there is nothing to drop.
 */
export function droppedPart(bytes: Buffer, start: number, end: number, key = 0): string | undefined {
  if (start >= end || isDropped(bytes, start, end)) return undefined
  return key > 0 ? `[DROPPED length=${end - start} key=${key}]` : `[DROPPED length=${end - start}]`
}

function isDropped(bytes: Buffer, start: number, end: number): boolean {
  return end - start <= PLACEHOLDER_MAX && PLACEHOLDER.test(bytes.toString('latin1', start, end))
}

function countValues(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; count++) {
    const tag = readUint32(bytes, at, end)
    at = skipValue(tag & 7, bytes, next, end)
  }
  return count
}

function countMessages(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== 0x5b || end - start > COUNTED_MAX) return 0
  const text = bytes.subarray(start, end)
  for (const member of members) {
    let count = 0
    for (let at = text.indexOf(member); at !== -1; at = text.indexOf(member, at + member.length)) count++
    if (count > 0) return count
  }
  return 0
}
