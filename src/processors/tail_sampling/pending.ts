/**
 * One shard's traces: their spans while they wait, their facts, and what was decided of them.
 */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import type { Head, Heads } from '../../telemetry/heads.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ItemStore, NO_ITEM } from '../../traces/item_store.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { Column, TraceTable } from '../../traces/trace_table.ts'
import type { Policies, TraceFacts } from './policies.ts'

/** What is decided of a trace: PENDING, DROPPED, or KEPT plus the number of the label that says why. */
export const UNKNOWN = 0
export const PENDING = 1
export const DROPPED = 2
export const KEPT = 3

export class Pending {
  /** Spans that wait; a span's tag is the number of its head. */
  readonly items = new ItemStore()
  /** Traces that wait for their decision. */
  traces = 0
  /** Rows in the order of their first span; all wait equally long. */
  readonly #queue = new RowQueue()
  readonly #table: TraceTable
  readonly #heads: Heads
  readonly #state: Column
  readonly #features: Column
  /** Address of the newest span. */
  readonly #last: Column
  readonly #firstSeen: Column
  readonly #firstStart: Column
  readonly #lastEnd: Column
  readonly #facts: TraceFacts = { features: 0, duration_ms: 0, id: Buffer.alloc(16) }

  constructor(table: TraceTable, heads: Heads) {
    this.#table = table
    this.#heads = heads
    this.#state = table.addColumn('int32', UNKNOWN)
    this.#features = table.addColumn('int32')
    this.#last = table.addColumn('float64', NO_ITEM)
    this.#firstSeen = table.addColumn('float64')
    this.#firstStart = table.addColumn('float64', Number.POSITIVE_INFINITY)
    this.#lastEnd = table.addColumn('float64', Number.NEGATIVE_INFINITY)
  }

  /** Most traces that may wait: a tenth of the table is for decided ones that have not been handed on. */
  get traces_max(): number {
    return Math.ceil(this.#table.rows_max * 0.9)
  }

  /** Is there a place for so many more traces (or for as many as half the table has)? */
  hasRoom(traces: number): boolean {
    return this.#table.rows_max - this.#table.held >= Math.min(traces, this.#table.rows_max / 2)
  }

  /** Row of the span's trace, -1 if the table has no room. */
  rowOf(view: SpanView, hash: number): number {
    return this.#table.obtain(view.bytes, view.traceId, hash)
  }

  stateOf(row: number): number {
    return this.#state.data[row]!
  }

  /** Does the trace have spans here? */
  hasSpans(row: number): boolean {
    return this.#last.data[row] !== NO_ITEM
  }

  /** Keeps the span until its trace is decided (or, if that is decided, until it is handed on). Holds the row as long. */
  add(row: number, view: SpanView, head: Head, features: number, now_ms: number): void {
    const last = this.#last.data
    if (last[row] === NO_ITEM) this.#table.hold(row)
    if (this.#state.data[row] === UNKNOWN) {
      this.#state.data[row] = PENDING
      this.#firstSeen.data[row] = now_ms
      this.traces++
      this.#queue.push(row)
    }
    head.references++
    last[row] = this.items.add(view.bytes, view.start, view.end, head.id, last[row]!)
    this.#features.data[row]! |= features
    const start_ms = view.startTime < 0 ? 0 : nanosAsMillis(view.bytes, view.startTime)
    const end_ms = view.endTime < 0 ? 0 : nanosAsMillis(view.bytes, view.endTime)
    if (start_ms > 0 && start_ms < this.#firstStart.data[row]!) this.#firstStart.data[row] = start_ms
    if (end_ms > this.#lastEnd.data[row]!) this.#lastEnd.data[row] = end_ms
  }

  /** The trace that has waited longest, if it came at or before `before_ms`; -1 if there is none. */
  oldest(before_ms = Number.POSITIVE_INFINITY): number {
    const row = this.#queue.first()
    return row >= 0 && this.#firstSeen.data[row]! <= before_ms ? row : -1
  }

  /** Decides the trace that `oldest` named. Returns the policy's position, -1 for none. */
  decide(row: number, policies: Policies, labelOf: (policy: number) => number): number {
    this.#queue.shift()
    this.traces--
    const facts = this.#facts
    facts.features = this.#features.data[row]!
    facts.duration_ms = Math.max(0, this.#lastEnd.data[row]! - this.#firstStart.data[row]!)
    this.#table.writeId(row, facts.id, 0)
    const policy = policies.decide(facts)
    this.#state.data[row] = policy < 0 ? DROPPED : KEPT + labelOf(policy)
    return policy
  }

  /** Reads the spans of all undecided traces again, since new policies ask other questions. */
  reread(policies: Policies, view: SpanView): void {
    for (let position = 0; position < this.#queue.length; position++) {
      const row = this.#queue.at(position)
      let features = 0
      for (let at = this.#last.data[row]!; at !== NO_ITEM; at = this.items.previous) {
        this.items.read(at)
        view.readAt(this.items.bytes, this.items.start, this.items.end)
        features |= policies.featuresOf(view)
      }
      this.#features.data[row] = features
    }
  }

  /** Calls `visit` for the trace's spans, oldest first; then they are gone from here. */
  take(row: number, visit: (items: ItemStore) => void): void {
    const addresses: number[] = []
    for (let at = this.#last.data[row]!; at !== NO_ITEM; at = this.items.previous) {
      addresses.push(at)
      this.items.read(at)
    }
    this.#last.data[row] = NO_ITEM
    for (let at = addresses.length - 1; at >= 0; at--) {
      this.items.read(addresses[at]!)
      visit(this.items)
      this.items.release(addresses[at]!)
    }
  }

  /** Forgets the spans of a trace that was dropped, and tells how many of each owner there were. */
  discard(row: number, tell: (owner: number, spans: number) => void): void {
    let owner = 0
    let spans = 0
    for (let at = this.#last.data[row]!; at !== NO_ITEM; ) {
      this.items.read(at)
      const { tag, previous } = this.items
      const head = this.#heads.byId(tag)
      if (spans > 0 && head.owner !== owner) {
        tell(owner, spans)
        spans = 0
      }
      owner = head.owner
      spans++
      this.#heads.release(head)
      this.items.release(at)
      at = previous
    }
    if (spans > 0) tell(owner, spans)
    this.#last.data[row] = NO_ITEM
    this.release(row)
  }

  /** The trace's spans have gone. */
  release(row: number): void {
    this.#table.release(row)
  }

  /** Gives the columns back. */
  close(): void {
    const columns = [this.#state, this.#features, this.#last, this.#firstSeen, this.#firstStart, this.#lastEnd]
    for (const column of columns) this.#table.removeColumn(column)
  }
}
