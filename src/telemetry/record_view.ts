/**
 * A window on one log record of a batch, for those who read spans and log records alike. A record is a moment: its end is
 * its time, a start it has not. Source: opentelemetry/proto/logs/v1/logs.proto.
 */
import { fixed64, next, readLength, readUint32, skipValue, uint32 } from '../otlp/cursor.ts'
import { textStart } from './any_value.ts'
import type { LogBatch } from './batch.ts'
import { isEqual, KeySet } from './key_set.ts'
import { ITEM } from './layout.ts'
import { SpanView } from './span_view.ts'

const TAG = {
  time: 0x09,
  body: 0x2a,
  attribute: 0x32,
  flags: 0x45,
  traceId: 0x4a,
  spanId: 0x52,
  observed: 0x59,
  eventName: 0x62,
}
/** Attributes that name the event where the record's own field does not, the better first. */
export const eventNameKeys = new KeySet(['event.name', 'event_name'])
/** Rust's tracing writes `event <file>:<line>` where a name belongs: what the program calls the event is an attribute. */
const placeInCode = Buffer.from('event ')
const eventRows = new Int32Array(eventNameKeys.names.length)

/** `spanId` is that of the span during which the record was written: many records may have it. */
export class RecordView extends SpanView {
  override readonly isRecord = true
  /** AnyValue of the body; -1 if there is none. */
  bodyStart = -1
  bodyEnd = -1
  /** Row behind the attributes with the body as its value; -1 if there is none. */
  bodyRow = -1
  eventStart = -1
  eventEnd = -1

  /** Moves to record `item` of the batch. */
  readRecord(batch: LogBatch, item: number): void {
    const rows = batch.layout.itemRows
    const at = item * ITEM.width
    this.#readAt(batch.bytes, rows[at + ITEM.start]!, rows[at + ITEM.end]!)
    this.scope = rows[at + ITEM.scope]!
  }

  /** Is the record an event of this name? */
  isEvent(name: Uint8Array): boolean {
    return this.eventStart >= 0 && isEqual(name, this.bytes, this.eventStart, this.eventEnd)
  }

  /** Does the event's name begin so? */
  isEventOf(prefix: Uint8Array): boolean {
    const start = this.eventStart
    return this.eventEnd - start >= prefix.length && isEqual(prefix, this.bytes, start, start + prefix.length)
  }

  #readAt(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.traceId = this.spanId = this.endTime = -1
    this.bodyStart = this.bodyEnd = this.bodyRow = this.eventStart = this.eventEnd = -1
    this.flags = 0
    this.attributes.clear()
    let observed = -1
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) === 2) this.#range(tag, at, value, behind)
      else if (tag === TAG.time && fixed64(bytes, value) > 0) this.endTime = value
      else if (tag === TAG.flags) this.flags = uint32(bytes, value)
      else if (tag === TAG.observed && fixed64(bytes, value) > 0) observed = value
      at = behind
    }
    if (this.endTime < 0) this.endTime = observed
    if (this.bodyStart >= 0) this.bodyRow = this.attributes.addValue(this.bodyStart, this.bodyEnd)
    if (this.eventStart < 0 || this.isEventOf(placeInCode)) this.#findEvent()
  }

  #range(tag: number, at: number, value: number, end: number): void {
    const { bytes } = this
    const length = readLength(bytes, value, end)
    const start = next
    if (tag === TAG.attribute) this.attributes.add(bytes, at, start, end)
    else if (tag === TAG.body) {
      this.bodyStart = start
      this.bodyEnd = end
    } else if (tag === TAG.traceId && length === 16) this.traceId = start
    else if (tag === TAG.spanId && length === 8) this.spanId = start
    else if (tag === TAG.eventName && length > 0) {
      this.eventStart = start
      this.eventEnd = end
    }
  }

  #findEvent(): void {
    const { bytes, attributes } = this
    attributes.find(bytes, eventNameKeys, eventRows)
    for (const row of eventRows) {
      if (row < 0) continue
      const end = attributes.valueEnd(row)
      const start = textStart(bytes, attributes.valueStart(row), end)
      if (start < 0) continue
      this.eventStart = start
      this.eventEnd = end
      return
    }
  }
}
