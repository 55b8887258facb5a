/**
 * Log records that are model calls: brought into the newest conventions, priced and judged as spans are. On others that hold
 * the answer of a call (GenAI events) the quality of the answer is written.
 */
import type { Consumer, Context, Host, Processor } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import { ANSWER_EVENT, eventKind } from '../../content/answers/answer_keys.ts'
import { findAnswerInJson, findAnswerInLog } from '../../content/answers/find_answer.ts'
import { SLUICE } from '../../gen_ai/field.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { judgeCost } from '../../gen_ai/plausible.ts'
import { Prices } from '../../gen_ai/prices.ts'
import { judgeCall, recordSignals, scoreOf } from '../../gen_ai/quality.ts'
import { foundKeys, readRecordedCall } from '../../gen_ai/read.ts'
import { RecordMarks } from '../../gen_ai/recognise_record.ts'
import { EMBEDDINGS } from '../../gen_ai/values.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { RecordView } from '../../telemetry/record_view.ts'
import { Rewrite } from '../../telemetry/rewrite.ts'
import { LOG_ATTRIBUTES } from './attribute_writer.ts'
import { CallWriter, copyWithout, replacedFields } from './call_writer.ts'
import { type GenAiConfig, plausibleOf } from './config.ts'
import { Counters, Tally } from './counters.ts'
import { qualityWriter } from './quality_writer.ts'

/** Who has been over the record before. */
const judged = new KeySet([SLUICE.dialect, SLUICE.qualityScore, SLUICE.qualitySignals])
const failure = new KeySet(['error.type'])
const nothing = Buffer.alloc(0)
const writeQuality = qualityWriter(LOG_ATTRIBUTES)
const writer = new CallWriter(LOG_ATTRIBUTES)

export class GenAiLogs implements Processor<'logs'> {
  readonly #next: Consumer<'logs'>
  readonly #counters: Counters
  #prices: Prices
  readonly #scopes = new RecordMarks()
  readonly #view = new RecordView()
  readonly #call = new ModelCall()
  readonly #answer = new Answer()
  readonly #found = foundKeys()
  readonly #rewrite = new Rewrite<'logs'>()

  constructor(config: GenAiConfig, host: Host, next: Consumer<'logs'>) {
    this.#next = next
    this.#counters = new Counters(host)
    this.#prices = new Prices(config.prices, config.list_prices)
    this.#call.plausible = plausibleOf(config)
  }

  async consume(batch: LogBatch, context: Context): Promise<void> {
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

  #normalise(batch: LogBatch, tally: Tally): LogBatch {
    const view = this.#view
    const call = this.#call
    this.#rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      view.readRecord(batch, item)
      if (readRecordedCall(view, this.#found, this.#scopes.of(batch, view.scope), call)) {
        this.#writeCall(item)
        tally.add(call)
      } else if (this.#isAnswer()) this.#writeQuality(item)
    }
    view.forget()
    call.forget()
    this.#scopes.forget()
    this.#answer.reset(nothing)
    return this.#rewrite.finish()
  }

  #writeCall(item: number): void {
    const rewrite = this.#rewrite
    const call = this.#call
    this.#prices.price(call, this.#view)
    judgeCost(call)
    if (call.operation !== EMBEDDINGS) {
      if (call.answerStart < 0) this.#findAnswer()
      else findAnswerInJson(call.bytes, call.answerStart, call.answerEnd, this.#answer)
      judgeCall(call, this.#answer)
    }
    const replaced = replacedFields(this.#found, call)
    if (replaced === 0) rewrite.prependToItem(item)
    else rewrite.openItem(item)
    writer.write(rewrite.out, this.#found, call)
    if (replaced !== 0) copyWithout(replaced, rewrite.out, this.#view)
    rewrite.close()
  }

  #isAnswer(): boolean {
    const { bytes, eventStart, eventEnd } = this.#view
    return eventStart >= 0 && eventKind(bytes, eventStart, eventEnd) === ANSWER_EVENT && !this.#has(judged)
  }

  #writeQuality(item: number): void {
    this.#findAnswer()
    const failed = this.#has(failure)
    const signals = recordSignals(this.#answer, failed)
    const score = scoreOf(signals, this.#answer, failed)
    if (signals === 0 && Number.isNaN(score)) return
    this.#rewrite.prependToItem(item)
    writeQuality(this.#rewrite.out, score, signals)
    this.#rewrite.close()
  }

  #findAnswer(): void {
    const { bytes, attributes, bodyStart, bodyEnd } = this.#view
    findAnswerInLog(bytes, attributes, bodyStart, bodyEnd, this.#answer)
  }

  #has(keys: KeySet): boolean {
    const { bytes, attributes } = this.#view
    for (let row = 0; row < attributes.count; row++)
      if (keys.find(bytes, attributes.keyStart(row), attributes.keyEnd(row)) >= 0) return true
    return false
  }
}
