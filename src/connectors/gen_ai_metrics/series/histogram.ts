import { ExactSum } from '../../../self/exact_sum.ts'
import type { BucketExemplars, ValueOrigin } from './bucket_exemplars.ts'

/** Explicit buckets, cumulative over time. Bounds in the metric's unit, ascending. */
export class Histogram {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  count = 0
  readonly #sum = new ExactSum()
  /** Undefined: it shows none. */
  exemplars: BucketExemplars | undefined

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  get sum(): number {
    return this.#sum.value
  }

  record(value: number, origin?: ValueOrigin): void {
    let bucket = 0
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.count++
    this.#sum.add(value)
    if (origin !== undefined) this.exemplars?.offer(bucket, value, origin)
  }
}
