/**
 * Log records that are model calls: brought into the newest conventions, priced and judged as spans are. Those that tell of a
 * tool are marked as spans of tools are. On others that hold
 * the answer of a call (GenAI events) the quality of the answer is written.
 */
import type { Consumer, Host } from '../../component.ts'
import { ANSWER_EVENT, eventKind } from '../../content/answers/answer_keys.ts'
import { findAnswerInJson, findAnswerInLog } from '../../content/answers/find_answer.ts'
import { SLUICE } from '../../gen_ai/call_fields.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { recordSignals, scoreOf } from '../../gen_ai/quality.ts'
import { readRecordedCall } from '../../gen_ai/reading/read.ts'
import { RecordMarks } from '../../gen_ai/reading/recognise_record.ts'
import { readRecordedStep } from '../../gen_ai/steps/recorded_step.ts'
import { Step } from '../../gen_ai/steps/step.ts'
import type { Loops } from '../../gen_ai/steps/watching/loop_bounds.ts'
import { STEP_WATCH, type StepWatch } from '../../gen_ai/steps/watching/step_watch.ts'
import { LOG_ATTRIBUTES } from '../../telemetry/attribute_writer.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { RecordView } from '../../telemetry/record_view.ts'
import type { CallTally } from './call_counters.ts'
import type { GenAiConfig } from './config.ts'
import { Normaliser } from './normaliser.ts'
import { qualityWriter } from './quality_writer.ts'
import { StepWriter } from './steps/step_writer.ts'

/** Who has been over the record before. */
const judged = new KeySet([SLUICE.dialect, SLUICE.qualityScore, SLUICE.qualitySignals])
const failure = new KeySet(['error.type'])
const writeQuality = qualityWriter(LOG_ATTRIBUTES)

export class RecordNormaliser extends Normaliser<'logs'> {
  #scopes: RecordMarks
  readonly #view = new RecordView()
  readonly #step = new Step()
  readonly #stepWriter = new StepWriter(LOG_ATTRIBUTES)
  readonly #watch: StepWatch
  #loops: Loops

  constructor(config: GenAiConfig, host: Host, next: Consumer<'logs'>) {
    super(config, host, next, LOG_ATTRIBUTES)
    this.#scopes = new RecordMarks(this.lexicon)
    this.#watch = host.service(STEP_WATCH)
    this.#loops = config.loops
  }

  protected normalise(batch: LogBatch, tally: CallTally): void {
    const view = this.#view
    for (let item = 0; item < batch.items; item++) {
      view.readRecord(batch, item)
      if (readRecordedCall(view, this.found, this.#scopes.of(batch, view.scope), this.call))
        this.writeCall(item, view, tally)
      else if (readRecordedStep(view, this.#scopes.of(batch, view.scope), this.#step, this.#watch.key))
        this.#writeStep(item, tally)
      else if (this.#isAnswer()) this.#writeQuality(item)
    }
    view.forget()
    this.#step.forget()
    this.#scopes.forget()
  }

  #writeStep(item: number, tally: CallTally): void {
    this.rewrite.prependToItem(item)
    this.#stepWriter.write(this.rewrite.out, this.#step, this.#watch.see(this.#view, this.#step, this.#loops))
    this.rewrite.close()
    tally.addStep(this.#step.kind, -1)
  }

  override async update(config: unknown): Promise<boolean> {
    this.#loops = (config as GenAiConfig).loops
    return super.update(config)
  }

  protected readBy(lexicon: Lexicon): void {
    this.#scopes = new RecordMarks(lexicon)
  }

  protected findAnswer(): void {
    const { bytes, answerStart, answerEnd } = this.call
    if (answerStart < 0) this.#findAnswer()
    else findAnswerInJson(bytes, answerStart, answerEnd, this.answer)
  }

  #isAnswer(): boolean {
    const { bytes, eventStart, eventEnd } = this.#view
    return eventStart >= 0 && eventKind(bytes, eventStart, eventEnd) === ANSWER_EVENT && !this.#has(judged)
  }

  #writeQuality(item: number): void {
    this.#findAnswer()
    const failed = this.#has(failure)
    const signals = recordSignals(this.answer, failed)
    const score = scoreOf(signals, this.answer, failed)
    if (signals === 0 && Number.isNaN(score)) return
    this.rewrite.prependToItem(item)
    writeQuality(this.rewrite.out, score, signals)
    this.rewrite.close()
  }

  #findAnswer(): void {
    const { bytes, attributes, bodyStart, bodyEnd } = this.#view
    findAnswerInLog(bytes, attributes, bodyStart, bodyEnd, this.answer)
  }

  #has(keys: KeySet): boolean {
    const { bytes, attributes } = this.#view
    for (let row = 0; row < attributes.count; row++)
      if (keys.find(bytes, attributes.keyStart(row), attributes.keyEnd(row)) >= 0) return true
    return false
  }
}
