/** The `resource` processor: inserts, changes and removes attributes of resources. */
import type { Batches, Consumer, Context, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { AttributeEditor } from '../../items/attribute_editor.ts'
import { fieldNumber } from '../../items/fields.ts'
import { RESOURCE } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import { type ResourceConfig, schema } from './config.ts'
import { withResources } from './empty_resources.ts'

export const resource: ProcessorFactory<ResourceConfig> = {
  kind: 'processor',
  type: 'resource',
  summary: 'Inserts, changes and removes attributes of resources.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, _host, _signal, next) => new ResourceProcessor(config, next),
}

const ATTRIBUTES = fieldNumber('Resource', 'attributes')

class ResourceProcessor<S extends Signal> implements Processor<S> {
  readonly #next: Consumer<S>
  readonly #rewrite = new Rewrite<S>()
  #editor: AttributeEditor

  constructor(config: ResourceConfig, next: Consumer<S>) {
    this.#next = next
    this.#editor = new AttributeEditor(config.attributes, config.hash_key)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await this.#next.consume(this.#apply(batch, context), context)
  }

  async update(config: unknown): Promise<boolean> {
    const { attributes, hash_key } = config as ResourceConfig
    this.#editor = new AttributeEditor(attributes, hash_key)
    return true
  }

  #apply(given: Batches[S], context: Context): Batches[S] {
    const batch = this.#editor.adds ? withResources(given) : given
    const { resources } = batch.layout
    const rewrite = this.#rewrite
    rewrite.begin(batch)
    for (let row = 0; row < resources.length / RESOURCE.width; row++) {
      const start = resources[row * RESOURCE.width + RESOURCE.headStart]!
      const end = resources[row * RESOURCE.width + RESOURCE.headEnd]!
      if (start < 0) continue
      rewrite.openHead('resource', row)
      if (this.#editor.edit(batch.bytes, start, end, ATTRIBUTES, rewrite.out, context)) rewrite.close()
      else rewrite.cancel()
    }
    const result = rewrite.finish()
    return result === batch ? given : result
  }
}
