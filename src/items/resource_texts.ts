/** Texts of a resource: whose items they are. */
import { textField } from '../telemetry/any_value.ts'
import { Attributes } from '../telemetry/attributes.ts'
import { KeySet } from '../telemetry/key_set.ts'
import { fieldNumber } from './fields.ts'

const ATTRIBUTES = fieldNumber('Resource', 'attributes')

export class ResourceTexts {
  readonly #attributes = new Attributes()
  readonly #keys: KeySet
  readonly #found: Int32Array

  constructor(...keys: readonly string[]) {
    this.#keys = new KeySet(keys)
    this.#found = new Int32Array(keys.length)
  }

  /** Moves to the Resource in [start, end); a start of -1 stands for none. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.#found.fill(-1)
    if (start < 0) return
    this.#attributes.read(bytes, start, end, ATTRIBUTES)
    this.#attributes.find(bytes, this.#keys, this.#found)
  }

  /** The attribute with that key (its position), in the bytes that were read, as a field (`telemetry/find_field.ts`); -1 if it has none that is a text. */
  field(bytes: Uint8Array, key: number): number {
    const row = this.#found[key]!
    const attributes = this.#attributes
    return row < 0 ? -1 : textField(bytes, attributes.valueStart(row), attributes.valueEnd(row))
  }
}
