/**
 * What the pipeline puts between components: switches that can be re-pointed, edges that keep the books, fan-out.
 */
import type { Batches, Consumer, Context, Policy, Signal } from '../component.ts'
import { Refusal } from '../refusal.ts'
import type { Book } from './ledger.ts'

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

/** Opens the account of an edge: items enter here, and what is refused further on is taken back here. */
export class Edge<S extends Signal> implements Consumer<S> {
  readonly #book: Book
  readonly #next: Consumer<S>
  readonly #policyOf: (before: Policy | undefined) => Policy | undefined
  #underWay = 0
  #idle = Promise.withResolvers<void>()

  /** `policyOf`: what stands for the redactions on the way of what enters, given what stood for them before. */
  constructor(
    book: Book,
    next: Consumer<S>,
    policyOf: (before: Policy | undefined) => Policy | undefined = (policy) => policy,
  ) {
    this.#book = book
    this.#next = next
    this.#policyOf = policyOf
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    this.#underWay++
    this.#book.enter(items)
    try {
      await this.#next.consume(batch, { ...context, account: this.#book, policy: this.#policyOf(context.policy) })
    } catch (error) {
      this.#book.refuse(items)
      throw error
    } finally {
      if (--this.#underWay === 0) this.#idle.resolve()
    }
  }

  /** Resolves when no batch is between here and the next owner. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    this.#idle = Promise.withResolvers<void>()
    return this.#idle.promise
  }
}

/**
 * Gives each consumer the same batch: those that may refuse first and at once, those that only count after all of them
 * have taken it, so that a sender's retry is not counted twice. The branches have accounts of their own.
 */
export class FanOut<S extends Signal> implements Consumer<S> {
  readonly #split: Split<S>

  constructor(mayRefuse: readonly Consumer<S>[], countOnly: readonly Consumer<S>[]) {
    this.#split = new Split(mayRefuse, countOnly)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await this.#split.consume(batch, context)
    context.account.deliver(batch.count)
  }
}

/**
 * Several pipelines that take from one receiver or connector, in the same order: what comes before them has no account
 * yet, and each of them opens its own.
 */
export class Split<S extends Signal> implements Consumer<S> {
  readonly #first: readonly Consumer<S>[]
  readonly #last: readonly Consumer<S>[]

  constructor(first: readonly Consumer<S>[], last: readonly Consumer<S>[]) {
    this.#first = first
    this.#last = last
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    await all(this.#first, batch, context)
    await all(this.#last, batch, context)
  }
}

async function all<S extends Signal>(
  consumers: readonly Consumer<S>[],
  batch: Batches[S],
  context: Context,
): Promise<void> {
  if (consumers.length === 1) return consumers[0]!.consume(batch, context)
  const results = await Promise.allSettled(consumers.map((consumer) => consumer.consume(batch, context)))
  const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown)
  if (refused.length > 0) throw worst(refused)
}

/** If one consumer may take the batch later, the sender should try again. */
function worst(errors: readonly unknown[]): unknown {
  return errors.find((error) => error instanceof Refusal && error.retryable) ?? errors[0]
}
