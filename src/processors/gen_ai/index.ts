/** The `gen_ai` processor: brings model calls of every dialect into the newest conventions, prices them, and
 * judges their answers. */

import type { Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import { findAnswer } from '../../content/answers/find_answer.ts'
import { lexicon } from '../../gen_ai/lexicon.ts'
import { COST_SOURCES, ModelCall } from '../../gen_ai/model_call.ts'
import { IMPLAUSIBLE, judgeCost, type Plausible } from '../../gen_ai/plausible.ts'
import { Prices } from '../../gen_ai/prices.ts'
import { judgeCall } from '../../gen_ai/quality.ts'
import { foundKeys, readModelCall } from '../../gen_ai/read.ts'
import { ScopeMarks } from '../../gen_ai/recognise.ts'
import { OPERATIONS } from '../../gen_ai/values.ts'
import type { Counter } from '../../self/meter.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { Rewrite } from '../../telemetry/rewrite.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { copyWithout, replacedFields, writeCall } from './call_writer.ts'
import { type GenAiConfig, schema } from './config.ts'
import { GenAiLogs } from './logs.ts'

export const genAi: ProcessorFactory<GenAiConfig> = {
  kind: 'processor',
  type: 'gen_ai',
  summary:
    'Recognises model calls in every dialect, writes them in the newest GenAI conventions, prices and judges them.',
  signals: ['traces', 'logs'],
  schema,
  create<S extends Signal>(config: GenAiConfig, host: Host, signal: S, next: Consumer<S>): Processor<S> {
    if (signal !== 'traces') return new GenAiLogs(next as unknown as Consumer<'logs'>) as unknown as Processor<S>
    return new GenAiTraces(config, host, next as unknown as Consumer<'traces'>) as unknown as Processor<S>
  },
}

/** What one batch adds to the counters. */
interface Tally {
  readonly calls: Int32Array
  corrected: number
  /** By the position in IMPLAUSIBLE. */
  readonly implausible: Int32Array
  unknownModels: number
}

function plausibleOf({ plausible }: GenAiConfig): Plausible {
  return { ...plausible, duration_max_ms: plausible.duration_max }
}

const nothing = Buffer.alloc(0)
const EMBEDDINGS = OPERATIONS.indexOf('embeddings')
const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')

class GenAiTraces implements Processor<'traces'> {
  readonly #next: Consumer<'traces'>
  readonly #calls: readonly Counter[]
  readonly #corrected: Counter
  readonly #unknownModels: Counter
  readonly #implausible: readonly Counter[]
  #prices: Prices
  readonly #scopes = new ScopeMarks()
  readonly #view = new SpanView()
  readonly #call = new ModelCall()
  readonly #answer = new Answer()
  readonly #found = foundKeys()
  readonly #rewrite = new Rewrite<'traces'>()

  constructor(config: GenAiConfig, host: Host, next: Consumer<'traces'>) {
    this.#next = next
    this.#prices = new Prices(config.prices, config.list_prices)
    this.#call.plausible = plausibleOf(config)
    this.#implausible = IMPLAUSIBLE.map((number) =>
      host.meter.counter(
        'sluice_gen_ai_implausible_numbers',
        'Numbers of model calls that are in no sum, because they cannot be true.',
        {
          number,
        },
      ),
    )
    this.#calls = lexicon.ids.map((dialect) =>
      host.meter.counter('sluice_gen_ai_calls', 'Model calls recognised, by the dialect in which they came.', {
        dialect,
      }),
    )
    this.#corrected = host.meter.counter(
      'sluice_gen_ai_corrected_tokens',
      'Tokens added to counts from which the emitter had left out cached or reasoning tokens.',
    )
    this.#unknownModels = host.meter.counter(
      'sluice_gen_ai_unknown_models',
      'Model calls with tokens but without a price, because the model is in no price list.',
    )
  }

  /** Counts after the batch was taken, so that a batch refused and sent again is counted once. */
  async consume(batch: TraceBatch, context: Context): Promise<void> {
    const tally: Tally = {
      calls: new Int32Array(this.#calls.length),
      corrected: 0,
      implausible: new Int32Array(IMPLAUSIBLE.length),
      unknownModels: 0,
    }
    await this.#next.consume(this.#normalise(batch, tally), context)
    for (const [dialect, calls] of tally.calls.entries()) if (calls > 0) this.#calls[dialect]!.add(calls)
    for (const [at, numbers] of tally.implausible.entries()) if (numbers > 0) this.#implausible[at]!.add(numbers)
    if (tally.corrected > 0) this.#corrected.add(tally.corrected)
    if (tally.unknownModels > 0) this.#unknownModels.add(tally.unknownModels)
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
      writeCall(rewrite.out, this.#found, call)
      if (replaced !== 0) copyWithout(replaced, rewrite.out, view)
      rewrite.close()
      tally.calls[call.dialect]!++
      tally.corrected += call.correctedTokens
      for (let bit = 0; call.implausible >>> bit !== 0; bit++)
        if ((call.implausible >>> bit) & 1) tally.implausible[bit]!++
      if (call.costSource === UNKNOWN_MODEL) tally.unknownModels++
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
