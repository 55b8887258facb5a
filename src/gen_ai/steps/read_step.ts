/** Reading a span that is no model call: is it a step, of which kind, and what does it tell? */
import { boolOf, numberOf, textStart } from '../../telemetry/any_value.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { hasFailed } from '../step_failure.ts'
import { STEP, STEP_KINDS, STEP_NEWEST, type StepKind } from '../step_fields.ts'
import { argumentsFingerprint } from './arguments_fingerprint.ts'
import { readFlatDocuments, readListedDocuments } from './retrieved_documents.ts'
import { STEP_TEXT_NAMES, STEP_TEXTS, type Step, type StepText } from './step.ts'
import {
  argumentSources,
  bareMarks,
  databaseMarks,
  databaseOperations,
  databaseQuery,
  documentCounts,
  documentLists,
  entityNames,
  guardrailFlags,
  guardrailPassed,
  guardrailWords,
  nameBeginnings,
  stepMarks,
  textSources,
  vectorDatabases,
  wholeNames,
} from './step_names.ts'

/** Who wrote a step; `Step.dialect` is a position here. */
export const STEP_DIALECTS = [
  ...new Set([...stepMarks, ...bareMarks].map(({ dialect }) => dialect)),
  'vector-database',
  'span-name',
]
const VECTOR_DATABASE = STEP_DIALECTS.indexOf('vector-database')
const SPAN_NAME = STEP_DIALECTS.indexOf('span-name')

const marks = new KeySet([...new Set([...stepMarks.map(keyOf), ...bareMarks.map(keyOf), ...databaseMarks])])
/** 1 for the two bytes with which a mark begins: nearly all attributes of other spans begin otherwise. */
const firstTwo = new Uint8Array(1 << 16)
for (const name of marks.names) firstTwo[(name.charCodeAt(0) << 8) | name.charCodeAt(1)] = 1

const keys = new KeySet([
  ...new Set([
    ...marks.names,
    ...Object.values(textSources).flat(),
    ...[...entityNames, ...argumentSources, ...documentCounts, ...documentLists, ...databaseOperations],
    ...[...guardrailFlags, ...guardrailWords, ...guardrailPassed, STEP.kind, STEP_NEWEST.operation],
  ]),
])
const found = new Int32Array(keys.names.length)
const at = {
  stepMarks: rowsOf(stepMarks.map(keyOf)),
  bareMarks: rowsOf(bareMarks.map(keyOf)),
  databases: rowsOf(databaseMarks),
  operations: rowsOf(databaseOperations),
  texts: STEP_TEXTS.map((name) => rowsOf(textSources[name])),
  entities: rowsOf(entityNames),
  arguments: rowsOf(argumentSources),
  counts: rowsOf(documentCounts),
  lists: rowsOf(documentLists),
  flags: rowsOf(guardrailFlags),
  verdicts: rowsOf(guardrailWords),
  passed: rowsOf(guardrailPassed),
  judged: rowsOf([STEP.kind])[0]!,
  operation: rowsOf([STEP_NEWEST.operation])[0]!,
}
/** Of each text, where its newest name stands among the keys; -1 where there is none. */
const newest = STEP_TEXTS.map((name) => keys.names.indexOf(STEP_TEXT_NAMES[name]))

const databases = new Set(vectorDatabases)
const beginnings = nameBeginnings.map(([text, kind]) => ({ text: Buffer.from(text), kind }))
const whole = new KeySet(Object.keys(wholeNames))
const WORD_BYTES_MAX = 40
const QUOTE = 0x22
const SERVER = 2
const blocked = /block|fail|den(?:y|ied)|reject|interven|trip|trigger|violat/i
const passes = /pass|allow|^ok$|success|none|clean|safe/i

/** Which text names a step of the kind. */
const nameOf: Partial<Record<StepKind, StepText>> = { tool: 'toolName', agent: 'agentName', workflow: 'workflowName' }
/** What span names begin with before the name of what ran, and what they end with. */
const beforeName =
  /^(?:execute_tool|invoke_agent|invoke_workflow|running tool:?|agent run:?|tools\/call|tool\.|chain\.) ?/
