/**
 * Texts that senders choose and that become labels: so many are told apart, those that are used most and lately
 * (`standing.ts`). The others have a number too, so that calls can be compared, but no label of their own.
 */
import type { Clock } from '../../self/clock.ts'
import { hashText } from '../../telemetry/hash.ts'
import { isEqual } from '../../telemetry/key_set.ts'
import { Standing } from './series/standing.ts'

/** Number and place of the empty text. */
export const EMPTY = 0
/** Place of all texts that have none of their own. */
export const OTHER = 1

const FIRST = 2
/** Longer texts get no place. */
const TEXT_BYTES_MAX = 1024
const NUMBERS = 2 ** 31

export class LabelTexts {
  /** How often a text found no place. */
  overflowed = 0
  /** How often a text lost its place to another. */
  replaced = 0
  /** Asked before another text gets the place. */
  onReplaced: (place: number) => void = () => {}
  readonly #standing: Standing
  readonly #max: number
  readonly #texts: string[] = ['', 'other']
  readonly #keys: Buffer[] = [Buffer.alloc(0), Buffer.alloc(0)]
  /** Number of the text that has the place: another one for each text that has had it, so that none takes the other's calls. */
  readonly #numbers: number[] = [EMPTY, OTHER]
  /** Places by the text's hash, linear probing; 0 is free. */
  #slots: Int32Array = new Int32Array(256)
  /** Senders do not know it, so they cannot choose texts that stand in each other's way. */
  readonly #seed = Math.floor(Math.random() * NUMBERS)

  /** `texts_max`: how many different texts are told apart. */
  constructor(texts_max: number, clock: Clock) {
    this.#max = texts_max + FIRST
    this.#standing = new Standing(clock)
  }

  /** Number of the text in [start, end), 31 bits with a sign. Equal texts have equal numbers as long as neither gains or loses a place. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return EMPTY
    const hash = hashText(bytes, start, Math.min(end, start + TEXT_BYTES_MAX), this.#seed)
    if (end - start > TEXT_BYTES_MAX) return this.#overflow(hash)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot]!
      if (place === 0) return this.#add(hash, bytes.subarray(start, end))
      if (!isEqual(this.#keys[place]!, bytes, start, end)) continue
      this.#standing.use(place)
      return this.#numbers[place]!
    }
  }

  /** The place of the text with that number; OTHER if it has none, or none any more. Below `texts_max` + 2. */
  placeOf(number: number): number {
    if (number < 0) return OTHER
    const place = number % this.#max
    return this.#numbers[place] === number ? place : OTHER
  }

  /** What the label says. */
  text(place: number): string {
    return this.#texts[place]!
  }

  #add(hash: number, text: Uint8Array): number {
    if (this.#texts.length < this.#max) return this.#put(this.#texts.length, hash, Buffer.from(text))
    const [place] = this.#standing.outweighed(hash, 1, () => 1)
    if (place === undefined) return this.#overflow(hash)
    this.replaced++
    this.onReplaced(place)
    this.#erase(place)
    this.#standing.leave(place)
    return this.#put(place, hash, Buffer.from(text))
  }

  #overflow(hash: number): number {
    this.overflowed++
    return -(hash >>> 1) - 1
  }

  #put(place: number, hash: number, key: Buffer): number {
    const before = this.#numbers[place]
    // A place at the end of its numbers begins again: what had the first ones is long over.
    const number = before === undefined ? place : before + this.#max < NUMBERS ? before + this.#max : place
    this.#texts[place] = key.toString()
    this.#keys[place] = key
    this.#numbers[place] = number
    this.#standing.enter(place, hash)
    if (this.#texts.length * 2 > this.#slots.length) this.#grow()
    else this.#link(place, hash)
    return number
  }

  #link(place: number, hash: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = place
  }

  /** Takes a place out of the table, moving back what had been pushed along by it. */
  #erase(place: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let hole = this.#hash(place) & mask
    while (slots[hole] !== place) hole = (hole + 1) & mask
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hash(slots[slot]!) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      slots[hole] = slots[slot]!
      hole = slot
    }
    slots[hole] = 0
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (let place = FIRST; place < this.#texts.length; place++) this.#link(place, this.#hash(place))
  }

  #hash(place: number): number {
    const key = this.#keys[place]!
    return hashText(key, 0, key.length, this.#seed)
  }
}
