/** Documents that a retrieval found: how many, their ids and scores. Their texts are passed over. */
import { decode } from '../../otlp/codec.ts'
import { ARRAY, contentStart, numberOf, STRING, textStart, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import type { Step } from './step.ts'

/** So many ids and scores are told, … */
const DOCUMENTS_MAX = 100
/** … an id up to so many bytes, … */
const ID_BYTES_MAX = 200
/** … and of JSON longer than this nothing. */
const JSON_BYTES_MAX = 256 * 1024
/** More documents than that are a mistake of who wrote the number. */
const COUNT_MAX = 1e6

const PREFIX = Buffer.from('retrieval.documents.')
const ID = Buffer.from('.document.id')
const SCORE = Buffer.from('.document.score')

/** A document in an attribute of its own: OpenInference. True if there is one. */
export function readListedDocuments(view: SpanView, step: Step): boolean {
  const { bytes, attributes } = view
  const { rows, count } = attributes
  let most = -1
  for (let row = 0; row < count; row++) {
    const at = row * ATTRIBUTE.width
    const start = rows[at + ATTRIBUTE.keyStart]!
    const end = rows[at + ATTRIBUTE.keyEnd]!
    if (end - start <= PREFIX.length || PREFIX.compare(bytes, start, start + PREFIX.length) !== 0) continue
    let number = 0
    let digit = start + PREFIX.length
    for (; digit < end && bytes[digit]! >= 48 && bytes[digit]! <= 57; digit++) number = number * 10 + bytes[digit]! - 48
    if (digit === start + PREFIX.length || number > COUNT_MAX) continue
    most = Math.max(most, number)
    const [from, to] = [rows[at + ATTRIBUTE.valueStart]!, rows[at + ATTRIBUTE.valueEnd]!]
    if (ID.compare(bytes, digit, end) === 0) addId(bytes, from, to, step)
    else if (SCORE.compare(bytes, digit, end) === 0) addScore(numberOf(bytes, from, to), step)
  }
  step.documents = most + 1 || step.documents
  return most >= 0
}

/** A number of documents that is told as such. */
export function readCount(value: number, step: Step): void {
  if (value >= 0 && value <= COUNT_MAX && Number.isInteger(value)) step.documents = value
}

/** The documents in an AnyValue: a list, or JSON that is or holds one. True if there is a list, be it empty. */
export function readDocuments(bytes: Buffer, start: number, end: number, step: Step): boolean {
  const list = listIn(plainOf(bytes, start, end), 0)
  if (list === undefined) return false
  step.documents = list.length
  for (const one of list.slice(0, DOCUMENTS_MAX)) readDocument(one, step)
  return true
}

/** Names of the list in an object that holds it. */
const LISTS = [
  'documents',
  'results',
  'matches',
  'hits',
  'source_nodes',
  'nodes',
  'chunks',
  'points',
  'output',
  'kwargs',
]
const IDS = ['id', 'doc_id', 'document_id', 'documentId', '_id', 'id_', 'chunk_id']
const SCORES = ['score', 'relevance_score', 'relevanceScore', 'similarity', 'similarity_score', '_score']
/** Where frameworks wrap a document. */
const WRAPPERS = ['document', 'node', 'metadata', 'kwargs', 'payload']
const NESTED_MAX = 3

type Plain = Readonly<Record<string, unknown>>

function listIn(value: unknown, depth: number): readonly unknown[] | undefined {
  if (Array.isArray(value))
    return value.every((one) => typeof one === 'object' || typeof one === 'string') ? value : undefined
  if (!isPlain(value) || depth > NESTED_MAX) return undefined
  for (const name of LISTS) {
    const list = listIn(value[name], depth + 1)
    if (list !== undefined) return list
  }
  return undefined
}

function readDocument(value: unknown, step: Step): void {
  if (!isPlain(value)) return
  const all = [value, ...WRAPPERS.map((name) => value[name]).filter(isPlain)]
  const id = firstOf(all, IDS, (one) => (typeof one === 'string' && one !== '') || Number.isInteger(one))
  const score = firstOf(all, SCORES, (one) => typeof one === 'number')
  if (id !== undefined) {
    const source = Buffer.from(String(id))
    step.ids.push({ source, start: 0, end: cutText(source, 0, source.length) })
  }
  if (score !== undefined) addScore(score as number, step)
}

function firstOf(all: readonly Plain[], names: readonly string[], fits: (value: unknown) => boolean): unknown {
  for (const one of all) for (const name of names) if (fits(one[name])) return one[name]
  return undefined
}

function plainOf(bytes: Buffer, start: number, end: number): unknown {
  if (end - start > JSON_BYTES_MAX) return undefined
  const kind = valueKind(bytes, start, end)
  if (kind === ARRAY) return plainOfValue(decode('AnyValue', bytes, start, end))
  if (kind !== STRING) return undefined
  const from = contentStart(bytes, start, end)
  // An answer in words is no list, and is not parsed.
  if (bytes[from] !== 91 && bytes[from] !== 123) return undefined
  try {
    return JSON.parse(bytes.toString('utf8', from, end))
  } catch {
    return undefined
  }
}

type Decoded = { readonly [name: string]: unknown }

/** An AnyValue without its wrappings. */
function plainOfValue(value: Decoded): unknown {
  const list = value.arrayValue as { values?: Decoded[] } | undefined
  if (list !== undefined) return (list.values ?? []).map(plainOfValue)
  const pairs = value.kvlistValue as { values?: { key?: string; value?: Decoded }[] } | undefined
  if (pairs !== undefined)
    return Object.fromEntries((pairs.values ?? []).map((one) => [one.key ?? '', plainOfValue(one.value ?? {})]))
  const text = value.stringValue
  if (typeof text === 'string' && text.startsWith('{')) {
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
  const whole = value.intValue
  return text ?? value.doubleValue ?? value.boolValue ?? (whole === undefined ? null : Number(whole))
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function addId(bytes: Buffer, start: number, end: number, step: Step): void {
  const text = textStart(bytes, start, end)
  if (text >= 0 && text < end && step.ids.length < DOCUMENTS_MAX)
    step.ids.push({ source: bytes, start: text, end: cutText(bytes, text, end) })
}

function addScore(score: number, step: Step): void {
  if (Number.isFinite(score) && step.scores.length < DOCUMENTS_MAX) step.scores.push(score)
}

/** The end of at most so many bytes, not within a character. */
export function cutText(bytes: Uint8Array, start: number, end: number, most = ID_BYTES_MAX): number {
  if (end - start <= most) return end
  let at = start + most
  while (at > start && (bytes[at]! & 0xc0) === 0x80) at--
  return at
}
