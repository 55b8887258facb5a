/**
 * Traces in the order in which they began to wait. A place in the queue has a ticket: who no longer has that ticket
 * (decided early, say) has given the place up, and it is passed over.
 */
import { KEPT_BYTES } from '../../../otlp/scratch.ts'
import type { TraceColumn } from '../../../traces/trace_table.ts'

export class WaitQueue {
  /** Row, ticket: a ring that grows, and shrinks when most of it is spare. */
  #places: Int32Array = new Int32Array(2048)
  #since: Float64Array = new Float64Array(1024)
  #first = 0
  #length = 0
  /** Places, from the first, whose traces are spared when room is needed. */
  #passed = 0
  readonly #tickets: TraceColumn

  /** `tickets`: by row, the ticket that is valid. */
  constructor(tickets: TraceColumn) {
    this.#tickets = tickets
  }

  push(row: number, ticket: number, since_ms: number): void {
    if (this.#length === this.#since.length) this.#grow()
    const at = (this.#first + this.#length++) & (this.#since.length - 1)
    this.#places[at * 2] = row
    this.#places[at * 2 + 1] = ticket
    this.#since[at] = since_ms
  }

  /** Row of the trace that has waited longest, -1 if none waits. */
  first(): number {
    if (this.size_bytes > KEPT_BYTES && this.#length * 8 < this.#since.length) this.#rebuild(this.#since.length / 2)
    while (this.#length > 0) {
      const row = this.#places[this.#first * 2]!
      if (this.#tickets.data[row] === this.#places[this.#first * 2 + 1]) return row
      this.#first = (this.#first + 1) & (this.#since.length - 1)
      this.#length--
      if (this.#passed > 0) this.#passed--
    }
    return -1
  }

  /**
   * Row of the trace that has waited longest of those that are not spared, -1 if there is none. Each is asked about
   * once: who was spared stays so until `rewind`.
   */
  firstNotSpared(isSpared: (row: number) => boolean): number {
    for (; this.#passed < this.#length; this.#passed++) {
      const at = (this.#first + this.#passed) & (this.#since.length - 1)
      const row = this.#places[at * 2]!
      if (this.#tickets.data[row] === this.#places[at * 2 + 1] && !isSpared(row)) return row
    }
    return -1
  }

  /** Since when the one that `firstNotSpared` named has waited. */
  get notSparedSince_ms(): number {
    return this.#since[(this.#first + this.#passed) & (this.#since.length - 1)]!
  }

  /** All are asked about again. */
  rewind(): void {
    this.#passed = 0
  }

  /** Memory for the places. */
  get size_bytes(): number {
    return this.#places.byteLength + this.#since.byteLength
  }

  /** Since when the one that `first` named has waited. */
  get since_ms(): number {
    return this.#since[this.#first]!
  }

  /** Calls `visit` for all that wait, from the longest. */
  forEach(visit: (row: number, since_ms: number) => void): void {
    for (let position = 0; position < this.#length; position++) {
      const at = (this.#first + position) & (this.#since.length - 1)
      const row = this.#places[at * 2]!
      if (this.#tickets.data[row] === this.#places[at * 2 + 1]) visit(row, this.#since[at]!)
    }
  }

  /** Leaves out the places that were given up; twice the size if that is not enough. */
  #grow(): void {
    let taken = 0
    for (let position = 0; position < this.#length; position++) if (this.#isTaken(position)) taken++
    const size = this.#since.length
    this.#rebuild(taken > size / 2 ? size * 2 : size)
  }

  /** Has the trace at that place not given it up? */
  #isTaken(position: number): boolean {
    const at = (this.#first + position) & (this.#since.length - 1)
    return this.#tickets.data[this.#places[at * 2]!] === this.#places[at * 2 + 1]
  }

  /** A ring of that many places, without those that were given up. */
  #rebuild(length: number): void {
    const size = this.#since.length
    const [places, since] = [this.#places, this.#since]
    this.#places = new Int32Array(length * 2)
    this.#since = new Float64Array(length)
    let [to, passed] = [0, 0]
    for (let position = 0; position < this.#length; position++) {
      const at = (this.#first + position) & (size - 1)
      if (this.#tickets.data[places[at * 2]!] !== places[at * 2 + 1]) continue
      this.#places[to * 2] = places[at * 2]!
      this.#places[to * 2 + 1] = places[at * 2 + 1]!
      this.#since[to++] = since[at]!
      if (position < this.#passed) passed++
    }
    this.#first = 0
    this.#length = to
    this.#passed = passed
  }
}
