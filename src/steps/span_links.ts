/**
 * Which span stands above which, and which of them failed why: of all spans that came lately, of calls and of others, since
 * what wraps a call may be anything, and comes before it or after it. Rows of numbers in a ring of hash tables: bounded,
 * and nothing is allocated for a span.
 */

import { failureOf, NO_FAILURE, RATE_LIMIT, UNEXPLAINED } from '../gen_ai/failure.ts'
import type { Id } from '../gen_ai/grouping/same_call.ts'
import { nanosAsMillis, uint32 } from '../otlp/cursor.ts'
import type { Clock } from '../self/clock.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import type { Service, Services } from '../self/services.ts'
import type { TraceBatch } from '../telemetry/batch.ts'
import { hashNumber, textId } from '../telemetry/hash.ts'
import { SpanView, STATUS_ERROR } from '../telemetry/span_view.ts'
import { RecentRoots } from './activity/recent_roots.ts'
import { idOf } from './call_rows.ts'

/** Spans of one table; the oldest table is given up for a new one. */
const TABLE_LINKS_MAX = 1 << 15
const SLOTS = TABLE_LINKS_MAX * 2
/** Bits by which a table says that it knows nothing of a trace. */
const TRACE_BITS = 1 << 18
/** Ids, traces and failures. */
const TABLE_BYTES = SLOTS * (8 + 8 + 4 + 1) + TRACE_BITS / 8
/** All tables: this share of the memory limit, and no more than this. */
const BYTES_SHARE = 1 / 32
const BYTES_MAX = 64 << 20
/** Calls wait so long by default, at most: of what is younger, some may be missed. */
const YOUNG_MS = 30_000
/** So many spans above a call are asked why it failed. */
const ABOVE_MAX = 32

/** Who notes what spans say of those that they are for. */
export interface LabelledSpans {
  readonly pairs: Uint8Array | undefined
  note(batch: TraceBatch, item: number): void
}

export class SpanLinks {
  /** Spans given up although they were young. */
  forgotten = 0
  readonly roots = new RecentRoots()
  readonly #clock: Clock
  readonly #tables_max: () => number
  /** The newest last. */
  readonly #tables: Links[] = []
  readonly #view = new SpanView()
  readonly #failed = new SpanView()

  /** `bytes_max`: asked when a table is full; one table there always is. */
  constructor(clock: Clock, bytes_max: () => number) {
    this.#clock = clock
    this.#tables_max = () => Math.max(1, Math.floor(bytes_max() / TABLE_BYTES))
    this.#view.wantsAttributes = false
  }

  get size_bytes(): number {
    return this.#tables.length * TABLE_BYTES
  }

  /** Notes all spans of a batch, and hands on those whose attributes `labels` may want. */
  note(batch: TraceBatch, labels?: LabelledSpans): void {
    const view = this.#view
    view.pairs = labels?.pairs
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      if (view.traceId < 0 || view.spanId < 0) continue
      if (view.hasPair) labels?.note(batch, item)
      const failure = view.statusCode === STATUS_ERROR ? this.#failureOf(batch, item) : NO_FAILURE
      if (view.parentId < 0 && view.startTime >= 0 && view.endTime >= 0)
        this.roots.add(
          traceOf(view),
          nanosAsMillis(view.bytes, view.startTime),
          nanosAsMillis(view.bytes, view.endTime),
        )
      // Above a root that did not fail there is nothing to know.
      if (view.parentId < 0 && failure === NO_FAILURE) continue
      const parent = view.parentId < 0 ? 0 : idAt(view.bytes, view.parentId)
      this.add(traceOf(view), idAt(view.bytes, view.spanId), parent, failure)
    }
    view.forget()
    this.#failed.forget()
  }

  /** `trace`: as `traceOf` says. `failure`: as `failureOf` says. */
  add(trace: number, span: Id, parent: Id, failure: number): void {
    let table = this.#tables.at(-1)
    if (table === undefined || table.count === TABLE_LINKS_MAX) table = this.#nextTable()
    table.set(trace, span, parent, failure)
  }

  /** Id of the span above; 0 if it has none or is not known. */
  above(trace: number, span: Id): Id {
    const place = this.#find(trace, span)
    return place < 0 ? 0 : this.#tableAt(place).parent(place % SLOTS)
  }

  /** Does the nearest span above a call that says why it failed tell of a rate limit? `span`: the call's parent. */
  isRateLimitedAbove(trace: number, span: Id): boolean {
    let id = span
    for (let spans = 0; id !== 0 && spans < ABOVE_MAX; spans++) {
      const place = this.#find(trace, id)
      if (place < 0) return false
      const failure = this.#tableAt(place).failure(place % SLOTS)
      if (failure !== NO_FAILURE && failure !== UNEXPLAINED) return failure === RATE_LIMIT
      id = this.#tableAt(place).parent(place % SLOTS)
    }
    return false
  }

  /** Where the newest note of that span is, `table * SLOTS + slot`; -1: there is none. */
  #find(trace: number, span: Id): number {
    for (let table = this.#tables.length - 1; table >= 0; table--) {
      const slot = this.#tables[table]!.find(trace, span)
      if (slot >= 0) return table * SLOTS + slot
    }
    return -1
  }

  #tableAt(place: number): Links {
    return this.#tables[Math.floor(place / SLOTS)]!
  }

  #failureOf(batch: TraceBatch, item: number): number {
    this.#failed.read(batch, item)
    return failureOf(this.#failed)
  }

  #nextTable(): Links {
    const now_ms = this.#clock.monotonic_ms()
    const most = this.#tables_max()
    while (this.#tables.length > most) this.#giveUp(now_ms)
    const table = this.#tables.length < most ? new Links() : this.#giveUp(now_ms)
    table.clear(now_ms)
    this.#tables.push(table)
    return table
  }

  #giveUp(now_ms: number): Links {
    const oldest = this.#tables.shift()!
    if (now_ms - oldest.begun_ms < YOUNG_MS) this.forgotten += oldest.count
    return oldest
  }
}

