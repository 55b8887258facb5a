import { hashNumber } from '../../telemetry/hash.ts'
import { type Column, floats, ints } from './columns.ts'

/** From numbers to places: a hash table without objects that never has to grow, so that no insertion takes long. */
export class NumberIndex {
  /** 0 marks a free slot. */
  readonly #keys: Column
  readonly #places: Column
  readonly #mask: number

  /** For at most so many keys. */
  constructor(keys_max: number) {
    const slots = 2 ** Math.ceil(Math.log2(keys_max * 2 + 2))
    this.#keys = floats(slots)
    this.#places = ints(slots)
    this.#mask = slots - 1
  }

  /** Place of the key, a positive integer; -1 if it has none. */
  find(key: number): number {
    const slot = this.#slot(key)
    return this.#keys[slot] === key ? this.#places[slot]! : -1
  }

  set(key: number, place: number): void {
    const slot = this.#slot(key)
    this.#keys[slot] = key
    this.#places[slot] = place
  }

  /** Where the key is, or where it would be. */
  #slot(key: number): number {
    const keys = this.#keys
    let slot = hashNumber(key) & this.#mask
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & this.#mask
    return slot
  }
}
