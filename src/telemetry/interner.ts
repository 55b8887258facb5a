/**
 * Texts by their bytes: each different text gets a small number, and becomes a string once. It forgets none: whoever
 * remembers something by these numbers begins a new one when it is full.
 */
import { hashText } from './hash.ts'
import { isEqual } from './key_set.ts'

/** Number of the empty text. */
export const EMPTY_TEXT = 0
/** Number that stands for every new text once the bound is reached, and for very long ones. */
export const OVERFLOW_TEXT = 1

const TEXT_BYTES_MAX = 1024

export class Interner {
  /** Texts that found no place. */
  overflowed = 0
  readonly #texts: string[] = ['', 'other']
  readonly #keys: Buffer[] = [Buffer.alloc(0), Buffer.from('other')]
  readonly #max: number
  #slots: Int32Array = new Int32Array(256)

  /** `texts_max`: how many different texts are told apart. */
  constructor(texts_max: number) {
    this.#max = texts_max + 2
  }

  /** Number of the text in [start, end). */
  intern(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return EMPTY_TEXT
    if (end - start > TEXT_BYTES_MAX) return this.#overflow()
    const mask = this.#slots.length - 1
    for (let slot = hashText(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]!
      if (number === 0) return this.#add(slot, bytes, start, end)
      if (isEqual(this.#keys[number]!, bytes, start, end)) return number
    }
  }

  text(number: number): string {
    return this.#texts[number]!
  }

  #add(slot: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#texts.length >= this.#max) return this.#overflow()
    const key = Buffer.from(bytes.subarray(start, end))
    const number = this.#texts.push(key.toString()) - 1
    this.#keys.push(key)
    this.#slots[slot] = number
    if (number * 2 > this.#slots.length) this.#grow()
    return number
  }

  #overflow(): number {
    this.overflowed++
    return OVERFLOW_TEXT
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let number = 2; number < this.#keys.length; number++) {
      const key = this.#keys[number]!
      let slot = hashText(key, 0, key.length) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = number
    }
  }
}
