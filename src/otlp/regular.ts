/**
 * Regular form, so that every reader sees the same: every singular field once, one member of a oneof, tags in their
 * shortest form, and the member of an AnyValue last in it. Protobuf lets a writer repeat a singular field (scalars: the
 * last wins; messages are merged), stretch a tag and put unknown fields anywhere. The receiver brings the rare body
 * that does so into regular form before anybody reads it; unknown fields stay.
 */
import { next, readLength, readUint32, skipValue } from './cursor.ts'
import { Output } from './output.ts'
import {
  FIELDS_PER_MESSAGE,
  fieldKind,
  fieldMessage,
  fieldOnce,
  LENGTH,
  type MessageName,
  messageId,
} from './schema.ts'

/** The same message in regular form. The bytes must have passed `check`. */
export function regular(name: MessageName, bytes: Buffer): Buffer {
  const out = new Output(bytes.length + 16)
  writeRegular(messageId[name], bytes, out)
  return out.take()
}

interface Part {
  readonly tag: number
  /** Behind the tag. */
  readonly value: number
  /** Behind the length, if it has one. */
  readonly content: number
  readonly end: number
  readonly row: number
}

function writeRegular(message: number, bytes: Buffer, out: Output): void {
  const parts = partsOf(message, bytes)
  if (message === messageId.AnyValue) parts.sort((a, b) => Number(a.row !== 0) - Number(b.row !== 0))
  const singular = Map.groupBy(parts, (part) => fieldOnce[part.row] ?? 0)
  for (const part of parts) {
    const once = fieldOnce[part.row] ?? 0
    const inner = fieldMessage[part.row] ?? 0
    const same = once === 0 ? [part] : singular.get(once)!
    if (same.at(-1) !== part) continue
    if (inner === 0) {
      out.varint(part.tag)
      out.copy(bytes, part.value, part.end)
    } else writeMessage(inner, merged(same, part.row, bytes), part.row % FIELDS_PER_MESSAGE, out)
  }
}

/** Messages of the same field, put end to end, are their merge; a member of a oneof in between starts anew. */
function merged(same: readonly Part[], row: number, bytes: Buffer): Buffer {
  const run: Buffer[] = []
  for (const part of same) {
    if (part.row !== row) run.length = 0
    else run.push(bytes.subarray(part.content, part.end))
  }
  return run.length === 1 ? run[0]! : Buffer.concat(run)
}

function writeMessage(message: number, content: Buffer, field: number, out: Output): void {
  const mark = out.open(field, content.length)
  writeRegular(message, content, out)
  out.close(mark, content.length)
}

function partsOf(message: number, bytes: Buffer): Part[] {
  const parts: Part[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = readUint32(bytes, at, bytes.length)
    const value = next
    const end = skipValue(tag & 7, bytes, value, bytes.length)
    const field = tag >>> 3
    const row = field < FIELDS_PER_MESSAGE ? message * FIELDS_PER_MESSAGE + field : 0
    if ((tag & 7) === LENGTH) readLength(bytes, value, bytes.length)
    const content = (tag & 7) === LENGTH ? next : value
    parts.push({ tag, value, content, end, row: (fieldKind[row] ?? 0) === 0 ? 0 : row })
    at = end
  }
  return parts
}
