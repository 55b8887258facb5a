/** Kept traces that have not been handed on, and the batches that are made of them. */
import type { Output } from '../../otlp/output.ts'
import { BatchBuilder, type Heads } from '../../telemetry/heads.ts'
import type { ItemStore } from '../../traces/item_store.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { Decision, Labels } from './labels.ts'
import type { Origins } from './origins.ts'
import { KEPT, type Pending } from './pending.ts'
import type { Parcel } from './release.ts'

/** Kept spans go on in batches of about this many bytes, well under what backends take at once. */
const BATCH_BYTES = 1 << 20
const DECISIONS: readonly Decision[] = ['decided', 'pressure', 'late_span']

/** The batch of one origin that is being filled. */
interface Open {
  readonly builder: BatchBuilder
  size_bytes: number
}

export class Outbox {
  /** Memory for batches that are being filled or wait to be fetched. */
  size_bytes = 0
  readonly #shards: readonly Pending[]
  readonly #heads: Heads
  readonly #labels: Labels
  readonly #origins: Origins
  readonly #queues: readonly Readonly<Record<Decision, RowQueue>>[]
  readonly #open = new Map<number, Open>()
  readonly #full: Parcel[] = []

  constructor(shards: readonly Pending[], heads: Heads, labels: Labels, origins: Origins) {
    this.#shards = shards
    this.#heads = heads
    this.#labels = labels
    this.#origins = origins
    this.#queues = shards.map(() => ({ decided: new RowQueue(), pressure: new RowQueue(), late_span: new RowQueue() }))
  }

  /** The trace's spans are to go. The row, which is held, is released when they have gone. */
  add(shard: number, row: number, decision: Decision): void {
    this.#queues[shard]![decision].push(row)
  }

  /** The next batch of kept spans; undefined if there is none. They are still booked as pending. */
  next(): Parcel | undefined {
    while (this.#full.length === 0) if (!this.#gatherNext()) break
    const [origin] = this.#open.keys()
    if (this.#full.length === 0 && origin !== undefined) this.#close(origin)
    const parcel = this.#full.shift()
    this.size_bytes -= parcel?.batch.size_bytes ?? 0
    return parcel
  }

  /** Moves the spans of one trace to batches; false if no trace waits. */
  #gatherNext(): boolean {
    for (const [number, queues] of this.#queues.entries()) {
      for (const decision of DECISIONS) {
        const row = queues[decision].shift()
        if (row < 0) continue
        const shard = this.#shards[number]!
        const attributes = this.#labels.attributes(shard.stateOf(row) - KEPT, decision)
        shard.take(row, (item) => this.#write(item, attributes))
        shard.release(row)
        return true
      }
    }
    return false
  }

  #write(item: ItemStore, attributes: Buffer): void {
    const head = this.#heads.byId(item.tag)
    let open = this.#open.get(head.owner)
    if (open === undefined) this.#open.set(head.owner, (open = { builder: new BatchBuilder(), size_bytes: 0 }))
    writeSpan(open.builder.group(head), item.bytes, item.start, item.end, attributes)
    const size = item.end - item.start + attributes.length
    open.size_bytes += size
    this.size_bytes += size
    if (open.size_bytes >= BATCH_BYTES) this.#close(head.owner)
    this.#heads.release(head)
  }

  #close(origin: number): void {
    const { builder, size_bytes } = this.#open.get(origin)!
    this.#open.delete(origin)
    const from = this.#origins.byId(origin)
    const batch = builder.build('traces')
    this.#full.push({ batch, context: from.context })
    this.#origins.release(from, batch.count)
    this.size_bytes += batch.size_bytes - size_bytes
  }
}

function writeSpan(out: Output, bytes: Buffer, start: number, end: number, attributes: Buffer): void {
  const size = end - start + attributes.length
  const mark = out.open(2, size)
  out.copy(bytes, start, end)
  out.copy(attributes, 0, attributes.length)
  out.close(mark, size)
}
