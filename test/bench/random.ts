/** Seeded pseudo-random numbers (xorshift128): the same seed makes the same load on every machine. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    this.#a = (seed ^ 0x9e3779b9) | 0
    this.#b = 0x243f6a88
    this.#c = 0xb7e15162 | 0
    this.#d = (Math.imul(seed, 2654435761) ^ 0x1b873593) | 0
    for (let i = 0; i < 20; i++) this.word()
  }

  /** An unsigned 32-bit number. */
  word(): number {
    let t = this.#d
    const s = this.#a
    this.#d = this.#c
    this.#c = this.#b
    this.#b = s
    t ^= t << 11
    t ^= t >>> 8
    this.#a = t ^ s ^ (s >>> 19)
    return this.#a >>> 0
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.word() / 0x1_0000_0000
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.unit() * list.length)]!
  }

  /** Normally distributed around 0 with deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }

  digits(count: number): string {
    let text = ''
    for (let i = 0; i < count; i++) text += this.whole(0, 9)
    return text
  }

  hex(count: number): string {
    let text = ''
    while (text.length < count) text += this.word().toString(16).padStart(8, '0')
    return text.slice(0, count)
  }

  /** Letters and digits, as in keys and opaque ids. */
  token(count: number): string {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    let text = ''
    for (let i = 0; i < count; i++) text += letters[this.whole(0, 61)]
    return text
  }
}
