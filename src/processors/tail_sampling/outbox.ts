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

/** Kept items go on in batches of about this many bytes, well under what backends take at once. */
const BATCH_BYTES = 1 << 20
/** `late`: items that came after the decision; `lone`: log records of traces without spans. */
const KINDS = ['decided', 'pressure', 'late', 'lone'] as const
type Kind = (typeof KINDS)[number]

export class Outbox {
  /** Memory for batches that are being filled or wait to be fetched. */
  size_bytes = 0
  readonly #shards: readonly Pending[]
  readonly #heads: Heads
  readonly #labels: Labels
  readonly #origins: Origins
  readonly #queues: readonly Readonly<Record<Kind, RowQueue>>[]

  constructor(shards: readonly Pending[], heads: Heads, labels: Labels, origins: Origins) {
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

  /** The trace's items are to go. The row, which is held, is released when they have gone. */
  add(shard: number, row: number, kind: Kind): void {
    this.#queues[shard]![kind].push(row)
  }

  /** The next batch for that exit; undefined if there is none. Its items are still booked as pending. */
  next(exit: Exit): KeptBatch | undefined {
    while (exit.full.length === 0) if (!this.#gatherNext()) break
    const [origin] = exit.open.keys()
    if (exit.full.length === 0 && origin !== undefined) this.#close(exit, origin)
    const parcel = exit.full.shift()
    this.size_bytes -= parcel?.batch.size_bytes ?? 0
    return parcel
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
    this.size_bytes += size
    if (open.size_bytes >= BATCH_BYTES) this.#close(exit, head.owner)
    this.#heads.release(head)
  }

  #close(exit: Exit, origin: number): void {
    const { builder, size_bytes } = exit.open.get(origin)!
    exit.open.delete(origin)
    const from = this.#origins.byId(origin)
    const batch = builder.build(exit.signal)
    exit.full.push({ batch, context: from.context })
    this.#origins.release(from, batch.count)
    this.size_bytes += batch.size_bytes - size_bytes
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
