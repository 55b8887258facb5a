/**
 * A window on one log record, moved from record to record; ranges and offsets are -1 for what is absent.
 * Source of the tags: opentelemetry/proto/logs/v1/logs.proto.
 */
import { next, readInt64, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { textOf } from '../../../telemetry/any_value.ts'
import { Attributes } from '../../../telemetry/attributes.ts'
import { KeySet } from '../../../telemetry/key_set.ts'

const TIME = 0x09
const SEVERITY_NUMBER = 0x10
const SEVERITY_TEXT = 0x1a
const BODY = 0x2a
const ATTRIBUTES = 0x32
const DROPPED_ATTRIBUTES = 0x38
const FLAGS = 0x45
const TRACE_ID = 0x4a
const SPAN_ID = 0x52
const OBSERVED_TIME = 0x59
const EVENT_NAME = 0x62

/** Attributes in which older senders put the event's name. */
const eventNameKeys = new KeySet(['event.name', 'event_name'])

export class LineRecord {
  /** Fixed64 nanoseconds. */
  time = -1
  observedTime = -1
  severityNumber = 0
  severityTextStart = -1
  severityTextEnd = -1
  bodyStart = -1
  bodyEnd = -1
  droppedAttributes = 0
  /** Fixed32. */
  flags = -1
  /** 16 and 8 bytes. */
  traceId = -1
  spanId = -1
  eventNameStart = -1
  eventNameEnd = -1
  readonly attributes = new Attributes()

  /** Moves to the LogRecord in [start, end). */
  read(bytes: Buffer, start: number, end: number): void {
    this.time = this.observedTime = this.flags = this.traceId = this.spanId = -1
    this.severityTextStart = this.severityTextEnd = this.bodyStart = this.bodyEnd = -1
    this.eventNameStart = this.eventNameEnd = -1
    this.severityNumber = this.droppedAttributes = 0
    this.attributes.clear()
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const content = next
      if ((tag & 7) === 2) {
        const behind = readLength(bytes, content, end) + next
        this.#range(tag, bytes, at, next, behind)
        at = behind
      } else {
        this.#number(tag, bytes, content, end)
        at = skipValue(tag & 7, bytes, content, end)
      }
    }
  }

  /** Empty for what is no event. */
  eventName(bytes: Buffer): string {
    if (this.eventNameStart < this.eventNameEnd) return bytes.toString('utf8', this.eventNameStart, this.eventNameEnd)
    const { attributes } = this
    for (let row = 0; row < attributes.count; row++) {
      if (eventNameKeys.find(bytes, attributes.keyStart(row), attributes.keyEnd(row)) < 0) continue
      return textOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) ?? ''
    }
    return ''
  }

  #range(tag: number, bytes: Buffer, at: number, start: number, end: number): void {
    switch (tag) {
      case ATTRIBUTES:
        return this.attributes.add(bytes, at, start, end)
      case BODY:
        this.bodyStart = start
        this.bodyEnd = end
        return
      case SEVERITY_TEXT:
        this.severityTextStart = start
        this.severityTextEnd = end
        return
      case EVENT_NAME:
        this.eventNameStart = start
        this.eventNameEnd = end
        return
      case TRACE_ID:
        if (end - start === 16 && !isZero(bytes, start, end)) this.traceId = start
        return
      case SPAN_ID:
        if (end - start === 8 && !isZero(bytes, start, end)) this.spanId = start
    }
  }

  #number(tag: number, bytes: Buffer, at: number, end: number): void {
    switch (tag) {
      case TIME:
        if (!isZero(bytes, at, at + 8)) this.time = at
        return
      case OBSERVED_TIME:
        if (!isZero(bytes, at, at + 8)) this.observedTime = at
        return
      case SEVERITY_NUMBER:
        this.severityNumber = readInt64(bytes, at, end)
        return
      case DROPPED_ATTRIBUTES:
        this.droppedAttributes = readInt64(bytes, at, end)
        return
      case FLAGS:
        if (!isZero(bytes, at, at + 4)) this.flags = at
    }
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}
