import { KEPT_BYTES } from '../otlp/scratch.ts'

/** First in, first out, in a ring of numbers that grows, and shrinks when most of it is spare. */
export class RowQueue {
  #ring: Int32Array = new Int32Array(1024)
  #first = 0
  length = 0

  push(row: number): void {
    if (this.length === this.#ring.length) this.#resize(this.#ring.length * 2)
    this.#ring[(this.#first + this.length++) & (this.#ring.length - 1)] = row
  }

  /** The row `position` places behind the one in front, which must be there. */
  at(position: number): number {
    return this.#ring[(this.#first + position) & (this.#ring.length - 1)]!
  }

  /** The row in front, -1 if there is none. */
  first(): number {
    return this.length === 0 ? -1 : this.at(0)
  }

  /** Takes the row in front, -1 if there is none. */
  shift(): number {
    const row = this.first()
    if (row < 0) return row
    this.#first = (this.#first + 1) & (this.#ring.length - 1)
    this.length--
    if (this.capacity_bytes > KEPT_BYTES && this.length * 8 < this.#ring.length) this.#resize(this.#ring.length / 2)
    return row
  }

  get capacity_bytes(): number {
    return this.#ring.byteLength
  }

  #resize(rows: number): void {
    const ring = new Int32Array(rows)
    for (let at = 0; at < this.length; at++) ring[at] = this.at(at)
    this.#ring = ring
    this.#first = 0
  }
}
