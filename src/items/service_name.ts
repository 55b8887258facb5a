/** The name of the service that items are from. */
import { textField } from '../telemetry/any_value.ts'
import { Attributes } from '../telemetry/attributes.ts'
import { KeySet } from '../telemetry/key_set.ts'
import { fieldNumber } from './fields.ts'

const keys = new KeySet(['service.name'])
const ATTRIBUTES = fieldNumber('Resource', 'attributes')

export class ServiceNames {
  readonly #attributes = new Attributes()
  readonly #found = new Int32Array(1)

  /** `service.name` of the Resource in [start, end) as a field (`telemetry/find_field.ts`); -1 if it has none that is a text. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const attributes = this.#attributes
    attributes.read(bytes, start, end, ATTRIBUTES)
    attributes.find(bytes, keys, this.#found)
    const row = this.#found[0]!
    return row < 0 ? -1 : textField(bytes, attributes.valueStart(row), attributes.valueEnd(row))
  }
}
