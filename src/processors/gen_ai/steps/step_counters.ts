import { STEP_KINDS } from '../../../gen_ai/step_fields.ts'
import { STEP_DIALECTS } from '../../../gen_ai/steps/read_step.ts'
import type { Step } from '../../../gen_ai/steps/step.ts'
import type { Counter, Meter } from '../../../self/metrics/meter.ts'

/** Steps of one batch, by kind and dialect: counted once the batch has been taken. */
export class StepTally {
  /** Empty in batches without steps. */
  readonly counts = new Map<number, number>()

  add({ kind, dialect }: Step): void {
    const cell = kind * STEP_DIALECTS.length + dialect
    this.counts.set(cell, (this.counts.get(cell) ?? 0) + 1)
  }
}

export class StepCounters {
  readonly #counters = new Map<number, Counter>()
  readonly #meter: Meter

  constructor(meter: Meter) {
    this.#meter = meter
  }

  add({ counts }: StepTally): void {
    for (const [cell, steps] of counts) this.#counter(cell).add(steps)
  }

  #counter(cell: number): Counter {
    const known = this.#counters.get(cell)
    if (known !== undefined) return known
    const kind = STEP_KINDS[Math.floor(cell / STEP_DIALECTS.length)]!
    const dialect = STEP_DIALECTS[cell % STEP_DIALECTS.length]!
    const made = this.#meter.counter(
      'sluice_gen_ai_steps',
      'Steps recognised that are no model calls, by kind and by the dialect in which they came.',
      { kind, dialect },
    )
    this.#counters.set(cell, made)
    return made
  }
}
