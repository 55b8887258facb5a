/** The service that a group of items belongs to. */
import { fieldNumber, readAttributes } from '../../items/fields.ts'
import { textOf } from '../../telemetry/any_value.ts'
import { Attributes } from '../../telemetry/attributes.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { type Layout, RESOURCE, SCOPE } from '../../telemetry/layout.ts'

/** Of a longer name, what is compared and shown. */
const NAME_BYTES_MAX = 256

const keys = new KeySet(['service.name'])
const attributesField = fieldNumber('Resource', 'attributes')

/** Reads a resource once while its items are asked for in order. */
export class GroupServices {
  readonly #attributes = new Attributes()
  readonly #found = new Int32Array(1)
  #layout: Layout | undefined
  #resource = -1
  #name = ''

  /** `service.name` of the resource of that scope group; empty if it has none. */
  nameOf(batch: AnyBatch, scope: number): string {
    const { layout } = batch
    const resource = layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    if (layout === this.#layout && resource === this.#resource) return this.#name
    this.#layout = layout
    this.#resource = resource
    this.#name = this.#read(batch, resource)
    return this.#name
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#layout = undefined
  }

  #read({ bytes, layout }: AnyBatch, resource: number): string {
    const row = resource * RESOURCE.width
    const start = layout.resources[row + RESOURCE.headStart]!
    if (start < 0) return ''
    readAttributes(bytes, start, layout.resources[row + RESOURCE.headEnd]!, attributesField, this.#attributes)
    this.#attributes.find(bytes, keys, this.#found)
    const at = this.#found[0]!
    if (at < 0) return ''
    const start_at = this.#attributes.valueStart(at)
    const end_at = Math.min(this.#attributes.valueEnd(at), start_at + NAME_BYTES_MAX)
    return textOf(bytes, start_at, end_at) ?? ''
  }
}
