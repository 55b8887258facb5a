/**
 * Histograms whose buckets come of themselves: base-2 exponential, as fine as their range allows. Source: OTLP data model,
 * ExponentialHistogram: bucket i of scale s holds (2^(i/2^s), 2^((i+1)/2^s)].
 */
import { ExactSum } from '../../../self/exact_sum.ts'
import type { ValueOrigin } from './bucket_exemplars.ts'
import { Histogram } from './histogram.ts'

/** As of the SDKs: with 160 buckets at scale 20 two values are told apart that differ by a millionth. */
export const BUCKETS_MAX = 160
const SCALE_MAX = 20
const SCALE_MIN = -10

export class ExponentialHistogram extends Histogram {
  /** Values of 0, or below. */
  zeros = 0
  scale = SCALE_MAX
  /** Index of the first of `buckets`. */
  offset = 0
  buckets: number[] = []
  readonly #exact = new ExactSum()

  constructor() {
    super([])
  }

  override get sum(): number {
    return this.#exact.value
  }

  override record(value: number, origin?: ValueOrigin): void {
    this.count++
    this.#exact.add(value)
    if (origin !== undefined) this.exemplars?.offer(0, value, origin)
    if (!(value > 0)) {
      this.zeros++
      return
    }
    let index = indexOf(value, this.scale)
    if (this.buckets.length === 0) this.offset = index
    const low = Math.min(index, this.offset)
    const high = Math.max(index, this.offset + this.buckets.length - 1)
    const coarser = this.#coarserBy(low, high)
    if (coarser > 0) {
      this.#coarsen(coarser)
      index = indexOf(value, this.scale)
    }
    this.#cover(index)
    this.buckets[index - this.offset]!++
  }

  /** By how many steps of the scale buckets from `low` to `high` are too many. */
  #coarserBy(low: number, high: number): number {
    let steps = 0
    while ((high >> steps) - (low >> steps) >= BUCKETS_MAX && this.scale - steps > SCALE_MIN) steps++
    return steps
  }

  #coarsen(steps: number): void {
    const { buckets, offset } = this
    this.scale -= steps
    this.offset = offset >> steps
    const merged: number[] = []
    for (let at = 0; at < buckets.length; at++) {
      const to = ((offset + at) >> steps) - this.offset
      while (merged.length <= to) merged.push(0)
      merged[to]! += buckets[at]!
    }
    this.buckets = merged
  }

  #cover(index: number): void {
    if (this.buckets.length === 0) this.offset = index
    for (; this.offset > index; this.offset--) this.buckets.unshift(0)
    while (this.buckets.length <= index - this.offset) this.buckets.push(0)
  }
}

/** Bucket of a value above 0. */
function indexOf(value: number, scale: number): number {
  const exact = Math.log2(value) * 2 ** scale
  const index = Math.ceil(exact) - 1
  // On a bound the logarithm may be off by the last bit: a power of two belongs to the bucket that ends with it.
  return Number.isInteger(Math.log2(value)) ? Math.log2(value) * 2 ** scale - 1 : index
}
