/** Names of structured metadata: each different attribute key is made into a name once. */
import { Interner, OVERFLOW_TEXT } from '../../../telemetry/interner.ts'
import { labelNameOf } from '../label_sets.ts'

/** Longer keys are cut: 128 of them leave half of Loki's 64 KB to the values. */
export const NAME_BYTES_MAX = 256
/** With more, the table is begun anew: keys made of ids would otherwise fill the memory. */
const NAMES_MAX = 4096

export class MetadataNames {
  /** By number. */
  bytes: Buffer[] = []
  #texts: string[] = []
  #numbers = new Map<string, number>()
  #keys = new Interner(NAMES_MAX)
  /** Number of the name by the interner's number of the key. */
  #ofKey: number[] = []

  /** To be called when no number is in use. */
  forgetIfFull(): void {
    // Different keys may have one name.
    if (this.bytes.length < NAMES_MAX && this.#keys.overflowed === 0) return
    this.bytes = []
    this.#texts = []
    this.#numbers = new Map()
    this.#keys = new Interner(NAMES_MAX)
    this.#ofKey = []
  }

  /** Number of the name for the attribute key in [start, end). */
  ofKey(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + NAME_BYTES_MAX)
    const key = this.#keys.intern(bytes, start, stop)
    if (key === OVERFLOW_TEXT) return this.of(bytes.toString('utf8', start, stop))
    return (this.#ofKey[key] ??= this.of(this.#keys.text(key)))
  }

  /** Number of the name for an attribute key. */
  of(key: string): number {
    // A name is its own name.
    const same = this.#numbers.get(key)
    if (same !== undefined) return same
    const name = labelNameOf(key).slice(0, NAME_BYTES_MAX)
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.bytes.push(Buffer.from(name)) - 1
    this.#texts.push(name)
    this.#numbers.set(name, number)
    return number
  }

  text(number: number): string {
    return this.#texts[number]!
  }
}
