/** Finding the first usable source of a field on a span: whole attributes, and places in those that hold JSON. */
import { boolOf, contentStart, numberOf, STRING, valueKind } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD, FIELDS } from '../call_fields.ts'
import { type DialectRow, lexicon, WHOLE } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'

// Held directly, since every field of every call is read through them.
const { names, jsonAttributes, jsonPaths, apart, width } = lexicon

/** Where the last `nextSource` found something: a row of attributes, and for a place in JSON its range. */
const source = { at: 0, row: -1, start: -1, end: -1 }

/** Did the last `readNumber` take a source whose tokens are counted apart? */
export let isApart = false

/** Forgets the JSON of the span before. */
export function resetJson(dialect: DialectRow): void {
  for (let at = 0; at < dialect.json.length; at++) dialect.json[at]!.isRead = false
}

/** Sets a text field of the call from its first source that is a text and not empty. */
export function readText(view: SpanView, found: Int32Array, dialect: DialectRow, field: number, call: ModelCall): void {
  const first = (call.dialect * FIELDS + field) * width
  for (let at = first; nextSource(view, found, dialect, at); at = source.at + 1) {
    let { start, end } = source
    if (start < 0) {
      end = view.attributes.valueEnd(source.row)
      if (valueKind(view.bytes, view.attributes.valueStart(source.row), end) !== STRING) continue
      start = contentStart
      if (dialect.quotedTexts && end - start >= 2 && isQuoted(view.bytes, start, end)) {
        start++
        end--
      }
    } else if (!isText(view.bytes, start, end)) continue
    if (start >= end) continue
    call.setText(field, start, end)
    call.rows[field] = source.row
    if (end !== view.attributes.valueEnd(source.row)) call.replaced |= 1 << field
    return
  }
}

/**
 * The first source that is a number from 0 to `max`; NaN without one. Sets `isApart`. The call says it if there was
 * a number and it is not believed.
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
  isApart = false
  let rejected = 0
  const first = (call.dialect * FIELDS + field) * width
  for (let at = first; nextSource(view, found, dialect, at); at = source.at + 1) {
    const { row, start, end } = source
    const value =
      start < 0 ? numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) : numberIn(bytes, start, end)
    if (Number.isNaN(value)) continue
    if (!(value >= 0 && value <= max)) {
      rejected = 1 << (field - FIELD.inputTokens)
      continue
    }
    call.rows[field] = row
    const ofProviders = apart[source.at]!
    isApart = typeof ofProviders === 'boolean' ? ofProviders : ofProviders[call.provider] === 1
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
  const first = (call.dialect * FIELDS + field) * width
  for (let at = first; nextSource(view, found, dialect, at); at = source.at + 1) {
    const { row, start, end } = source
    const value =
      start < 0
        ? flagOf(view, dialect, attributes.valueStart(row), attributes.valueEnd(row))
        : end - start <= 5 && bytes.toString('latin1', start, end).toLowerCase() === 'true'
    if (value === undefined) continue
    call.rows[field] = row
    return value
  }
  return undefined
}

/** Row of the field's first attribute that is there, -1 without one. `placeOf` says where in it. */
export function firstRow(
  view: SpanView,
  found: Int32Array,
  dialect: DialectRow,
  field: number,
  call: ModelCall,
): number {
  return nextSource(view, found, dialect, (call.dialect * FIELDS + field) * width) ? source.row : -1
}

/** Range of the place in JSON that `firstRow` found; a start of -1 for a whole attribute. */
export function foundPlace(): Readonly<{ start: number; end: number }> {
  return source
}

/** Steps from source `at` of a field to the first that the span has. False if there is none. */
function nextSource(view: SpanView, found: Int32Array, dialect: DialectRow, at: number): boolean {
  for (; names[at]! >= 0; at++) {
    const row = found[names[at]!]!
    if (row < 0) continue
    source.at = at
    source.row = row
    source.start = -1
    if (jsonPaths[at] === WHOLE || findInJson(view, dialect, row, at)) return true
  }
  return false
}

function findInJson(view: SpanView, dialect: DialectRow, row: number, at: number): boolean {
  const json = dialect.json[jsonAttributes[at]!]!
  if (!json.isRead) {
    json.isRead = true
    const end = view.attributes.valueEnd(row)
    const isText = valueKind(view.bytes, view.attributes.valueStart(row), end) === STRING
    json.places.read(view.bytes, isText ? contentStart : end, end)
  }
  source.start = json.places.starts[jsonPaths[at]!]!
  source.end = json.places.ends[jsonPaths[at]!]!
  return source.start >= 0
}

function flagOf(view: SpanView, dialect: DialectRow, start: number, end: number): boolean | undefined {
  if (valueKind(view.bytes, start, end) === STRING && dialect.streamWords.find(view.bytes, contentStart, end) >= 0)
    return true
  return boolOf(view.bytes, start, end)
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
