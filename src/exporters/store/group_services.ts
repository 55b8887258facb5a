/** The service that a group of items belongs to. */
import { ResourceTexts } from '../../items/resource_texts.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../../telemetry/find_field.ts'
import { type Layout, RESOURCE, SCOPE } from '../../telemetry/layout.ts'

/** Of a longer name, what is compared and shown. */
const NAME_BYTES_MAX = 256

/** Reads a resource once while its items are asked for in order. */
export class GroupServices {
  readonly #names = new ResourceTexts('service.name')
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
    this.#names.read(bytes, layout.resources[row + RESOURCE.headStart]!, layout.resources[row + RESOURCE.headEnd]!)
    const name = this.#names.field(bytes, 0)
    if (name < 0) return ''
    const nameStart = fieldStart(bytes, name)
    return bytes.toString('utf8', nameStart, Math.min(fieldEnd(bytes, name), nameStart + NAME_BYTES_MAX))
  }
}
