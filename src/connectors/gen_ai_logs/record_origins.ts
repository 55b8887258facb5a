/** Where calls came from: what travels beside their records. Records of different origins are not put into one batch. */
import type { Context } from '../../component.ts'
import { notAccounted } from '../../not_accounted.ts'

/** Calls of equal tenant, policy and metadata. */
export interface RecordOrigin {
  readonly id: number
  readonly key: string
  /** The next edge opens the account. */
  readonly context: Context
  /** Calls that wait; at 0 it is forgotten. */
  references: number
}

export class RecordOrigins {
  readonly #byKey = new Map<string, RecordOrigin>()
  readonly #byId = new Map<number, RecordOrigin>()
  #made = 0

  /** The context's origin, with one reference more. */
  obtain({ tenant, policy, metadata }: Context): RecordOrigin {
    const key = JSON.stringify([tenant, policy?.id, ...metadata])
    let origin = this.#byKey.get(key)
    if (origin === undefined) {
      origin = { id: this.#made++, key, context: { account: notAccounted, tenant, policy, metadata }, references: 0 }
      this.#byKey.set(key, origin)
      this.#byId.set(origin.id, origin)
    }
    origin.references++
    return origin
  }

  byId(id: number): RecordOrigin {
    return this.#byId.get(id)!
  }

  release(origin: RecordOrigin): void {
    if (--origin.references > 0) return
    this.#byKey.delete(origin.key)
    this.#byId.delete(origin.id)
  }
}
