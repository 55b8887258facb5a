/** Finding the first usable source of a field on a span: whole attributes, and places in those that hold JSON. */
import { boolOf, numberOf, textStart } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD, FIELDS } from '../call_fields.ts'
import { type DialectRow, WHOLE } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'

/** Forgets the JSON of the span before. */
export function resetJson(dialect: DialectRow): void {
  for (let at = 0; at < dialect.json.length; at++) dialect.json[at]!.isRead = false
}

/** Sets a text field of the call from its first source that is a text and not empty. */
export function readText(view: SpanView, found: Int32Array, dialect: DialectRow, field: number, call: ModelCall): void {
  const first = (call.dialect * FIELDS + field) * dialect.lexicon.width
  for (let at = nextSource(view, found, dialect, first); at >= 0; at = nextSource(view, found, dialect, at + 1)) {
    const row = rowOf(found, dialect, at)
    let start = placeStart(dialect, at)
    let end = placeEnd(dialect, at)
    if (start < 0) {
      end = view.attributes.valueEnd(row)
      start = textStart(view.bytes, view.attributes.valueStart(row), end)
      if (start < 0) continue
      if (dialect.quotedTexts && end - start >= 2 && isQuoted(view.bytes, start, end)) {
        start++
        end--
      }
    } else if (!isText(view.bytes, start, end)) continue
    if (start >= end) continue
    call.setText(field, start, end)
    call.rows[field] = row
    if (end !== view.attributes.valueEnd(row)) call.replaced |= 1 << field
    return
  }
}

/**
 * The first source that is a number from 0 to `max`; NaN without one. The call says if there was a number and it is not
 * believed, and if the source counts its tokens apart.
 */
export function readNumber(
  view: SpanView,
  found: Int32Array,
  dialect: DialectRow,
  field: number,
  call: ModelCall,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const { bytes, attributes } = view
  let rejected = 0
  const first = (call.dialect * FIELDS + field) * dialect.lexicon.width
  for (let at = nextSource(view, found, dialect, first); at >= 0; at = nextSource(view, found, dialect, at + 1)) {
    const row = rowOf(found, dialect, at)
    const start = placeStart(dialect, at)
    const value =
      start < 0
        ? numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
        : numberIn(bytes, start, placeEnd(dialect, at))
    if (Number.isNaN(value)) continue
    if (!(value >= 0 && value <= max)) {
      rejected = 1 << (field - FIELD.inputTokens)
      continue
    }
    call.rows[field] = row
    const ofProviders = dialect.lexicon.apart[at]!
    if (typeof ofProviders === 'boolean' ? ofProviders : ofProviders[call.provider] === 1) call.apart |= 1 << field
    return value
  }
  if (field <= FIELD.cost) call.implausible |= rejected
  return Number.NaN
}

/** The first source that says yes or no; undefined without one. */
export function readFlag(
  view: SpanView,
  found: Int32Array,
  dialect: DialectRow,
  field: number,
  call: ModelCall,
): boolean | undefined {
  const { bytes, attributes } = view
  const first = (call.dialect * FIELDS + field) * dialect.lexicon.width
  for (let at = nextSource(view, found, dialect, first); at >= 0; at = nextSource(view, found, dialect, at + 1)) {
    const row = rowOf(found, dialect, at)
    const start = placeStart(dialect, at)
    const value =
      start < 0
        ? flagOf(view, dialect, attributes.valueStart(row), attributes.valueEnd(row))
        : flagIn(bytes, start, placeEnd(dialect, at))
    if (value === undefined) continue
    call.rows[field] = row
    return value
  }
  return undefined
}

/** Position, in the lexicon, of the field's first source that the span has; -1 without one. */
export function firstSource(
  view: SpanView,
  found: Int32Array,
  dialect: DialectRow,
  field: number,
  call: ModelCall,
): number {
  return nextSource(view, found, dialect, (call.dialect * FIELDS + field) * dialect.lexicon.width)
}

/** Row of the attribute of a source that the span has. */
export function rowOf(found: Int32Array, dialect: DialectRow, source: number): number {
  return found[dialect.lexicon.names[source]!]!
}

/** Where in the attribute's JSON the source stands; -1: it is the whole attribute. */
export function placeStart(dialect: DialectRow, source: number): number {
  const { jsonPaths, jsonAttributes } = dialect.lexicon
  const path = jsonPaths[source]!
  return path === WHOLE ? -1 : dialect.json[jsonAttributes[source]!]!.places.starts[path]!
}

export function placeEnd(dialect: DialectRow, source: number): number {
  const { jsonPaths, jsonAttributes } = dialect.lexicon
  const path = jsonPaths[source]!
  return path === WHOLE ? -1 : dialect.json[jsonAttributes[source]!]!.places.ends[path]!
}

/** The first source from position `at` on that the span has; -1 if there is none. */
function nextSource(view: SpanView, found: Int32Array, dialect: DialectRow, at: number): number {
  const { names, jsonPaths } = dialect.lexicon
  for (; names[at]! >= 0; at++) {
    const row = found[names[at]!]!
    if (row >= 0 && (jsonPaths[at] === WHOLE || isInJson(view, dialect, row, at))) return at
  }
  return -1
}

function isInJson(view: SpanView, dialect: DialectRow, row: number, at: number): boolean {
  const json = dialect.json[dialect.lexicon.jsonAttributes[at]!]!
  if (!json.isRead) {
    json.isRead = true
    const end = view.attributes.valueEnd(row)
    const text = textStart(view.bytes, view.attributes.valueStart(row), end)
    json.places.read(view.bytes, text < 0 ? end : text, end)
  }
  return placeStart(dialect, at) >= 0
}

function flagOf(view: SpanView, dialect: DialectRow, start: number, end: number): boolean | undefined {
  const text = textStart(view.bytes, start, end)
  if (text >= 0 && dialect.streamWords.find(view.bytes, text, end) >= 0) return true
  return boolOf(view.bytes, start, end)
}

function flagIn(bytes: Buffer, start: number, end: number): boolean | undefined {
  const word = end - start <= 5 ? bytes.toString('latin1', start, end).toLowerCase() : ''
  return word === 'true' ? true : word === 'false' ? false : undefined
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > 24) return Number.NaN
  const text = bytes.toString('latin1', start, end)
  return /^\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN
}

/** Is what stands in [start, end) of JSON a text, or a number where a text is meant? Others are words: `null`, `None`, `true`. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  const isQuoted = bytes[start - 1] === QUOTE || bytes[start - 1] === APOSTROPHE
  return isQuoted || start >= end || (bytes[start]! >= 45 && bytes[start]! <= 57)
}

const QUOTE = 34
const APOSTROPHE = 39

function isQuoted(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === QUOTE && bytes[end - 1] === QUOTE
}
