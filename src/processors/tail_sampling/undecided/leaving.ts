/**
 * A trace's items on their way out, oldest first, a slice at a time. They hang together from the newest back, so first
 * the list is turned: that reads of each item only where the next one is.
 */
import { type ItemStore, NO_ITEM } from '../../../traces/item_store.ts'
import { type SpanPlaces, UNMARKED } from './span_places.ts'

export class Leaving {
  /** Items that are turned or handed out, and bytes that are handed out, since the last `step` began. */
  #items = 0
  #bytes = 0
  readonly #store: ItemStore
  readonly #places: SpanPlaces
  /** The newest that is not turned; the oldest that has been, or of those that have not been handed out. */
  #rest: number
  #turned = NO_ITEM

  /** `newest`: address of the newest item. */
  constructor(store: ItemStore, places: SpanPlaces, newest: number) {
    this.#store = store
    this.#places = places
    this.#rest = newest
  }

  /** Calls `visit` for some items, which are then gone, until so many, or so many bytes, are done. True: all have gone. */
  step(items_max: number, bytes_max: number, visit: (items: ItemStore) => void): boolean {
    this.#items = this.#bytes = 0
    while (this.#rest !== NO_ITEM) {
      if (this.#items++ >= items_max) return false
      this.#turn()
    }
    while (this.#turned !== NO_ITEM) {
      if (this.#items++ >= items_max || this.#bytes >= bytes_max) return false
      this.#hand(visit)
    }
    return true
  }

  /** What the last step did, in items and in bytes. */
  get done(): readonly [items: number, bytes: number] {
    return [this.#items, this.#bytes]
  }

  #turn(): void {
    const store = this.#store
    const address = this.#rest
    store.read(address)
    this.#rest = store.previous
    store.relink(address, this.#turned)
    this.#turned = address
  }

  #hand(visit: (items: ItemStore) => void): void {
    const store = this.#store
    const address = this.#turned
    store.read(address)
    const { previous, mark } = store
    this.#bytes += store.end - store.start
    visit(store)
    if (mark !== UNMARKED) this.#places.remove(mark, address)
    store.release(address)
    this.#turned = previous
  }
}
