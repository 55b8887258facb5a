/**
 * One shard's reports of calls, by trace, until the trace has settled. Then the reports of each call are found, and
 * its subscribers are told once, however many reports there are. "Counted" is a report of which everybody has been told who is
 * to be. A large trace is settled in slices; what comes meanwhile waits for its next settling.
 */
import { RowQueue } from '../traces/row_queue.ts'
import type { Slices } from '../traces/slices.ts'
import type { TraceColumn, TraceTable } from '../traces/trace_table.ts'
import { ALL, NO_CALL } from './call_rows.ts'

/** Counted reports that are kept, so that late ones can be compared with them. */
const COUNTED_MAX = 50_000
/** Late reports are compared with this many counted ones of their trace, the newest: a trace may never end. */
const COMPARED_MAX = 4096
/** Calls told in one piece of work: beginning a piece costs as much as a few calls. */
export const CALLS_PER_PIECE = 4
/** While too many calls wait, each new one does this many pieces of settling, so that it ends before there are a third more. */
export const PIECES_PER_CALL = 2
/** From this many times `calls_max` on, settling is no longer cut into slices. */
const OVER_MAX = 2

/** A report that is awaited may come so many times `settle_after` later than the last of its trace: not all streams are read. */
export const AWAITED_WAITS = 3

/** After so many calls have been looked up, others may have their turn. */
const PAUSE_CALLS = 1000

/** Bits of a trace's state. It is in `#waiting`, `#extended` or `#due`. */
const WAITS = 1
/** Its calls are being grouped. */
const GROUPED = 2
/** A call that waits says no tokens: another trace may say them, and is told before. */
const VAGUE = 4

/** The calls, known by number (`steps/calls.ts`). Those of a trace form a list from the newest back. */
export interface LinkedCalls {
  next(call: number): number
  link(call: number, next: number): void
  /** Bits: who has it, and is to be told. */
  takers(call: number): number
  /** Who of them has been. */
  told(call: number): number
  addTakers(call: number, bits: number): void
  addTold(call: number, bits: number): void
  /** 1: another report of the call will come, maybe late; -1: this is such a report; 0: neither. */
  awaits(call: number): number
  /** True: it says neither how many tokens there were nor that it failed. */
  isVague(call: number): boolean
  /** Of the calls from that one back: is any of those that will come still missed? */
  awaitsMore(newest: number): boolean
  /** True: each of them reports a call of its own. False says nothing. */
  areApart(calls: readonly number[]): boolean
  /** Which of them report one call to `bits`, in lists with the outermost first; undefined where a pause may be made. */
  group(calls: readonly number[], bits: number): Iterable<readonly number[] | undefined>
  /** The call is not asked for again. */
  remove(call: number): void
}

/** Tells of calls whose trace has settled. */
export interface Teller {
  /** Reports of a call, the outermost first; those of `bits` have all of them and have been told of none. */
  settle(reports: readonly number[], bits: number): void
  /** A report of a call that those of `bits` have been told of. */
  repeat(call: number, bits: number): void
}

export class TracesOfCalls {
  readonly #table: TraceTable
  readonly #calls: LinkedCalls
  readonly #teller: Teller
  readonly #calls_max: () => number
  readonly #slices: Slices
  /** Per trace: its newest call; when its first and its last unsettled call came; WAITS, GROUPED and VAGUE. */
  readonly #newest: TraceColumn
  readonly #firstSeen: TraceColumn
  readonly #lastSeen: TraceColumn
  readonly #states: TraceColumn
  /** Per trace: reports that are awaited. */
  readonly #awaited: TraceColumn
  /** Traces whose first unsettled call came lately, in that order. */
  readonly #waiting = new RowQueue()
  /** Traces that have waited `settle_after` in `#waiting`, but had calls in between, so that they wait on. In no order. */
  readonly #extended = new RowQueue()
  /** Traces that are to be settled now, in that order; and those of them that come last. */
  readonly #due = new RowQueue()
  readonly #dueLast = new RowQueue()
  /** Settles what is due: under way. */
  #work: Generator<undefined, void> | undefined
  /** Traces with counted calls, in the order in which they settled; each held once per place. */
  readonly #settled = new RowQueue()
  /** Those of the trace that is looked at. */
  readonly #few: number[] = []
  /** Calls told, and traces. */
  #steps = 0
  #uncounted = 0
  #counted = 0

  /** `calls_max`: asked for the calls that may wait; over it the longest waiting traces settle early. */
  constructor(table: TraceTable, calls: LinkedCalls, teller: Teller, calls_max: () => number, slices: Slices) {
    this.#table = table
    this.#calls = calls
    this.#teller = teller
    this.#calls_max = calls_max
    this.#slices = slices
    this.#newest = table.addColumn('int32', NO_CALL)
    this.#firstSeen = table.addColumn('float64')
    this.#lastSeen = table.addColumn('float64')
    this.#states = table.addColumn('int32')
    this.#awaited = table.addColumn('int32')
  }

