/** Counts decisions under the Collector's metric names. */
import type { Counter, Meter } from '../../self/meter.ts'

const BY_POLICY = 'otelcol_processor_tail_sampling_count_traces_sampled'
const ALL = 'otelcol_processor_tail_sampling_global_count_traces_sampled'

export class Votes {
  readonly #meter: Meter
  readonly #counts = new Map<string | undefined, number>()
  readonly #counters = new Map<string | undefined, readonly Counter[]>()

  constructor(meter: Meter) {
    this.#meter = meter
  }

  /** A trace was kept by that policy, or by none. */
  add(policy: string | undefined): void {
    this.#counts.set(policy, (this.#counts.get(policy) ?? 0) + 1)
  }

  flush(): void {
    for (const [policy, count] of this.#counts) for (const counter of this.#of(policy)) counter.add(count)
    this.#counts.clear()
  }

  #of(policy: string | undefined): readonly Counter[] {
    const sampled = String(policy !== undefined)
    const known = this.#counters.get(policy)
    if (known !== undefined) return known
    const counters = [this.#meter.counter(ALL, 'Traces decided.', { sampled })]
    if (policy !== undefined)
      counters.push(this.#meter.counter(BY_POLICY, 'Traces kept by a policy.', { policy, sampled }))
    this.#counters.set(policy, counters)
    return counters
  }
}
