/**
 * What the pipeline puts between components: switches that can be re-pointed, edges that keep the books, fan-out.
 */
import type { Batches, Consumer, Context, Signal } from '../component.ts'
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

  constructor(book: Book, next: Consumer<S>) {
    this.#book = book
    this.#next = next
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    this.#book.enter(items)
    try {
      await this.#next.consume(batch, { ...context, account: this.#book })
    } catch (error) {
      this.#book.refuse(items)
      throw error
    }
  }
}

/**
 * Gives each consumer the same batch: those that may refuse first and at once, those that only count after all of them
 * have taken it, so that a sender's retry is not counted twice. The branches have accounts of their own.
 */
export class FanOut<S extends Signal> implements Consumer<S> {
  readonly #mayRefuse: readonly Consumer<S>[]
  readonly #countOnly: readonly Consumer<S>[]

  constructor(mayRefuse: readonly Consumer<S>[], countOnly: readonly Consumer<S>[]) {
    this.#mayRefuse = mayRefuse
    this.#countOnly = countOnly
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    await all(this.#mayRefuse, batch, context)
    await all(this.#countOnly, batch, context)
    context.account.deliver(items)
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
