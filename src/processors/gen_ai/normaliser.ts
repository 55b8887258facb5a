/** What becomes of items that are model calls, spans and log records alike. */
import type { Batches, Consumer, Context, Host, Processor } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { judgeCost } from '../../gen_ai/implausible.ts'
import { answersInWords } from '../../gen_ai/known_values.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import type { Prices } from '../../gen_ai/pricing/prices.ts'
import { judgeCall } from '../../gen_ai/quality.ts'
import { foundKeys } from '../../gen_ai/reading/read.ts'
import { Safety } from '../../gen_ai/safety.ts'
import { STEP_WATCH } from '../../gen_ai/steps/watching/step_watch.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { CallCounters, CallTally } from './call_counters.ts'
import { CallWriter, copyWithout, replacedFields } from './call_writer.ts'
import { type GenAiConfig, lexiconOf, plausibleOf, pricesOf, safetyOf } from './config.ts'
import { LabelWriter } from './label_writer.ts'
import { PromptWriter } from './steps/prompt_writer.ts'

const nothing = Buffer.alloc(0)

export abstract class Normaliser<S extends 'traces' | 'logs'> implements Processor<S> {
  protected readonly call = new ModelCall()
  protected readonly answer = new Answer()
  protected found: Int32Array
  protected lexicon: Lexicon
  protected readonly rewrite = new Rewrite<S>()
  readonly #next: Consumer<S>
  readonly #host: Host
  readonly #tag: number
  #counters: CallCounters
  #writer: CallWriter
  #labels: LabelWriter
  protected safety: Safety
  #prices: Prices
  readonly #prompts: PromptWriter

  /** `tag`: of the field that an item's attributes are. */
  constructor(config: GenAiConfig, host: Host, next: Consumer<S>, tag: number) {
    this.#next = next
    this.#host = host
    this.#tag = tag
    this.lexicon = lexiconOf(config)
    this.#counters = new CallCounters(host, this.lexicon)
    this.#writer = new CallWriter(tag, this.lexicon)
    this.#labels = new LabelWriter(tag, config.labels)
    this.safety = new Safety(safetyOf(config))
    this.#prompts = new PromptWriter(tag, host.service(STEP_WATCH).key)
    this.found = foundKeys(this.lexicon)
    this.#prices = pricesOf(config)
    this.call.plausible = plausibleOf(config)
  }

  /** Counts after the batch was taken, so that a batch refused and sent again is counted once. */
  async consume(batch: Batches[S], context: Context): Promise<void> {
    const counters = this.#counters
    const tally = new CallTally(this.lexicon)
    await this.#next.consume(this.#normalised(batch, tally), context)
    counters.add(tally)
  }

  async update(config: unknown): Promise<boolean> {
    const lexicon = lexiconOf(config as GenAiConfig)
    if (lexicon !== this.lexicon) this.#read(lexicon)
    this.#labels = new LabelWriter(this.#tag, (config as GenAiConfig).labels)
    this.safety = new Safety(safetyOf(config as GenAiConfig))
    this.#prices = pricesOf(config as GenAiConfig)
    this.call.plausible = plausibleOf(config as GenAiConfig)
    return true
  }

  #read(lexicon: Lexicon): void {
    this.lexicon = lexicon
    this.#counters = new CallCounters(this.#host, lexicon)
    this.#writer = new CallWriter(this.#tag, lexicon)
    this.found = foundKeys(lexicon)
    this.readBy(lexicon)
  }

  /** The dialects have changed. */
  protected abstract readBy(lexicon: Lexicon): void

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
      this.safety.judge(view, call)
    }
    const replaced = replacedFields(this.lexicon, found, call)
    if (replaced === 0) rewrite.prependToItem(item)
    else rewrite.openItem(item)
    this.#writer.write(rewrite.out, found, call)
    this.#labels.write(rewrite.out, view)
    this.#prompts.write(rewrite.out, view)
    if (replaced !== 0) copyWithout(replaced, this.lexicon, rewrite.out, view)
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
