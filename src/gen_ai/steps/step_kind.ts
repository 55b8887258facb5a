/** Is a span a step that is no model call, and of which kind? */
import { boolOf, textStart } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import type { StepKind } from '../step_fields.ts'
import {
  DATABASE_KEYS,
  DATABASE_OPERATIONS,
  KIND_ATTRIBUTES,
  KIND_BY_PRESENCE,
  KINDS_BY_ENDING,
  SEARCHES,
  VECTOR_STORES,
} from './step_marks_by_key.ts'
import { kindOfName } from './step_span_names.ts'

const OPERATION = 'gen_ai.operation.name'
const ENTITY_PATH = 'traceloop.entity.path'
const IS_ROOT = 'langfuse.internal.is_app_root'
const names = [
  ...new Set([
    ...KIND_ATTRIBUTES.map(({ key }) => key),
    ...KIND_BY_PRESENCE.map(([key]) => key),
    ...DATABASE_KEYS,
    ...DATABASE_OPERATIONS,
    ...[ENTITY_PATH, IS_ROOT],
  ]),
]
const keys = new KeySet(names)
const at = (name: string) => names.indexOf(name)
const attributes = KIND_ATTRIBUTES.map(({ key, kinds }) => ({ key: at(key), kinds: new Map(Object.entries(kinds)) }))
const byEnding = KINDS_BY_ENDING.map(({ key, ending, kind }) => ({ key: at(key), ending, kind }))
const byPresence = KIND_BY_PRESENCE.map(([key, kind]) => ({ key: at(key), kind }))
const systems = DATABASE_KEYS.map(at)
const operations = DATABASE_OPERATIONS.map(at)
const stores: ReadonlySet<string> = new Set(VECTOR_STORES)
const OPERATION_AT = at(OPERATION)
const MCP_AT = at('mcp.method.name')
const PATH_AT = at(ENTITY_PATH)
const ROOT_AT = at(IS_ROOT)
const found = new Int32Array(names.length)

/** Longest value that can be the name of a kind, and of an operation of a database. */
const WORD_BYTES_MAX = 64
const SERVER = 2

/** Kind of the step that the span is; undefined if it is none. The span is no model call. */
export function kindOfStep(view: SpanView): StepKind | undefined {
  view.attributes.find(view.bytes, keys, found)
  // The other side of a call that the client reports.
  if (view.kind === SERVER && found[MCP_AT]! >= 0 && view.parentId >= 0) return undefined
  const named = kindOfName(view)
  if (named === 'handoff') return named
  for (const { key, kinds } of attributes) {
    const kind = found[key]! < 0 ? undefined : kinds.get(word(view, found[key]!))
    if (kind === 'chain') return isRun(view) ? 'workflow' : undefined
    if (kind !== undefined) return kind
  }
  for (const { key, ending, kind } of byEnding)
    if (found[key]! >= 0 && ending.test(word(view, found[key]!))) return kind
  if (found[OPERATION_AT]! >= 0) return named
  for (const { key, kind } of byPresence) if (found[key]! >= 0) return kind
  return isSearch(view) ? 'retrieval' : named
}

/** A chain of a trace's own, no piece of another one. */
function isRun(view: SpanView): boolean {
  if (view.parentId < 0) return true
  if (found[ROOT_AT]! >= 0) {
    const row = found[ROOT_AT]!
    return boolOf(view.bytes, view.attributes.valueStart(row), view.attributes.valueEnd(row)) === true
  }
  // OpenLLMetry lists what is above there: with nothing above it is the outermost.
  return found[PATH_AT]! >= 0 && word(view, found[PATH_AT]!) === ''
}

function isSearch(view: SpanView): boolean {
  const system = systems.find((key) => found[key]! >= 0)
  if (system === undefined || !stores.has(word(view, found[system]!))) return false
  const operation = operations.find((key) => found[key]! >= 0)
  if (operation !== undefined) return SEARCHES.test(word(view, found[operation]!))
  const { bytes, nameStart, nameEnd } = view
  return SEARCHES.test(bytes.toString('latin1', nameStart, Math.min(nameEnd, nameStart + WORD_BYTES_MAX)))
}

/** A value that is one word, in lower case, without the quotes of JSON; what is longer than a word is cut. */
function word({ bytes, attributes: rows }: SpanView, row: number): string {
  const end = rows.valueEnd(row)
  const start = textStart(bytes, rows.valueStart(row), end)
  if (start < 0) return '-'
  const text = bytes.toString('latin1', start, Math.min(end, start + WORD_BYTES_MAX)).toLowerCase()
  return text.length > 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