const SPAN_LINKS: Service<SpanLinks> = {
  make(services) {
    const memory = memoryOf(services)
    const links = new SpanLinks(services.clock, () => Math.min(BYTES_MAX, memory.limit_bytes * BYTES_SHARE))
    memory.hold('span_links', () => links.size_bytes)
    services.meter.gauge(
      'sluice_span_links_forgotten',
      'Spans less than half a minute old of which it was forgotten what stands above them, to make room.',
      {},
      () => links.forgotten,
    )
    return links
  },
}

/** The daemon's: whoever groups calls knows the same of what stands above them. */
export function sharedSpanLinks(host: Pick<Services, 'service'>): SpanLinks {
  return host.service(SPAN_LINKS)
}

/** Of a span that has a trace id: a number for the trace; 0 for one that has none. */
export function traceOf({ bytes, traceId }: SpanView): number {
  return traceId < 0 ? 0 : textId(bytes, traceId, traceId + 16)
}

function idAt(bytes: Uint8Array, at: number): Id {
  return idOf(uint32(bytes, at), uint32(bytes, at + 4))
}

/** Open addressing by span and trace. */
class Links {
  count = 0
  begun_ms = 0
  /** 0 marks a free slot. */
  readonly #spans = new Float64Array(SLOTS)
  readonly #parents = new Float64Array(SLOTS)
  readonly #traces = new Int32Array(SLOTS)
  readonly #failures = new Uint8Array(SLOTS)
  /** Most spans that are asked for stand in no table or in the newest: the others are not looked through. */
  readonly #knownTraces = new Int32Array(TRACE_BITS / 32)

  clear(now_ms: number): void {
    if (this.count > 0) {
      this.#spans.fill(0)
      this.#knownTraces.fill(0)
    }
    this.count = 0
    this.begun_ms = now_ms
  }

  set(trace: number, span: Id, parent: Id, failure: number): void {
    if (span === 0) return
    const slot = this.#slot(trace, span)
    if (this.#spans[slot] === 0) this.count++
    this.#spans[slot] = span
    this.#traces[slot] = trace
    this.#parents[slot] = parent
    this.#failures[slot] = failure
    const bit = bitOf(trace)
    this.#knownTraces[bit >>> 5]! |= 1 << (bit & 31)
  }

  /** Slot of the span, -1 if it is not there. */
  find(trace: number, span: Id): number {
    const bit = bitOf(trace)
    if ((this.#knownTraces[bit >>> 5]! & (1 << (bit & 31))) === 0) return -1
    const slot = this.#slot(trace, span)
    return this.#spans[slot] === 0 ? -1 : slot
  }

  parent(slot: number): Id {
    return this.#parents[slot]!
  }

  failure(slot: number): number {
    return this.#failures[slot]!
  }

  /** Where the span is, or where it would be. */
  #slot(trace: number, span: Id): number {
    let slot = (hashNumber(span) ^ Math.imul(trace, 0x85ebca6b)) & (SLOTS - 1)
    while (this.#spans[slot] !== 0 && (this.#spans[slot] !== span || this.#traces[slot] !== trace))
      slot = (slot + 1) & (SLOTS - 1)
    return slot
  }
}

function bitOf(trace: number): number {
  return (Math.imul(trace, 0x9e3779b1) >>> 14) & (TRACE_BITS - 1)
}
