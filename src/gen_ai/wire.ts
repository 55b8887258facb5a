/**
 * Places in a span that the views do not lead to: the scope's name, the status message, the exception event, members
 * of an array value. Each is returned as a field (`telemetry/find_field.ts`), -1 if it is absent.
 * Source: opentelemetry/proto/{trace,common}/v1.
 */
import { next, readUint32, skipValue } from '../otlp/cursor.ts'
import { ARRAY, contentStart, STRING, textField, valueKind } from '../telemetry/any_value.ts'
import type { AnyBatch, LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { fieldEnd, fieldStart, findField } from '../telemetry/find_field.ts'
import { isEqual } from '../telemetry/key_set.ts'
import { SCOPE } from '../telemetry/layout.ts'
import type { SpanView } from '../telemetry/span_view.ts'

/** The name of a scope group's instrumentation scope. */
export function findScopeName({ bytes, layout }: AnyBatch, scope: number): number {
  const at = scope * SCOPE.width
  const start = layout.scopes[at + SCOPE.headStart]!
  return start < 0 ? -1 : findField(bytes, start, layout.scopes[at + SCOPE.headEnd]!, SCOPE_NAME)
}

const SCOPE_NAME = 0x0a

/** The same as a text, empty without one. */
export function scopeNameOf(batch: TraceBatch | LogBatch, scope: number): string {
  const name = findScopeName(batch, scope)
  return name < 0 ? '' : batch.bytes.toString('utf8', fieldStart(batch.bytes, name), fieldEnd(batch.bytes, name))
}

/** The text of the span's status. */
export function findStatusMessage(view: SpanView): number {
  return view.statusStart < 0 ? -1 : findField(view.bytes, view.statusStart, view.statusEnd, STATUS_MESSAGE)
}

const STATUS_MESSAGE = 0x12

/** Fields of Span, of Event, and of KeyValue. */
const EVENT = 0x5a
const EVENT_TIME = 0x09
const EVENT_NAME = 0x12
const EVENT_ATTRIBUTE = 0x1a
const KEY = 0x0a
const VALUE = 0x12

const EXCEPTION = Buffer.from('exception')

/** An attribute (a text) of the span's last event `exception` that has it. */
export function findExceptionText(view: SpanView, key: Uint8Array): number {
  const { bytes } = view
  let found = -1
  for (let event = nextEvent(view, -1); event >= 0; event = nextEvent(view, event)) {
    const name = findField(bytes, fieldStart(bytes, event), fieldEnd(bytes, event), EVENT_NAME)
    if (name < 0 || !isEqual(EXCEPTION, bytes, fieldStart(bytes, name), fieldEnd(bytes, name))) continue
    const text = findTextAttribute(bytes, fieldStart(bytes, event), fieldEnd(bytes, event), key)
    if (text >= 0) found = text
  }
  return found
}

/** Position of the time (fixed64 nanoseconds) of the first event whose name begins so; -1 without one. */
export function findEventTime(view: SpanView, beginning: Uint8Array): number {
  const { bytes } = view
  for (let event = nextEvent(view, -1); event >= 0; event = nextEvent(view, event)) {
    const [start, end] = [fieldStart(bytes, event), fieldEnd(bytes, event)]
    const name = findField(bytes, start, end, EVENT_NAME)
    if (name < 0 || !beginsWith(beginning, bytes, fieldStart(bytes, name), fieldEnd(bytes, name))) continue
    const time = findField(bytes, start, end, EVENT_TIME)
    if (time >= 0) return time
  }
  return -1
}

/** The first text of an array value, or the one text of a string value. */
export function firstText(bytes: Uint8Array, start: number, end: number): number {
  const kind = valueKind(bytes, start, end)
  if (kind === STRING) return textField(bytes, start, end)
  return kind === ARRAY ? textFrom(bytes, contentStart(bytes, start, end), end) : -1
}

/** The next text of the value that ends at `end`; `before` is what `firstText` or `nextText` returned. */
export function nextText(bytes: Uint8Array, before: number, end: number): number {
  return textFrom(bytes, fieldEnd(bytes, before), end)
}

/** The first text among the elements in [start, end) of an array value. */
function textFrom(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const element = next
    at = skipValue(tag & 7, bytes, element, end)
    const text = tag === ELEMENT ? textField(bytes, fieldStart(bytes, element), at) : -1
    if (text >= 0) return text
  }
  return -1
}

const ELEMENT = 0x0a

/** The span's next event as a field; `before`: the event before it, -1 for the first. */
function nextEvent({ bytes, firstEvent, end }: SpanView, before: number): number {
  if (firstEvent < 0) return -1
  for (let at = before < 0 ? firstEvent : fieldEnd(bytes, before); at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    if (tag === EVENT) return value
    at = skipValue(tag & 7, bytes, value, end)
  }
  return -1
}

function beginsWith(beginning: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= beginning.length && isEqual(beginning, bytes, start, start + beginning.length)
}

/** The attribute with that key of the Event in [start, end) that is the first with a text. */
function findTextAttribute(bytes: Uint8Array, start: number, end: number, key: Uint8Array): number {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const attribute = next
    at = skipValue(tag & 7, bytes, attribute, end)
    const text = tag === EVENT_ATTRIBUTE ? textUnder(key, bytes, fieldStart(bytes, attribute), at) : -1
    if (text >= 0) return text
  }
  return -1
}

/** The text that the KeyValue in [start, end) has under that key. */
function textUnder(wanted: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
  const key = findField(bytes, start, end, KEY)
  if (key < 0 || !isEqual(wanted, bytes, fieldStart(bytes, key), fieldEnd(bytes, key))) return -1
  const value = findField(bytes, start, end, VALUE)
  return value < 0 ? -1 : textField(bytes, fieldStart(bytes, value), fieldEnd(bytes, value))
}
