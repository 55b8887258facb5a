/** Where the fields that users may name are in a message, by their OTLP names. */
import { fieldsOf, type MessageName } from '../otlp/schema.ts'

/** Number of the field with that JSON name; -1 if the message has none. */
export function fieldNumber(message: MessageName, name: string): number {
  return fieldsOf[message].find((field) => field.name === name)?.number ?? -1
}
