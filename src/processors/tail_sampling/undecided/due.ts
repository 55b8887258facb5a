/** Which trace falls due next, over all shards: by time and, where that is equal, in the order in which they came. */
import type { ItemStore } from '../../../traces/item_store.ts'
import type { Pending } from './pending.ts'
import type { WaitQueue } from './wait_queue.ts'

export class Due {
  /** What `next` has found. */
  shard = -1
  row = -1
  readonly #shards: readonly Pending[]
  readonly #wait_ms: number
  readonly #rootWait_ms: number
  #due_ms = 0
  #ticket = 0

  /** `rootWait_ms` 0: the root span does not matter. */
  constructor(shards: readonly Pending[], wait_ms: number, rootWait_ms: number) {
    this.#shards = shards
    this.#wait_ms = wait_ms
    this.#rootWait_ms = rootWait_ms
  }

  /** Sets `shard` and `row` to those of the next trace that is due at `time_ms`; false if none is. */
  next(time_ms: number): boolean {
    this.row = -1
    this.#due_ms = time_ms
    for (let at = 0; at < this.#shards.length; at++) {
      const shard = this.#shards[at]!
      this.#consider(at, shard, shard.waits, this.#wait_ms)
      this.#consider(at, shard, shard.logs, this.#wait_ms)
      if (this.#rootWait_ms > 0) this.#consider(at, shard, shard.roots, this.#rootWait_ms)
    }
    return this.row >= 0
  }

  /** All that wait and have an item of which `isOne` is true, in the order of their first. */
  all(isOne: (items: ItemStore) => boolean): readonly { readonly shard: number; readonly row: number }[] {
    const found: { shard: number; row: number; since_ms: number; ticket: number }[] = []
    for (const [number, shard] of this.#shards.entries()) {
      const visit = (row: number, since_ms: number): void => {
        let has = false
        shard.forEachItem(row, (items) => {
          has ||= isOne(items)
        })
        if (has) found.push({ shard: number, row, since_ms, ticket: shard.ticketOf(row) })
      }
      shard.waits.forEach(visit)
      shard.logs.forEach(visit)
    }
    return found.sort((a, b) => a.since_ms - b.since_ms || a.ticket - b.ticket)
  }

  #consider(number: number, shard: Pending, queue: WaitQueue, wait_ms: number): void {
    const row = queue.first()
    if (row < 0) return
    const due_ms = queue.since_ms + wait_ms
    const ticket = shard.ticketOf(row)
    const isEarlier = due_ms < this.#due_ms || (due_ms === this.#due_ms && (this.row < 0 || ticket < this.#ticket))
    if (!isEarlier) return
    this.shard = number
    this.row = row
    this.#due_ms = due_ms
    this.#ticket = ticket
  }
}
