import { copyBytes } from '../../otlp/output.ts'
import type { Calls } from '../../steps/calls.ts'
import { type Report, TEXT_AT, TEXTS, type Text } from '../../steps/report.ts'
import { isTraceId } from '../../traces/trace_id.ts'
import { EMPTY, type LabelTexts } from './label_texts.ts'

const TRACE_ID_BYTES = 16

/** Beside the rows of calls: numbers of the texts that become labels, and trace ids. Calls leave their rows to others. */
export class CallLabels {
  readonly #steps: { readonly calls: Calls }
  readonly #models: LabelTexts
  readonly #errorTypes: LabelTexts
  #numbers = new Int32Array(0)
  /** Zeros stand for none. */
  #traceIds = Buffer.alloc(0)

  constructor(steps: { readonly calls: Calls }, models: LabelTexts, errorTypes: LabelTexts) {
    this.#steps = steps
    this.#models = models
    this.#errorTypes = errorTypes
  }

  keep(row: number, report: Report): void {
    const id = row * TRACE_ID_BYTES
    if (id >= this.#traceIds.length) this.#grow(row)
    const { bytes, trace, traceId } = report
    if (trace >= 0) copyBytes(bytes, traceId, traceId + TRACE_ID_BYTES, this.#traceIds, id)
    else this.#traceIds.fill(0, id, id + TRACE_ID_BYTES)
    for (let text = 0; text < TEXTS.length; text++)
      this.#numbers[row * TEXTS.length + text] = this.#textsOf(text).intern(
        bytes,
        report.textStart(text),
        report.textEnd(text),
      )
  }

  /** Place (`LabelTexts.placeOf`) of what the call's reports say together, which its row has. */
  placeOf(text: Text, row: number, reports: readonly number[]): number {
    return this.#textsOf(TEXT_AT[text]).placeOf(this.#numberOf(text, row, reports))
  }

  /** Writes the report's trace id to the begin of `ids`; false if it has none. */
  copyTraceId(report: number, ids: Buffer): boolean {
    const at = report * TRACE_ID_BYTES
    if (!isTraceId(this.#traceIds, at)) return false
    copyBytes(this.#traceIds, at, at + TRACE_ID_BYTES, ids, 0)
    return true
  }

  #numberOf(text: Text, row: number, reports: readonly number[]): number {
    const hash = this.#steps.calls.int(row, text)
    if (hash === 0) return EMPTY
    // Where the row has the text of another report, that one's number stands for it.
    const other =
      reports.length === 1
        ? -1
        : reports.findLastIndex((one) => one !== row && this.#steps.calls.int(one, text) === hash)
    return this.#numbers[reports[Math.max(other, 0)]! * TEXTS.length + TEXT_AT[text]]!
  }

  #textsOf(text: number): LabelTexts {
    return text === TEXT_AT.errorType ? this.#errorTypes : this.#models
  }

  #grow(row: number): void {
    const rows = Math.max(256, row * 2)
    const ids = Buffer.alloc(rows * TRACE_ID_BYTES)
    ids.set(this.#traceIds)
    const numbers = new Int32Array(rows * TEXTS.length)
    numbers.set(this.#numbers)
    this.#traceIds = ids
    this.#numbers = numbers
  }
}
