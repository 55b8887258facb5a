/** Attribute values from a config, and from one type to another. */
import { encode, type Message } from '../otlp/codec.ts'
import { BOOL, bigIntOf, boolOf, DOUBLE, INT, numberOf, STRING, textOf, valueKind } from '../telemetry/any_value.ts'

type Scalar = string | number | boolean

/** The AnyValue's bytes. Whole numbers become ints, others doubles. */
export function valueBytes(value: Scalar | readonly Scalar[]): Buffer {
  const isList = typeof value === 'object'
  return encode('AnyValue', isList ? { arrayValue: { values: value.map(message) } } : message(value)).take()
}

/**
 * The value as another type; undefined if it cannot be converted or has the type already. As in the Collector: doubles
 * lose their fraction, true is 1, and texts must be numbers as a whole.
 */
export function convert(value: Buffer, type: 'int' | 'double' | 'string'): Buffer | undefined {
  if (type === 'string') return toText(value)
  return type === 'int' ? toInt(value) : toDouble(value)
}

function toText(value: Buffer): Buffer | undefined {
  const end = value.length
  switch (valueKind(value, 0, end)) {
    case INT:
      return valueBytes(String(bigIntOf(value, 0, end)))
    case DOUBLE:
      return valueBytes(String(numberOf(value, 0, end)))
    case BOOL:
      return valueBytes(String(boolOf(value, 0, end)))
    default:
      return undefined
  }
}

function toInt(value: Buffer): Buffer | undefined {
  const end = value.length
  switch (valueKind(value, 0, end)) {
    case STRING: {
      const text = textOf(value, 0, end)!
      return /^[-+]?\d{1,19}$/.test(text) ? intBytes(BigInt(text.replace(/^\+/, ''))) : undefined
    }
    case DOUBLE: {
      const number = Math.trunc(numberOf(value, 0, end))
      return Number.isFinite(number) ? intBytes(BigInt(number)) : undefined
    }
    case BOOL:
      return intBytes(boolOf(value, 0, end) ? 1n : 0n)
    default:
      return undefined
  }
}

function toDouble(value: Buffer): Buffer | undefined {
  const end = value.length
  const kind = valueKind(value, 0, end)
  if (kind === BOOL) return doubleBytes(boolOf(value, 0, end) ? 1 : 0)
  const number = kind === STRING || kind === INT ? numberOf(value, 0, end) : Number.NaN
  return Number.isNaN(number) ? undefined : doubleBytes(number)
}

function message(value: Scalar): Message {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: BigInt(value) } : { doubleValue: value }
}

/** Undefined outside of 64 bits. */
function intBytes(value: bigint): Buffer | undefined {
  return BigInt.asIntN(64, value) === value ? encode('AnyValue', { intValue: value }).take() : undefined
}

function doubleBytes(value: number): Buffer {
  return encode('AnyValue', { doubleValue: value }).take()
}
