import type { Host } from '../../component.ts'
import type { Counter } from '../../self/metrics/meter.ts'

/** Why a batch was sent. */
export type Trigger = 'size' | 'timeout'

const STEPS = [10, 25, 50, 75, 100, 250, 500, 750]
const THOUSANDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 50, 100].map((count) => count * 1e3)
const LARGE = [2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90].map((count) => count * 1e5)

/** The Collector's metrics of the processor. Instances of several pipelines share one id, and hence one cardinality. */
export class BatchCounts {
  readonly #triggers: Readonly<Record<Trigger, Counter>>
  readonly #items: { record(value: number): void }
  readonly #bytes: { record(value: number): void }
  readonly #shared: { groups: number }

  constructor(host: Host) {
    const labels = { processor: host.id }
    const name = (metric: string) => `otelcol_processor_batch_${metric}`
    this.#triggers = {
      size: host.meter.counter(name('batch_size_trigger_send'), 'Batches sent because of their size.', labels),
      timeout: host.meter.counter(name('timeout_trigger_send'), 'Batches sent because of the timeout.', labels),
    }
    this.#items = host.meter.histogram(
      name('batch_send_size'),
      'Items in the batches sent.',
      [...STEPS, ...THOUSANDS],
      labels,
    )
    this.#bytes = host.meter.histogram(
      name('batch_send_size_bytes'),
      'Bytes of the batches sent.',
      [...STEPS, ...THOUSANDS, ...LARGE],
      labels,
    )
    const shared = host.shared(() => ({ groups: 0 }))
    this.#shared = shared
    host.meter.gauge(
      name('metadata_cardinality'),
      'Combinations of sender and metadata that have items waiting.',
      labels,
      () => shared.groups,
    )
  }

  groups(change: 1 | -1): void {
    this.#shared.groups += change
  }

  sent(trigger: Trigger, items: number, size_bytes: number): void {
    this.#triggers[trigger].add(1)
    this.#items.record(items)
    this.#bytes.record(size_bytes)
  }
}
