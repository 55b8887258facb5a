/** AnyValues as plain JSON. For cold paths. */
import { decode, type Message, type Value } from '../otlp/codec.ts'

/** Texts, numbers, booleans, lists, objects; null for an empty value. Integers beyond 2^53 and bytes (base64) become texts. */
export function plainValue(bytes: Buffer, start: number, end: number): unknown {
  return plainOf(decode('AnyValue', bytes, start, end))
}

/** Of a decoded AnyValue. */
export function plainOf(value: Value | undefined): unknown {
  const [kind, content] = Object.entries((value ?? {}) as Message)[0] ?? []
  switch (kind) {
    case 'arrayValue':
      return (((content as Message)['values'] ?? []) as Message[]).map(plainOf)
    case 'kvlistValue':
      return plainAttributes((content as Message)['values'])
    case 'intValue': {
      const number = Number(content)
      return Number.isSafeInteger(number) ? number : String(content)
    }
    case 'doubleValue':
      return Number.isFinite(content) ? content : String(content)
    case 'bytesValue':
      return (content as Buffer).toString('base64')
    default:
      return content ?? null
  }
}

/** Of decoded KeyValues; of several with one key the first. */
export function plainAttributes(list: Value | undefined): Record<string, unknown> {
  const pairs = ((list ?? []) as Message[]).map(({ key, value }) => [(key ?? '') as string, plainOf(value)] as const)
  // Not by assignment: a key may be __proto__.
  return Object.fromEntries(pairs.toReversed())
}
