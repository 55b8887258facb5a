/** Kept traces that have not been handed on, and the batches that are made of them. */
import type { Output } from '../../otlp/output.ts'
import { BatchBuilder, type Heads } from '../../telemetry/heads.ts'
import { RowQueue } from '../../traces/row_queue.ts'
import type { Decision, Labels } from './labels.ts'
import type { Origins } from './origins.ts'
import { headOf, KEPT, originOf, type Pending } from './pending.ts'
import type { Parcel } from './release.ts'

/** Kept spans go on in batches of about this many bytes, well under what backends take at once. */
const BATCH_BYTES = 1 << 20

export class Outbox {
  readonly #shards: readonly Pending[]
  readonly #heads: Heads
  readonly #labels: Labels
  readonly #origins: Origins
  readonly #queues: readonly Readonly<Record<Decision, RowQueue>>[]
  readonly #builders = new Map<number, BatchBuilder>()

  constructor(shards: readonly Pending[], heads: Heads, labels: Labels, origins: Origins) {
    this.#shards = shards
    this.#heads = heads
    this.#labels = labels
    this.#origins = origins
    this.#queues = shards.map(() => ({ decided: new RowQueue(), pressure: new RowQueue(), late_span: new RowQueue() }))
  }

  /** The trace's spans are to go. Holds the row until they have gone. */
  add(shard: number, row: number, decision: Decision): void {
    if (decision === 'late_span') this.#shards[shard]!.hold(row)
    this.#queues[shard]![decision].push(row)
  }

  /** The next batch of kept spans; undefined if there is none. They are still booked as pending. */
  next(): Parcel | undefined {
    for (const [number, queues] of this.#queues.entries()) {
      for (const decision of ['decided', 'pressure', 'late_span'] as const) {
        for (let row = queues[decision].shift(); row >= 0; row = queues[decision].shift()) {
          const full = this.#gather(this.#shards[number]!, row, decision)
          if (full !== undefined) return this.#parcel(full)
        }
      }
    }
    const [origin] = this.#builders.keys()
    return origin === undefined ? undefined : this.#parcel(origin)
  }

  /** Moves the trace's spans to the builders. Returns an origin whose batch is large enough to go. */
  #gather(shard: Pending, row: number, decision: Decision): number | undefined {
    const attributes = this.#labels.attributes(shard.stateOf(row) - KEPT, decision)
    let full: number | undefined
    shard.take(row, (item) => {
      const origin = originOf(item.tag)
      const builder = this.#builderOf(origin)
      const head = this.#heads.byId(headOf(item.tag))
      writeSpan(builder.group(head), item.bytes, item.start, item.end, attributes)
      builder.size_bytes += item.end - item.start
      this.#heads.release(head)
      if (builder.size_bytes >= BATCH_BYTES) full = origin
    })
    shard.release(row)
    return full
  }

  #builderOf(origin: number): BatchBuilder {
    let builder = this.#builders.get(origin)
    if (builder === undefined) this.#builders.set(origin, (builder = new BatchBuilder()))
    return builder
  }

  #parcel(origin: number): Parcel {
    const batch = this.#builders.get(origin)!.build('traces')
    this.#builders.delete(origin)
    return { batch, context: this.#origins.context(origin) }
  }
}

function writeSpan(out: Output, bytes: Buffer, start: number, end: number, attributes: Buffer): void {
  const size = end - start + attributes.length
  const mark = out.open(2, size)
  out.copy(bytes, start, end)
  out.copy(attributes, 0, attributes.length)
  out.close(mark, size)
}
