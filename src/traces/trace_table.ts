/**
 * What is known of traces, by trace id: a bounded hash table whose facts stand in columns of numbers, so that a
 * million traces cost no objects. Components that keep state on a trace add columns and hold its row; a row that nobody
 * holds any more stays findable (its verdict serves late spans) until the table needs the place.
 */
import { uint32 } from '../otlp/cursor.ts'
import { hashTraceId } from './trace_id.ts'

/** A number per trace. `data` is replaced when the table grows: read it anew after `obtain`. */
export interface TraceColumn {
  data: Int32Array | Float64Array
}

const NONE = -1
const FIRST_ROWS = 1024

export class TraceTable {
  /** Rows in use, held or not. */
  count = 0
  /** Rows that somebody holds. */
  held = 0
  /** Rows given up, while nobody held them, to make place. */
  evicted = 0
  /** Traces known at once. */
  readonly rows_max: number
  readonly #remembered_max: () => number
  /** Of columns, ids, holders and links; the index comes on top. */
  #rowBytes = 28
  #capacity = FIRST_ROWS
  #ids: Int32Array = new Int32Array(FIRST_ROWS * 4)
  #holders: Int32Array = new Int32Array(FIRST_ROWS)
  /** Row plus one by hash, linear probing. */
  #index: Int32Array = new Int32Array(FIRST_ROWS * 2)
  /** Links of the list of rows that nobody holds, from the longest idle. */
  #before: Int32Array = new Int32Array(FIRST_ROWS)
  #after: Int32Array = new Int32Array(FIRST_ROWS)
  #usedRows = 0
  #idleFirst = NONE
  #idleLast = NONE
  #columns: { column: TraceColumn; empty: number; make: (size: number) => Int32Array | Float64Array }[] = []

  /**
   * `rows_max`: traces known at once. Held ones are never given up: `obtain` says no instead. Beyond `remembered_max`
   * rows the table grows only for held ones, and takes over those that nobody holds; asked when it is full.
   */
  constructor(rows_max: number, remembered_max: () => number = () => rows_max) {
    this.rows_max = rows_max
    this.#remembered_max = remembered_max
  }

