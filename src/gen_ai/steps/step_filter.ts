/** The first look at a span: could it be a model call or another step? Nearly all other spans end here. */
import { textStart } from '../../telemetry/any_value.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import { isEqual, KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { DATABASE_KEYS, KIND_ATTRIBUTES, KIND_BY_PRESENCE, VECTOR_STORES } from './step_marks_by_key.ts'
import { kindOfName } from './step_span_names.ts'

const stepKeys = [...new Set([...KIND_ATTRIBUTES.map(({ key }) => key), ...KIND_BY_PRESENCE.map(([key]) => key)])]
const ownKeys = new KeySet(stepKeys)
const [SYSTEM, SYSTEM_NAME] = DATABASE_KEYS.map((key) => Buffer.from(key)) as [Buffer, Buffer]
const databases = [SYSTEM, SYSTEM_NAME]
/** Both begin with it. */
const D = 100
const stores = new KeySet(VECTOR_STORES)
/** What the first two bytes of a key leave possible. */
const MARK = 1
const DATABASE = 2

export class StepFilter {
  /** 1 for the bytes with which they begin: most keys are told apart by it alone. */
  readonly #firsts = new Uint8Array(256)
  readonly #pairs = new Uint8Array(1 << 16)

  /** `marks`: keys that mark model calls. */
  constructor(marks: readonly string[]) {
    for (const key of [...marks, ...stepKeys]) this.#pairs[pairAt(Buffer.from(key), 0)]! |= MARK
    for (const key of databases) this.#pairs[pairAt(key, 0)]! |= DATABASE
    for (let pair = 0; pair < this.#pairs.length; pair++) if (this.#pairs[pair] !== 0) this.#firsts[pair >> 8] = 1
  }

  /** Has it an attribute, or a name, as such spans have? */
  passes(view: SpanView): boolean {
    const { bytes, attributes } = view
    const { rows, count } = attributes
    const firsts = this.#firsts
    const pairs = this.#pairs
    for (let at = ATTRIBUTE.keyStart; at < count * ATTRIBUTE.width; at += ATTRIBUTE.width) {
      const start = rows[at]!
      if (firsts[bytes[start]!] === 0) continue
      const pair = pairs[pairAt(bytes, start)]!
      if (pair === 0) continue
      if ((pair & MARK) !== 0) return true
      const length = rows[at + 1]! - start
      if ((length === SYSTEM.length || length === SYSTEM_NAME.length) && isVectorStore(bytes, rows, at)) return true
    }
    return kindOfName(view) !== undefined
  }
}

/** Has the span, that passed the filter, a mark of a step other than a model call? */
export function isMarkedStep(view: SpanView): boolean {
  const { bytes, attributes } = view
  const { rows, count } = attributes
  for (let at = ATTRIBUTE.keyStart; at < count * ATTRIBUTE.width; at += ATTRIBUTE.width)
    if (ownKeys.find(bytes, rows[at]!, rows[at + 1]!) >= 0 || isVectorStore(bytes, rows, at)) return true
  return kindOfName(view) !== undefined
}

/** Is this attribute the name of a database that is a vector store? `at`: column of its key's start. */
function isVectorStore(bytes: Buffer, rows: Int32Array, at: number): boolean {
  const keyStart = rows[at]!
  const keyEnd = rows[at + 1]!
  if (bytes[keyStart] !== D) return false
  const length = keyEnd - keyStart
  const database = length === SYSTEM.length ? SYSTEM : length === SYSTEM_NAME.length ? SYSTEM_NAME : undefined
  if (database === undefined || !isEqual(database, bytes, keyStart, keyEnd)) return false
  const end = rows[at + ATTRIBUTE.valueEnd - ATTRIBUTE.keyStart]!
  const start = textStart(bytes, rows[at + ATTRIBUTE.valueStart - ATTRIBUTE.keyStart]!, end)
  return start >= 0 && stores.find(bytes, start, end) >= 0
}

function pairAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
