/** Records that are ready, gathered into batches: one that is being filled for each origin, and those that are full. */
import type { Context } from '../../component.ts'
import type { Output } from '../../otlp/output.ts'
import type { KeptBatch } from '../../sending/hand_over.ts'
import { BatchBuilder, type Head } from '../../telemetry/heads.ts'

/** Records go on in batches of about this many bytes, well under what backends take at once. */
const BATCH_BYTES = 1 << 20

interface Open {
  readonly builder: BatchBuilder
  readonly context: Context
  size_bytes: number
}

export class Outbox {
  /** Memory for records that nobody has taken yet. */
  size_bytes = 0
  records = 0
  /** By the owner of the heads. */
  readonly #open = new Map<number, Open>()
  readonly #full: KeptBatch<'logs'>[] = []

  /** Adds a record: what `write` writes is the content of a LogRecord, of about `expected_bytes`. */
  add(head: Head, context: Context, expected_bytes: number, write: (out: Output) => void): void {
    let open = this.#open.get(head.owner)
    if (open === undefined) {
      open = { builder: new BatchBuilder(), context, size_bytes: 0 }
      this.#open.set(head.owner, open)
    }
    const out = open.builder.group(head)
    const start = out.end
    const mark = out.open(2, expected_bytes)
    write(out)
    out.close(mark, expected_bytes)
    open.size_bytes += out.end - start
    this.size_bytes += out.end - start
    this.records++
    if (open.size_bytes >= BATCH_BYTES) this.#close(head.owner, open)
  }

  /** Batches that are being filled are full as they are. */
  closeAll(): void {
    for (const [owner, open] of this.#open) this.#close(owner, open)
  }

  /** The batch that is full for longest; it counts until it is gone. */
  next(): KeptBatch<'logs'> | undefined {
    return this.#full.shift()
  }

  gone({ batch }: KeptBatch<'logs'>): void {
    this.size_bytes -= batch.size_bytes
    this.records -= batch.count
  }

  #close(owner: number, { builder, context, size_bytes }: Open): void {
    this.#open.delete(owner)
    const batch = builder.build('logs')
    this.#full.push({ batch, context })
    this.size_bytes += batch.size_bytes - size_bytes
  }
}