  /** Adds a column; rows that are new or taken over start with `empty`. */
  addColumn(type: 'int32' | 'float64', empty = 0): TraceColumn {
    const make = (size: number) =>
      type === 'int32' ? new Int32Array(size).fill(empty) : new Float64Array(size).fill(empty)
    const column: TraceColumn = { data: make(this.#capacity) }
    this.#columns.push({ column, empty, make })
    this.#rowBytes += column.data.BYTES_PER_ELEMENT
    return column
  }

  /** Takes a column away whose owner has stopped. */
  removeColumn(column: TraceColumn): void {
    const before = this.#columns.length
    this.#columns = this.#columns.filter((one) => one.column !== column)
    if (this.#columns.length < before) this.#rowBytes -= column.data.BYTES_PER_ELEMENT
  }

  /** Memory for ids, index, links and columns. */
  get size_bytes(): number {
    return this.#index.byteLength + this.#capacity * this.#rowBytes
  }

  /** Memory for one trace: its columns, and its share of the rest. */
  get row_bytes(): number {
    return this.#rowBytes + (this.#index.length / this.#capacity) * 4
  }

  /** Row of the trace whose id is at `at`, or -1. */
  find(bytes: Uint8Array, at: number, hash = hashTraceId(bytes, at)): number {
    const mask = this.#index.length - 1
    for (let probe = hash & mask; ; probe = (probe + 1) & mask) {
      const row = this.#index[probe]! - 1
      if (row < 0) return NONE
      if (this.#isAt(row, bytes, at)) return row
    }
  }

  /** Row of the trace, a new one if it is not known; -1 if all rows are held. */
  obtain(bytes: Uint8Array, at: number, hash = hashTraceId(bytes, at)): number {
    const known = this.find(bytes, at, hash)
    if (known >= 0) return known
    const row = this.#newRow()
    if (row < 0) return NONE
    const ids = this.#ids
    for (let word = 0; word < 4; word++) ids[row * 4 + word] = uint32(bytes, at + word * 4)
    this.#holders[row] = 0
    for (const { column, empty } of this.#columns) column.data[row] = empty
    this.#insert(row, hash)
    this.count++
    this.#appendIdle(row)
    return row
  }

  /** The row is needed: it is not given up until as many `release` have followed. */
  hold(row: number): void {
    if (this.#holders[row]!++ > 0) return
    this.held++
    this.#removeIdle(row)
  }

  release(row: number): void {
    if (--this.#holders[row]! > 0) return
    this.held--
    this.#appendIdle(row)
  }

  /** Writes the 16 bytes of a row's trace id. */
  writeId(row: number, bytes: Buffer, at: number): void {
    for (let word = 0; word < 4; word++) bytes.writeInt32LE(this.#ids[row * 4 + word]!, at + word * 4)
  }

  #isAt(row: number, bytes: Uint8Array, at: number): boolean {
    const ids = this.#ids
    for (let word = 0; word < 4; word++) if (ids[row * 4 + word] !== (uint32(bytes, at + word * 4) | 0)) return false
    return true
  }

  #newRow(): number {
    if (this.#usedRows === Math.min(this.#capacity, this.rows_max)) {
      const isIdle = this.#idleFirst !== NONE
      // What is only remembered costs memory too: it grows so far, and no further.
      const most = Math.min(this.rows_max, isIdle ? this.#remembered_max() : this.rows_max)
      if (this.#capacity >= most) return isIdle ? this.#takeOver() : NONE
      this.#grow(Math.min(most, this.#capacity * 2))
    }
    return this.#usedRows++
  }

  /** The row that nobody has held for longest. */
  #takeOver(): number {
    const row = this.#idleFirst
    this.#removeIdle(row)
    this.#erase(row)
    this.count--
    this.evicted++
    return row
  }

  #insert(row: number, hash: number): void {
    const mask = this.#index.length - 1
    let probe = hash & mask
    while (this.#index[probe] !== 0) probe = (probe + 1) & mask
    this.#index[probe] = row + 1
  }

  /** Takes a row out of the index, moving back what had been pushed along by it. */
  #erase(row: number): void {
    const mask = this.#index.length - 1
    let hole = this.#hashOf(row) & mask
    while (this.#index[hole] !== row + 1) hole = (hole + 1) & mask
    for (let probe = (hole + 1) & mask; this.#index[probe] !== 0; probe = (probe + 1) & mask) {
      const home = this.#hashOf(this.#index[probe]! - 1) & mask
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue
      this.#index[hole] = this.#index[probe]!
      hole = probe
    }
    this.#index[hole] = 0
  }

  #hashOf(row: number): number {
    this.writeId(row, scratch, 0)
    return hashTraceId(scratch, 0)
  }

  #grow(capacity: number): void {
    this.#capacity = capacity
    this.#ids = widen(this.#ids, new Int32Array(this.#capacity * 4))
    this.#holders = widen(this.#holders, new Int32Array(this.#capacity))
    this.#before = widen(this.#before, new Int32Array(this.#capacity))
    this.#after = widen(this.#after, new Int32Array(this.#capacity))
    for (const { column, make } of this.#columns) {
      const larger = make(this.#capacity)
      larger.set(column.data)
      column.data = larger
    }
    this.#index = new Int32Array(2 ** Math.ceil(Math.log2(this.#capacity * 2)))
    for (let row = 0; row < this.#usedRows; row++) this.#insert(row, this.#hashOf(row))
  }

  #appendIdle(row: number): void {
    this.#before[row] = this.#idleLast
    this.#after[row] = NONE
    if (this.#idleLast === NONE) this.#idleFirst = row
    else this.#after[this.#idleLast] = row
    this.#idleLast = row
  }

  #removeIdle(row: number): void {
    const before = this.#before[row]!
    const after = this.#after[row]!
    if (before === NONE) this.#idleFirst = after
    else this.#after[before] = after
    if (after === NONE) this.#idleLast = before
    else this.#before[after] = before
  }
}

const scratch = Buffer.alloc(16)

function widen(from: Int32Array, to: Int32Array): Int32Array {
  to.set(from)
  return to
}
