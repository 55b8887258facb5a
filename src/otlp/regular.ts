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
  writeRegular(messageId[name], bytes, [0, bytes.length], out)
  return out.take()
}

/**
 * A message as starts and ends of pieces, whose fields one after the other are its own: more than one piece where a
 * singular message was repeated. Nothing is kept per field, and nothing copied: a body is a message of millions of fields.
 */
type Pieces = readonly number[]

function writeRegular(message: number, bytes: Buffer, pieces: Pieces, out: Output): void {
  if (pieces.length === 0 || pieces[0] === pieces.at(-1)) return
  const lasts = lastsOf(message, bytes, pieces)
  const isValue = message === messageId.AnyValue
  if (isValue) writeFields(message, bytes, pieces, lasts, (row) => row === 0, out)
  writeFields(message, bytes, pieces, lasts, (row) => !isValue || row !== 0, out)
}

function writeFields(
  message: number,
  bytes: Buffer,
  pieces: Pieces,
  lasts: Map<number, number>,
  isWanted: (row: number) => boolean,
  out: Output,
): void {
  forEachField(message, bytes, pieces, ({ row, start, tag, value, content, end }) => {
    const once = fieldOnce[row]!
    if (!isWanted(row) || (once !== 0 && lasts.get(once) !== start)) return
    if (fieldMessage[row] === 0) {
      out.varint(tag)
      out.copy(bytes, value, end)
      return
    }
    const inner = once === 0 ? [content, end] : mergedPieces(message, row, bytes, pieces)
    const mark = out.open(tag >>> 3, end - content)
    writeRegular(fieldMessage[row]!, bytes, inner, out)
    out.close(mark, end - content)
  })
}

/** Where the last of each singular field, or of the members of a oneof, begins, by its bit. */
function lastsOf(message: number, bytes: Buffer, pieces: Pieces): Map<number, number> {
  const lasts = new Map<number, number>()
  forEachField(message, bytes, pieces, ({ row, start }) => {
    if (fieldOnce[row] !== 0) lasts.set(fieldOnce[row]!, start)
  })
  return lasts
}

/** Messages of the same field, put end to end, are their merge; a member of a oneof in between starts anew. */
function mergedPieces(message: number, row: number, bytes: Buffer, pieces: Pieces): Pieces {
  const merged: number[] = []
  forEachField(message, bytes, pieces, (other) => {
    if (fieldOnce[other.row] !== fieldOnce[row]) return
    if (other.row !== row) merged.length = 0
    else if (other.content < other.end) merged.push(other.content, other.end)
  })
  return merged
}

/** A field's row in the table (0: unknown), its tag, and where the tag, the value, and the content of a message begin. */
interface FieldAt {
  row: number
  tag: number
  start: number
  value: number
  content: number
  end: number
}

/** Calls with each field: the same object every time. */
function forEachField(message: number, bytes: Buffer, pieces: Pieces, use: (field: Readonly<FieldAt>) => void): void {
  const field: FieldAt = { row: 0, tag: 0, start: 0, value: 0, content: 0, end: 0 }
  for (let piece = 0; piece < pieces.length; piece += 2) {
    const stop = pieces[piece + 1]!
    for (let at = pieces[piece]!; at < stop; ) {
      field.start = at
      field.tag = readUint32(bytes, at, stop)
      field.value = field.content = next
      field.end = at = skipValue(field.tag & 7, bytes, next, stop)
      if ((field.tag & 7) === LENGTH) {
        readLength(bytes, field.value, stop)
        field.content = next
      }
      field.row = rowOf(message, field.tag >>> 3)
      use(field)
    }
  }
}

function rowOf(message: number, number: number): number {
  const row = number < FIELDS_PER_MESSAGE ? message * FIELDS_PER_MESSAGE + number : 0
  return fieldKind[row] === 0 ? 0 : row
}
