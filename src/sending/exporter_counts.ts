/** The metrics of an exporter, by the Collector's names. */

import type { Host, Signal } from '../component.ts'
import type { Counter } from '../self/metrics/meter.ts'
import { accountedItems } from '../telemetry/signal.ts'

/** Counters and gauges of one signal. */
export class ExporterCounts {
  readonly #host: Host
  readonly #signal: Signal
  readonly #counters = new Map<string, Counter>()

  constructor(host: Host, signal: Signal) {
    this.#host = host
    this.#signal = signal
  }

  /** Shows the counters at 0, so that a first failure is an increase. */
  start(): void {
    for (const what of ['sent', 'send_failed', 'enqueue_failed'] as const) this.#items(what).add(0)
  }

  sent(items: number): void {
    this.#items('sent').add(items)
  }

  /** Given up, or rejected by the backend in a partial success. */
  failed(items: number, reason: string): void {
    this.#items('send_failed').add(items)
    const help = 'Items that were not delivered, by reason.'
    this.#counter('sluice_exporter_failed_items', help, { data_type: this.#signal, reason }).add(items)
  }

  enqueueFailed(items: number): void {
    this.#items('enqueue_failed').add(items)
  }

  retried(): void {
    const help = 'Attempts that failed and were repeated.'
    this.#counter('sluice_exporter_retries', help, { data_type: this.#signal }).add(1)
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#host.meter.gauge(name, help, { exporter: this.#host.id, data_type: this.#signal }, read)
  }

  #items(what: 'sent' | 'send_failed' | 'enqueue_failed'): Counter {
    const help = {
      sent: 'Items that the backend took.',
      send_failed: 'Items that were sent in vain and given up.',
      enqueue_failed: 'Items that the sending queue did not take.',
    }
    return this.#counter(`otelcol_exporter_${what}_${accountedItems[this.#signal]}`, help[what], {})
  }

  #counter(name: string, help: string, labels: Readonly<Record<string, string>>): Counter {
    const key = `${name} ${Object.values(labels).join(' ')}`
    const known = this.#counters.get(key)
    if (known) return known
    const counter = this.#host.meter.counter(name, help, { exporter: this.#host.id, ...labels })
    this.#counters.set(key, counter)
    return counter
  }
}
