import type { Context } from '../component.ts'
import type { StepsSettings } from '../config/schema/steps.ts'
import type { Service, Services } from '../self/services.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import type { Calls } from './calls.ts'
import { StepBook, type Subscriber } from './step_book.ts'

/** What a book is made for; the times are asked for at each tick. */
type Bounds = Pick<StepsSettings, 'calls_max' | 'duplicates_window'>

/** A subscriber's part in the daemon's book of steps. */
export class Subscription {
  readonly #host: Services
  readonly #bounds: Bounds
  #book: StepBook | undefined
  #bit = 0

  constructor(host: Services, bounds: Bounds) {
    this.#host = host
    this.#bounds = bounds
  }

  /** The rows that `Subscriber` is told of. */
  get calls(): Calls {
    return this.#joined.calls
  }

  /** To be called once, at the start: the book with those bounds is shared by all who want the same. */
  join(subscriber: Subscriber): void {
    this.#book = bookOf(this.#host, this.#bounds)
    this.#bit = this.#book.join(subscriber)
  }

  /** Takes all reports of the batch; returns how many have come before. */
  take(batch: TraceBatch | LogBatch, context: Context): number {
    return this.#joined.take(this.#bit, batch, context)
  }

  /** Settles what has waited long enough. */
  tick(times: Pick<StepsSettings, 'settle_after' | 'settle_max'>): void {
    this.#joined.tick(times)
  }

  /** Does a piece of settling what has waited longest; false if nothing waits. */
  settleSome(): boolean {
    return this.#joined.settleSome()
  }

  /** The subscriber is told of everything that it has taken, and of nothing more. */
  close(): void {
    this.#book?.leave(this.#bit)
    this.#book = undefined
  }

  get #joined(): StepBook {
    if (this.#book === undefined) throw new Error('not among those who are told of steps')
    return this.#book
  }
}

/** By their bounds. */
const BOOKS: Service<Map<string, StepBook>> = { make: () => new Map() }

function bookOf(host: Services, { calls_max, duplicates_window }: Bounds): StepBook {
  const books = host.service(BOOKS)
  const key = `${calls_max} ${duplicates_window}`
  const known = books.get(key)
  if (known !== undefined && !known.isOver && known.hasRoom) return known
  const book = new StepBook(host, { calls_max, duplicates_window })
  books.set(key, book)
  return book
}
