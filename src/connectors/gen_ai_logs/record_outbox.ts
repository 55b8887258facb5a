/** Records that are ready, gathered into batches: one that is being filled for each origin, and those that are full. */
import type { Context } from '../../component.ts'
import type { Output } from '../../otlp/output.ts'
import { BatchBuilder, type Head } from '../../telemetry/heads.ts'
import type { KeptBatch } from '../../waiting/hand_over.ts'
import { KeptQueue } from '../../waiting/kept_queue.ts'

/** Records go on in batches of about this many bytes, well under what backends take at once. */
const BATCH_BYTES = 1 << 20

interface Open {
  readonly builder: BatchBuilder
  readonly context: Context
  size_bytes: number
}

export class RecordOutbox {
  /** Records that nobody has taken yet. */
  records = 0
  #open_bytes = 0
  /** By the owner of the heads. */
  readonly #open = new Map<number, Open>()
  /** A builder that is empty. */
  #spare: BatchBuilder | undefined
  readonly #full = new KeptQueue<KeptBatch<'logs'>>()

  /** Memory for records that nobody has taken yet. */
  get size_bytes(): number {
    return this.#open_bytes + this.#full.size_bytes
  }

  /** Adds a record: what `write` writes is the content of a LogRecord, of about `expected_bytes`. */
  add(head: Head, context: Context, expected_bytes: number, write: (out: Output) => void): void {
    let open = this.#open.get(head.owner)
    if (open === undefined) {
      open = { builder: this.#spare ?? new BatchBuilder(), context, size_bytes: 0 }
      this.#spare = undefined
      this.#open.set(head.owner, open)
    }
    const out = open.builder.group(head)
    const start = out.end
    const mark = out.open(2, expected_bytes)
    write(out)
    out.close(mark, expected_bytes)
    open.size_bytes += out.end - start
    this.#open_bytes += out.end - start
    this.records++
    if (open.size_bytes >= BATCH_BYTES) this.#close(head.owner, open)
  }

  /** Batches that are being filled are full as they are. */
  closeAll(): void {
    for (const [owner, open] of this.#open) this.#close(owner, open)
  }

  /** The batch that is full for longest; it counts until it is gone. */
  next(): KeptBatch<'logs'> | undefined {
    return this.#full.offer()
  }

  /** It was not taken and is the next again. */
  putBack(kept: KeptBatch<'logs'>): void {
    this.#full.putBack(kept)
  }

  gone(kept: KeptBatch<'logs'>): void {
    this.#full.gone(kept)
    this.records -= kept.batch.count
  }

  /** Takes the oldest batch out that is not on offer, full or not. How many records it has; 0: there is none. */
  dropOldest(): number {
    if (this.#full.waiting === 0) this.closeAll()
    const records = this.#full.drop()?.batch.count ?? 0
    this.records -= records
    return records
  }

  #close(owner: number, { builder, context, size_bytes }: Open): void {
    this.#open.delete(owner)
    const batch = builder.build('logs')
    this.#spare = builder
    this.#full.add({ batch, context })
    this.#open_bytes -= size_bytes
  }
}
