/** Kept traces that have not been handed on, and the batches that are made of them. */
import type { Output } from '../../otlp/output.ts'
import type { KeptBatch } from '../../sending/hand_over.ts'
import { BatchBuilder, type Heads } from '../../telemetry/heads.ts'
import type { ItemStore } from '../../traces/item_store.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { Exit } from './exit.ts'
import type { Decision, Labels } from './labels.ts'
import type { Origins } from './origins.ts'
import { KEPT, LOGS_KEPT, type Pending } from './pending.ts'

/** Kept items go on in batches of about this many bytes, well under what backends take at once; */
const BATCH_BYTES = 1 << 20
/** and in smaller ones, so that an exit's share of the memory has room for some. */
const BATCHES_MIN = 8
/** `late`: items that came after the decision; `lone`: log records of traces without spans. */
const KINDS = ['decided', 'pressure', 'late', 'lone'] as const
type Kind = (typeof KINDS)[number]

export class Outbox {
  readonly #exits = new Set<Exit>()
  readonly #exitBytes: () => number
  readonly #shards: readonly Pending[]
  readonly #heads: Heads
  readonly #labels: Labels
  readonly #origins: Origins
  readonly #queues: readonly Readonly<Record<Kind, RowQueue>>[]

  /** `exitBytes`: the memory for what waits at one exit, asked at each use. */
  constructor(shards: readonly Pending[], heads: Heads, labels: Labels, origins: Origins, exitBytes: () => number) {
    this.#exitBytes = exitBytes
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

  /** The trace's items are to go. The row, which is held, is released when they have gone. */
  add(shard: number, row: number, kind: Kind): void {
    this.#queues[shard]![kind].push(row)
  }

  /**
   * The next batch for that exit; undefined if there is none. Its items are still booked as pending. Batches that are not
   * full go with the next flush.
   */
  next(exit: Exit): KeptBatch | undefined {
    while (exit.full.waiting === 0) if (!this.#gatherNext()) break
    if (exit.full.waiting === 0 && (exit.isFlushing || exit.isLeaving)) this.#closeAny(exit)
    if (exit.full.waiting === 0) exit.isFlushing = false
    return exit.full.offer()
  }

  /**
   * Of an exit that does not take what is kept, only so much is held as it may: the oldest goes. What stands before the
   * items of others is moved out of their way.
   */
  limit(exit: Exit): void {
    const most_bytes = this.#exitBytes()
    do this.#trim(exit, most_bytes)
    while (this.#gatherNext())
    this.#trim(exit, most_bytes)
  }

  /**
   * Moves the items of a trace to batches. A trace may stand in a queue although its items have gone already: one of
   * which log records were let through, before its first span came.
   */
  gather(number: number, row: number, kind: Kind): void {
    const shard = this.#shards[number]!
    const state = shard.stateOf(row)
    if (!shard.hasItems(row) || (state < KEPT && state !== LOGS_KEPT)) return
    const isLone = state === LOGS_KEPT
    const label = state - KEPT
    const [ofSpan, ofRecord] = decisionsOf(kind)
    const spans = isLone ? undefined : this.#labels.ofSpan(label, ofSpan, shard.spansOf(row))
    const records = isLone ? this.#labels.ofLoneRecord : this.#labels.ofRecord(label, ofRecord)
    shard.take(row, (item) => this.#write(item, spans, records))
    shard.release(row)
  }

  /** False if no trace waits. */
  #gatherNext(): boolean {
    for (const [number, queues] of this.#queues.entries()) {
      for (const kind of KINDS) {
        const row = queues[kind].shift()
        if (row < 0) continue
        this.gather(number, row, kind)
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
