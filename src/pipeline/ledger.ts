/**
 * The books: what entered each edge, and what became of it. See `Account` for the equation and the rules.
 */
import type { Account, Signal } from '../component.ts'

type Place = 'in_flight' | 'pending' | 'queued' | 'rescuable'

/** One account as plain numbers. `entered = delivered + sampled_out + duplicate + Σ dropped + Σ held`. */
export interface Balance {
  readonly edge: string
  readonly signal: Signal
  readonly entered: number
  readonly delivered: number
  readonly sampled_out: number
  readonly duplicate: number
  readonly dropped: Readonly<Record<string, number>>
  readonly held: Readonly<Record<Place, number>>
  /** Refused before they entered; the senders still have them. */
  readonly refused: number
}

/** The writable side of an account: what the edge itself does. */
export class Book implements Account {
  readonly name: string
  readonly signal: Signal
  #entered = 0
  #refused = 0
  #delivered = 0
  #sampledOut = 0
  #duplicate = 0
  readonly #dropped = new Map<string, number>()
  readonly #held: Record<Place, number> = { in_flight: 0, pending: 0, queued: 0, rescuable: 0 }

  constructor(name: string, signal: Signal) {
    this.name = name
    this.signal = signal
  }

  /** Items come in and are in flight. */
  enter(items: number): void {
    this.#entered += items
    this.#held.in_flight += items
  }

  /** Items in flight were not taken after all: they go back to the sender as if they had never entered. */
  refuse(items: number): void {
    this.#entered -= items
    this.#held.in_flight -= items
    this.#refused += items
  }

  deliver(items: number): void {
    this.#held.in_flight -= items
    this.#delivered += items
  }

  drop(items: number, reason: string): void {
    if (items === 0) return
    this.#held.in_flight -= items
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + items)
  }

  sampleOut(items: number): void {
    this.#held.in_flight -= items
    this.#sampledOut += items
  }

  duplicate(items: number): void {
    this.#held.in_flight -= items
    this.#duplicate += items
  }

  hold(items: number, place: 'pending' | 'queued' | 'rescuable'): void {
    this.#held.in_flight -= items
    this.#held[place] += items
  }

  release(items: number, place: 'pending' | 'queued' | 'rescuable'): void {
    this.#held[place] -= items
    this.#held.in_flight += items
  }

  balance(): Balance {
    return {
      edge: this.name,
      signal: this.signal,
      entered: this.#entered,
      delivered: this.#delivered,
      sampled_out: this.#sampledOut,
      duplicate: this.#duplicate,
      dropped: Object.fromEntries(this.#dropped),
      held: { ...this.#held },
      refused: this.#refused,
    }
  }
}

/** All accounts of a daemon. An account lives as long as the daemon, so that a reload loses no figure. */
export class Ledger {
  readonly #books = new Map<string, Book>()
  readonly #onOpen: (book: Book) => void

  /** `onOpen` is told of each new account. */
  constructor(onOpen: (book: Book) => void = () => {}) {
    this.#onOpen = onOpen
  }

  /** The account of that edge; opened on the first call. */
  account(edge: string, signal: Signal): Book {
    const key = `${signal} ${edge}`
    const known = this.#books.get(key)
    if (known !== undefined) return known
    const book = new Book(edge, signal)
    this.#books.set(key, book)
    this.#onOpen(book)
    return book
  }

  /** All balances, read without anything happening in between. */
  snapshot(): Balance[] {
    return [...this.#books.values()].map((book) => book.balance())
  }
}

/** Entered less everything that became of it: zero, or there is a bug. */
export function discrepancy(balance: Balance): number {
  const sum = (record: Readonly<Record<string, number>>) => Object.values(record).reduce((total, one) => total + one, 0)
  const { entered, delivered, sampled_out, duplicate, dropped, held } = balance
  return entered - delivered - sampled_out - duplicate - sum(dropped) - sum(held)
}

/** What is wrong with the books: discrepancies, places below zero; with `quiet`, also items still in flight. */
export function findings(balances: readonly Balance[], quiet = false): string[] {
  return balances.flatMap((balance) => {
    const found: string[] = []
    if (discrepancy(balance) !== 0) found.push(`${balance.edge}: ${discrepancy(balance)} items without a place`)
    for (const [place, items] of Object.entries(balance.held)) {
      if (items < 0) found.push(`${balance.edge}: held ${place} is ${items}`)
    }
    if (quiet && balance.held.in_flight !== 0) found.push(`${balance.edge}: ${balance.held.in_flight} items in flight`)
    return found
  })
}
