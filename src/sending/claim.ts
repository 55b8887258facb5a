/** Who answers for items on their way: books what becomes of them, or tells the one who waits. */
import type { Account } from '../component.ts'
import { Refusal } from '../refusal.ts'

/** What became of some items. */
export type Fate = Delivered | Failed

export interface Delivered {
  readonly kind: 'delivered'
  /** Items of these that the backend took out (partial success). */
  readonly rejected: number
}

export interface Failed {
  readonly kind: 'failed'
  /** `retries_exhausted`, `rejected_by_backend`, `permanent_error`, `shutdown`, `too_large`. */
  readonly reason: string
  readonly retryable: boolean
  readonly message: string
  readonly retryAfter_ms?: number | undefined
}

/** The items of one call of `consume`. They may be settled in several steps, if the batch was cut. */
export interface Claim {
  /** `items` entries of the index, `count` as accounted. Every item is settled exactly once. */
  settle(items: number, count: number, fate: Fate): void
}

/** For items that were acknowledged when they were queued: the account is told step by step. */
export class BookedClaim implements Claim {
  readonly #account: Account
  #outstanding: number
  readonly #onEnd: () => void

  /** Books `count` as queued. `onEnd` runs when the last of `items` is settled. */
  constructor(account: Account, items: number, count: number, onEnd: () => void) {
    this.#account = account
    this.#outstanding = items
    this.#onEnd = onEnd
    account.hold(count, 'queued')
  }

  settle(items: number, count: number, fate: Fate): void {
    this.#account.release(count, 'queued')
    book(this.#account, count, fate)
    this.#outstanding -= items
    if (this.#outstanding === 0) this.#onEnd()
  }
}

/**
 * For items whose sender waits: nothing is booked until all are settled. Then either everything goes back to the sender
 * by a Refusal, or everything is booked: back, if anything failed that may be sent again (what was delivered then comes
 * twice, which OTLP allows), or if nothing was delivered at all.
 */
export class AwaitedClaim implements Claim {
  /** Settles with the whole; rejects with a Refusal. */
  readonly result: Promise<void>
  readonly #account: Account
  #outstanding: number
  readonly #settled: { readonly count: number; readonly fate: Fate }[] = []
  readonly #resolve: () => void
  readonly #reject: (refusal: Refusal) => void
  readonly #onEnd: () => void

  constructor(account: Account, items: number, onEnd: () => void = () => {}) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.result = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#account = account
    this.#outstanding = items
    this.#onEnd = onEnd
  }

  settle(items: number, count: number, fate: Fate): void {
    this.#settled.push({ count, fate })
    this.#outstanding -= items
    if (this.#outstanding > 0) return
    this.#onEnd()
    const refusal = this.#refusal()
    if (refusal !== undefined) return this.#reject(refusal)
    for (const { count, fate } of this.#settled) book(this.#account, count, fate)
    this.#resolve()
  }

  #refusal(): Refusal | undefined {
    const failed = this.#settled.map(({ fate }) => fate).filter((fate) => fate.kind === 'failed')
    const worst = failed.find((fate) => fate.retryable) ?? failed[0]
    if (worst === undefined || (!worst.retryable && failed.length < this.#settled.length)) return undefined
    const { reason, message, retryable, retryAfter_ms } = worst
    return new Refusal(reason, message, { retryable, retryAfter_ms })
  }
}

function book(account: Account, count: number, fate: Fate): void {
  if (fate.kind === 'failed') return account.drop(count, fate.reason)
  if (fate.rejected > 0) account.drop(fate.rejected, 'rejected_by_backend')
  account.deliver(count - fate.rejected)
}
