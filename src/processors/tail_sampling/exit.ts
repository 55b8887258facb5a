/** Where an instance of the sampler, which stands in one pipeline, hands on what is kept of what it took. */
import type { Consumer, Host, Signal } from '../../component.ts'
import { HandOver, type KeptBatch } from '../../sending/hand_over.ts'
import type { BatchBuilder } from '../../telemetry/heads.ts'

/** The batch of one origin that is being filled. */
export interface Open {
  readonly builder: BatchBuilder
  size_bytes: number
}

export class Exit {
  /** Of all exits of one sampler, each has its own. */
  readonly number: number
  readonly signal: Signal
  readonly handOver: HandOver
  /** By origin. */
  readonly open = new Map<number, Open>()
  /** Batches that wait to be fetched. */
  readonly full: KeptBatch[] = []
  /** True: it takes nothing any more. */
  isLeaving = false

  /** `kept`: the next batch for this exit. While they wait, its items are booked as pending. */
  constructor(
    number: number,
    signal: Signal,
    next: Consumer<Signal>,
    host: Host,
    kept: (exit: Exit) => KeptBatch | undefined,
  ) {
    this.number = number
    this.signal = signal
    this.handOver = new HandOver(next, host, {
      next: () => kept(this),
      offer: ({ batch, context }) => context.account.release(batch.count, 'pending'),
      refused: ({ batch, context }) => context.account.hold(batch.count, 'pending'),
      lost: ({ batch, context }, reason) => context.account.drop(batch.count, reason),
    })
  }
}
