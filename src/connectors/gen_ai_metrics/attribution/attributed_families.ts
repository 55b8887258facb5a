/** What calls cost and use, by who they are for. */
import type { CountedCall, LeasedSeries } from '../families.ts'
import type { CounterPoint, Lease, PointAttributes } from '../series/metric_set.ts'

/** Series of one combination of labels. */
export const ATTRIBUTED_POINTS = 4

export class AttributedSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #requests: CounterPoint
  readonly #input: CounterPoint
  readonly #output: CounterPoint
  readonly #cost: CounterPoint

  constructor(lease: Lease, labels: PointAttributes) {
    this.lease = lease
    const tokens = { name: 'llm_attributed_tokens_total', help: 'Tokens of model calls, by whom they are for' }
    this.#requests = lease.counter(
      { name: 'llm_attributed_requests_total', help: 'Model calls, by whom they are for' },
      labels,
    )
    this.#input = lease.counter(tokens, { ...labels, direction: 'input' })
    this.#output = lease.counter(tokens, { ...labels, direction: 'output' })
    this.#cost = lease.counter(
      { name: 'llm_attributed_cost_usd_total', help: 'Cost of model calls in USD, by whom they are for' },
      labels,
    )
  }

  count({ input, output, cost_usd }: CountedCall): void {
    this.#requests.add(1)
    this.#input.add(input)
    this.#output.add(output)
    this.#cost.add(cost_usd)
  }
}
