/**
 * The receiver's check of a message: every tag, wire type and length, all the way down, in one pass without objects.
 * It also notices two things that need another form before anything may read the bytes: see `Findings`.
 */
import { next, readLength, readUint32, skipValue, skipVarint } from './cursor.ts'
import {
  FIELDS_PER_MESSAGE,
  fieldKind,
  fieldMessage,
  fieldOnce,
  KNOWN,
  LENGTH,
  messageId,
  PACKABLE,
  VARINT,
} from './schema.ts'
import { WireError } from './wire_error.ts'

/** An AnyValue may hold AnyValues to this depth (the attribute value depth limit of the OpenTelemetry specification). */
export const VALUE_DEPTH_MAX = 64

/** What checks have noticed since they were reset. */
export const noticed = {
  /** A singular field occurred twice, or two members of a oneof: readers that do not merge would disagree. */
  irregular: false,
  /** Attributes whose key begins with `sluice.`: only this program may write them. */
  sluiceAttributes: 0,
}

const KEY_VALUE = messageId.KeyValue
const ANY_VALUE = messageId.AnyValue
const STRING_MAX_ONE_BYTE = 128

/** Checks the fields of a message in [start, end). Throws WireError. */
export function check(message: number, bytes: Uint8Array, start: number, end: number, depth = 0): void {
  if (message === ANY_VALUE && depth > VALUE_DEPTH_MAX)
    throw new WireError('attribute value is nested too deeply', start)
  let seen = 0
  let at = start
  while (at < end) {
    let tag = bytes[at]!
    if (tag < 128) at++
    else {
      tag = readUint32(bytes, at, end)
      at = next
    }
    const field = tag >>> 3
    const wire = tag & 7
    const row = message * FIELDS_PER_MESSAGE + field
    const kind = field < FIELDS_PER_MESSAGE ? fieldKind[row]! : 0
    if (kind === 0) {
      if (field === 0) throw new WireError('field number 0', at)
      at = skipValue(wire, bytes, at, end)
      continue
    }
    const once = fieldOnce[row]!
    if ((seen & once) !== 0) noticed.irregular = true
    seen |= once
    if (wire === LENGTH) at = checkLength(kind, fieldMessage[row]!, bytes, at, end, depth)
    else if ((kind & 7) !== wire) throw new WireError(`field ${field} has the wrong wire type`, at)
    else if (wire === VARINT) at = skipVarint(bytes, at, end)
    else at = skipValue(wire, bytes, at, end)
  }
}

function checkLength(kind: number, message: number, bytes: Uint8Array, at: number, end: number, depth: number): number {
  let length = bytes[at]!
  if (length < 128 && at < end) at++
  else {
    length = readUint32(bytes, at, end)
    at = next
  }
  const behind = at + length
  if (behind > end) throw new WireError('length points past the end of its message', at)
  if (message === KEY_VALUE) checkKeyValue(bytes, at, behind, depth)
  else if (message !== 0) check(message, bytes, at, behind, message === ANY_VALUE ? depth + 1 : depth)
  else if ((kind & 7) !== LENGTH) checkPacked(kind, bytes, at, behind)
  return behind
}

/** The commonest form, a short key and a string, is checked with a few reads; everything else by the table. */
function checkKeyValue(bytes: Uint8Array, start: number, end: number, depth: number): void {
  if (bytes[start] === 0x0a) {
    const keyLength = bytes[start + 1]!
    const value = start + 2 + keyLength
    if (keyLength < STRING_MAX_ONE_BYTE && value < end) {
      if (bytes[start + 2] === 0x73 && isSluice(bytes, start + 2, value)) noticed.sluiceAttributes++
      if (bytes[value] === 0x12 && isPlainValue(bytes, value + 1, end)) return
      return check(KEY_VALUE, bytes, start, end, depth)
    }
  }
  noticeKey(bytes, start, end)
  check(KEY_VALUE, bytes, start, end, depth)
}

/** True if the AnyValue at `at` (its length first) fills the message exactly and is one string, bool or number. */
function isPlainValue(bytes: Uint8Array, at: number, end: number): boolean {
  let length = bytes[at++]!
  if (length > 127) {
    const second = bytes[at++]!
    if (second > 127) return false
    length = (length & 127) | (second << 7)
  }
  if (at + length !== end) return false
  if (length < 2) return length === 0
  const tag = bytes[at]!
  if (tag === 0x0a) {
    let text = bytes[at + 1]!
    let head = 2
    if (text > 127) {
      const second = bytes[at + 2]!
      if (second > 127) return false
      text = (text & 127) | (second << 7)
      head = 3
    }
    return text + head === length
  }
  if (tag === 0x18 || tag === 0x10) return length === 2 && bytes[at + 1]! < 128
  return tag === 0x21 && length === 9
}

/** Looks at the key of an attribute in an unusual form. */
function noticeKey(bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const content = next
    if (tag === 10) {
      const length = readLength(bytes, content, end)
      if (isSluice(bytes, next, next + length)) noticed.sluiceAttributes++
      at = next + length
    } else at = skipValue(tag & 7, bytes, content, end)
  }
}

/** Does the key begin with `sluice.`? */
export function isSluice(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    end - at >= 7 &&
    bytes[at] === 0x73 &&
    bytes[at + 1] === 0x6c &&
    bytes[at + 2] === 0x75 &&
    bytes[at + 3] === 0x69 &&
    bytes[at + 4] === 0x63 &&
    bytes[at + 5] === 0x65 &&
    bytes[at + 6] === 0x2e
  )
}

function checkPacked(kind: number, bytes: Uint8Array, at: number, end: number): void {
  if ((kind & PACKABLE) === 0) throw new WireError('field has the wrong wire type', at)
  const wire = kind & ~KNOWN & 7
  while (at < end) at = skipValue(wire, bytes, at, end)
}
