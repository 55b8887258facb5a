import type { Host } from '../../component.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import type { HeldCalls } from './held_calls.ts'
import type { RecordOutbox } from './record_outbox.ts'

/** The connector's own metrics. */
export class RecordCounters {
  readonly #host: Host
  readonly #held: HeldCalls
  readonly #outbox: RecordOutbox
  readonly #labels: { readonly connector: string }
  readonly #summaries: Counter
  readonly #contents: Counter
  readonly #cutRecords: Counter
  readonly #cutBytes: Counter
  #shown = { summaries: 0, contents: 0 }

  constructor(host: Host, held: HeldCalls, outbox: RecordOutbox) {
    this.#host = host
    this.#held = held
    this.#outbox = outbox
    const { meter, id } = host
    this.#labels = { connector: id }
    const records = (kind: string) =>
      meter.counter('sluice_gen_ai_logs_records', 'Log records made, by kind.', { ...this.#labels, kind })
    this.#summaries = records('summary')
    this.#contents = records('content')
    this.#cutRecords = meter.counter(
      'sluice_gen_ai_logs_content_cut_records',
      'Content records with less than all content.',
      this.#labels,
    )
    this.#cutBytes = meter.counter(
      'sluice_gen_ai_logs_content_cut_bytes',
      'Content that did not fit, in bytes.',
      this.#labels,
    )
  }

  show(): void {
    const gauge = (name: string, help: string, read: () => number) =>
      this.#host.meter.gauge(name, help, this.#labels, read)
    gauge('sluice_gen_ai_logs_calls_waiting', 'Model calls whose trace has not settled.', () => this.#held.waiting)
    gauge('sluice_gen_ai_logs_records_waiting', 'Log records that nobody has taken yet.', () => this.#outbox.records)
    gauge(
      'sluice_gen_ai_logs_bytes',
      'Memory for calls and records that wait, in bytes.',
      () => this.#held.size_bytes + this.#outbox.size_bytes,
    )
  }

  /** Brings the counters of records up to date: per batch, not per record. */
  update(): void {
    const { summaries, contents } = this.#held
    this.#summaries.add(summaries - this.#shown.summaries)
    this.#contents.add(contents - this.#shown.contents)
    this.#shown = { summaries, contents }
  }

  cut(bytes: number): void {
    this.#cutRecords.add(1)
    this.#cutBytes.add(bytes)
  }

  drop(records: number, reason: string): void {
    this.#host.meter
      .counter('sluice_gen_ai_logs_dropped', 'Log records given up, by reason.', { ...this.#labels, reason })
      .add(records)
  }
}
