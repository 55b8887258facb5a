/**
 * One shard's traces: their items while they wait, their facts, and what was decided of them. Items are spans and, of
 * other pipelines, log records; whose an item is says the owner of its head.
 */
import { nanosAsMillis, uint32 } from '../../otlp/cursor.ts'
import type { Head, Heads } from '../../telemetry/heads.ts'
import { hasPlausibleTimes, SPAN_DURATION_MAX_MS } from '../../telemetry/span_times.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ItemStore, NO_ITEM } from '../../traces/item_store.ts'
import type { Column, TraceTable } from '../../traces/trace_table.ts'
import type { TraceFacts } from './policies.ts'
import { WaitQueue } from './wait_queue.ts'

/** What is known of a trace: nothing yet; */
export const UNKNOWN = 0
/** that spans wait for its decision, */
export const WAITS = 1
/** that log records wait for a span; */
export const LOGS_WAIT = 2
/** what was decided: dropped, */
export const DROPPED = 3
/** that there are no spans, and what becomes of its log records, until a span comes after all; */
export const LOGS_KEPT = 4
export const LOGS_DROPPED = 5
/** dropped before its time, so that what comes later may still say that it should have been kept; */
export const DROPPED_EARLY = 6
/** or kept: this plus the number of the label that says why. */
export const KEPT = 7

const NO_TICKET = 0
/** Most items that a span is compared with. */
const COMPARED_MAX = 64
const INT32_MAX = 2 ** 31 - 1

export class Pending {
  /** Items that wait; an item's tag is the number of its head. */
  readonly items = new ItemStore()
  /** Traces that wait for their decision, or for their first span. */
  traces = 0
  /** Traces with spans, from the one whose first span came longest ago. */
  readonly waits: WaitQueue
  /** Those whose root span has come, from the longest ago; a place for each root span. */
  readonly roots: WaitQueue
  /** Those of which only log records have come, from the longest ago. */
  readonly logs: WaitQueue
  readonly #table: TraceTable
  readonly #heads: Heads
  readonly #state: Column
  /** Place in the queues. */
  readonly #ticket: Column
  /** Address of the newest item. */
  readonly #last: Column
  readonly #firstStart: Column
  readonly #lastEnd: Column
  readonly #spans: Column
  readonly #size: Column
  /** A bit for each thirty-second of all span ids, set if one of them has come. */
  readonly #marks: Column
  readonly #features: Column[] = []
  /** What the queues have from the start is nobody's. */
  readonly #emptyQueues_bytes: number

