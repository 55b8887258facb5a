/**
 * Places in a span that the views do not lead to: the scope's name, the status message, the exception event, members
 * of an array value. Source: opentelemetry/proto/{trace,common}/v1.
 */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { ARRAY, contentStart, STRING, valueKind } from '../telemetry/any_value.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { findField, foundEnd } from '../telemetry/find_field.ts'
import { isEqual } from '../telemetry/key_set.ts'
import { SCOPE } from '../telemetry/layout.ts'
import type { SpanView } from '../telemetry/span_view.ts'

/** A range of bytes that the last finding function found; absent: start = -1. */
export const range = { start: -1, end: -1 }

/** Finds the name of a scope group's instrumentation scope. Sets `range`. */
export function findScopeName(batch: TraceBatch | LogBatch, scope: number): boolean {
  const rows = batch.layout.scopes
  const start = rows[scope * SCOPE.width + SCOPE.headStart]!
  range.start = -1
  return start >= 0 && findRange(batch.bytes, 0x0a, start, rows[scope * SCOPE.width + SCOPE.headEnd]!)
}

/** Finds the text of the span's status. Sets `range`. */
export function findStatusMessage(view: SpanView): boolean {
  range.start = -1
  return view.statusStart >= 0 && findRange(view.bytes, 0x12, view.statusStart, view.statusEnd)
}

const EXCEPTION = Buffer.from('exception')

/** Finds an attribute (a text) of the span's last event `exception`. Sets `range`. */
export function findExceptionText(view: SpanView, key: Uint8Array): boolean {
  const { bytes, end } = view
  let start = -1
  let stop = -1
  if (view.firstEvent >= 0)
    for (let at = view.firstEvent; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const behind = skipValue(tag & 7, bytes, next, end)
      if (tag === 0x5a && openLength(bytes, at, end) && isException(bytes, range.start, behind)) {
        if (openLength(bytes, at, end) && findTextAttribute(bytes, 0x1a, range.start, behind, key)) {
          start = range.start
          stop = range.end
        }
      }
      at = behind
    }
  range.start = start
  range.end = stop
  return start >= 0
}

/** Position of the time (fixed64 nanoseconds) of the first event whose name begins so; -1 without one. */
export function findEventTime(view: SpanView, name: Uint8Array): number {
  const { bytes, end } = view
  if (view.firstEvent < 0) return -1
  for (let at = view.firstEvent; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const behind = skipValue(tag & 7, bytes, next, end)
    if (tag === 0x5a && openLength(bytes, at, end)) {
      const content = range.start
      if (findRange(bytes, 0x12, content, behind) && beginsWith(name, bytes, range.start, range.end)) {
        const time = findFixed64(bytes, 0x09, content, behind)
        if (time >= 0) return time
      }
    }
    at = behind
  }
  return -1
}

/**
 * Steps through the texts of an array value (or the one text of a string value). `at` is 0 for the first, then what
 * the call before returned. Returns -1 when there is none left; sets `range`.
 */
export function nextText(bytes: Uint8Array, start: number, end: number, at: number): number {
  const kind = valueKind(bytes, start, end)
  if (kind === STRING && at === 0) {
    range.start = contentStart
    range.end = end
    return end
  }
  if (kind !== ARRAY) return -1
  for (let item = at === 0 ? contentStart : at; item < end; ) {
    const tag = readUint32(bytes, item, end)
    const behind = skipValue(tag & 7, bytes, next, end)
    if (tag === 0x0a && openLength(bytes, item, end) && valueKind(bytes, range.start, behind) === STRING) {
      range.start = contentStart
      range.end = behind
      return behind
    }
    item = behind
  }
  return -1
}

/** Moves `range.start` to the content of the length-delimited field whose tag is at `at`. */
function openLength(bytes: Uint8Array, at: number, end: number): boolean {
  readUint32(bytes, at, end)
  readLength(bytes, next, end)
  range.start = next
  return true
}

function beginsWith(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= name.length && isEqual(name, bytes, start, start + name.length)
}

function isException(bytes: Uint8Array, start: number, end: number): boolean {
  return findRange(bytes, 0x12, start, end) && isEqual(EXCEPTION, bytes, range.start, range.end)
}

/** Sets `range` to the content of the field with that tag. */
function findRange(bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  const found = findField(bytes, start, end, tag)
  if (found < 0) return false
  range.start = found
  range.end = foundEnd
  return true
}

function findFixed64(bytes: Uint8Array, wanted: number, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag === wanted) return next
    at = skipValue(tag & 7, bytes, next, end)
  }
  return -1
}

function findTextAttribute(bytes: Uint8Array, wanted: number, start: number, end: number, key: Uint8Array): boolean {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const behind = skipValue(tag & 7, bytes, next, end)
    if (tag === wanted && openLength(bytes, at, end)) {
      const content = range.start
      if (findRange(bytes, 0x0a, content, behind) && isEqual(key, bytes, range.start, range.end)) {
        if (findRange(bytes, 0x12, content, behind) && valueKind(bytes, range.start, range.end) === STRING) {
          range.start = contentStart
          return true
        }
      }
    }
    at = behind
  }
  return false
}
