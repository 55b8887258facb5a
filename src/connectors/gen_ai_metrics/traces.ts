/**
 * One shard's calls by trace, until the trace has settled: then each call is counted once, however many spans told of it.
 */
import { isSameCall, mergeCalls } from '../../gen_ai/same_call.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { TraceTable } from '../../traces/trace_table.ts'
import { type Calls, COUNTED, NO_CALL } from './calls.ts'
import type { Counts, Overrides } from './counts.ts'

/** Counted calls that are kept to compare later ones with. */
const COUNTED_MAX = 50_000

export class TracesOfCalls {
  readonly #table: TraceTable
  readonly #calls: Calls
  readonly #counts: Counts
  /** Per trace: its newest call, when its first and last unsettled call came, whether it waits in `#waiting`. */
  readonly #newest
  readonly #firstSeen
  readonly #lastSeen
  readonly #waits
  readonly #waiting = new RowQueue()
  /** Traces with counted calls, in the order in which they settled. */
  readonly #settled = new RowQueue()
  #counted = 0

  constructor(table: TraceTable, calls: Calls, counts: Counts) {
    this.#table = table
    this.#calls = calls
    this.#counts = counts
    this.#newest = table.addColumn('int32', NO_CALL)
    this.#firstSeen = table.addColumn('float64')
    this.#lastSeen = table.addColumn('float64')
    this.#waits = table.addColumn('int32')
  }

  /** Adds a call to the trace of that row. */
  add(row: number, call: number, now_ms: number): void {
    this.#calls.setInt(call, 'next', this.#newest.data[row]!)
    this.#newest.data[row] = call
    this.#lastSeen.data[row] = now_ms
    if (this.#waits.data[row] !== 0) return
    this.#waits.data[row] = 1
    this.#firstSeen.data[row] = now_ms
    this.#table.hold(row)
    this.#waiting.push(row)
  }

  /** Counts the calls of traces whose last call came `settle_after_ms` ago, or whose first came `settle_max_ms` ago. */
  settle(now_ms: number, settle_after_ms: number, settle_max_ms: number): void {
    for (let left = this.#waiting.length; left > 0; left--) {
      const row = this.#waiting.first()
      if (now_ms - this.#firstSeen.data[row]! < Math.min(settle_after_ms, settle_max_ms)) return
      this.#waiting.shift()
      const isDue =
        now_ms - this.#lastSeen.data[row]! >= settle_after_ms || now_ms - this.#firstSeen.data[row]! >= settle_max_ms
      if (isDue) this.#count(row)
      else this.#waiting.push(row)
    }
  }

  #count(row: number): void {
    const calls = this.#calls
    for (let call = this.#newest.data[row]!; call !== NO_CALL; call = calls.int(call, 'next')) {
      if (calls.has(call, COUNTED)) continue
      const other = this.#other(row, call)
      if (other === NO_CALL) this.#counts.count(call)
      else if (!calls.has(other, COUNTED)) this.#countMerged(call, other)
      for (const one of other === NO_CALL || calls.has(other, COUNTED) ? [call] : [call, other]) {
        calls.setInt(one, 'flags', calls.int(one, 'flags') | COUNTED)
        this.#counted++
      }
    }
    this.#waits.data[row] = 0
    this.#settled.push(row)
    this.#forget()
  }

  /** Another report of the same call, counted or not. */
  #other(row: number, call: number): number {
    const calls = this.#calls
    for (let other = this.#newest.data[row]!; other !== NO_CALL; other = calls.int(other, 'next')) {
      if (other !== call && calls.mayBeSame(call, other) && isSameCall(calls.facts(call), calls.facts(other)))
        return other
    }
    return NO_CALL
  }

  #countMerged(a: number, b: number): void {
    const merged = mergeCalls(this.#calls.facts(a), this.#calls.facts(b))
    const outer = merged.span.spanId === this.#calls.facts(a).spanId ? a : b
    const inner = outer === a ? b : a
    const innerCost = this.#calls.number(inner, 'cost_usd')
    const overrides: Overrides = {
      failed: merged.failed,
      rateLimited: merged.rateLimited,
      input: merged.inputTokens,
      output: merged.outputTokens,
      cacheRead: merged.cacheReadTokens,
      cacheWrite: merged.cacheWriteTokens,
      reasoning: merged.reasoningTokens,
      ...(!merged.tokensOfSpan && !Number.isNaN(innerCost) && { cost_usd: innerCost }),
    }
    this.#counts.count(outer, overrides)
  }

  /** Gives up the calls of the traces that settled longest ago, when there are too many. */
  #forget(): void {
    while (this.#counted > COUNTED_MAX) {
      const row = this.#settled.shift()
      if (row < 0) return
      this.#table.release(row)
      if (this.#waits.data[row] !== 0) continue
      for (let call = this.#newest.data[row]!; call !== NO_CALL; ) {
        const next = this.#calls.int(call, 'next')
        this.#calls.remove(call)
        this.#counted--
        call = next
      }
      this.#newest.data[row] = NO_CALL
    }
  }
}
