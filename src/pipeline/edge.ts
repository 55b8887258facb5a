/**
 * What the pipeline puts between components: switches that can be re-pointed, edges that keep the books, fan-out.
 */
import type { Batches, Consumer, Context, Signal } from '../component.ts'
import { Refusal, retryLater } from '../refusal.ts'
import { heldBytes } from '../waiting/kept_queue.ts'
import type { Branch } from './branch.ts'
import type { CopyRoom } from './copies.ts'
import type { Book } from './ledger.ts'
import type { PolicyOf } from './policy_of.ts'

/** What every component gets as its next: a reload points it elsewhere without the component noticing. */
export class Switch<S extends Signal> implements Consumer<S> {
  #target: Consumer<S>

  constructor(target: Consumer<S>) {
    this.#target = target
  }

  point(target: Consumer<S>): void {
    this.#target = target
  }

  consume(batch: Batches[S], context: Context): Promise<void> {
    return this.#target.consume(batch, context)
  }
}

/** Where batches enter one graph: knows whether one is under way in it. */
export class Way<S extends Signal> implements Consumer<S> {
  readonly #next: Consumer<S>
  #underWay = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(next: Consumer<S>) {
    this.#next = next
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    this.#underWay++
    try {
      await this.#next.consume(batch, context)
    } finally {
      if (--this.#underWay === 0) {
        this.#idle?.resolve()
        this.#idle = undefined
      }
    }
  }

  /** Resolves when no batch is between here and the next owner. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }
}

/** Opens the account of an edge: items enter here, and what is refused further on is taken back here. */
export class Edge<S extends Signal> implements Consumer<S> {
  readonly #book: Book
  readonly #next: Consumer<S>
  readonly #policyOf: PolicyOf

  constructor(book: Book, next: Consumer<S>, policyOf: PolicyOf = (before) => before) {
    this.#book = book
    this.#next = next
    this.#policyOf = policyOf
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    this.#book.enter(items)
    try {
      await this.#next.consume(batch, { ...context, account: this.#book, policy: this.#policyOf(context.policy) })
    } catch (error) {
      this.#book.refuse(items)
      throw error
    }
  }
}

/** The end of a pipeline, where the account of what came before ends: each branch behind it has an account of its own. */
export class FanOut<S extends Signal> implements Consumer<S> {
  readonly #split: Split<S>

  constructor(split: Split<S>) {
    this.#split = split
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await this.#split.consume(batch, context)
    context.account.deliver(batch.count)
  }
}

/**
 * Offers each branch the same batch, those in `last` when the others have answered. If at least one has taken it, the
 * sender gets OK, and the branches that refused hold it and try again later; so nobody gets it twice. If none has, it
 * goes back to the sender.
 */
export class Split<S extends Signal> implements Consumer<S> {
  readonly #first: readonly Branch<S>[]
  readonly #last: readonly Branch<S>[]
  readonly #room: CopyRoom

  constructor(first: readonly Branch<S>[], last: readonly Branch<S>[], room: CopyRoom) {
    this.#first = first
    this.#last = last
    this.#room = room
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    // At most all branches but one hold a copy.
    const most_bytes = heldBytes({ batch, context }) * (this.#first.length + this.#last.length - 1)
    if (!this.#room.promise(most_bytes))
      throw retryLater('queue_full', 'copies for branches that refuse wait up to service.fan_out_bytes_max')
    const answers = [...(await ask(this.#first, batch, context)), ...(await ask(this.#last, batch, context))]
    const refused = answers.filter(({ error }) => error !== undefined)
    const isTaken = refused.length < answers.length
    for (const { branch, error } of refused) {
      if (isTaken) branch.keep(batch, context, error)
      else branch.takeBack(batch)
    }
    // Only now: `keep` may hand on at once, and the room that this frees is not to be promised to the next batch before.
    this.#room.settle(most_bytes)
    if (!isTaken) throw worst(refused.map(({ error }) => error))
  }
}

/** `error`: why it was not taken; undefined if it was. */
interface Answer<S extends Signal> {
  readonly branch: Branch<S>
  readonly error: unknown
}

function ask<S extends Signal>(
  branches: readonly Branch<S>[],
  batch: Batches[S],
  context: Context,
): Promise<Answer<S>[]> {
  return Promise.all(branches.map(async (branch) => ({ branch, error: await branch.offer(batch, context) })))
}

/** If one consumer may take the batch later, the sender should try again. */
function worst(errors: readonly unknown[]): unknown {
  return errors.find((error) => error instanceof Refusal && error.retryable) ?? errors[0]
}
