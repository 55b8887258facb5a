/** Inserts, changes and removes attributes of a message; everything else in it is copied as it stands. */
import { createHmac } from 'node:crypto'
import type { Context } from '../component.ts'
import { encode } from '../otlp/codec.ts'
import type { Output } from '../otlp/output.ts'
import { textStart } from '../telemetry/any_value.ts'
import { ATTRIBUTE, Attributes } from '../telemetry/attributes.ts'
import { KeySet } from '../telemetry/key_set.ts'
import type { ActionConfig } from './actions_config.ts'
import { convert, valueBytes } from './attribute_values.ts'

/** An attribute that some action names: one that is there, or one that is added. */
interface Slot {
  /** Where it is among the message's attributes; -1: it is added. */
  readonly row: number
  /** Position in the editor's keys. */
  readonly key: number
  /** New AnyValue; undefined: as it was. */
  value: Buffer | undefined
  deleted: boolean
}

type Step = (editor: Edit) => void

/** A value that is not written several times into one message. */
const LONG_BYTES = 4096

export class AttributeEditor {
  /** Whether it may add an attribute to a message that has none. */
  readonly adds: boolean
  readonly #keys: KeySet
  readonly #steps: readonly Step[]
  readonly #attributes = new Attributes()

  /** `hash_key` is needed for the action hash. */
  constructor(actions: readonly ActionConfig[], hash_key: string | undefined) {
    const names = actions.flatMap(({ key, from_attribute }) => [key!, from_attribute ?? []].flat())
    this.adds = actions.some(({ action }) => action === 'insert' || action === 'upsert')
    this.#keys = new KeySet([...new Set(names)])
    this.#steps = actions.map((action) => stepOf(action, this.#keys, hash_key))
  }

