/** A window on one log record of a batch, moved from record to record. */

import { fieldNumber } from '../../items/fields.ts'
import { fixed64, next, readInt64, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { textOf } from '../../telemetry/any_value.ts'
import { Attributes } from '../../telemetry/attributes.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { ITEM } from '../../telemetry/layout.ts'
import { eventNameKeys } from '../../telemetry/record_view.ts'
import { timeAt } from './times.ts'

const number = (name: string) => fieldNumber('LogRecord', name)
const FIELD = {
  time: number('timeUnixNano'),
  severity: number('severityNumber'),
  attributes: number('attributes'),
  traceId: number('traceId'),
  observed: number('observedTimeUnixNano'),
  eventName: number('eventName'),
}
/** Of a longer event's name, what is compared and shown. */
const EVENT_BYTES_MAX = 256

const NOTHING = Buffer.alloc(0)

export class LogView {
  bytes: Buffer = NOTHING
  /** Content of the LogRecord message. */
  start = 0
  end = 0
  /** Row in the layout's scopes. */
  scope = 0
  /** When it happened, else when it was observed; 0 if neither is known. Unix milliseconds. */
  time_ms = 0
  severity = 0
  /** 16 bytes; -1 if absent. */
  traceId = -1
  #eventStart = -1
  #eventEnd = -1
  readonly #attributes = new Attributes()
  readonly #found = new Int32Array(eventNameKeys.names.length)

  /** Nothing of a batch is needed any more: its memory is not held until the next one. */
  forget(): void {
    this.bytes = NOTHING
    this.#attributes.clear()
  }

  read(batch: LogBatch, item: number): void {
    const row = item * ITEM.width
    this.bytes = batch.bytes
    this.start = batch.layout.itemRows[row + ITEM.start]!
    this.end = batch.layout.itemRows[row + ITEM.end]!
    this.scope = batch.layout.itemRows[row + ITEM.scope]!
    this.time_ms = this.severity = 0
    this.traceId = this.#eventStart = -1
    this.#attributes.clear()
    for (let at = this.start; at < this.end; ) at = this.#field(at)
  }

  /** Empty if it is no event. */
  get event(): string {
    if (this.#eventStart >= 0 && this.#eventEnd > this.#eventStart)
      return this.bytes.toString('utf8', this.#eventStart, Math.min(this.#eventEnd, this.#eventStart + EVENT_BYTES_MAX))
    this.#attributes.find(this.bytes, eventNameKeys, this.#found)
    for (const row of this.#found) {
      if (row < 0) continue
      const start = this.#attributes.valueStart(row)
      const end = Math.min(this.#attributes.valueEnd(row), start + EVENT_BYTES_MAX)
      const text = textOf(this.bytes, start, end)
      if (text !== undefined) return text
    }
    return ''
  }

  #field(at: number): number {
    const { bytes, end } = this
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    switch (tag >>> 3) {
      case FIELD.time:
        if (fixed64(bytes, value) > 0) this.time_ms = timeAt(bytes, value)
        break
      case FIELD.observed:
        if (this.time_ms === 0) this.time_ms = timeAt(bytes, value)
        break
      case FIELD.severity:
        this.severity = readInt64(bytes, value, end)
        break
      case FIELD.traceId:
        if (readLength(bytes, value, end) === 16) this.traceId = next
        break
      case FIELD.eventName:
        readLength(bytes, value, end)
        this.#eventStart = next
        this.#eventEnd = behind
        break
      case FIELD.attributes:
        readLength(bytes, value, end)
        this.#attributes.add(bytes, at, next, behind)
    }
    return behind
  }
}
