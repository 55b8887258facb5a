import type { Report } from '../../steps/report.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { sampledWeight } from '../../traces/sampling_threshold.ts'

/** What Sluice writes on spans that it sampled: a threshold beside it may be its own. */
const sampledHere = new KeySet(['sluice.sampling.decision'])
const found = new Int32Array(1)

/** Beside the rows of calls: how many each report stands for. */
export class CallWeights {
  #weights = new Float64Array(0)

  keep(row: number, weight: number): void {
    if (row >= this.#weights.length) this.#grow(row)
    this.#weights[row] = weight
  }

  /** Of a call with those reports; 1 of one that was not sampled at the head. */
  weightOf(reports: readonly number[]): number {
    return reports.reduce((most, row) => Math.max(most, this.#weights[row]!), 1)
  }

  #grow(row: number): void {
    const weights = new Float64Array(Math.max(256, row * 2))
    weights.set(this.#weights)
    this.#weights = weights
  }
}

/** How many calls the report stands for; 1 where nothing says that others were left out. Log records have no trace state. */
export function reportWeight(report: Report): number {
  if (report.isRecord) return 1
  const weight = sampledWeight(report.bytes, report.start, report.end)
  if (weight === 1) return 1
  report.view.attributes.find(report.bytes, sampledHere, found)
  return found[0]! < 0 ? weight : 1
}
