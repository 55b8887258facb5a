import type { Host } from '../../component.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { COST_SOURCES, type ModelCall } from '../../gen_ai/model_call.ts'
import { IMPLAUSIBLE } from '../../gen_ai/plausible.ts'
import { STEP_KINDS, type StepKind } from '../../gen_ai/step_fields.ts'
import type { Counter, Meter } from '../../self/metrics/meter.ts'

const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')

/** What one batch adds to the counters, once it has been taken: a batch refused and sent again is counted once. */
export class CallTally {
  readonly calls: Int32Array
  corrected = 0
  /** By the position in IMPLAUSIBLE. */
  readonly implausible = new Int32Array(IMPLAUSIBLE.length)
  unknownModels = 0
  /** Of other steps: by kind, and by dialect with -1 as the last. */
  readonly steps: Int32Array
  hasSteps = false

  constructor({ ids }: Lexicon) {
    this.calls = new Int32Array(ids.length)
    this.steps = new Int32Array(STEP_KINDS.length * (ids.length + 1))
  }

  /** `dialect`: -1 for a step in none. */
  addStep(kind: StepKind, dialect: number): void {
    this.hasSteps = true
    const width = this.calls.length + 1
    this.steps[STEP_KINDS.indexOf(kind) * width + (dialect < 0 ? width - 1 : dialect)]!++
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
  readonly #ids: readonly string[]
  readonly #meter: Meter
  /** As `CallTally.steps`, made when they are needed: most pairs never are. */
  readonly #steps: (Counter | undefined)[] = []

  constructor({ meter }: Host, { ids }: Lexicon) {
    this.#ids = ids
    this.#meter = meter
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
    for (const [dialect, calls] of tally.calls.entries()) if (calls > 0) this.#calls[dialect]!.add(calls)
    for (const [at, numbers] of tally.implausible.entries()) if (numbers > 0) this.#implausible[at]!.add(numbers)
    if (tally.corrected > 0) this.#corrected.add(tally.corrected)
    if (tally.unknownModels > 0) this.#unknownModels.add(tally.unknownModels)
    if (!tally.hasSteps) return
    for (const [at, steps] of tally.steps.entries())
      if (steps > 0) (this.#steps[at] ??= this.#stepCounter(at)).add(steps)
  }

  #stepCounter(at: number): Counter {
    const width = this.#ids.length + 1
    return this.#meter.counter(
      'sluice_gen_ai_steps',
      'Steps recognised that are no model calls, by kind, and by the dialect in which they came: `none` if by their own marks alone.',
      { kind: STEP_KINDS[Math.floor(at / width)]!, dialect: this.#ids[at % width] ?? 'none' },
    )
  }
}
