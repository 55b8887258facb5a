/** From the row of a call that has settled, or waits, to what is counted of it. */
import { dialects } from '../../gen_ai/dialects/dialects.ts'
import { needsModel } from '../../gen_ai/known_values.ts'
import { COST_SOURCES } from '../../gen_ai/model_call.ts'
import { ANSWER_CACHED, type Calls, FAILED, INT, NUMBER, RATE_LIMITED, RECORD, STREAMED } from '../../steps/calls.ts'
import type { CallLabels } from './call_labels.ts'
import { CountedCall } from './families.ts'

const TRACE_ID_BYTES = 16
const REPORTED = COST_SOURCES.indexOf('reported')
const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')
/** By position in the table of dialects: are the spans those of a server that people run themselves? */
const ofServers = dialects.map(({ ofOwnServer = false }) => ofOwnServer)

export class CallReader {
  readonly #steps: { readonly calls: Calls }
  readonly #labels: CallLabels
  readonly #counted = new CountedCall()

  constructor(steps: { readonly calls: Calls }, labels: CallLabels) {
    this.#steps = steps
    this.#labels = labels
  }

  /** Seconds, by the span of the server that ran the model; NaN where none of the reports is its. */
  #serverDuration(reports: readonly number[]): number {
    const { ints, numbers } = this.#steps.calls
    for (const report of reports)
      if (ofServers[ints[report * INT.width + INT.dialect]!] === true) {
        const number = report * NUMBER.width
        return (numbers[number + NUMBER.end_ms]! - numbers[number + NUMBER.start_ms]!) / 1000
      }
    return Number.NaN
  }

  /** What its reports say together, of which `row` is the row: the same object every time, to be read at once. */
  read(row: number, reports: readonly number[]): CountedCall {
    const { ints, numbers } = this.#steps.calls
    const int = row * INT.width
    const number = row * NUMBER.width
    const counted = this.#counted
    const labels = this.#labels
    counted.failed = (ints[int + INT.flags]! & FAILED) !== 0
    counted.rateLimited = (ints[int + INT.flags]! & RATE_LIMITED) !== 0
    counted.model = labels.placeOf('model', row, reports)
    counted.responseModel = labels.placeOf('responseModel', row, reports)
    counted.errorType = labels.placeOf('errorType', row, reports)
    counted.provider = ints[int + INT.provider]!
    counted.operation = ints[int + INT.operation]!
    counted.hasTrace = labels.copyTraceId(reports[0]!, counted.ids)
    // A log record has no id of its own: the span that it names is as near as one comes.
    const isRecord = (ints[int + INT.flags]! & RECORD) !== 0
    counted.ids.writeInt32LE(ints[int + (isRecord ? INT.parentHigh : INT.spanHigh)]!, TRACE_ID_BYTES)
    counted.ids.writeInt32LE(ints[int + (isRecord ? INT.parentLow : INT.spanLow)]!, TRACE_ID_BYTES + 4)
    counted.end_ms = numbers[number + NUMBER.end_ms]!
    counted.duration_s = (numbers[number + NUMBER.end_ms]! - numbers[number + NUMBER.start_ms]!) / 1000
    counted.ttft_s = numbers[number + NUMBER.ttft_s]!
    counted.input = numbers[number + NUMBER.input]!
    counted.output = numbers[number + NUMBER.output]!
    counted.cacheRead = numbers[number + NUMBER.cacheRead]!
    counted.cacheWrite = numbers[number + NUMBER.cacheWrite]!
    counted.reasoning = numbers[number + NUMBER.reasoning]!
    counted.cost_usd = numbers[number + NUMBER.cost_usd]!
    counted.saved_usd = numbers[number + NUMBER.saved_usd]!
    counted.isAnswerCached = (ints[int + INT.flags]! & ANSWER_CACHED) !== 0
    const source = ints[int + INT.costSource]!
    counted.reportedMore_usd = source === REPORTED ? counted.cost_usd - numbers[number + NUMBER.table_usd]! : Number.NaN
    counted.isUnpriced = source === UNKNOWN_MODEL
    const knowsTokens = !Number.isNaN(counted.input) || !Number.isNaN(counted.output)
    if (knowsTokens || needsModel(counted.operation)) counted.withoutUsage = undefined
    else if (counted.failed) counted.withoutUsage = 'failed'
    else counted.withoutUsage = (ints[int + INT.flags]! & STREAMED) !== 0 ? 'streamed' : 'not_reported'
    counted.perChunk_s = numbers[number + NUMBER.perChunk_s]!
    counted.queue_s = numbers[number + NUMBER.queue_s]!
    counted.contextUtilization = numbers[number + NUMBER.contextUtilization]!
    counted.server_s = this.#serverDuration(reports)
    counted.score = numbers[number + NUMBER.score]!
    counted.finishReasons = ints[int + INT.finishReasons]!
    counted.signals = ints[int + INT.signals]!
    counted.safety = ints[int + INT.safety]!
    return counted
  }
}
