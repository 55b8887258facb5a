/** Where an instance of the sampler, which stands in one pipeline, hands on what is kept of what it took. */
import type { Consumer, Host, Signal } from '../../component.ts'
import type { BatchBuilder } from '../../telemetry/heads.ts'
import { type Parcel, Release } from './release.ts'

/** The batch of one origin that is being filled. */
export interface Open {
  readonly builder: BatchBuilder
  size_bytes: number
}

export class Exit {
  /** Of all exits of one sampler, each has its own. */
  readonly number: number
  readonly signal: Signal
  readonly release: Release
  /** By origin. */
  readonly open = new Map<number, Open>()
  /** Batches that wait to be fetched. */
  readonly full: Parcel[] = []
  /** True: it takes nothing any more. */
  isLeaving = false

  /** `parcel`: the next batch for this exit. */
  constructor(
    number: number,
    signal: Signal,
    next: Consumer<Signal>,
    host: Host,
    parcel: (exit: Exit) => Parcel | undefined,
  ) {
    this.number = number
    this.signal = signal
    this.release = new Release(next, host, () => parcel(this))
  }
}
