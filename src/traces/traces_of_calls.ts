/**
 * One shard's calls by trace, until the trace has settled: then each call is counted once, however many spans told of it.
 */
import { RowQueue } from './row_queue.ts'
import type { Column, TraceTable } from './trace_table.ts'

/** Stands for no call. */
export const NO_CALL = -1

/** Counted calls that are kept to compare later ones with. */
const COUNTED_MAX = 50_000
/** So many counted calls of a trace, the newest, are compared with what comes late: a trace may never end. */
const COMPARED_MAX = 4096

/** The calls, known by number (`gen_ai/calls.ts`). Those of a trace form a list from the newest back. */
export interface LinkedCalls {
  next(call: number): number
  link(call: number, next: number): void
  isCounted(call: number): boolean
  markCounted(call: number): void
  /** Which of them report one call, in lists with the outermost first. */
  group(calls: readonly number[]): readonly (readonly number[])[]
  /** The call is not asked for again. */
  remove(call: number): void
}

/** Who is told of calls whose trace has settled. */
export interface SettledCalls {
  /** All reports of a call that wait, the outermost first. */
  settle(reports: readonly number[]): void
  /** A report of a call that has been counted. */
  repeat?(call: number): void
}

export class TracesOfCalls {
  readonly #table: TraceTable
  readonly #calls: LinkedCalls
  readonly #settledCalls: SettledCalls
  readonly #calls_max: number
  /** Per trace: its newest call; when its first and its last unsettled call came; is it in `#waiting` or `#extended`? */
  readonly #newest: Column
  readonly #firstSeen: Column
  readonly #lastSeen: Column
  readonly #waits: Column
  /** Traces whose first unsettled call came lately, in that order. */
  readonly #waiting = new RowQueue()
  /** Traces that had been in `#waiting` long enough, but for calls that came in between. In no order. */
  readonly #extended = new RowQueue()
  /** Traces with counted calls, in the order in which they settled; each held once per place. */
  readonly #settled = new RowQueue()
  #uncounted = 0
  #counted = 0

  /** `calls_max`: calls that wait; over it the longest waiting traces settle early. */
  constructor(table: TraceTable, calls: LinkedCalls, settledCalls: SettledCalls, calls_max: number) {
    this.#table = table
    this.#calls = calls
    this.#settledCalls = settledCalls
    this.#calls_max = calls_max
    this.#newest = table.addColumn('int32', NO_CALL)
    this.#firstSeen = table.addColumn('float64')
    this.#lastSeen = table.addColumn('float64')
    this.#waits = table.addColumn('int32')
  }

  /** Adds a call to the trace of that row. */
  add(row: number, call: number, now_ms: number): void {
    this.#calls.link(call, this.#newest.data[row]!)
    this.#newest.data[row] = call
    this.#lastSeen.data[row] = now_ms
    this.#uncounted++
    if (this.#waits.data[row] === 0) {
      this.#waits.data[row] = 1
      this.#firstSeen.data[row] = now_ms
      this.#table.hold(row)
      this.#waiting.push(row)
    }
    while (this.#uncounted > this.#calls_max) this.settleOldest()
  }

  /** Counts the calls of the trace that has waited longest; false if none waits. */
  settleOldest(): boolean {
    const row = this.#extended.length > 0 ? this.#extended.shift() : this.#waiting.shift()
    if (row >= 0) this.#count(row)
    return row >= 0
  }

  /** Counts the calls of traces whose last call came `settle_after_ms` ago, or whose first came `settle_max_ms` ago. */
  settle(now_ms: number, settle_after_ms: number, settle_max_ms: number): void {
    for (let left = this.#extended.length; left > 0; left--) {
      this.#settleOne(this.#extended.shift(), now_ms, settle_after_ms, settle_max_ms)
    }
    const soonest_ms = Math.min(settle_after_ms, settle_max_ms)
    while (this.#waiting.length > 0 && now_ms - this.#firstSeen.data[this.#waiting.first()]! >= soonest_ms)
      this.#settleOne(this.#waiting.shift(), now_ms, settle_after_ms, settle_max_ms)
  }

  /** Counts what waits and gives rows and columns back. */
  close(): void {
    this.settle(Number.POSITIVE_INFINITY, 0, 0)
    while (this.#settled.length > 0) this.#table.release(this.#settled.shift())
    for (const column of [this.#newest, this.#firstSeen, this.#lastSeen, this.#waits]) this.#table.removeColumn(column)
  }

  #settleOne(row: number, now_ms: number, settle_after_ms: number, settle_max_ms: number): void {
    const isQuiet = now_ms - this.#lastSeen.data[row]! >= settle_after_ms
    if (isQuiet || now_ms - this.#firstSeen.data[row]! >= settle_max_ms) this.#count(row)
    else this.#extended.push(row)
  }

  #count(row: number): void {
    const calls = this.#calls
    for (const reports of calls.group(this.#compared(row))) {
      const waiting = reports.filter((call) => !calls.isCounted(call))
      if (waiting.length === reports.length) this.#settledCalls.settle(reports)
      else for (const call of waiting) this.#settledCalls.repeat?.(call)
      for (const call of waiting) this.#mark(call)
    }
    this.#waits.data[row] = 0
    this.#settled.push(row)
    this.#forget()
  }

  #mark(call: number): void {
    this.#calls.markCounted(call)
    this.#uncounted--
    this.#counted++
  }

  /** What waits of a trace, and what of it has been counted lately. */
  #compared(row: number): number[] {
    const calls = this.#calls
    const compared: number[] = []
    let counted = 0
    for (let call = this.#newest.data[row]!; call !== NO_CALL; call = calls.next(call)) {
      if (calls.isCounted(call) && counted++ >= COMPARED_MAX) continue
      compared.push(call)
    }
    return compared
  }

  /** Gives up the calls of the traces that settled longest ago, when there are too many. */
  #forget(): void {
    while (this.#counted > COUNTED_MAX && this.#settled.length > 0) {
      const row = this.#settled.shift()
      if (this.#waits.data[row] === 0) this.#remove(row)
      this.#table.release(row)
    }
  }

  #remove(row: number): void {
    for (let call = this.#newest.data[row]!; call !== NO_CALL; ) {
      const next = this.#calls.next(call)
      this.#calls.remove(call)
      this.#counted--
      call = next
    }
    this.#newest.data[row] = NO_CALL
  }
}
