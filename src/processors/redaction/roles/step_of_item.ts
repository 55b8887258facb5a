import { NO_STEP, stepOfWord } from '../../../content/step_words.ts'
import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import type { MessageName } from '../../../otlp/schema.ts'
import { textStart } from '../../../telemetry/any_value.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import type { ViewedBytes } from '../texts/byte_cache.ts'
import { KEY, type Keys } from '../walk/keys.ts'
import { tagOf } from '../walk/walk_steps.ts'

const ATTRIBUTES_TAGS: Partial<Record<MessageName, number>> = {
  Span: tagOf('Span', 'attributes'),
  LogRecord: tagOf('LogRecord', 'attributes'),
}
const KEY_TAG = tagOf('KeyValue', 'key')
const VALUE_TAG = tagOf('KeyValue', 'value')
/** Not read yet. */
const UNREAD = -1
/** Longer texts name no step. */
const WORD_MAX = 32

/** What step the attributes of an item say that it is. They are read when somebody asks, once for each item. */
export class StepOfItem {
  readonly #keys: Keys
  #step = NO_STEP
  #tag = 0
  #start = 0
  #end = 0

  constructor(keys: Keys) {
    this.#keys = keys
  }

  begin(message: MessageName, start: number, end: number): void {
    this.#tag = ATTRIBUTES_TAGS[message] ?? 0
    this.#step = UNREAD
    this.#start = start
    this.#end = end
  }

  /** A step's number; NO_STEP too where two attributes do not say the same. `source`: where the item is. */
  of(source: ViewedBytes): number {
    if (this.#step === UNREAD) this.#step = this.#read(source)
    return this.#step
  }

  #read(source: ViewedBytes): number {
    const { bytes } = source
    let step = UNREAD
    for (let at = this.#start; at < this.#end; ) {
      const tag = readUint32(bytes, at, this.#end)
      const value = next
      at = skipValue(tag & 7, bytes, value, this.#end)
      if (tag !== this.#tag) continue
      readLength(bytes, value, this.#end)
      const one = this.#told(source, next, at)
      if (one !== UNREAD) step = step === UNREAD || step === one ? one : NO_STEP
    }
    return Math.max(step, NO_STEP)
  }

  /** What the KeyValue in [start, end) says, UNREAD: nothing. */
  #told(source: ViewedBytes, start: number, end: number): number {
    const { bytes } = source
    const key = findField(bytes, start, end, KEY_TAG)
    if (key < 0) return UNREAD
    const keyClass = this.#keys.classOf(source, fieldStart(bytes, key), fieldEnd(bytes, key))
    if ((keyClass & KEY.tellsStep) === 0) return UNREAD
    const value = findField(bytes, start, end, VALUE_TAG)
    if (value < 0) return NO_STEP
    const stop = fieldEnd(bytes, value)
    const text = textStart(bytes, fieldStart(bytes, value), stop)
    if (text < 0 || stop - text > WORD_MAX) return NO_STEP
    return stepOfWord(bytes.toString('latin1', text, stop))
  }
}
