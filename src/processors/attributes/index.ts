/** The `attributes` processor: inserts, changes and removes attributes of spans, log records and data points. */
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { AttributeEditor } from '../../items/attribute_editor.ts'
import { fieldNumber } from '../../items/fields.ts'
import type { Matcher } from '../../items/match.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { ITEM } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import { itemMessage } from '../../telemetry/signal.ts'
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

/** What a config asks for, ready for one signal. */
class Program {
  readonly editor: AttributeEditor
  readonly #include: Matcher | undefined
  readonly #exclude: Matcher | undefined

  constructor({ actions, hash_key, include, exclude }: AttributesConfig, id: string, signal: Signal) {
    this.editor = new AttributeEditor(actions, hash_key)
    this.#include = matcherOf(id, signal, 'include', include)
    this.#exclude = matcherOf(id, signal, 'exclude', exclude)
  }

  concerns(batch: AnyBatch, item: number): boolean {
    return this.#include?.matches(batch, item) !== false && this.#exclude?.matches(batch, item) !== true
  }

  /** Lets go of the batch. */
  forget(): void {
    this.#include?.forget()
    this.#exclude?.forget()
  }
}

class AttributesProcessor<S extends Signal> implements Processor<S> {
  readonly #id: string
  readonly #signal: S
  readonly #next: Consumer<S>
  readonly #rewrite = new Rewrite<S>()
  /** Field of the attributes in the item's message; -1 for metrics. */
  readonly #field: number
  #program: Program

  constructor(config: AttributesConfig, host: Host, signal: S, next: Consumer<S>) {
    this.#id = host.id
    this.#signal = signal
    this.#next = next
    this.#field = fieldNumber(itemMessage[signal], 'attributes')
    this.#program = new Program(config, host.id, signal)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await this.#next.consume(this.#apply(batch, context), context)
  }

  async update(config: unknown): Promise<boolean> {
    try {
      this.#program = new Program(config as AttributesConfig, this.#id, this.#signal)
      return true
    } catch {
      // Building it anew fails in the same way, where the reload is rolled back.
      return false
    }
  }

  #apply(batch: Batches[S], context: Context): Batches[S] {
    const rewrite = this.#rewrite
    rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      if (!this.#program.concerns(batch as AnyBatch, item)) continue
      rewrite.openItem(item)
      if (this.#edit(batch, item, context)) rewrite.close()
      else rewrite.cancel()
    }
    this.#program.forget()
    return rewrite.finish()
  }

  #edit({ bytes, layout }: Batches[S], item: number, context: Context): boolean {
    const start = layout.itemRows[item * ITEM.width + ITEM.start]!
    const end = layout.itemRows[item * ITEM.width + ITEM.end]!
    const { out } = this.#rewrite
    if (this.#field < 0) return editDataPoints(this.#program.editor, bytes, start, end, out, context)
    return this.#program.editor.edit(bytes, start, end, this.#field, out, context)
  }
}