  /** Adds a call to the trace of that row. */
  add(row: number, call: number, now_ms: number): void {
    this.#calls.link(call, this.#newest.data[row]!)
    this.#newest.data[row] = call
    this.#uncounted++
    this.#awaited.data[row]! += this.#calls.awaits(call)
    if (this.#calls.isVague(call)) this.#states.data[row]! |= VAGUE
    this.#wait(row, now_ms)
  }

  /** More subscribers have taken the report. They are told with those who had it before, or on their own if those have been told. */
  addTakers(row: number, call: number, bits: number, now_ms: number): void {
    const wasCounted = this.#isCounted(call)
    this.#calls.addTakers(call, bits)
    if (wasCounted) {
      this.#counted--
      this.#uncounted++
    }
    // While the trace is being grouped, the turn of this call may be over.
    const isNew = wasCounted || (this.#states.data[row]! & WAITS) === 0
    if (isNew) this.#awaited.data[row]! += this.#calls.awaits(call)
    if (this.#calls.isVague(call)) this.#states.data[row]! |= VAGUE
    this.#wait(row, now_ms)
  }

  #wait(row: number, now_ms: number): void {
    this.#lastSeen.data[row] = now_ms
    if ((this.#states.data[row]! & WAITS) === 0) {
      this.#states.data[row]! |= WAITS
      this.#firstSeen.data[row] = now_ms
      this.#table.hold(row)
      this.#waiting.push(row)
    }
    const most = this.#calls_max()
    for (let pieces = 0; this.#uncounted > most; pieces++)
      if (pieces >= PIECES_PER_CALL && this.#uncounted <= most * OVER_MAX) break
      else if (!this.settleSome()) break
  }

  /** Does a piece of settling the trace that has waited longest; false if none waits. */
  settleSome(): boolean {
    if (this.#work !== undefined) {
      this.#piece()
      return true
    }
    const row = this.#extended.length > 0 ? this.#extended.shift() : this.#waiting.shift()
    if (row < 0) return false
    this.#due.push(row)
    this.#begin()
    return true
  }

  /** Counts the calls of traces whose last call came `settle_after_ms` ago, or whose first came `settle_max_ms` ago. */
  settle(now_ms: number, settle_after_ms: number, settle_max_ms: number): void {
    this.#find(now_ms, settle_after_ms, settle_after_ms * AWAITED_WAITS, settle_max_ms)
    if (this.#due.length > 0) this.#begin()
  }

  /**
   * Tells those of `bits` of everything that they wait for, at once; others go on waiting for it. What is awaited, or left
   * open, may be in another trace, so traces that leave something open come last.
   */
  leave(bits: number): void {
    while (this.#piece());
    for (const isVague of [false, true])
      for (const queue of [this.#waiting, this.#extended])
        for (let at = 0; at < queue.length; at++)
          if (this.#isVague(queue.at(at)) === isVague) drain(this.#tell(queue.at(at), bits))
  }

  /** Counts what waits, all of it at once, and gives rows and columns back. */
  close(): void {
    // First what awaits nothing, as in `leave`.
    const never = Number.POSITIVE_INFINITY
    this.#find(Number.MAX_VALUE, 0, never, never)
    this.#find(never, 0, 0, 0)
    this.#work ??= this.#settleDue()
    while (this.#piece());
    while (this.#settled.length > 0) this.#table.release(this.#settled.shift())
    const columns = [this.#newest, this.#firstSeen, this.#lastSeen, this.#states, this.#awaited]
    for (const column of columns) this.#table.removeColumn(column)
  }

  /** `awaited_ms`: how long a trace is quiet at most where a report is awaited. */
  #find(now_ms: number, settle_after_ms: number, awaited_ms: number, settle_max_ms: number): void {
    for (let left = this.#extended.length; left > 0; left--)
      this.#findOne(this.#extended.shift(), now_ms, settle_after_ms, awaited_ms, settle_max_ms)
    const soonest_ms = Math.min(settle_after_ms, settle_max_ms)
    while (this.#waiting.length > 0 && now_ms - this.#firstSeen.data[this.#waiting.first()]! >= soonest_ms)
      this.#findOne(this.#waiting.shift(), now_ms, settle_after_ms, awaited_ms, settle_max_ms)
    while (this.#dueLast.length > 0) this.#due.push(this.#dueLast.shift())
  }

  #findOne(row: number, now_ms: number, settle_after_ms: number, awaited_ms: number, settle_max_ms: number): void {
    const quiet_ms = now_ms - this.#lastSeen.data[row]!
    const isQuiet = quiet_ms >= settle_after_ms && !(quiet_ms < awaited_ms && this.#awaitsMore(row))
    if (!isQuiet && now_ms - this.#firstSeen.data[row]! < settle_max_ms) this.#extended.push(row)
    else if (this.#isVague(row)) this.#dueLast.push(row)
    else this.#due.push(row)
  }

  /** What its calls leave open may be told by those of another trace. */
  #isVague(row: number): boolean {
    return this.#awaited.data[row]! > 0 || (this.#states.data[row]! & VAGUE) !== 0
  }

  #awaitsMore(row: number): boolean {
    return this.#awaited.data[row]! > 0 && this.#calls.awaitsMore(this.#newest.data[row]!)
  }

  /** What is under way takes up what is due meanwhile. */
  #begin(): void {
    if (this.#work !== undefined) return
    this.#work = this.#settleDue()
    this.#slices.run(() => this.#piece())
  }

  /** False if nothing is left to do. */
  #piece(): boolean {
    if (this.#work?.next().done !== false) this.#work = undefined
    return this.#work !== undefined
  }

  *#settleDue(): Generator<undefined, void> {
    while (this.#due.length > 0) {
      const row = this.#due.shift()
      if (!this.#countApart(row)) yield* this.#count(row)
      if (this.#isPause()) yield
    }
  }

  /**
   * The same as `#count` for most traces: a few calls that are apart, none of which has been told, all of them for the same
   * subscribers. False, and nothing is done, for others.
   */
  #countApart(row: number): boolean {
    const calls = this.#calls
    const few = this.#few
    few.length = 0
    const newest = this.#newest.data[row]!
    const bits = newest === NO_CALL ? 0 : calls.takers(newest)
    for (let call = newest; call !== NO_CALL; call = calls.next(call)) {
      if (few.length === CALLS_PER_PIECE || calls.takers(call) !== bits || calls.told(call) !== 0) return false
      few.push(call)
    }
    if (!calls.areApart(few)) return false
    this.#states.data[row] = 0
    this.#awaited.data[row] = 0
    for (const call of few) {
      this.#teller.settle([call], bits)
      calls.addTold(call, bits)
    }
    this.#uncounted -= few.length
    this.#counted += few.length
    this.#settled.push(row)
    this.#forget()
    return true
  }

  *#count(row: number): Generator<undefined, void> {
    this.#states.data[row] = GROUPED
    this.#awaited.data[row] = 0
    yield* this.#tell(row, ALL)
    this.#states.data[row]! &= ~GROUPED
    this.#settled.push(row)
    this.#forget()
  }

  /**
   * Tells those of `wanted` who wait for something in this trace. Where all of them have the same reports and have been told
   * of the same ones, the reports are grouped once for all; else once for each, by the reports that it has.
   */
  *#tell(row: number, wanted: number): Generator<undefined, void> {
    const calls = this.#calls
    const compared = yield* this.#compared(row)
    let waiting = 0
    for (const call of compared) waiting |= calls.takers(call) & ~calls.told(call) & wanted
    const isAlike = (call: number) =>
      (calls.takers(call) & waiting) === waiting &&
      ((calls.told(call) & waiting) === 0 || (calls.told(call) & waiting) === waiting)
    if (compared.every(isAlike)) yield* this.#tellOf(compared, waiting)
    else
      for (const bits of bitsOf(waiting))
        yield* this.#tellOf(
          compared.filter((call) => (calls.takers(call) & bits) !== 0),
          bits,
        )
  }

  *#tellOf(compared: readonly number[], bits: number): Generator<undefined, void> {
    for (const reports of this.#calls.group(compared, bits)) {
      if (reports !== undefined) this.#countOnce(reports, bits)
      if (reports === undefined || this.#isPause()) yield
    }
  }

  #isPause(): boolean {
    return ++this.#steps % CALLS_PER_PIECE === 0
  }

  /** Tells of one call. All of `bits` have all these reports; who knows some of them already is told of a repetition. */
  #countOnce(reports: readonly number[], bits: number): void {
    const calls = this.#calls
    let knows = 0
    for (const call of reports) knows |= calls.told(call)
    const fresh = bits & ~knows
    if (fresh !== 0) this.#teller.settle(reports, fresh)
    for (const call of reports) {
      const late = bits & knows & ~calls.told(call)
      if (late !== 0) this.#teller.repeat(call, late)
      this.#mark(call, bits)
    }
  }

  #mark(call: number, bits: number): void {
    if (this.#isCounted(call)) return
    this.#calls.addTold(call, bits)
    if (!this.#isCounted(call)) return
    this.#uncounted--
    this.#counted++
  }

  /** Has everybody been told who is to be? */
  #isCounted(call: number): boolean {
    return (this.#calls.takers(call) & ~this.#calls.told(call)) === 0
  }

  /** What waits of a trace, and what of it has been counted lately. */
  *#compared(row: number): Generator<undefined, number[]> {
    const calls = this.#calls
    const compared: number[] = []
    let counted = 0
    for (let call = this.#newest.data[row]!; call !== NO_CALL; call = calls.next(call)) {
      if (this.#isCounted(call) && counted++ >= COMPARED_MAX) continue
      compared.push(call)
      if (compared.length % PAUSE_CALLS === 0) yield
    }
    return compared
  }

  /** Gives up the calls of the traces that settled longest ago, when there are too many. */
  #forget(): void {
    const most = Math.min(COUNTED_MAX, this.#calls_max())
    while (this.#counted > most && this.#settled.length > 0) {
      const row = this.#settled.shift()
      if (this.#states.data[row] === 0) this.#remove(row)
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

/** Each of the bits alone. */
export function* bitsOf(bits: number): Generator<number> {
  for (let left = bits; left !== 0; left &= left - 1) yield left & -left
}

function drain(work: Iterator<undefined, void>): void {
  while (work.next().done !== true);
}
