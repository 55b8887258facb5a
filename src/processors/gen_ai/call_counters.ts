import type { Host } from '../../component.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { COST_SOURCES, type ModelCall } from '../../gen_ai/model_call.ts'
import { IMPLAUSIBLE } from '../../gen_ai/plausible.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import { StepCounters, StepTally } from './steps/step_counters.ts'

const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')

/** What one batch adds to the counters, once it has been taken: a batch refused and sent again is counted once. */
export class CallTally {
  readonly calls: Int32Array
  corrected = 0
  /** By the position in IMPLAUSIBLE. */
  readonly implausible = new Int32Array(IMPLAUSIBLE.length)
  unknownModels = 0
  readonly steps = new StepTally()

  constructor({ ids }: Lexicon) {
    this.calls = new Int32Array(ids.length)
  }

  add(call: ModelCall): void {
    this.calls[call.dialect]!++
    this.corrected += call.correctedTokens
    for (let bit = 0; call.implausible >>> bit !== 0; bit++)
      if ((call.implausible >>> bit) & 1) this.implausible[bit]!++
    if (call.costSource === UNKNOWN_MODEL) this.unknownModels++
  }
}

/** The processor's own metrics. */
export class CallCounters {
  readonly #calls: readonly Counter[]
  readonly #corrected: Counter
  readonly #unknownModels: Counter
  readonly #implausible: readonly Counter[]
  readonly #steps: StepCounters

  constructor({ meter }: Host, { ids }: Lexicon) {
    this.#steps = new StepCounters(meter)
    this.#implausible = IMPLAUSIBLE.map((number) =>
      meter.counter(
        'sluice_gen_ai_implausible_numbers',
        'Numbers of model calls that are in no sum, because they cannot be true.',
        { number },
      ),
    )
    this.#calls = ids.map((dialect) =>
      meter.counter('sluice_gen_ai_calls', 'Model calls recognised, by the dialect in which they came.', { dialect }),
    )
    this.#corrected = meter.counter(
      'sluice_gen_ai_corrected_tokens',
      'Tokens added to counts from which the emitter had left out cached or reasoning tokens.',
    )
    this.#unknownModels = meter.counter(
      'sluice_gen_ai_unknown_models',
      'Model calls with tokens but without a price, because the model is in no price list.',
    )
  }

  add(tally: CallTally): void {
    this.#steps.add(tally.steps)
    for (const [dialect, calls] of tally.calls.entries()) if (calls > 0) this.#calls[dialect]!.add(calls)
    for (const [at, numbers] of tally.implausible.entries()) if (numbers > 0) this.#implausible[at]!.add(numbers)
    if (tally.corrected > 0) this.#corrected.add(tally.corrected)
    if (tally.unknownModels > 0) this.#unknownModels.add(tally.unknownModels)
  }
}
