/**
 * OTLP messages as plain objects and back, by the table. For cold paths only: the names are the JSON names, 64-bit
 * integers are bigints, bytes and ids are Buffers, absent fields are absent.
 */
import { double, next, readBigInt64, readLength, readUint32, skipValue, uint32 } from './cursor.ts'
import { Output } from './output.ts'
import {
  FIXED32,
  FIXED64,
  type Field,
  fieldsOf,
  isMessage,
  LENGTH,
  type MessageName,
  type Scalar,
  VARINT,
  wireTypeOf,
} from './schema.ts'
import { WireError } from './wire_error.ts'

export type Value = string | number | bigint | boolean | Buffer | Message | Value[]
export interface Message {
  [name: string]: Value | undefined
}

const byNumber = new Map<MessageName, Map<number, Field>>(
  (Object.keys(fieldsOf) as MessageName[]).map((name) => [
    name,
    new Map(fieldsOf[name].map((field) => [field.number, field])),
  ]),
)
/** Messages nest at most this deep (an AnyValue costs three levels); the receiver's walk is stricter. */
const MAX_DEPTH = 256

/** Unknown fields are left out. Throws WireError. */
export function decode(name: MessageName, bytes: Buffer, start = 0, end = bytes.length, depth = 0): Message {
  if (depth > MAX_DEPTH) throw new WireError('message is nested too deeply', start)
  const message: Message = {}
  let at = start
  while (at < end) {
    const tag = readUint32(bytes, at, end)
    at = next
    const field = byNumber.get(name)!.get(tag >>> 3)
    const behind = skipValue(tag & 7, bytes, at, end)
    if (field !== undefined) decodeField(message, field, tag & 7, bytes, at, behind, depth)
    at = behind
  }
  return message
}

/** Writes the message's fields (no length in front) in the table's order. Default values that are present are written. */
export function encode(name: MessageName, message: Message, out = new Output()): Output {
  for (const field of fieldsOf[name]) {
    const value = message[field.name]
    if (value === undefined) continue
    if (!field.repeated) encodeField(field, value, out)
    else if (wireTypeOf(field) === LENGTH) for (const one of value as Value[]) encodeField(field, one, out)
    else encodePacked(field, value as Value[], out)
  }
  return out
}

function decodeField(
  message: Message,
  field: Field,
  wire: number,
  bytes: Buffer,
  at: number,
  behind: number,
  depth: number,
): void {
  if (wire === LENGTH) readLength(bytes, at, behind)
  const start = wire === LENGTH ? next : at
  const packed = field.repeated && wire === LENGTH && wireTypeOf(field) !== LENGTH
  if (!packed && wire !== wireTypeOf(field)) throw new WireError(`${field.name} has the wrong wire type`, at)
  if (field.repeated) {
    const list = (message[field.name] ??= []) as Value[]
    if (!packed) list.push(decodeValue(field, bytes, start, behind, depth))
    else
      for (let item = start; item < behind; ) {
        const after = skipValue(wireTypeOf(field), bytes, item, behind)
        list.push(decodeValue(field, bytes, item, after, depth))
        item = after
      }
    return
  }
  message[field.name] = decodeValue(field, bytes, start, behind, depth)
}

function decodeValue(field: Field, bytes: Buffer, start: number, end: number, depth: number): Value {
  if (isMessage(field.type)) return decode(field.type, bytes, start, end, depth + 1)
  return decodeScalar(field.type, bytes, start, end)
}

/** A value that is no message. */
export function decodeScalar(type: Scalar | 'id', bytes: Buffer, start: number, end: number): Value {
  switch (type) {
    case 'string':
      return bytes.toString('utf8', start, end)
    case 'bytes':
    case 'id':
      return bytes.subarray(start, end)
    case 'bool':
      return readBigInt64(bytes, start, end) !== 0n
    case 'int32':
    case 'enum':
      return Number(BigInt.asIntN(32, readBigInt64(bytes, start, end)))
    case 'uint32':
      return Number(BigInt.asUintN(32, readBigInt64(bytes, start, end)))
    case 'sint32':
      return unzigzag(Number(BigInt.asUintN(32, readBigInt64(bytes, start, end))))
    case 'int64':
      return readBigInt64(bytes, start, end)
    case 'uint64':
      return BigInt.asUintN(64, readBigInt64(bytes, start, end))
    case 'fixed32':
      return uint32(bytes, start)
    case 'fixed64':
      return bytes.readBigUInt64LE(start)
    case 'sfixed64':
      return bytes.readBigInt64LE(start)
    case 'double':
      return double(bytes, start)
  }
}

function encodeField(field: Field, value: Value, out: Output): void {
  if (isMessage(field.type)) {
    const mark = out.open(field.number)
    encode(field.type, value as Message, out)
    out.close(mark)
    return
  }
  out.tag(field.number, wireTypeOf(field))
  encodeScalar(field, value, out)
}

function encodePacked(field: Field, values: readonly Value[], out: Output): void {
  if (values.length === 0) return
  const mark = out.open(field.number)
  for (const value of values) encodeScalar(field, value, out)
  out.close(mark)
}

function encodeScalar(field: Field, value: Value, out: Output): void {
  switch (wireTypeOf(field)) {
    case LENGTH: {
      const bytes = typeof value === 'string' ? Buffer.from(value) : (value as Buffer)
      out.varint(bytes.length)
      out.copy(bytes, 0, bytes.length)
      return
    }
    case FIXED32:
      return out.fixed32(value as number)
    case FIXED64:
      return field.type === 'double' ? out.double(Number(value)) : out.fixed64(BigInt(value as bigint))
    case VARINT:
      if (field.type === 'sint32') return out.varint(zigzag(value as number))
      return out.bigVarint(typeof value === 'boolean' ? BigInt(value) : BigInt(value as bigint))
  }
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}
