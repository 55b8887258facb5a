/**
 * Traces in the order in which they began to wait. A place in the queue has a ticket: who no longer has that ticket
 * (decided early, say) has given the place up, and it is passed over.
 */
import type { Column } from '../../traces/trace_table.ts'

export class WaitQueue {
  /** Row, ticket: a ring that grows. */
  #places: Int32Array = new Int32Array(2048)
  #since: Float64Array = new Float64Array(1024)
  #first = 0
  #length = 0
  readonly #tickets: Column

  /** `tickets`: by row, the ticket that is valid. */
  constructor(tickets: Column) {
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
    while (this.#length > 0) {
      const row = this.#places[this.#first * 2]!
      if (this.#tickets.data[row] === this.#places[this.#first * 2 + 1]) return row
      this.#first = (this.#first + 1) & (this.#since.length - 1)
      this.#length--
    }
    return -1
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

  #grow(): void {
    const size = this.#since.length
    const places = new Int32Array(size * 4)
    const since = new Float64Array(size * 2)
    for (let position = 0; position < this.#length; position++) {
      const at = (this.#first + position) & (size - 1)
      places[position * 2] = this.#places[at * 2]!
      places[position * 2 + 1] = this.#places[at * 2 + 1]!
      since[position] = this.#since[at]!
    }
    this.#places = places
    this.#since = since
    this.#first = 0
  }
}
