/** Where waiting items came from: contexts with their accounts, each as long as items of it wait. */
import type { Account, Context } from '../../../component.ts'
import type { Exit } from './exit.ts'

/** Items of equal account, tenant, policy and metadata that go the same way on. */
export interface ItemOrigin {
  readonly id: number
  readonly key: string
  readonly context: Context
  readonly exit: Exit
  /** Items that wait, and whoever else needs it; at 0 it is forgotten. */
  references: number
}

export class ItemOrigins {
  readonly #byKey = new Map<string, ItemOrigin>()
  readonly #byId = new Map<number, ItemOrigin>()
  readonly #accounts = new Map<Account, number>()
  #made = 0

  /** The context's origin, with one reference more. */
  obtain({ account, tenant, policy, metadata }: Context, exit: Exit): ItemOrigin {
    const key = JSON.stringify([exit.number, this.#accountNumber(account), tenant, policy?.id, ...metadata])
    const known = this.#byKey.get(key)
    const origin = known ?? {
      id: this.#made++,
      key,
      context: { account, tenant, policy, metadata },
      exit,
      references: 0,
    }
    if (known === undefined) {
      this.#byKey.set(key, origin)
      this.#byId.set(origin.id, origin)
    }
    origin.references++
    return origin
  }

  byId(id: number): ItemOrigin {
    return this.#byId.get(id)!
  }

  release(origin: ItemOrigin, references: number): void {
    origin.references -= references
    if (origin.references > 0) return
    this.#byKey.delete(origin.key)
    this.#byId.delete(origin.id)
  }

  /** Books items that waited as sampled out or, with a reason, as dropped. */
  discard(id: number, items: number, reason?: string): void {
    const origin = this.byId(id)
    const { account } = origin.context
    account.release(items, 'pending')
    if (reason === undefined) account.sampleOut(items)
    else account.drop(items, reason)
    this.release(origin, items)
  }

  /** Accounts live as long as the daemon. */
  #accountNumber(account: Account): number {
    const number = this.#accounts.get(account) ?? this.#accounts.size
    this.#accounts.set(account, number)
    return number
  }
}
