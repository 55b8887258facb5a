/** The `attributes` processor: inserts, changes and removes attributes of spans, log records and data points. */
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { AttributeEditor } from '../../items/attribute_editor.ts'
import { fieldNumber, itemMessage } from '../../items/fields.ts'
import type { Matcher } from '../../items/match.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { ITEM } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewrite.ts'
import { type AttributesConfig, schema } from './config.ts'
import { matcherOf } from './criteria.ts'
import { editDataPoints } from './data_points.ts'

export const attributes: ProcessorFactory<AttributesConfig> = {
  kind: 'processor',
  type: 'attributes',
  summary: 'Inserts, changes and removes attributes of spans, log records and metric data points.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, signal, next) => new AttributesProcessor(config, host, signal, next),
}

class AttributesProcessor<S extends Signal> implements Processor<S> {
  readonly #signal: S
  readonly #next: Consumer<S>
  readonly #rewrite = new Rewrite<S>()
  /** Field of the attributes in the item's message; -1 for metrics. */
  readonly #field: number
  #editor: AttributeEditor
  #include: Matcher | undefined
  #exclude: Matcher | undefined

  constructor(config: AttributesConfig, _host: Host, signal: S, next: Consumer<S>) {
    this.#signal = signal
    this.#next = next
    this.#field = fieldNumber(itemMessage[signal], 'attributes')
    this.#editor = new AttributeEditor(config.actions, config.hash_key)
    this.#include = matcherOf(signal, 'include', config.include)
    this.#exclude = matcherOf(signal, 'exclude', config.exclude)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await this.#next.consume(this.#apply(batch, context), context)
  }

  async update(config: unknown): Promise<boolean> {
    const { actions, hash_key, include, exclude } = config as AttributesConfig
    const matchers = [matcherOf(this.#signal, 'include', include), matcherOf(this.#signal, 'exclude', exclude)]
    this.#editor = new AttributeEditor(actions, hash_key)
    this.#include = matchers[0]
    this.#exclude = matchers[1]
    return true
  }

  #apply(batch: Batches[S], context: Context): Batches[S] {
    const rewrite = this.#rewrite
    rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      if (this.#include?.matches(batch as AnyBatch, item) === false) continue
      if (this.#exclude?.matches(batch as AnyBatch, item) === true) continue
      rewrite.openItem(item)
      if (this.#edit(batch, item, context)) rewrite.close()
      else rewrite.cancel()
    }
    this.#include?.forget()
    this.#exclude?.forget()
    return rewrite.finish()
  }

  #edit({ bytes, layout }: Batches[S], item: number, context: Context): boolean {
    const start = layout.itemRows[item * ITEM.width + ITEM.start]!
    const end = layout.itemRows[item * ITEM.width + ITEM.end]!
    const { out } = this.#rewrite
    if (this.#field < 0) return editDataPoints(this.#editor, bytes, start, end, out, context)
    return this.#editor.edit(bytes, start, end, this.#field, out, context)
  }
}
