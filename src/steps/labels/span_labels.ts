/**
 * Who a span is for, as its attributes say: of all spans that came lately, of steps and of others, since a team or a user is
 * named on the request that came in, and its model calls stand far below. What is wanted is copied; tables of fixed size take
 * turns, so memory is bounded and the oldest is forgotten first.
 */
import type { Id } from '../../gen_ai/grouping/same_call.ts'
import { uint32 } from '../../otlp/cursor.ts'
import { copyBytes } from '../../otlp/output.ts'
import type { Clock } from '../../self/clock.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import type { Service, Services } from '../../self/services.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { hashNumber } from '../../telemetry/hash.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { idOf } from '../call_rows.ts'
import { traceOf } from '../span_links.ts'
import { WantedTexts } from './wanted_texts.ts'

const SPANS_MAX = 1 << 14
const SLOTS = SPANS_MAX * 2
const ARENA_BYTES = 2 << 20
const TABLES_MAX = 3
/** Calls wait so long by default, at most: of what is younger, some may be missed. */
const YOUNG_MS = 30_000
/** Before a text: position of its source, and its length. */
const HEAD_BYTES = 4

export class SpanLabels {
  /** Spans given up although they were young. */
  forgotten = 0
  /** Of the text that was found last. */
  bytes: Buffer = NOTHING
  start = 0
  end = 0
  readonly #clock: Clock
  #wanted = new WantedTexts([])
  /** The newest last; empty until a span has something to say. */
  readonly #tables: Table[] = []
  readonly #view = new SpanView()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How keys begin that are wanted, as `SpanView` has it; undefined while nothing is. */
  get pairs(): Uint8Array | undefined {
    return this.#wanted.sources.length === 0 ? undefined : this.#wanted.pairs
  }

  /** Names, by their positions. */
  get sources(): readonly string[] {
    return this.#wanted.sources
  }

  get size_bytes(): number {
    return this.#tables.length * TABLE_BYTES
  }

  /** From now on these are noted too. */
  want(sources: readonly string[]): void {
    const all = [...new Set([...this.#wanted.sources, ...sources])]
    // Positions of those before stay what they are.
    if (all.length > this.#wanted.sources.length) this.#wanted = new WantedTexts(all)
  }

  /** Notes a span, if it says anything that is wanted. */
  note(batch: TraceBatch, item: number): void {
    const view = this.#view
    view.read(batch, item)
    if (this.#wanted.read(batch.bytes, view.attributes)) this.#add(view)
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.#view.forget()
    this.#wanted.forget()
  }

  /** Where what is known of that span stands; -1: nothing is. */
  find(trace: number, span: Id): number {
    for (let table = this.#tables.length - 1; table >= 0; table--) {
      const at = this.#tables[table]!.find(trace, span)
      if (at >= 0) return table * ARENA_BYTES + at
    }
    return -1
  }

  /** How many texts there are in what `find` has found; `next` moves to the first. */
  begin(place: number): number {
    this.bytes = this.#tables[Math.floor(place / ARENA_BYTES)]!.arena
    this.end = (place % ARENA_BYTES) + 2
    return this.bytes.readUInt16LE(this.end - 2)
  }

  /** Moves to the next text; returns the position of its source. */
  next(): number {
    const at = this.end
    this.start = at + HEAD_BYTES
    this.end = this.start + this.bytes.readUInt16LE(at + 2)
    return this.bytes.readUInt16LE(at)
  }

  #add(view: SpanView): void {
    const { starts, ends, touched, count, bytes } = this.#wanted
    let size = 2
    for (let at = 0; at < count; at++) size += HEAD_BYTES + ends[touched[at]!]! - starts[touched[at]!]!
    let table = this.#tables.at(-1)
    if (table === undefined || !table.hasRoom(size)) table = this.#nextTable()
    const span = idOf(uint32(view.bytes, view.spanId), uint32(view.bytes, view.spanId + 4))
    let to = table.add(traceOf(view), span, size)
    const { arena } = table
    arena.writeUInt16LE(count, to)
    to += 2
    for (let at = 0; at < count; at++) {
      const source = touched[at]!
      const length = ends[source]! - starts[source]!
      arena.writeUInt16LE(source, to)
      arena.writeUInt16LE(length, to + 2)
      copyBytes(bytes[source]!, starts[source]!, ends[source]!, arena, to + HEAD_BYTES)
      to += HEAD_BYTES + length
    }
  }

  #nextTable(): Table {
    const now_ms = this.#clock.monotonic_ms()
    let table = this.#tables.length < TABLES_MAX ? new Table() : undefined
    if (table === undefined) {
      table = this.#tables.shift()!
      if (now_ms - table.begun_ms < YOUNG_MS) this.forgotten += table.count
    }
    table.clear(now_ms)
    this.#tables.push(table)
    return table
  }
}

const NOTHING = Buffer.alloc(0)
const TABLE_BYTES = ARENA_BYTES + SLOTS * (8 + 4 + 4)

/** Open addressing by span and trace. */
class Table {
  count = 0
  begun_ms = 0
  readonly arena = Buffer.alloc(ARENA_BYTES)
  #used = 0
  /** 0 marks a free slot. */
  readonly #spans = new Float64Array(SLOTS)
  readonly #traces = new Int32Array(SLOTS)
  readonly #places = new Int32Array(SLOTS)

  clear(now_ms: number): void {
    if (this.count > 0) this.#spans.fill(0)
    this.count = this.#used = 0
    this.begun_ms = now_ms
  }

  hasRoom(size: number): boolean {
    return this.count < SPANS_MAX && this.#used + size <= ARENA_BYTES
  }

  /** Place for so many bytes of that span; what it said before is replaced. */
  add(trace: number, span: Id, size: number): number {
    const slot = this.#slot(trace, span)
    if (this.#spans[slot] === 0) this.count++
    this.#spans[slot] = span
    this.#traces[slot] = trace
    this.#places[slot] = this.#used
    this.#used += size
    return this.#places[slot]!
  }

  find(trace: number, span: Id): number {
    const slot = this.#slot(trace, span)
    return this.#spans[slot] === 0 ? -1 : this.#places[slot]!
  }

  #slot(trace: number, span: Id): number {
    let slot = (hashNumber(span) ^ Math.imul(trace, 0x85ebca6b)) & (SLOTS - 1)
    while (this.#spans[slot] !== 0 && (this.#spans[slot] !== span || this.#traces[slot] !== trace))
      slot = (slot + 1) & (SLOTS - 1)
    return slot
  }
}

const SPAN_LABELS: Service<SpanLabels> = {
  make(services) {
    const labels = new SpanLabels(services.clock)
    memoryOf(services).hold('span_labels', () => labels.size_bytes)
    services.meter.gauge(
      'sluice_span_labels_forgotten',
      'Spans less than half a minute old of which it was forgotten whom they are for, to make room.',
      {},
      () => labels.forgotten,
    )
    return labels
  },
}

/** The daemon's. */
export function sharedSpanLabels(host: Pick<Services, 'service'>): SpanLabels {
  return host.service(SPAN_LABELS)
}
