import type { SendResult } from './sender.ts'

/**
 * What goes out of a batch, made (encoded, compressed) once for all attempts to send it: until one ends otherwise than with a
 * wish to try again. Of few batches, one for each consumer of a queue, and what is kept goes with the batch.
 */
export class PackedBodies<Body = Buffer> {
  readonly #bodies = new WeakMap<object, Body>()

  /** One attempt: `send` gets what `pack` made of the batch, now or for the attempt before. */
  async attempt(
    batch: object,
    pack: () => Body | Promise<Body>,
    send: (body: Body) => Promise<SendResult>,
  ): Promise<SendResult> {
    let body = this.#bodies.get(batch)
    if (body === undefined) this.#bodies.set(batch, (body = await pack()))
    const result = await send(body)
    if (result.outcome !== 'retryable') this.#bodies.delete(batch)
    return result
  }
}
