/** What the walk does with each field of each OTLP message, from the schema. */
import {
  FIXED32,
  FIXED64,
  fieldsOf,
  isMessage,
  LENGTH,
  type MessageName,
  messageId,
  VARINT,
  wireTypeOf,
} from '../../../otlp/schema.ts'

export const STEP = {
  /** Not in the schema. */
  unknown: 0,
  varint: 1,
  fixed32: 2,
  fixed64: 3,
  text: 4,
  /** Trace and span ids. */
  id: 5,
  keyValue: 6,
  message: 7,
  value: 8,
  event: 9,
  int: 10,
  double: 11,
  /** Numbers in one length-delimited field. */
  packed: 12,
  body: 13,
  /** A text that holds no address. */
  version: 14,
} as const

/** The tag byte of a field. */
export function tagOf(message: MessageName, name: string): number {
  const field = fieldsOf[message].find((one) => one.name === name)!
  return field.number * 8 + wireTypeOf(field)
}

/** By message id times 256 plus tag (below 256): the step, and the id of the message inside times 16. */
export const steps = new Int32Array((Object.keys(fieldsOf).length + 1) * 256)

for (const name of Object.keys(fieldsOf) as MessageName[]) {
  for (const field of fieldsOf[name]) {
    const row = messageId[name] * 256
    const wire = wireTypeOf(field)
    steps[row + field.number * 8 + wire] = stepOf(name, field.name, field.type, wire)
    if (field.repeated && wire !== LENGTH) steps[row + field.number * 8 + LENGTH] = STEP.packed
  }
}

function stepOf(message: MessageName, name: string, type: string, wire: number): number {
  if (type === 'KeyValue') return STEP.keyValue
  if (type === 'AnyValue') return message === 'LogRecord' && name === 'body' ? STEP.body : STEP.value
  if (type === 'Event') return STEP.event
  if (isMessage(type as MessageName)) return STEP.message + messageId[type as MessageName] * 16
  if (type === 'id') return STEP.id
  if (message === 'AnyValue' && type === 'int64') return STEP.int
  if (message === 'AnyValue' && type === 'double') return STEP.double
  if (message === 'Scope' && name === 'version') return STEP.version
  if (wire === LENGTH) return STEP.text
  return { [VARINT]: STEP.varint, [FIXED32]: STEP.fixed32, [FIXED64]: STEP.fixed64 }[wire]!
}
