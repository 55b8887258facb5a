/**
 * Protobuf to OTLP/JSON: lowerCamelCase names, 64-bit integers as decimal strings, enums as numbers, ids in lower-case
 * hexadecimal. Source: OTLP specification 1.11, "JSON Protobuf Encoding".
 */
import { decodeScalar } from './codec.ts'
import { next, readLength, readUint32, skipValue } from './cursor.ts'
import { Output } from './output.ts'
import { type Field, fieldsOf, isMessage, LENGTH, type MessageName, wireTypeOf } from './schema.ts'
import { WireError } from './wire_error.ts'

const COMMA = 0x2c
/** Messages nest at most this deep (an AnyValue costs three levels); the receiver's walk is stricter. */
const MAX_DEPTH = 256

/**
 * A message in regular form as one line of JSON, without a line break at the end. Only fields that are present are
 * written, unknown ones are left out, invalid UTF-8 becomes U+FFFD. Throws WireError for bytes that `check` refuses.
 * Nothing is kept of what was written: a request of millions of fields needs no more than its text.
 */
export function protobufToJson(name: MessageName, bytes: Buffer): Buffer {
  const out = new Output(bytes.length * 2 + 16)
  writeMessage(name, bytes, 0, bytes.length, 0, out)
  return out.take()
}

function writeMessage(name: MessageName, bytes: Buffer, start: number, end: number, depth: number, out: Output): void {
  if (depth > MAX_DEPTH) throw new WireError('message is nested too deeply', start)
  const present = fieldsIn(bytes, start, end)
  out.text('{')
  let isFirst = true
  for (const field of fieldsOf[name]) {
    if ((present & (1 << field.number)) === 0) continue
    if (!isFirst) out.byte(COMMA)
    isFirst = false
    out.text(`"${field.name}":`)
    if (field.repeated) out.byte(OPEN)
    writeField(field, bytes, start, end, depth, out)
    if (field.repeated) out.byte(CLOSE)
  }
  out.text('}')
}

const OPEN = 0x5b
const CLOSE = 0x5d

/** A bit for each field number that occurs; no OTLP field is above 31. */
function fieldsIn(bytes: Buffer, start: number, end: number): number {
  let present = 0
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag >>> 3 < 32) present |= 1 << (tag >>> 3)
    at = skipValue(tag & 7, bytes, next, end)
  }
  return present
}

/** Every value of the field in the message [start, end). */
function writeField(field: Field, bytes: Buffer, start: number, end: number, depth: number, out: Output): void {
  let isFirst = true
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    at = behind
    if (tag >>> 3 !== field.number) continue
    const isPacked = field.repeated && (tag & 7) === LENGTH && wireTypeOf(field) !== LENGTH
    if (!isPacked && (tag & 7) !== wireTypeOf(field))
      throw new WireError(`${field.name} has the wrong wire type`, value)
    if ((tag & 7) === LENGTH) readLength(bytes, value, end)
    for (let from = (tag & 7) === LENGTH ? next : value; from < behind || !isPacked; ) {
      const to = isPacked ? skipValue(wireTypeOf(field), bytes, from, behind) : behind
      if (!isFirst) out.byte(COMMA)
      isFirst = false
      writeValue(field, bytes, from, to, depth, out)
      if (!isPacked) break
      from = to
    }
    if (!field.repeated) return
  }
}

function writeValue(field: Field, bytes: Buffer, start: number, end: number, depth: number, out: Output): void {
  if (isMessage(field.type)) return writeMessage(field.type, bytes, start, end, depth + 1, out)
  switch (field.type) {
    case 'string':
      return out.text(JSON.stringify(bytes.toString('utf8', start, end)))
    case 'id':
      return out.text(`"${bytes.toString('hex', start, end)}"`)
    case 'bytes':
      return out.text(`"${bytes.toString('base64', start, end)}"`)
    default: {
      const value = decodeScalar(field.type, bytes, start, end)
      if (field.type === 'double') return out.text(textOfDouble(value as number))
      return out.text(typeof value === 'bigint' ? `"${value}"` : String(value))
    }
  }
}

function textOfDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}