const NAME_BYTES_MAX = 400

/** Could the span be such a step? Spans of other kinds end here. */
function mayBeStep({ bytes, attributes, nameStart, nameEnd }: SpanView): boolean {
  const { rows, count } = attributes
  const stop = count * ATTRIBUTE.width
  for (let row = ATTRIBUTE.keyStart; row < stop; row += ATTRIBUTE.width) {
    const start = rows[row]!
    if (firstTwo[(bytes[start]! << 8) | bytes[start + 1]!] === 1 && marks.find(bytes, start, rows[row + 1]!) >= 0)
      return true
  }
  return nameStart >= 0 && kindOfName(bytes, nameStart, nameEnd) !== undefined
}

/** Fills `step` from the span, which must be no model call. False: it is no step, or has been read already. */
export function readStep(view: SpanView, step: Step, secret: Buffer): boolean {
  if (!mayBeStep(view)) return false
  const { bytes, attributes } = view
  attributes.find(bytes, keys, found)
  if (found[at.judged]! >= 0) return false
  const kind = kindOf(view, step)
  if (kind === undefined || isOtherSide(view)) return false
  step.reset(bytes)
  step.kind = STEP_KINDS.indexOf(kind)
  for (let text = 0; text < STEP_TEXTS.length; text++) setFirstText(view, step, text, at.texts[text]!)
  const name = nameOf[kind]
  if (name !== undefined && !step.has(STEP_TEXTS.indexOf(name))) setName(view, step, STEP_TEXTS.indexOf(name))
  if (kind === 'tool') setFingerprint(view, step, secret)
  if (kind === 'retrieval') readDocuments(view, step)
  if (kind === 'guardrail') step.verdict = verdictOf(view)
  step.failed = hasFailed(view)
  return true
}

/** Of the step just read: has the span no attribute of the text's newest name? */
export function lacksNewest(text: number): boolean {
  const key = newest[text]!
  return key < 0 || found[key]! < 0
}

/** Of the step just read: has the span no `gen_ai.operation.name`? */
export function lacksOperation(): boolean {
  return found[at.operation]! < 0
}

function kindOf(view: SpanView, step: Step): StepKind | undefined {
  let isTold = false
  for (let mark = 0; mark < stepMarks.length; mark++) {
    const row = found[at.stepMarks[mark]!]!
    if (row < 0) continue
    isTold = true
    const { words, dialect } = stepMarks[mark]!
    const word = wordOf(view, row).toLowerCase()
    const rule = Object.hasOwn(words, word) ? words[word] : undefined
    if (rule === undefined) continue
    step.dialect = STEP_DIALECTS.indexOf(dialect)
    return kindByRule(rule, view)
  }
  if (isTold) return undefined
  for (let mark = 0; mark < bareMarks.length; mark++) {
    if (found[at.bareMarks[mark]!]! < 0) continue
    step.dialect = STEP_DIALECTS.indexOf(bareMarks[mark]!.dialect)
    return kindByRule(bareMarks[mark]!.rule, view)
  }
  if (at.databases.some((key) => found[key]! >= 0 && databases.has(wordOf(view, found[key]!).toLowerCase()))) {
    step.dialect = VECTOR_DATABASE
    return isQuery(view) ? 'retrieval' : undefined
  }
  step.dialect = SPAN_NAME
  return view.nameStart < 0 ? undefined : kindOfName(view.bytes, view.nameStart, view.nameEnd)
}

function kindByRule(rule: StepKind | `root ${StepKind}`, { parentId }: SpanView): StepKind | undefined {
  if (!rule.startsWith('root ')) return rule as StepKind
  return parentId < 0 ? (rule.slice(5) as StepKind) : undefined
}

function kindOfName(bytes: Buffer, start: number, end: number): StepKind | undefined {
  const known = whole.find(bytes, start, end)
  if (known >= 0) return wholeNames[whole.names[known]!]
  for (const { text, kind } of beginnings)
    if (bytes[start] === text[0] && end - start > text.length && text.compare(bytes, start, start + text.length) === 0)
      return kind
  return undefined
}

