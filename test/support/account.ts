import type { Batches, Consumer, Context, Signal } from '../../src/component.ts'
import { notAccounted } from '../../src/not_accounted.ts'
import { Edge } from '../../src/pipeline/edge.ts'
import { type Balance, Book } from '../../src/pipeline/ledger.ts'

/** One edge of a pipeline, with its books. */
export class BookedAccount<S extends Signal> {
  readonly book: Book

  constructor(signal: S, name: string) {
    this.book = new Book(name, signal)
  }

  /** A context whose items are booked here. Who uses it directly has to `book.enter` them first. */
  context(more: Partial<Context> = {}): Context {
    return { account: this.book, metadata: new Map(), ...more }
  }

  /** Hands a batch over as the pipeline does: it enters the account, and leaves it again if it is refused. */
  feed(consumer: Consumer<S>, batch: Batches[S], more: Partial<Context> = {}): Promise<void> {
    return new Edge(this.book, consumer).consume(batch, { metadata: new Map(), ...more, account: notAccounted })
  }

  balance(): Balance {
    return this.book.balance()
  }

  /** Items for which the account has more than one place, or none: always 0. */
  discrepancy(): number {
    return discrepancyOf(this.balance())
  }
}

export function bookedAccount<S extends Signal = 'traces'>(
  signal: S = 'traces' as S,
  name = 'receiver/test → pipeline',
): BookedAccount<S> {
  return new BookedAccount(signal, name)
}

/** entered − (delivered + sampled out + duplicate + Σ dropped + Σ held). */
export function discrepancyOf(balance: Balance): number {
  const sum = (places: Readonly<Record<string, number>>) => Object.values(places).reduce((total, one) => total + one, 0)
  const { delivered, sampled_out, duplicate, dropped, held } = balance
  return balance.entered - delivered - sampled_out - duplicate - sum(dropped) - sum(held)
}
