/** What this exporter counts beside what every sending one does, and its log line. */
import type { Host } from '../../component.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import type { Losses } from './push.ts'
import type { LineRefusal } from './push_answer.ts'

const LINE_EVERY_MS = 10_000

export class LokiCounts {
  readonly #host: Host
  readonly #losses: readonly (readonly [keyof Losses, Counter])[]
  readonly #refused = new Map<LineRefusal, Counter>()
  #lastLine_ms = Number.NEGATIVE_INFINITY

  constructor(host: Host) {
    this.#host = host
    const truncated = 'Texts that were cut to fit the limits.'
    const counter = (name: string, help: string, labels = {}) =>
      host.meter.counter(name, help, { exporter: host.id, ...labels })
    this.#losses = [
      ['cutLines', counter('sluice_loki_truncated', truncated, { what: 'line' })],
      ['cutValues', counter('sluice_loki_truncated', truncated, { what: 'metadata_value' })],
      ['cutLabels', counter('sluice_loki_truncated', truncated, { what: 'label_value' })],
      ['droppedEntries', counter('sluice_loki_metadata_dropped', 'Metadata entries that were left out of a line.')],
      ['overflowLines', counter('sluice_loki_overflow_lines', 'Lines in the stream for what is over streams_max.')],
    ]
  }

  lost(losses: Losses): void {
    for (const [what, counter] of this.#losses) if (losses[what] > 0) counter.add(losses[what])
  }

  /** Lines that Loki refused; a line in the log at most every ten seconds. */
  refused(by: ReadonlyMap<LineRefusal, number>): void {
    for (const [reason, lines] of by) this.#refusedBy(reason).add(lines)
    const now_ms = this.#host.clock.monotonic_ms()
    if (now_ms - this.#lastLine_ms < LINE_EVERY_MS) return
    this.#lastLine_ms = now_ms
    this.#host.log.warn({ status: 400, refused: Object.fromEntries(by) }, 'Loki refused lines and took the others')
  }

  #refusedBy(reason: LineRefusal): Counter {
    const known = this.#refused.get(reason)
    if (known !== undefined) return known
    const labels = { exporter: this.#host.id, reason }
    const counter = this.#host.meter.counter('sluice_loki_refused_lines', 'Lines that Loki refused, by reason.', labels)
    this.#refused.set(reason, counter)
    return counter
  }
}
