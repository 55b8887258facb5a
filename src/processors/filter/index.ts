/** The `filter` processor: drops spans, metrics and log records by exact conditions. */
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import type { AnyBatch } from '../../telemetry/batch.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import { type FilterConfig, schema } from './config.ts'
import { Keep } from './keep.ts'

export const filter: ProcessorFactory<FilterConfig> = {
  kind: 'processor',
  type: 'filter',
  summary: 'Drops spans, metrics and log records by name, severity and attributes.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, signal, next) => new Filter(config, host, signal, next),
}

const itemsName: Record<Signal, string> = { traces: 'spans', metrics: 'datapoints', logs: 'logs' }

class Filter<S extends Signal> implements Processor<S> {
  readonly #signal: S
  readonly #next: Consumer<S>
  readonly #rewrite = new Rewrite<S>()
  readonly #filtered: Counter
  #keep: Keep

  constructor(config: FilterConfig, host: Host, signal: S, next: Consumer<S>) {
    this.#signal = signal
    this.#next = next
    this.#keep = new Keep(signal, config)
    this.#filtered = host.meter.counter(
      `otelcol_processor_filter_${itemsName[signal]}_filtered`,
      'Items that the filter processor dropped.',
      { filter: host.id },
    )
  }

  /** What is dropped is booked when the next consumer has taken the rest, so that a refused batch is refused as a whole. */
  async consume(batch: Batches[S], context: Context): Promise<void> {
    const kept = this.#apply(batch)
    if (kept.items > 0 || batch.items === 0) await this.#next.consume(kept, context)
    const filtered = batch.count - kept.count
    if (filtered === 0) return
    context.account.drop(filtered, 'filtered')
    this.#filtered.add(filtered)
  }

  async update(config: unknown): Promise<boolean> {
    this.#keep = new Keep(this.#signal, config as FilterConfig)
    return true
  }

  #apply(batch: Batches[S]): Batches[S] {
    if (this.#keep.isEverything) return batch
    this.#rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      if (!this.#keep.keeps(batch as AnyBatch, item)) this.#rewrite.dropItem(item)
    }
    this.#keep.forget()
    return this.#rewrite.finish()
  }
}
