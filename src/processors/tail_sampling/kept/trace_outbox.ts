/** Kept traces that have not been handed on, and the batches that are made of them. */
import type { Output } from '../../../otlp/output.ts'
import { BatchBuilder, type Heads } from '../../../telemetry/heads.ts'
import type { ItemStore } from '../../../traces/item_store.ts'
import { RowQueue } from '../../../traces/row_queue.ts'
import { type KeptBatch, LATER } from '../../../waiting/hand_over.ts'
import type { Leaving } from '../undecided/leaving.ts'
import { KEPT, LOGS_KEPT, type Pending } from '../undecided/pending.ts'
import type { Exit } from './exit.ts'
import type { ItemOrigins } from './item_origins.ts'
import type { Decision, SamplingAttributes } from './sampling_attributes.ts'

/** Kept items go on in batches of about this many bytes, well under what backends take at once; */
const BATCH_BYTES = 1 << 20
/** and in smaller ones, so that an exit's share of the memory has room for some. */
const BATCHES_MIN = 8
/** A trace may be hundreds of megabytes: so much of it is done at once, */
const SLICE_BYTES = BATCH_BYTES
const SLICE_ITEMS = 16_384
/** so many slices of what a consumer takes at once, since it may only queue it, */
const TURN_BYTES = 4 * SLICE_BYTES
/** and so many while a consumer does not take what is kept. */
const LIMIT_SLICES = 16
/** `late`: items that came after the decision; `lone`: log records of traces without spans. */
const KINDS = ['decided', 'pressure', 'late', 'lone'] as const
type Kind = (typeof KINDS)[number]

/** A trace of which some items have gone to batches. */
interface UnderWay {
  readonly shard: Pending
  readonly row: number
  readonly leaving: Leaving
  /** Bytes of its spans that have not gone, nearly. */
  left_bytes: number
  readonly write: (items: ItemStore) => void
}

/** What is left of the work that one turn may do. */
interface Turn {
  items: number
  bytes: number
}

export class TraceOutbox {
  readonly #exits = new Set<Exit>()
  readonly #exitBytes: () => number
  readonly #isShort: () => boolean
  readonly #shards: readonly Pending[]
  readonly #heads: Heads
  readonly #labels: SamplingAttributes
  readonly #origins: ItemOrigins
  readonly #queues: readonly Readonly<Record<Kind, RowQueue>>[]
  readonly #underWay: UnderWay[] = []

