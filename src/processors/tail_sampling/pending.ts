/**
 * One shard's traces: their spans while they wait, their facts, and what was decided of them.
 */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import type { Head, Heads } from '../../telemetry/heads.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ItemStore, NO_ITEM } from '../../traces/item_store.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { TraceTable } from '../../traces/trace_table.ts'
import type { Policies, TraceFacts } from './policies.ts'

/** What is decided of a trace: PENDING, DROPPED, or KEPT plus the number of the label that says why. */
export const UNKNOWN = 0
export const PENDING = 1
export const DROPPED = 2
export const KEPT = 3

/** A span's tag word: origin (8 bits), head (24 bits). */
const HEAD_BITS = 24
const HEAD_MASK = 2 ** HEAD_BITS - 1

export function tagOf(origin: number, head: number): number {
  return (origin << HEAD_BITS) | head
}

export function originOf(tag: number): number {
  return tag >>> HEAD_BITS
}

export function headOf(tag: number): number {
  return tag & HEAD_MASK
}

export class Pending {
  readonly items = new ItemStore()
  /** Traces that wait for their decision. */
  traces = 0
  /** Rows in the order of their first span; all wait equally long. */
  readonly #queue = new RowQueue()
  readonly #table: TraceTable
  readonly #heads: Heads
  readonly #state
  readonly #last
  readonly #firstSeen
  readonly #firstStart
  readonly #lastEnd
  readonly #features
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

  /** Row of the span's trace, -1 if the table has no room. */
  rowOf(view: SpanView, hash: number): number {
    return this.#table.obtain(view.bytes, view.traceId, hash)
  }

  stateOf(row: number): number {
    return this.#state.data[row]!
  }

  /** Keeps the span until its trace is decided (or, if that is decided, until it is handed on). */
  add(
    row: number,
    view: SpanView,
    batch: TraceBatch,
    head: Head,
    origin: number,
    features: number,
    now_ms: number,
  ): void {
    if (this.#state.data[row] === UNKNOWN) {
      this.#state.data[row] = PENDING
      this.#firstSeen.data[row] = now_ms
      this.traces++
      this.#table.hold(row)
      this.#queue.push(row)
    }
    head.references++
    this.#last.data[row] = this.items.add(
      batch.bytes,
      view.start,
      view.end,
      tagOf(origin, head.id),
      this.#last.data[row]!,
    )
    this.#features.data[row]! |= features
    if (view.startTime >= 0) {
      this.#firstStart.data[row] = Math.min(this.#firstStart.data[row]!, nanosAsMillis(view.bytes, view.startTime))
    }
    if (view.endTime >= 0) {
      this.#lastEnd.data[row] = Math.max(this.#lastEnd.data[row]!, nanosAsMillis(view.bytes, view.endTime))
    }
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

  /** Calls `visit` for the trace's spans, oldest first; then they are gone from here. */
  take(row: number, visit: (items: ItemStore) => void): void {
    const addresses: number[] = []
    for (let at = this.#last.data[row]!; at !== NO_ITEM; at = this.items.previous) {
      addresses.push(at)
      this.items.read(at)
    }
    this.#last.data[row] = NO_ITEM
    for (const address of addresses.toReversed()) {
      this.items.read(address)
      visit(this.items)
    }
    for (const address of addresses) this.items.release(address)
  }

  /** Forgets the spans of a trace that was dropped, and tells how many of each origin there were. */
  discard(row: number, tell: (origin: number, spans: number) => void): void {
    let origin = 0
    let spans = 0
    for (let at = this.#last.data[row]!; at !== NO_ITEM; ) {
      this.items.read(at)
      const { tag, previous } = this.items
      if (spans > 0 && originOf(tag) !== origin) {
        tell(origin, spans)
        spans = 0
      }
      origin = originOf(tag)
      spans++
      this.#heads.release(this.#heads.byId(headOf(tag)))
      this.items.release(at)
      at = previous
    }
    if (spans > 0) tell(origin, spans)
    this.#last.data[row] = NO_ITEM
    this.#table.release(row)
  }

  hold(row: number): void {
    this.#table.hold(row)
  }

  release(row: number): void {
    this.#table.release(row)
  }
}
