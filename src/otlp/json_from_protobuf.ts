/**
 * Protobuf to OTLP/JSON: lowerCamelCase names, 64-bit integers as decimal strings, enums as numbers, ids in lower-case
 * hexadecimal. Source: OTLP specification 1.11, "JSON Protobuf Encoding".
 */
import { decode, type Message, type Value } from './codec.ts'
import { Output } from './output.ts'
import { type Field, fieldsOf, isMessage, type MessageName } from './schema.ts'

const COMMA = 0x2c

/**
 * A message in regular form as one line of JSON, without a line break at the end. Only fields that are present are
 * written, unknown ones are left out, invalid UTF-8 becomes U+FFFD. Throws WireError for bytes that `check` refuses.
 */
export function protobufToJson(name: MessageName, bytes: Buffer): Buffer {
  const out = new Output(bytes.length * 2 + 16)
  writeMessage(name, decode(name, bytes), out)
  return out.take()
}

function writeMessage(name: MessageName, message: Message, out: Output): void {
  out.text('{')
  let isFirst = true
  for (const field of fieldsOf[name]) {
    const value = message[field.name]
    if (value === undefined) continue
    if (!isFirst) out.byte(COMMA)
    isFirst = false
    out.text(`"${field.name}":`)
    if (field.repeated) writeList(field, value as Value[], out)
    else writeValue(field, value, out)
  }
  out.text('}')
}

function writeList(field: Field, values: readonly Value[], out: Output): void {
  out.text('[')
  for (const [at, value] of values.entries()) {
    if (at > 0) out.byte(COMMA)
    writeValue(field, value, out)
  }
  out.text(']')
}

function writeValue(field: Field, value: Value, out: Output): void {
  if (isMessage(field.type)) return writeMessage(field.type, value as Message, out)
  switch (field.type) {
    case 'string':
      return out.text(JSON.stringify(value))
    case 'id':
      return out.text(`"${(value as Buffer).toString('hex')}"`)
    case 'bytes':
      return out.text(`"${(value as Buffer).toString('base64')}"`)
    case 'double':
      return out.text(textOfDouble(value as number))
    default:
      return out.text(typeof value === 'bigint' ? `"${value}"` : String(value))
  }
}

function textOfDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}
