/** What a retrieval found: how many documents, their ids and scores. Never their texts. */
import { ARRAY, contentStart, numberOf, textStart, valueKind } from '../../telemetry/any_value.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { cutBetweenCharacters, DOCUMENTS_MAX, type Step, type TextRange } from './step.ts'

const beginning = Buffer.from('retrieval.documents.')
/** `12.document.id`, or `score`. */
const part = /^(\d{1,6})\.(?:document\.(id|score)$)?/
/** Longer lists are not read: they are mostly texts. */
const JSON_BYTES_MAX = 256 << 10

/** Documents told by an attribute for each of their parts, as OpenInference does. False: there are none. */
export function readFlatDocuments({ bytes, attributes }: SpanView, step: Step): boolean {
  let count = 0
  const ids: TextRange[] = []
  const scores: number[] = []
  for (let row = 0; row < attributes.count; row++) {
    const start = attributes.keyStart(row)
    const rest = start + beginning.length
    const end = attributes.keyEnd(row)
    if (end <= rest || beginning.compare(bytes, start, rest) !== 0) continue
    const match = part.exec(bytes.toString('latin1', rest, Math.min(end, rest + 32)))
    if (match === null) continue
    const at = Number(match[1])
    count = Math.max(count, at + 1)
    if (at >= DOCUMENTS_MAX) continue
    const valueStart = attributes.valueStart(row)
    const valueEnd = attributes.valueEnd(row)
    if (match[2] === 'score') {
      const score = numberOf(bytes, valueStart, valueEnd)
      if (Number.isFinite(score)) scores[at] = score
    } else if (match[2] === 'id') {
      const text = textStart(bytes, valueStart, valueEnd)
      if (text >= 0 && text < valueEnd)
        ids[at] = { source: bytes, start: text, end: cutBetweenCharacters(bytes, text, valueEnd) }
      else if (Number.isFinite(numberOf(bytes, valueStart, valueEnd)))
        ids[at] = rangeOf(String(numberOf(bytes, valueStart, valueEnd)))
    }
  }
  if (count === 0) return false
  step.documents = count
  step.documentIds = ids.filter((id) => id !== undefined)
  step.scores = scores.filter((score) => score !== undefined)
  return true
}

/** Documents in a list as JSON, or in the member `documents` of an object. False: it is no such list. */
export function readListedDocuments({ bytes, attributes }: SpanView, row: number, step: Step): boolean {
  const start = attributes.valueStart(row)
  const end = attributes.valueEnd(row)
  if (end - start > JSON_BYTES_MAX || valueKind(bytes, start, end) === ARRAY) return false
  const text = textStart(bytes, start, end)
  if (text < 0 || !(bytes[text] === 0x5b || bytes[text] === 0x7b)) return false
  const list = listIn(bytes.toString('utf8', contentStart(bytes, start, end), end))
  if (list === undefined) return false
  step.documents = list.length
  for (const one of list.slice(0, DOCUMENTS_MAX)) {
    if (typeof one !== 'object' || one === null) continue
    const document = one as Readonly<Record<string, unknown>>
    const id = document.id ?? document.document_id ?? document.doc_id
    if ((typeof id === 'string' && id !== '') || typeof id === 'number') step.documentIds.push(rangeOf(String(id)))
    const score = document.score ?? document.relevance_score ?? document.similarity
    if (typeof score === 'number') step.scores.push(score)
  }
  return true
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const value = JSON.parse(text)
    if (Array.isArray(value)) return value
    return Array.isArray(value?.documents) ? value.documents : undefined
  } catch {
    return undefined
  }
}

function rangeOf(text: string): TextRange {
  const source = Buffer.from(text)
  return { source, start: 0, end: cutBetweenCharacters(source, 0, source.length) }
}
