/**
 * One of several consumers that get the same batches. A batch that this one has refused but another has taken waits here
 * and is offered again, to this one only. A branch outlives reloads: what waits goes the way that the newest config gives it.
 */
import type { Batches, Component, Consumer, Context, Host, Signal } from '../component.ts'
import { Refusal, retryLater } from '../refusal.ts'
import { HandOver, type KeptBatch } from '../waiting/hand_over.ts'
import { heldBytes, KeptQueue } from '../waiting/kept_queue.ts'
import { Overflow } from '../waiting/overflow.ts'
import type { CopyHolder, CopyRoom } from './copies.ts'
import type { Book } from './ledger.ts'
import type { PolicyOf } from './policy_of.ts'

/** What branches of one daemon share. */
export interface BranchOptions extends Pick<Host, 'clock' | 'log'> {
  readonly room: CopyRoom
}

/** A batch that waits. `number`: among those of all branches; the younger, the higher. */
interface Copy<S extends Signal> extends KeptBatch<S> {
  readonly number: number
  /** Since when it waits; monotonic. */
  readonly since_ms: number
}

export class Branch<S extends Signal = Signal> implements Component, CopyHolder {
  readonly book: Book
  readonly #options: BranchOptions
  readonly #copies = new KeptQueue<Copy<S>>()
  readonly #overflow: Overflow
  #next: Consumer<S> | undefined
  #policyOf: PolicyOf = (before) => before
  #handOver: HandOver<Copy<S>> | undefined

  constructor(book: Book, options: BranchOptions) {
    this.book = book
    this.#options = options
    this.#overflow = new Overflow(options.log)
  }

  /** From now on batches go there, those that wait first. They get their policy when they are offered, so by the new config. */
  point(next: Consumer<S>, policyOf: PolicyOf = (before) => before): void {
    this.#next = next
    this.#policyOf = policyOf
  }

  get oldest(): number | undefined {
    return this.#copies.oldest?.number
  }

  get oldestAge_ms(): number {
    const { oldest } = this.#copies
    return oldest === undefined ? 0 : this.#options.clock.monotonic_ms() - oldest.since_ms
  }

  /** What waits here, in bytes. */
  get size_bytes(): number {
    return this.#copies.size_bytes
  }

  /**
   * The batch enters the account and is offered. Resolves to why it was not taken, undefined if it was; in the first
   * case `takeBack` or `keep` has to follow. While older ones wait it is not offered before them.
   */
  async offer(batch: Batches[S], context: Context): Promise<unknown> {
    this.book.enter(batch.count)
    if (this.#copies.size_bytes > 0) return retryLater('queue_full', `${this.book.name}: older batches wait`)
    try {
      await this.#pass(batch, context)
      return undefined
    } catch (error) {
      return error ?? new TypeError('rejected without a reason')
    }
  }

  /** Nobody took the batch: its sender keeps it. */
  takeBack(batch: Batches[S]): void {
    this.book.refuse(batch.count)
  }

  /** Another branch took the batch, and this one refused it. */
  keep(batch: Batches[S], context: Context, refused: unknown): void {
    if (!(refused instanceof Refusal && refused.retryable)) return this.#giveUp(batch, refused)
    const bytes = heldBytes({ batch, context })
    const number = this.#options.room.take(bytes, this)
    if (number === undefined) return this.#drop(batch)
    this.book.hold(batch.count, 'queued')
    // The sender has its answer, so the batch has no deadline any more.
    const since_ms = this.#options.clock.monotonic_ms()
    this.#copies.add({ batch, context: { ...context, account: this.book, deadline_ms: undefined }, number, since_ms })
    this.#handOver ??= this.#newHandOver()
    this.#handOver.run()
  }

  dropOldest(): void {
    const copy = this.#copies.drop()
    if (copy === undefined) return
    this.#options.room.free(heldBytes(copy))
    this.book.release(copy.batch.count, 'queued')
    this.#drop(copy.batch)
  }

  /** Hands on what waits; what is not taken is dropped and counted as `shutdown`. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#handOver?.finish(deadline)
    // A later config may have this branch again.
    this.#handOver = undefined
  }

  #newHandOver(): HandOver<Copy<S>> {
    const next = { consume: (batch: Batches[Signal], context: Context) => this.#pass(batch as Batches[S], context) }
    return new HandOver<Copy<S>>(next, this.#options, {
      next: () => {
        const copy = this.#copies.offer()
        if (copy !== undefined) this.book.release(copy.batch.count, 'queued')
        return copy
      },
      refused: (copy) => {
        this.book.hold(copy.batch.count, 'queued')
        this.#copies.putBack(copy)
      },
      taken: (copy) => this.#gone(copy),
      lost: (copy, reason) => {
        this.book.drop(copy.batch.count, reason)
        this.#gone(copy)
      },
    })
  }

  async #pass(batch: Batches[S], context: Context): Promise<void> {
    await this.#next?.consume(batch, { ...context, account: this.book, policy: this.#policyOf(context.policy) })
  }

  #gone(copy: Copy<S>): void {
    this.#copies.gone(copy)
    this.#options.room.free(heldBytes(copy))
    if (this.#copies.size_bytes === 0) this.#overflow.over(this.book.name)
  }

  #giveUp(batch: Batches[S], error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : 'error'
    this.book.drop(batch.count, reason)
    if (!(error instanceof Refusal))
      this.#options.log.error({ err: error, branch: this.book.name }, 'a bug: a branch failed')
  }

  #drop(batch: Batches[S]): void {
    this.book.drop(batch.count, 'queue_full')
    this.#overflow.dropped(batch.count, this.book.name, this.#options.room.bytes_max)
  }
}
