/** Log records that hold the answer of a model call (GenAI events): the quality of the answer is written on them. */
import type { Consumer, Context, Processor } from '../../component.ts'
import { Answer } from '../../content/answers/answer.ts'
import { ANSWER_EVENT, eventKind } from '../../content/answers/answer_keys.ts'
import { findAnswerInLog } from '../../content/answers/find_answer.ts'
import { SLUICE } from '../../gen_ai/field.ts'
import { recordSignals, scoreOf } from '../../gen_ai/quality.ts'
import { fieldNumber } from '../../items/fields.ts'
import { ItemView } from '../../items/item_view.ts'
import { contentStart, STRING, valueKind } from '../../telemetry/any_value.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { findField, foundEnd } from '../../telemetry/field.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { ITEM } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewrite.ts'
import { LOG_ATTRIBUTES } from './attribute_writer.ts'
import { qualityWriter } from './quality_writer.ts'

const keys = new KeySet(['event.name', 'event_name', SLUICE.qualityScore, 'error.type', 'gen_ai.operation.name'])
const [EVENT_NAME, EVENT_NAME_LITELLM, JUDGED, ERROR, OPERATION] = [0, 1, 2, 3, 4]
const NAME_TAG = fieldNumber('LogRecord', 'eventName') * 8 + 2
const embeddings = Buffer.from('embeddings')
const nothing = Buffer.alloc(0)
const writeQuality = qualityWriter(LOG_ATTRIBUTES)

export class GenAiLogs implements Processor<'logs'> {
  readonly #next: Consumer<'logs'>
  readonly #view = new ItemView('logs')
  readonly #found = new Int32Array(keys.names.length)
  readonly #answer = new Answer()
  readonly #rewrite = new Rewrite<'logs'>()

  constructor(next: Consumer<'logs'>) {
    this.#next = next
  }

  async consume(batch: LogBatch, context: Context): Promise<void> {
    await this.#next.consume(this.#judged(batch), context)
  }

  async update(): Promise<boolean> {
    return true
  }

  #judged(batch: LogBatch): LogBatch {
    const rewrite = this.#rewrite
    rewrite.begin(batch)
    for (let item = 0; item < batch.items; item++) {
      if (!this.#tellsOfAnswer(batch, item)) continue
      const signals = recordSignals(this.#answer, this.#has(ERROR))
      const score = scoreOf(signals, this.#answer, this.#has(ERROR))
      if (signals === 0 && Number.isNaN(score)) continue
      rewrite.prependToItem(item)
      writeQuality(rewrite.out, score, signals)
      rewrite.close()
    }
    this.#answer.reset(nothing)
    return rewrite.finish()
  }

  /** Reads the answer of a record that is to be judged. */
  #tellsOfAnswer(batch: LogBatch, item: number): boolean {
    const { bytes } = batch
    const view = this.#view
    view.read(batch, item)
    view.attributes.find(bytes, keys, this.#found)
    if (this.#has(JUDGED) || !this.#isAnswerEvent(batch, item)) return false
    const operation = this.#text(bytes, OPERATION)
    if (operation >= 0 && bytes.subarray(operation, operation + embeddings.length).equals(embeddings)) return false
    findAnswerInLog(bytes, view.attributes, view.bodyStart, view.bodyEnd, this.#answer)
    return true
  }

  /** The event's name has a field of its own; before it had, and in some dialects still, it is an attribute. */
  #isAnswerEvent({ bytes, layout }: LogBatch, item: number): boolean {
    for (let key = EVENT_NAME; key <= EVENT_NAME_LITELLM; key++) {
      const start = this.#text(bytes, key)
      if (start >= 0) return eventKind(bytes, start, this.#view.attributes.valueEnd(this.#found[key]!)) === ANSWER_EVENT
    }
    const at = item * ITEM.width
    const start = findField(bytes, layout.itemRows[at + ITEM.start]!, layout.itemRows[at + ITEM.end]!, NAME_TAG)
    return start >= 0 && eventKind(bytes, start, foundEnd) === ANSWER_EVENT
  }

  #has(key: number): boolean {
    return this.#found[key]! >= 0
  }

  /** Start of the text under the key, -1 if there is none. */
  #text(bytes: Buffer, key: number): number {
    const row = this.#found[key]!
    if (row < 0) return -1
    const { attributes } = this.#view
    return valueKind(bytes, attributes.valueStart(row), attributes.valueEnd(row)) === STRING ? contentStart : -1
  }
}
