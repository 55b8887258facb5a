/** Spans that are model calls: brought into the newest conventions, priced, and their answers judged. */
import type { Consumer, Context, Host, Processor } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import { findAnswer } from '../../content/answers/find_answer.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { judgeCost } from '../../gen_ai/plausible.ts'
import { Prices } from '../../gen_ai/prices.ts'
import { judgeCall } from '../../gen_ai/quality.ts'
import { foundKeys, readModelCall } from '../../gen_ai/read.ts'
import { ScopeMarks } from '../../gen_ai/recognise.ts'
import { EMBEDDINGS } from '../../gen_ai/values.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { Rewrite } from '../../telemetry/rewrite.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { SPAN_ATTRIBUTES } from './attribute_writer.ts'
import { CallWriter, copyWithout, replacedFields } from './call_writer.ts'
import { type GenAiConfig, plausibleOf } from './config.ts'
import { Counters, Tally } from './counters.ts'

const nothing = Buffer.alloc(0)
const writer = new CallWriter(SPAN_ATTRIBUTES)

export class GenAiTraces implements Processor<'traces'> {
  readonly #next: Consumer<'traces'>
  readonly #counters: Counters
  #prices: Prices
  readonly #scopes = new ScopeMarks()
  readonly #view = new SpanView()
  readonly #call = new ModelCall()
  readonly #answer = new Answer()
  readonly #found = foundKeys()
  readonly #rewrite = new Rewrite<'traces'>()

  constructor(config: GenAiConfig, host: Host, next: Consumer<'traces'>) {
    this.#next = next
    this.#counters = new Counters(host)
    this.#prices = new Prices(config.prices, config.list_prices)
    this.#call.plausible = plausibleOf(config)
  }

  async consume(batch: TraceBatch, context: Context): Promise<void> {
    const tally = new Tally()
    await this.#next.consume(this.#normalise(batch, tally), context)
    this.#counters.add(tally)
  }

  async update(config: unknown): Promise<boolean> {
    const { prices, list_prices } = config as GenAiConfig
    this.#prices = new Prices(prices, list_prices)
    this.#call.plausible = plausibleOf(config as GenAiConfig)
    return true
  }

  #normalise(batch: TraceBatch, tally: Tally): TraceBatch {
    const view = this.#view
    const call = this.#call
    const rewrite = this.#rewrite
    rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      if (!readModelCall(view, this.#found, this.#scopes.of(batch, view.scope), call)) continue
      this.#prices.price(call, view)
      judgeCost(call)
      this.#judge()
      const replaced = replacedFields(this.#found, call)
      if (replaced === 0) rewrite.prependToItem(item)
      else rewrite.openItem(item)
      writer.write(rewrite.out, this.#found, call)
      if (replaced !== 0) copyWithout(replaced, rewrite.out, view)
      rewrite.close()
      tally.add(call)
    }
    view.forget()
    call.forget()
    this.#scopes.forget()
    this.#answer.reset(nothing)
    return rewrite.finish()
  }

  #judge(): void {
    if (this.#call.operation === EMBEDDINGS) return
    findAnswer(this.#view, this.#answer)
    judgeCall(this.#call, this.#answer)
  }
}
