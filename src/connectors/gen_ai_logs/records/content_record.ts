/**
 * The record with the content of a call: a map of the span's content attributes as they stand behind redaction, and of
 * the events that hold some. Everything but its place (ids and time), which comes from the span that stands for the call.
 */
import { FIELD } from '../../../gen_ai/call_fields.ts'
import { OPERATIONS } from '../../../gen_ai/known_values.ts'
import type { ModelCall } from '../../../gen_ai/model_call.ts'
import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import type { Output } from '../../../otlp/output.ts'
import { ARRAY, KVLIST } from '../../../telemetry/any_value.ts'
import { appendString } from '../../../telemetry/attribute_writer.ts'
import { Attributes } from '../../../telemetry/attributes.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { isEqual } from '../../../telemetry/key_set.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import { type ContentMarks, MARK } from '../content_marks.ts'
import { BoundedValues } from './bounded_values.ts'
import { attributeKey, BODY, CONTENT_EVENT, writeSeverity } from './log_record.ts'

const OPERATION = attributeKey('gen_ai.operation.name')
const REQUEST_MODEL = attributeKey('gen_ai.request.model')
/** Tags of Span.events = 11 and Event.name = 2; number of Event.attributes. */
const SPAN_EVENTS = 0x5a
const EVENT_NAME = 0x12
const EVENT_ATTRIBUTES = 3
const EVENTS_KEY = Buffer.from('events')
/** In its place where an attribute has that name. */
const SPAN_EVENTS_KEY = Buffer.from('span_events')

export class ContentRecord {
  /** Bytes of content that did not fit, of the record written last. */
  cut_bytes = 0
  readonly #marks: ContentMarks
  readonly #values = new BoundedValues()
  readonly #eventAttributes = new Attributes()
  #eventsKey = EVENTS_KEY

  constructor(marks: ContentMarks) {
    this.#marks = marks
  }

  /** Writes the record; false, and nothing is written, if the span has no content. `scopeMarks` are those of its scope. */
  write(out: Output, span: SpanView, call: ModelCall, scopeMarks: number, size_bytes_max: number): boolean {
    const start = out.end
    const expected = Math.min(span.end - span.start, size_bytes_max)
    this.#values.begin(out, size_bytes_max)
    const body = out.open(BODY, expected)
    const map = out.open(KVLIST, expected)
    const entries = this.#writeAttributes(span, scopeMarks) + this.#writeEvents(out, span, scopeMarks)
    if (entries === 0) {
      out.end = start
      return false
    }
    this.cut_bytes = this.#values.end()
    out.close(map, expected)
    out.close(body, expected)
    writeSeverity(out, 'INFO')
    out.constant(CONTENT_EVENT)
    appendString(out, OPERATION, OPERATIONS[call.operation]!)
    if (call.has(FIELD.requestModel)) appendString(out, REQUEST_MODEL, call.text(FIELD.requestModel).slice(0, 256))
    return true
  }

  #writeAttributes({ bytes, attributes }: SpanView, scopeMarks: number): number {
    let entries = 0
    this.#eventsKey = EVENTS_KEY
    for (let row = 0; row < attributes.count; row++) {
      if (!this.#isContent(bytes, attributes, row, scopeMarks)) continue
      entries++
      if (isEqual(EVENTS_KEY, bytes, attributes.keyStart(row), attributes.keyEnd(row)))
        this.#eventsKey = SPAN_EVENTS_KEY
      this.#values.writeEntry(bytes, attributes, row)
    }
    return entries
  }

  /** `events`: a list of maps with `name` and `attributes`. Returns how many. */
  #writeEvents(out: Output, span: SpanView, scopeMarks: number): number {
    if (span.events === 0) return 0
    const start = out.end
    const entry = this.#values.openEntry(this.#eventsKey)
    const list = out.open(ARRAY)
    let events = 0
    for (let at = span.firstEvent; at < span.end; ) {
      const tag = readUint32(span.bytes, at, span.end)
      const value = next
      const behind = skipValue(tag & 7, span.bytes, value, span.end)
      if (tag === SPAN_EVENTS) {
        readLength(span.bytes, value, span.end)
        if (this.#writeEvent(span.bytes, next, behind, scopeMarks)) events++
      }
      at = behind
    }
    if (events === 0) out.end = start
    else {
      out.close(list)
      this.#values.closeEntry(entry)
    }
    return events
  }

  /** False, and nothing is written, if the event holds no content. */
  #writeEvent(bytes: Buffer, start: number, end: number, scopeMarks: number): boolean {
    const name = findField(bytes, start, end, EVENT_NAME)
    const marks = name < 0 ? 0 : this.#marks.ofEvent(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
    const attributes = this.#eventAttributes
    attributes.read(bytes, start, end, EVENT_ATTRIBUTES)
    let found = false
    for (let row = 0; row < attributes.count && !found; row++)
      found = this.#isContent(bytes, attributes, row, scopeMarks | (marks & MARK.scoped), marks)
    if (found) this.#values.writeEvent(bytes, name, attributes)
    return found
  }

  #isContent(bytes: Buffer, attributes: Attributes, row: number, inScope: number, inEvent = 0): boolean {
    const key = this.#marks.ofKey(bytes, attributes.keyStart(row), attributes.keyEnd(row))
    if ((key & MARK.content) !== 0) return true
    if ((key & MARK.scoped) !== 0 && (inScope & MARK.scoped) !== 0) return true
    return (inEvent & MARK.content) !== 0 && (key & MARK.describesEvent) === 0
  }
}
