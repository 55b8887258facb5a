/** What becomes of items that are model calls, spans and log records alike. */
import type { Batches, Consumer, Context, Host, Processor } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import { judgeCost } from '../../gen_ai/implausible.ts'
import { answersInWords } from '../../gen_ai/known_values.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import type { Prices } from '../../gen_ai/pricing/prices.ts'
import { judgeCall } from '../../gen_ai/quality.ts'
import { foundKeys } from '../../gen_ai/reading/read.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { CallCounters, CallTally } from './call_counters.ts'
import { type CallWriter, copyWithout, replacedFields } from './call_writer.ts'
import { type GenAiConfig, plausibleOf, pricesOf } from './config.ts'

const nothing = Buffer.alloc(0)

export abstract class Normaliser<S extends 'traces' | 'logs'> implements Processor<S> {
  protected readonly call = new ModelCall()
  protected readonly answer = new Answer()
  protected readonly found = foundKeys()
  protected readonly rewrite = new Rewrite<S>()
  readonly #next: Consumer<S>
  readonly #counters: CallCounters
  readonly #writer: CallWriter
  #prices: Prices

  constructor(config: GenAiConfig, host: Host, next: Consumer<S>, writer: CallWriter) {
    this.#next = next
    this.#counters = new CallCounters(host)
    this.#writer = writer
    this.#prices = pricesOf(config)
    this.call.plausible = plausibleOf(config)
  }

  /** Counts after the batch was taken, so that a batch refused and sent again is counted once. */
  async consume(batch: Batches[S], context: Context): Promise<void> {
    const tally = new CallTally()
    await this.#next.consume(this.#normalised(batch, tally), context)
    this.#counters.add(tally)
  }

  async update(config: unknown): Promise<boolean> {
    this.#prices = pricesOf(config as GenAiConfig)
    this.call.plausible = plausibleOf(config as GenAiConfig)
    return true
  }

  /** Goes through the items, `writeCall` for each that is a call, and lets go of the batch. */
  protected abstract normalise(batch: Batches[S], tally: CallTally): void

  /** Fills `answer` from the item that `call` was read from. */
  protected abstract findAnswer(): void

  /** `call` has been read from the item, at which `view` stands. */
  protected writeCall(item: number, view: SpanView, tally: CallTally): void {
    const { call, rewrite, found } = this
    this.#prices.price(call, view)
    judgeCost(call)
    if (answersInWords(call.operation)) {
      this.findAnswer()
      judgeCall(call, this.answer)
    }
    const replaced = replacedFields(found, call)
    if (replaced === 0) rewrite.prependToItem(item)
    else rewrite.openItem(item)
    this.#writer.write(rewrite.out, found, call)
    if (replaced !== 0) copyWithout(replaced, rewrite.out, view)
    rewrite.close()
    tally.add(call)
  }

  #normalised(batch: Batches[S], tally: CallTally): Batches[S] {
    this.rewrite.begin(batch)
    this.normalise(batch, tally)
    this.call.forget()
    this.answer.reset(nothing)
    return this.rewrite.finish()
  }
}
