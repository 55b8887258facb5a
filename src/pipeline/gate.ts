/** Stands before every exporter and connector: what waited somewhere while the redaction changed is judged again here. */
import type { Batches, Consumer, Context, Policy, Signal } from '../component.ts'
import { isJudged, judged } from '../waiting/judged.ts'

export class Gate<S extends Signal> implements Consumer<S> {
  readonly #next: Consumer<S>
  readonly #unmarked: Policy | undefined

  /** `unmarked` stands for the policy of a batch whose own has been lost on the way. */
  constructor(next: Consumer<S>, unmarked: Policy | undefined) {
    this.#next = next
    this.#unmarked = unmarked
  }

  consume(batch: Batches[S], given: Context): Promise<void> {
    const context = given.policy === undefined ? { ...given, policy: this.#unmarked } : given
    return isJudged(context) ? this.#next.consume(batch, context) : this.#again(batch, context)
  }

  async #again(batch: Batches[S], context: Context): Promise<void> {
    const again = await judged(batch, context)
    await this.#next.consume(again.batch, again.context)
  }
}
