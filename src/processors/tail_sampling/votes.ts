/** Counts what is decided, under the Collector's metric names where it has the metric. */
import type { Counter, Meter } from '../../self/metrics/meter.ts'
import { type SamplingPolicies, VOTE } from './policies/sampling_policies.ts'
import type { EarlyReason } from './undecided/early.ts'

const PREFIX = 'otelcol_processor_tail_sampling'
/** Upper bounds of the Collector's histogram, in milliseconds. */
const TIMER_BOUNDS = [1, 2, 5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 3000, 4000, 5000, 10000]
const KINDS = ['sampled', 'not_sampled', 'dropped'] as const
const REASONS = ['pressure', 'num_traces', 'trace_size'] as const
export type Outcome = (typeof KINDS)[number]

export class Votes {
  /** Since the last flush. */
  newTraces = 0
  lateKept = 0
  lateDropped = 0
  tooLarge = 0
  readonly early: Record<EarlyReason, number> = { pressure: 0, num_traces: 0, trace_size: 0 }
  /** Traces that were decided early and dropped, and kept after all for a span that came later. */
  rescued = 0
  lone = 0
  readonly #decided: Record<Outcome, number> = { sampled: 0, not_sampled: 0, dropped: 0 }
  readonly #meter: Meter
  readonly #id: string
  readonly #counters = new Map<string, Counter>()
  readonly #timer: { record(value: number): void }

  /** `id`: of the sampler, `tail_sampling` or `tail_sampling/name`. */
  constructor(meter: Meter, id: string) {
    this.#meter = meter
    this.#id = id
    this.#timer = meter.histogram(
      `${PREFIX}_sampling_decision_timer_latency`,
      'How long it took to decide what was due, in milliseconds.',
      TIMER_BOUNDS,
    )
  }

  decided(outcome: Outcome): void {
    this.#decided[outcome]++
  }

  took(time_ms: number): void {
    this.#timer.record(time_ms)
  }

  /** Hands over what has been counted since the last time, what each policy said included. */
  flush(policies: SamplingPolicies): void {
    const add = (name: string, help: string, amount: number, labels: Record<string, string> = {}): void => {
      if (amount > 0) this.#counter(name, help, labels).add(amount)
    }
    for (const outcome of KINDS) {
      add(`${PREFIX}_global_count_traces_sampled`, 'Traces decided.', this.#decided[outcome], labelsOf(outcome))
      this.#decided[outcome] = 0
    }
    for (const [at, { name }] of policies.list.entries()) {
      for (const outcome of KINDS) {
        const cell = at * VOTE.width + VOTE[outcome]
        const labels = { policy: this.#nameOf(name), ...labelsOf(outcome) }
        add(`${PREFIX}_count_traces_sampled`, 'What each policy said of traces.', policies.votes[cell]!, labels)
        policies.votes[cell] = 0
      }
    }
    add(`${PREFIX}_new_trace_id_received`, 'Traces of which a first span came.', this.newTraces)
    const late = `${PREFIX}_early_releases_from_cache_decision`
    add(late, 'Spans that came after the decision.', this.lateKept, { sampled: 'true' })
    add(late, 'Spans that came after the decision.', this.lateDropped, { sampled: 'false' })
    const large = 'Traces dropped because of maximum_trace_size_bytes.'
    add(`${PREFIX}_traces_dropped_too_large`, large, this.tooLarge)
    const processor = { processor: this.#id }
    const early = 'Traces decided before their time: memory was short, num_traces waited, or it alone was too large.'
    for (const reason of REASONS) {
      add('sluice_tail_sampling_traces_decided_early', early, this.early[reason], { ...processor, reason })
      this.early[reason] = 0
    }
    const rescued = 'Traces dropped before their time and kept after all, for a span that came later.'
    add('sluice_tail_sampling_traces_rescued', rescued, this.rescued, processor)
    const lone = 'Log records of traces of which no span came.'
    add('sluice_tail_sampling_logs_without_spans', lone, this.lone, processor)
    this.newTraces = this.lateKept = this.lateDropped = this.tooLarge = this.rescued = this.lone = 0
  }

  /** The Collector puts the sampler's name before the policy's. */
  #nameOf(policy: string): string {
    const slash = this.#id.indexOf('/')
    return slash < 0 ? policy : `${this.#id.slice(slash + 1)}.${policy}`
  }

  #counter(name: string, help: string, labels: Record<string, string>): Counter {
    const key = `${name} ${Object.values(labels).join(' ')}`
    let counter = this.#counters.get(key)
    if (counter === undefined) this.#counters.set(key, (counter = this.#meter.counter(name, help, labels)))
    return counter
  }
}

function labelsOf(outcome: Outcome): Record<string, string> {
  return { sampled: String(outcome === 'sampled'), decision: outcome }
}