  /**
   * `exitBytes`: the memory for what waits at one exit; `isShort`: is there so little room that what is kept should go at
   * once? Both are asked at each use.
   */
  constructor(
    shards: readonly Pending[],
    heads: Heads,
    labels: SamplingAttributes,
    origins: ItemOrigins,
    exitBytes: () => number,
    isShort: () => boolean,
  ) {
    this.#exitBytes = exitBytes
    this.#isShort = isShort
    this.#shards = shards
    this.#heads = heads
    this.#labels = labels
    this.#origins = origins
    this.#queues = shards.map(() => ({
      decided: new RowQueue(),
      pressure: new RowQueue(),
      late: new RowQueue(),
      lone: new RowQueue(),
    }))
  }

  /** Memory for batches that are being filled, wait, or are on offer. */
  get size_bytes(): number {
    let bytes = 0
    for (const exit of this.#exits) bytes += exit.size_bytes
    return bytes
  }

  /** Bytes that are kept: those, and what is still to come of traces of which some items have gone there. */
  get kept_bytes(): number {
    let bytes = this.size_bytes
    for (const { left_bytes } of this.#underWay) bytes += left_bytes
    return bytes
  }

  /** The trace's items are to go. The row, which is held, is released when they have gone. */
  add(shard: number, row: number, kind: Kind): void {
    this.#queues[shard]![kind].push(row)
  }

  /**
   * The next batch for that exit; undefined if there is none, LATER if there is more to do than fits into a turn. Its
   * items are still booked as pending. Batches that are not full go with the next flush.
   */
  next(exit: Exit): KeptBatch | typeof LATER | undefined {
    if (exit.handed_bytes >= TURN_BYTES && !this.#isShort()) {
      exit.handed_bytes = 0
      return LATER
    }
    const turn = newTurn()
    while (exit.full.waiting === 0 && this.#gatherNext(turn)) if (isOver(turn)) break
    if (exit.full.waiting === 0 && isOver(turn)) return LATER
    if (exit.full.waiting === 0 && (exit.isFlushing || exit.isLeaving)) this.#closeAny(exit)
    if (exit.full.waiting === 0) exit.isFlushing = false
    const kept = exit.full.offer()
    exit.handed_bytes = kept === undefined ? 0 : exit.handed_bytes + kept.batch.size_bytes
    return kept
  }

  /**
   * Of an exit that does not take what is kept, only so much is held as it may: the oldest goes. What stands before the
   * items of others is moved out of their way, some of it each time.
   */
  limit(exit: Exit): void {
    const most_bytes = this.#exitBytes()
    const turn = newTurn(LIMIT_SLICES)
    do this.#trim(exit, most_bytes)
    while (!isOver(turn) && this.#gatherNext(turn))
    this.#trim(exit, most_bytes)
  }

  /**
   * Moves the items of a trace to batches: of a large one the first now, the others in turns to come. A trace may stand in
   * a queue although its items have gone already: one of which log records were let through, before its first span came.
   */
  gather(number: number, row: number, kind: Kind): void {
    this.#gather(number, row, kind, newTurn())
  }

  #gather(number: number, row: number, kind: Kind, turn: Turn): void {
    const shard = this.#shards[number]!
    const state = shard.stateOf(row)
    if (!shard.hasItems(row) || (state < KEPT && state !== LOGS_KEPT)) return
    const isLone = state === LOGS_KEPT
    const label = state - KEPT
    const [ofSpan, ofRecord] = decisionsOf(kind)
    const spans = isLone ? undefined : this.#labels.ofSpan(label, ofSpan, shard.spansOf(row))
    const records = isLone ? this.#labels.ofLoneRecord : this.#labels.ofRecord(label, ofRecord)
    const underWay: UnderWay = {
      shard,
      row,
      leaving: shard.leave(row),
      left_bytes: kind === 'late' ? 0 : shard.sizeOf(row),
      write: (item) => this.#write(item, spans, records),
    }
    if (!advance(underWay, turn)) this.#underWay.push(underWay)
  }

  /** False if no trace waits. */
  #gatherNext(turn: Turn): boolean {
    const [first] = this.#underWay
    if (first !== undefined) {
      if (advance(first, turn)) this.#underWay.shift()
      return true
    }
    for (const [number, queues] of this.#queues.entries()) {
      for (const kind of KINDS) {
        const row = queues[kind].shift()
        if (row < 0) continue
        this.#gather(number, row, kind, turn)
        return true
      }
    }
    return false
  }

  #write(item: ItemStore, spans: Buffer | undefined, records: Buffer): void {
    const head = this.#heads.byId(item.tag)
    const { exit } = this.#origins.byId(head.owner)
    let open = exit.open.get(head.owner)
    if (open === undefined) exit.open.set(head.owner, (open = { builder: new BatchBuilder(), size_bytes: 0 }))
    const attributes = exit.signal === 'traces' ? spans! : records
    writeItem(open.builder.group(head), item.bytes, item.start, item.end, attributes)
    const size = item.end - item.start + attributes.length
    open.size_bytes += size
    exit.open_bytes += size
    this.#exits.add(exit)
    if (open.size_bytes >= Math.min(BATCH_BYTES, this.#exitBytes() / BATCHES_MIN)) this.#close(exit, head.owner)
    this.#heads.release(head)
  }

  #trim(exit: Exit, most_bytes: number): void {
    while (exit.size_bytes > most_bytes) {
      if (exit.full.waiting === 0) this.#closeAny(exit)
      const dropped = exit.full.drop()
      if (dropped === undefined) return
      const { batch, context } = dropped
      context.account.release(batch.count, 'pending')
      context.account.drop(batch.count, 'queue_full')
      exit.overflow.dropped(batch.count, exit.name, most_bytes)
    }
  }

  /** The batch that has been open for longest is full as it is. */
  #closeAny(exit: Exit): void {
    const [origin] = exit.open.keys()
    if (origin !== undefined) this.#close(exit, origin)
  }

  #close(exit: Exit, origin: number): void {
    const { builder, size_bytes } = exit.open.get(origin)!
    exit.open.delete(origin)
    const from = this.#origins.byId(origin)
    const batch = builder.build(exit.signal)
    exit.full.add({ batch, context: from.context })
    exit.open_bytes -= size_bytes
    this.#origins.release(from, batch.count)
  }
}

function newTurn(slices = 1): Turn {
  return { items: slices * SLICE_ITEMS, bytes: slices * SLICE_BYTES }
}

function isOver({ items, bytes }: Turn): boolean {
  return items <= 0 || bytes <= 0
}

/** Moves as much as the turn allows. True: all items of the trace have gone. */
function advance(trace: UnderWay, turn: Turn): boolean {
  const { leaving, shard, row, write } = trace
  const isDone = leaving.step(Math.max(1, turn.items), Math.max(1, turn.bytes), write)
  const [items, bytes] = leaving.done
  turn.items -= items
  turn.bytes -= bytes
  trace.left_bytes = Math.max(0, trace.left_bytes - bytes)
  if (isDone) shard.release(row)
  return isDone
}

function decisionsOf(kind: Kind): readonly [ofSpan: Decision, ofRecord: Decision] {
  if (kind === 'late') return ['late_span', 'late_log']
  return kind === 'pressure' ? ['pressure', 'pressure'] : ['decided', 'decided']
}

function writeItem(out: Output, bytes: Buffer, start: number, end: number, attributes: Buffer): void {
  const size = end - start + attributes.length
  const mark = out.open(2, size)
  out.copy(bytes, start, end)
  out.copy(attributes, 0, attributes.length)
  out.close(mark, size)
}
