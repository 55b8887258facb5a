import type { SendResult } from './sender.ts'

/**
 * What goes out of batches that a backend wants later: encoded and compressed once, not at each attempt. Of those only; they
 * are few, one for each consumer of a queue, and what is kept goes with the batch.
 */
export class PackedBodies {
  readonly #bodies = new WeakMap<object, Buffer>()

  /** One attempt: `send` gets what `pack` made of the batch, now or for the attempt before. */
  async attempt(
    batch: object,
    pack: () => Buffer | Promise<Buffer>,
    send: (body: Buffer) => Promise<SendResult>,
  ): Promise<SendResult> {
    const body = this.#bodies.get(batch) ?? (await pack())
    const result = await send(body)
    if (result.outcome === 'retryable') this.#bodies.set(batch, body)
    else this.#bodies.delete(batch)
    return result
  }
}
