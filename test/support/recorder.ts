import type { Batches, Consumer, Context, Signal } from '../../src/component.ts'

/** The end of a pipeline under test: keeps what it takes and books it as delivered. */
export class Recorder<S extends Signal> implements Consumer<S> {
  readonly taken: { readonly batch: Batches[S]; readonly context: Context }[] = []
  /** How often it was asked, refusals included. */
  asked = 0
  #refusal: Error | undefined
  #times = 0
  #gate: Promise<void> | undefined

  get batches(): Batches[S][] {
    return this.taken.map(({ batch }) => batch)
  }

  /** Spans, log records or data points taken. */
  get count(): number {
    return this.taken.reduce((sum, { batch }) => sum + batch.count, 0)
  }

  /** Rejects the next `times` batches with this error; undefined: takes them again. */
  refuse(error: Error | undefined, times = Number.POSITIVE_INFINITY): void {
    this.#refusal = error
    this.#times = times
  }

  /** Keeps whoever asks waiting until the function that it returns is called. */
  block(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return () => {
      this.#gate = undefined
      resolve()
    }
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    this.asked++
    if (this.#gate !== undefined) await this.#gate
    if (this.#refusal !== undefined && this.#times-- > 0) throw this.#refusal
    this.taken.push({ batch, context })
    context.account.deliver(batch.count)
  }
}