  constructor(table: TraceTable, heads: Heads) {
    this.#table = table
    this.#heads = heads
    this.#state = table.addColumn('int32', UNKNOWN)
    this.#ticket = table.addColumn('int32', NO_TICKET)
    this.#last = table.addColumn('float64', NO_ITEM)
    this.#firstStart = table.addColumn('float64', Number.POSITIVE_INFINITY)
    this.#lastEnd = table.addColumn('float64', Number.NEGATIVE_INFINITY)
    this.#spans = table.addColumn('int32')
    this.#size = table.addColumn('int32')
    this.#marks = table.addColumn('int32')
    this.waits = new WaitQueue(this.#ticket)
    this.roots = new WaitQueue(this.#ticket)
    this.logs = new WaitQueue(this.#ticket)
    this.#emptyQueues_bytes = this.waits.size_bytes + this.roots.size_bytes + this.logs.size_bytes
    this.setFeatureWords(1)
  }

  /** Makes room for so many words of features; those that were set are gone. */
  setFeatureWords(words: number): void {
    for (const column of this.#features.splice(0)) this.#table.removeColumn(column)
    while (this.#features.length < words) this.#features.push(this.#table.addColumn('int32'))
  }

  /** Most traces that may wait: a tenth of the table is for decided ones that have not been handed on. */
  get traces_max(): number {
    return Math.ceil(this.#table.rows_max * 0.9)
  }

  /** Is there a place for so many more traces (or for as many as half the table has)? */
  hasRoom(traces: number): boolean {
    return this.#table.rows_max - this.#table.held >= Math.min(traces, this.#table.rows_max / 2)
  }

  /** Memory for what waits: items, places in queues, and the rows of the table. */
  get size_bytes(): number {
    return this.items.occupied_bytes + this.#queues_bytes() + this.traces * this.#table.row_bytes
  }

  /** What of it is taken from the process, and counted nowhere else. */
  get reserved_bytes(): number {
    return this.items.reserved_bytes + this.#queues_bytes()
  }

  #queues_bytes(): number {
    return this.waits.size_bytes + this.roots.size_bytes + this.logs.size_bytes - this.#emptyQueues_bytes
  }

  /** Row of the trace whose id stands at `id`, -1 if the table has no room. */
  rowOf(bytes: Buffer, id: number, hash: number): number {
    return this.#table.obtain(bytes, id, hash)
  }

  /** What is known of the trace whose id stands at `id`. */
  find(bytes: Uint8Array, id: number, hash: number): number {
    const row = this.#table.find(bytes, id, hash)
    return row < 0 ? UNKNOWN : this.stateOf(row)
  }

  stateOf(row: number): number {
    return this.#state.data[row]!
  }

  ticketOf(row: number): number {
    return this.#ticket.data[row]!
  }

  /** Spans that came before its decision. */
  spansOf(row: number): number {
    return this.#spans.data[row]!
  }

  /** Bytes of those. */
  sizeOf(row: number): number {
    return this.#size.data[row]!
  }

  /** Does the trace have items here? */
  hasItems(row: number): boolean {
    return this.#last.data[row] !== NO_ITEM
  }

  /** The trace waits from now on, for its decision or (`isAlone`) for its first span. */
  begin(row: number, ticket: number, now_ms: number, isAlone: boolean): void {
    const state = this.#state.data
    if (state[row] !== LOGS_WAIT) this.traces++
    state[row] = isAlone ? LOGS_WAIT : WAITS
    this.#ticket.data[row] = ticket
    const queue = isAlone ? this.logs : this.waits
    queue.push(row, ticket, now_ms)
  }

  /** Keeps the item until its trace is decided (or, if that is decided, until it is handed on). Holds the row as long. */
  keep(row: number, bytes: Buffer, start: number, end: number, head: Head): void {
    const last = this.#last.data
    const isFirst = last[row] === NO_ITEM
    if (isFirst) this.#table.hold(row)
    const lane = isFirst ? 0 : this.items.laneOf(last[row]!)
    head.references++
    last[row] = this.items.add(bytes, start, end, head.id, last[row]!, lane)
  }

  /** Has a span with such an id come before, possibly? From now on it has. */
  isMarked(row: number, { bytes, spanId }: SpanView): boolean {
    if (spanId < 0) return false
    const mark = 1 << (Math.imul(uint32(bytes, spanId) ^ uint32(bytes, spanId + 4), 0x9e3779b1) >>> 27)
    const marks = this.#marks.data
    if ((marks[row]! & mark) !== 0) return true
    marks[row]! |= mark
    return false
  }

  /** Calls `visit` for the items, of the last few of the trace, that are the same bytes as the span. */
  forEachLike(row: number, { bytes, start, end }: SpanView, visit: (items: ItemStore) => void): void {
    const { items } = this
    let at = this.#last.data[row]!
    for (let compared = 0; at !== NO_ITEM && compared < COMPARED_MAX; compared++) {
      items.read(at)
      at = items.previous
      const isAlike = items.end - items.start === end - start
      if (isAlike && bytes.compare(items.bytes, items.start, items.end, start, end) === 0) visit(items)
    }
  }

  /** Takes down what an undecided trace's span, which has been kept, says. */
  note(row: number, view: SpanView): void {
    this.#spans.data[row]!++
    const size = this.#size.data
    size[row] = Math.min(INT32_MAX, size[row]! + view.end - view.start)
    if (!hasPlausibleTimes(view, SPAN_DURATION_MAX_MS)) return
    const start_ms = nanosAsMillis(view.bytes, view.startTime)
    const end_ms = nanosAsMillis(view.bytes, view.endTime)
    if (start_ms < this.#firstStart.data[row]!) this.#firstStart.data[row] = start_ms
    if (end_ms > this.#lastEnd.data[row]!) this.#lastEnd.data[row] = end_ms
  }

  addFeatures(row: number, words: Int32Array): void {
    for (let word = 0; word < this.#features.length; word++) this.#features[word]!.data[row]! |= words[word]!
  }

  setFeatures(row: number, words: Int32Array): void {
    for (let word = 0; word < this.#features.length; word++) this.#features[word]!.data[row] = words[word]!
  }

  /** Fills in what is known of the trace. */
  readFacts(row: number, facts: TraceFacts): void {
    for (let word = 0; word < this.#features.length; word++) facts.features[word] = this.#features[word]!.data[row]!
    facts.duration_ms = Math.max(0, this.#lastEnd.data[row]! - this.#firstStart.data[row]!)
    facts.spans = this.#spans.data[row]!
    facts.size_bytes = this.#size.data[row]!
    this.#table.writeId(row, facts.id, 0)
  }

  /** Keeps the trace's items, and those that will come, apart from those that may go sooner. */
  move(row: number): void {
    const { items } = this
    const addresses: number[] = []
    for (let at = this.#last.data[row]!; at !== NO_ITEM; at = items.previous) {
      addresses.push(at)
      items.read(at)
    }
    let last = NO_ITEM
    for (const address of addresses.reverse()) {
      items.read(address)
      last = items.add(items.bytes, items.start, items.end, items.tag, last, 1)
      items.release(address)
    }
    this.#last.data[row] = last
  }

  /** What was decided of a trace that does not wait any more is something else now. */
  correct(row: number, state: number): void {
    this.#state.data[row] = state
  }

  /** The trace waits no longer. */
  settle(row: number, state: number): void {
    this.#state.data[row] = state
    this.#ticket.data[row] = NO_TICKET
    this.traces--
  }

  /** Calls `visit` for the trace's items, newest first. It may not add or take any. */
  forEachItem(row: number, visit: (items: ItemStore) => void): void {
    for (let at = this.#last.data[row]!; at !== NO_ITEM; ) {
      this.items.read(at)
      at = this.items.previous
      visit(this.items)
    }
  }

  /** Calls `visit` for the trace's items, oldest first; then they are gone from here. */
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

  /** Forgets the items of a trace that was dropped, and tells how many of each owner there were. */
  discard(row: number, tell: (owner: number, items: number) => void): void {
    let owner = 0
    let items = 0
    for (let at = this.#last.data[row]!; at !== NO_ITEM; ) {
      this.items.read(at)
      const { tag, previous } = this.items
      const head = this.#heads.byId(tag)
      if (items > 0 && head.owner !== owner) {
        tell(owner, items)
        items = 0
      }
      owner = head.owner
      items++
      this.#heads.release(head)
      this.items.release(at)
      at = previous
    }
    if (items > 0) tell(owner, items)
    this.#last.data[row] = NO_ITEM
    this.release(row)
  }

  /** The trace's items have gone. */
  release(row: number): void {
    this.#table.release(row)
  }

  /** Gives the columns back. */
  close(): void {
    const columns = [
      this.#state,
      this.#ticket,
      this.#last,
      this.#firstStart,
      this.#lastEnd,
      this.#spans,
      this.#size,
      this.#marks,
    ]
    for (const column of [...columns, ...this.#features]) this.#table.removeColumn(column)
  }
}
