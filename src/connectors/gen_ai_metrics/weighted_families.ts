/** Estimates of what all calls were, from those that a sampler at the head of a sender let through. Families of their own: the plain ones count what was seen. */
import type { CountedCall, LeasedSeries } from './families.ts'
import type { CounterPoint, Lease, PointAttributes } from './series/metric_set.ts'

/** Series of one model and endpoint. */
export const WEIGHTED_POINTS = 6

export class WeightedSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #requests: CounterPoint
  readonly #errors: CounterPoint
  readonly #rateLimited: CounterPoint
  readonly #input: CounterPoint
  readonly #output: CounterPoint
  readonly #cost: CounterPoint

  constructor(lease: Lease, labels: PointAttributes) {
    this.lease = lease
    const counter = (name: string, help: string) => lease.counter({ name, help: `Estimate of ${help}` }, labels)
    this.#requests = counter('llm_weighted_requests_total', 'all model calls, failed ones included')
    this.#errors = counter('llm_weighted_errors_total', 'all model calls that failed, other than by a rate limit')
    this.#rateLimited = counter('llm_weighted_rate_limited_total', 'all model calls refused because of a rate limit')
    this.#input = counter('llm_weighted_tokens_input_total', 'all input tokens, cached ones included')
    this.#output = counter('llm_weighted_tokens_output_total', 'all output tokens, reasoning included')
    this.#cost = counter('llm_weighted_cost_usd_total', 'the cost of all model calls in USD')
  }

  count({ weight, failed, rateLimited, input, output, cost_usd }: CountedCall): void {
    this.#requests.add(weight)
    if (rateLimited) this.#rateLimited.add(weight)
    else if (failed) this.#errors.add(weight)
    this.#input.add(weight * input)
    this.#output.add(weight * output)
    this.#cost.add(weight * cost_usd)
  }
}
