/**
 * One shard's traces: their items while they wait, their facts, and what was decided on them. Items are spans and, from
 * pipelines of logs, log records; the owner of an item's head says which pipeline and account it is from.
 */
import { nanosAsMillis } from '../../../otlp/cursor.ts'
import type { Head, Heads } from '../../../telemetry/heads.ts'
import { hasPlausibleTimes, SPAN_DURATION_MAX_MS } from '../../../telemetry/span_times.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import { ItemStore, NO_ITEM } from '../../../traces/item_store.ts'
import type { TraceColumn, TraceTable } from '../../../traces/trace_table.ts'
import type { TraceFacts } from '../policies/trace_facts.ts'
import { Leaving } from './leaving.ts'
import { SpanPlaces, UNMARKED } from './span_places.ts'
import { WaitQueue } from './wait_queue.ts'

// States of a trace.
/** Nothing of it has come. */
export const UNKNOWN = 0
/** Spans have come, and the trace waits for its decision. */
export const WAITS = 1
/** Only log records have come; they wait for a span. */
export const LOGS_WAIT = 2
/** Decided: what has come and what will come is dropped. */
export const DROPPED = 3
/** No span has come in time: its log records are kept, or dropped, until one comes after all. */
export const LOGS_KEPT = 4
export const LOGS_DROPPED = 5
/** Dropped before its time, for lack of room: a later span may show that it is one to be kept. */
export const DROPPED_EARLY = 6
/** Decided: kept. This, and all numbers above it: KEPT plus the number of the label that says why. */
export const KEPT = 7

const NO_TICKET = 0
const INT32_MAX = 2 ** 31 - 1

export class Pending {
  /** Items that wait; an item's tag is the number of its head. */
  readonly items = new ItemStore()
  /** Where the spans of those are. */
  readonly #places = new SpanPlaces()
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
  readonly #state: TraceColumn
  /** Place in the queues. */
  readonly #ticket: TraceColumn
  /** Address of the newest item. */
  readonly #last: TraceColumn
  readonly #firstStart: TraceColumn
  readonly #lastEnd: TraceColumn
  readonly #spans: TraceColumn
  readonly #size: TraceColumn
  readonly #features: TraceColumn[] = []
  /** Size of the empty queues and places, which is not memory for what waits. */
  readonly #empty_bytes: number

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
    this.waits = new WaitQueue(this.#ticket)
    this.roots = new WaitQueue(this.#ticket)
    this.logs = new WaitQueue(this.#ticket)
    this.#empty_bytes = this.#queues_bytes()
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

  /** Memory for what waits: items, places in queues and of spans, and the rows of the table. */
  get size_bytes(): number {
    return this.items.occupied_bytes + this.#queues_bytes() - this.#empty_bytes + this.traces * this.#table.row_bytes
  }

  /** The same as the process has set it aside, without the table, which is counted for all who share it. */
  get reserved_bytes(): number {
    return this.items.reserved_bytes + this.#queues_bytes() - this.#empty_bytes
  }

  #queues_bytes(): number {
    return this.waits.size_bytes + this.roots.size_bytes + this.logs.size_bytes + this.#places.size_bytes
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

  /**
   * Keeps the item until its trace is decided (or, if that is decided, until it is handed on). Holds the row as long.
   * `mark`: what a span is found by.
   */
  keep(row: number, bytes: Buffer, start: number, end: number, head: Head, mark = UNMARKED): void {
    const last = this.#last.data
    const isFirst = last[row] === NO_ITEM
    if (isFirst) this.#table.hold(row)
    const lane = isFirst ? 0 : this.items.laneOf(last[row]!)
    head.references++
    last[row] = this.items.add(bytes, start, end, head.id, last[row]!, lane, mark)
    this.#places.add(mark, last[row]!)
  }

  /** The mark by which a span is found: a hash of its id. `hash`: of its trace. */
  markOf(hash: number, { bytes, spanId }: SpanView): number {
    return this.#places.markOf(hash, bytes, spanId)
  }

  /** Calls `visit` for the items with that mark that are the same bytes as the span. */
  forEachLike(mark: number, { bytes, start, end }: SpanView, visit: (items: ItemStore) => void): void {
    const { items } = this
    this.#places.forEach(mark, (address) => {
      items.read(address)
      const isAlike = items.end - items.start === end - start
      if (isAlike && bytes.compare(items.bytes, items.start, items.end, start, end) === 0) visit(items)
    })
  }

  /** Adds to the facts of an undecided trace what a span of it says. The span has been kept. */
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

  /** Moves the trace's items to where those are that stay for long, and those to come with them: so memory is freed in large pieces. */
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
      const { mark } = items
      last = items.add(items.bytes, items.start, items.end, items.tag, last, 1, mark)
      this.#places.remove(mark, address)
      this.#places.add(mark, last)
      items.release(address)
    }
    this.#last.data[row] = last
  }

  /** Changes what was decided on a trace that does not wait any more. */
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

  /** The trace's items, to be handed out; it has none any more. */
  leave(row: number): Leaving {
    const newest = this.#last.data[row]!
    this.#last.data[row] = NO_ITEM
    return new Leaving(this.items, this.#places, newest)
  }

  /** Forgets the items of a trace that was dropped, and tells how many of each owner there were. */
  discard(row: number, tell: (owner: number, items: number) => void): void {
    let owner = 0
    let items = 0
    for (let at = this.#last.data[row]!; at !== NO_ITEM; ) {
      this.items.read(at)
      const { tag, previous, mark } = this.items
      const head = this.#heads.byId(tag)
      if (items > 0 && head.owner !== owner) {
        tell(owner, items)
        items = 0
      }
      owner = head.owner
      items++
      this.#heads.release(head)
      this.#places.remove(mark, at)
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
    const columns = [this.#state, this.#ticket, this.#last, this.#firstStart, this.#lastEnd, this.#spans, this.#size]
    for (const column of [...columns, ...this.#features]) this.#table.removeColumn(column)
  }
}
