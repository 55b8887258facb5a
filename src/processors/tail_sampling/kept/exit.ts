/** Where an instance of the sampler, which stands in one pipeline, hands on what is kept of what it took. */
import type { Consumer, Host, Signal } from '../../../component.ts'
import type { BatchBuilder } from '../../../telemetry/heads.ts'
import { HandOver, type KeptBatch, LATER } from '../../../waiting/hand_over.ts'
import { KeptQueue } from '../../../waiting/kept_queue.ts'
import { Overflow } from '../../../waiting/overflow.ts'

/** The batch of one origin that is being filled. */
export interface Open {
  readonly builder: BatchBuilder
  size_bytes: number
}

export class Exit {
  /** Of all exits of one sampler, each has its own. */
  readonly number: number
  readonly signal: Signal
  /** For the log. */
  readonly name: string
  readonly handOver: HandOver
  /** By origin. */
  readonly open = new Map<number, Open>()
  /** Bytes of those. */
  open_bytes = 0
  /** Bytes of those that were handed on since others had their turn. */
  handed_bytes = 0
  /** Batches that wait, or are on offer. */
  readonly full = new KeptQueue<KeptBatch>()
  readonly overflow: Overflow
  /** True: batches go on although they are not full, until there is none. */
  isFlushing = false
  /** True: it takes nothing any more. */
  isLeaving = false

  /** `kept`: the next batch for this exit. While they wait, its items are booked as pending. */
  constructor(
    number: number,
    signal: Signal,
    next: Consumer<Signal>,
    host: Host,
    kept: (exit: Exit) => KeptBatch | typeof LATER | undefined,
  ) {
    this.number = number
    this.signal = signal
    this.name = `processor/${host.id} → ${signal}`
    this.overflow = new Overflow(host.log)
    this.handOver = new HandOver(next, host, {
      next: () => {
        const next = kept(this)
        if (next !== LATER) next?.context.account.release(next.batch.count, 'pending')
        return next
      },
      refused: (batch) => {
        batch.context.account.hold(batch.batch.count, 'pending')
        this.full.putBack(batch)
      },
      taken: (batch) => this.#gone(batch),
      lost: (batch, reason) => {
        batch.context.account.drop(batch.batch.count, reason)
        this.#gone(batch)
      },
    })
  }

  /** Memory for what waits here. */
  get size_bytes(): number {
    return this.open_bytes + this.full.size_bytes
  }

  #gone(batch: KeptBatch): void {
    this.full.gone(batch)
    if (this.size_bytes === 0) this.overflow.over(this.name)
  }
}