function isQuery(view: SpanView): boolean {
  const row = firstOf(at.operations)
  const { bytes, nameStart, nameEnd } = view
  if (row >= 0 && databaseQuery.test(wordOf(view, row))) return true
  return nameStart >= 0 && databaseQuery.test(bytes.toString('latin1', nameStart, Math.min(nameEnd, nameStart + 100)))
}

/** A server's side of a tool call by MCP: its client tells of the same. */
function isOtherSide({ kind, parentId }: SpanView): boolean {
  return kind === SERVER && parentId >= 0 && found[mcp]! >= 0
}
const mcp = keys.names.indexOf('mcp.method.name')

function setFirstText(view: SpanView, step: Step, text: number, sources: readonly number[]): boolean {
  const { bytes, attributes } = view
  for (let source = 0; source < sources.length; source++) {
    const row = found[sources[source]!]!
    if (row < 0) continue
    let end = attributes.valueEnd(row)
    let start = textStart(bytes, attributes.valueStart(row), end)
    if (start < 0) continue
    if (end - start >= 2 && bytes[start] === QUOTE && bytes[end - 1] === QUOTE) {
      start++
      end--
    }
    if (start === end) continue
    step.setText(text, start, end)
    return true
  }
  return false
}

/** The name of a step whose attributes do not name it: what its emitter calls the part, or the span's name. */
function setName(view: SpanView, step: Step, text: number): void {
  if (setFirstText(view, step, text, at.entities)) return
  const { bytes, nameStart, nameEnd } = view
  if (nameStart < 0 || nameEnd - nameStart > NAME_BYTES_MAX) return
  const before = beforeName.exec(bytes.toString('latin1', nameStart, nameEnd))?.[0].length ?? 0
  step.setText(text, nameStart + before, nameEnd)
}

function setFingerprint({ bytes, attributes }: SpanView, step: Step, secret: Buffer): void {
  const row = firstOf(at.arguments)
  if (row < 0) return
  const end = attributes.valueEnd(row)
  const text = textStart(bytes, attributes.valueStart(row), end)
  const start = text < 0 ? attributes.valueStart(row) : text
  if (start < end) step.fingerprint = argumentsFingerprint(secret, bytes, start, end)
}

function readDocuments(view: SpanView, step: Step): void {
  const { bytes, attributes } = view
  if (!readFlatDocuments(view, step))
    for (const key of at.lists) if (found[key]! >= 0 && readListedDocuments(view, found[key]!, step)) break
  const row = firstOf(at.counts)
  if (row < 0) return
  const count = numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
  if (count >= 0 && Number.isSafeInteger(count)) step.documents = count
}

function verdictOf(view: SpanView): Step['verdict'] {
  for (const key of at.flags) {
    const flag = flagOf(view, found[key]!)
    if (flag !== undefined) return flag ? 'blocked' : 'passed'
  }
  for (const key of at.passed) {
    const flag = flagOf(view, found[key]!)
    if (flag !== undefined) return flag ? 'passed' : 'blocked'
  }
  for (const key of at.verdicts) {
    const word = found[key]! < 0 ? '' : wordOf(view, found[key]!)
    if (blocked.test(word)) return 'blocked'
    if (passes.test(word)) return 'passed'
  }
  return ''
}

function flagOf({ bytes, attributes }: SpanView, row: number): boolean | undefined {
  return row < 0 ? undefined : boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
}

/** A short text without the quotes of JSON; empty for anything else. */
function wordOf({ bytes, attributes }: SpanView, row: number): string {
  const end = attributes.valueEnd(row)
  const start = textStart(bytes, attributes.valueStart(row), end)
  if (start < 0 || end - start > WORD_BYTES_MAX) return ''
  return bytes.toString('latin1', start, end).replaceAll('"', '')
}

function firstOf(sources: readonly number[]): number {
  for (const key of sources) if (found[key]! >= 0) return found[key]!
  return -1
}

function rowsOf(names: readonly string[]): readonly number[] {
  return names.map((name) => keys.names.indexOf(name))
}

function keyOf({ key }: { readonly key: string }): string {
  return key
}