  /**
   * Writes the message that stands in [start, end) to `out` with its attributes (field `field`) edited. Returns false,
   * with nothing written, if no action changes anything.
   */
  edit(bytes: Buffer, start: number, end: number, field: number, out: Output, context: Context): boolean {
    this.#attributes.read(bytes, start, end, field)
    const edit = new Edit(bytes, this.#attributes, this.#keys, context)
    for (const step of this.#steps) step(edit)
    if (!edit.isChanged) return false
    edit.write(start, end, field, out, this.#keys.names)
    return true
  }
}

/** One message under way. */
class Edit {
  isChanged = false
  readonly context: Context
  readonly #bytes: Buffer
  readonly #attributes: Attributes
  readonly #slots: Slot[] = []

  constructor(bytes: Buffer, attributes: Attributes, keys: KeySet, context: Context) {
    this.#bytes = bytes
    this.#attributes = attributes
    this.context = context
    for (let row = 0; row < attributes.count; row++) {
      const key = keys.find(bytes, attributes.keyStart(row), attributes.keyEnd(row))
      if (key >= 0) this.#slots.push({ row, key, value: undefined, deleted: false })
    }
  }

  has(key: number): boolean {
    return this.#slots.some((slot) => slot.key === key && !slot.deleted)
  }

  /** Value of the first attribute with that key. */
  valueOf(key: number): Buffer | undefined {
    const slot = this.#slots.find((one) => one.key === key && !one.deleted)
    return slot && this.#valueAt(slot)
  }

  add(key: number, value: Buffer): void {
    this.#slots.push({ row: -1, key, value, deleted: false })
    this.isChanged = true
  }

  /** Gives every attribute with that key the value that `change` makes of its own; undefined leaves it. */
  change(key: number, change: (value: Buffer) => Buffer | undefined): void {
    for (const slot of this.#slots) {
      if (slot.key !== key || slot.deleted) continue
      const before = this.#valueAt(slot)
      const after = change(before)
      if (after === undefined || after.equals(before)) continue
      slot.value = after
      this.isChanged = true
    }
  }

  /**
   * Gives the first attribute with that key the value and takes out the others: a long value, copied from another
   * attribute, would otherwise be written once for each of them.
   */
  setOnce(key: number, value: Buffer): void {
    let isFirst = true
    this.change(key, () => {
      if (!isFirst) return undefined
      isFirst = false
      return value
    })
    isFirst = true
    for (const slot of this.#slots) {
      if (slot.key !== key || slot.deleted) continue
      if (!isFirst) slot.deleted = this.isChanged = true
      isFirst = false
    }
  }

  delete(key: number): void {
    for (const slot of this.#slots) {
      if (slot.key !== key || slot.deleted) continue
      slot.deleted = true
      this.isChanged = true
    }
  }

  write(start: number, end: number, field: number, out: Output, names: readonly string[]): void {
    const { rows } = this.#attributes
    let at = start
    for (const { row, value, deleted } of this.#slots) {
      if (row < 0 || (value === undefined && !deleted)) continue
      out.copy(this.#bytes, at, rows[row * ATTRIBUTE.width + ATTRIBUTE.tag]!)
      at = rows[row * ATTRIBUTE.width + ATTRIBUTE.end]!
      if (deleted) continue
      const key = this.#bytes.subarray(this.#attributes.keyStart(row), this.#attributes.keyEnd(row))
      writeAttribute(out, field, key, value!)
    }
    out.copy(this.#bytes, at, end)
    for (const { row, key, value, deleted } of this.#slots)
      if (row < 0 && !deleted) writeAttribute(out, field, Buffer.from(names[key]!), value!)
  }

  #valueAt({ row, value }: Slot): Buffer {
    return value ?? this.#bytes.subarray(this.#attributes.valueStart(row), this.#attributes.valueEnd(row))
  }
}

/** KeyValue { key = 1, value = 2 } as field `field`. */
function writeAttribute(out: Output, field: number, key: Buffer, value: Buffer): void {
  const mark = out.open(field, key.length + value.length + 4)
  for (const [number, content] of [key, value].entries()) {
    out.tag(number + 1, 2)
    out.varint(content.length)
    out.copy(content, 0, content.length)
  }
  out.close(mark, key.length + value.length + 4)
}

function stepOf(action: ActionConfig, keys: KeySet, hash_key: string | undefined): Step {
  const key = keys.names.indexOf(action.key!)
  switch (action.action) {
    case 'delete':
      return (edit) => edit.delete(key)
    case 'hash':
      return (edit) => edit.change(key, (value) => hashed(value, hash_key!))
    case 'convert':
      return (edit) => edit.change(key, (value) => convert(value, action.converted_type!))
    default:
      return setter(action, key, keys)
  }
}

function setter(action: ActionConfig, key: number, keys: KeySet): Step {
  const source = sourceOf(action, keys)
  return (edit) => {
    const value = source(edit)
    if (value === undefined) return
    if (!edit.has(key)) {
      if (action.action !== 'update') edit.add(key, value)
    } else if (action.action !== 'insert') {
      if (value.length > LONG_BYTES) edit.setOnce(key, value)
      else edit.change(key, () => value)
    }
  }
}

function sourceOf(
  { value, from_attribute, from_context }: ActionConfig,
  keys: KeySet,
): (edit: Edit) => Buffer | undefined {
  if (value !== undefined) {
    const bytes = valueBytes(value)
    return () => bytes
  }
  if (from_attribute !== undefined) {
    const from = keys.names.indexOf(from_attribute)
    return (edit) => edit.valueOf(from)
  }
  const header = from_context!.startsWith('metadata.')
    ? from_context!.slice('metadata.'.length).toLowerCase()
    : undefined
  return ({ context }) => {
    const text = header === undefined ? context.peer : context.metadata.get(header)
    return text === undefined ? undefined : valueBytes(text)
  }
}

/** HMAC-SHA-256 in hexadecimal of a text's UTF-8, or of any other value's encoding. */
function hashed(value: Buffer, hash_key: string): Buffer {
  const text = textStart(value, 0, value.length)
  const content = text >= 0 ? value.subarray(text) : value
  const hash = createHmac('sha256', hash_key).update(content).digest('hex')
  return encode('AnyValue', { stringValue: hash }).take()
}
