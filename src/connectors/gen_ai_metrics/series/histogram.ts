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

/** The boundaries that the OpenTelemetry GenAI conventions advise. */
export const DURATION_BOUNDS_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
export const FIRST_TOKEN_BOUNDS_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
export const PER_TOKEN_BOUNDS_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
export const TOKEN_BOUNDS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
export const LATENCY_BOUNDS_MS = DURATION_BOUNDS_S.map((bound) => bound * 1000)
export const COST_BOUNDS_USD = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
export const SCORE_BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
