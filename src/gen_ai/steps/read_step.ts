/** From the bytes of a span to the facts of a step that is no model call. */
import { boolOf, contentStart, numberOf, STRING, textStart, valueKind } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { stepFailed } from '../step_failure.ts'
import { STEP, STEP_KINDS, STEP_NEWEST, type StepKind } from '../step_fields.ts'
import { cutText, readCount, readDocuments, readListedDocuments } from './documents.ts'
import { fingerprintOfJson } from './fingerprint.ts'
import type { Step } from './step.ts'
import {
  ARGUMENT_NAMES,
  BLOCKED,
  COUNT_NAMES,
  DOCUMENT_NAMES,
  NAMED_BY_SPAN,
  NAMES_BY_KIND,
  PASS_NAMES,
  PASSED,
  STEP_TEXTS,
  TEXT_NAMES,
  TRIGGER_NAMES,
  VERDICT_NAMES,
} from './step_fact_names.ts'
import { isMarkedStep } from './step_filter.ts'
import { kindOfStep } from './step_kind.ts'
import { namedFrom, namedTo } from './step_span_names.ts'

const names = [
  ...new Set([
    ...[STEP.kind, STEP_NEWEST.operation],
    ...Object.values(TEXT_NAMES).flat(),
    ...Object.values(NAMES_BY_KIND).flatMap((texts) => Object.values(texts).flat()),
    ...[...ARGUMENT_NAMES, ...COUNT_NAMES, ...DOCUMENT_NAMES, ...VERDICT_NAMES, ...TRIGGER_NAMES, ...PASS_NAMES],
  ]),
]
const keys = new KeySet(names)
const found = new Int32Array(names.length)
const allAt = (list: readonly string[]) => list.map((name) => names.indexOf(name))
const at = {
  judged: names.indexOf(STEP.kind),
  operation: names.indexOf(STEP_NEWEST.operation),
  arguments: allAt(ARGUMENT_NAMES),
  counts: allAt(COUNT_NAMES),
  documents: allAt(DOCUMENT_NAMES),
  verdicts: allAt(VERDICT_NAMES),
  triggers: allAt(TRIGGER_NAMES),
  passes: allAt(PASS_NAMES),
}
/** By kind: each text with its names. */
const textsOf = Object.fromEntries(
  STEP_KINDS.map((kind) => [
    kind,
    STEP_TEXTS.map((text) => ({
      text,
      newest: newestNameOf(text),
      keys: allAt([...TEXT_NAMES[text], ...(NAMES_BY_KIND[kind]?.[text] ?? [])]),
    })).filter((one) => one.keys.length > 0),
  ]),
) as unknown as Record<StepKind, readonly { text: (typeof STEP_TEXTS)[number]; newest: number; keys: number[] }[]>

/** A text of a step in bytes: what is longer is cut. */
const TEXT_BYTES_MAX = 200
const WORD_BYTES_MAX = 32

/**
 * Fills `step` from the span that `view` is on, which is no model call. False if it is no step either, or was judged before.
 * `key`: of the fingerprints.
 */
export function readStep(view: SpanView, step: Step, key: Uint8Array): boolean {
  if (!isMarkedStep(view)) return false
  const kind = kindOfStep(view)
  if (kind === undefined) return false
  if (!readFacts(view, step, kind, key)) return false
  step.failed = stepFailed(view)
  return true
}

/** The same of the log record of a tool's execution, which `recorded_step.ts` has recognised. `failed`: it says so. */
export function readRecordedFacts(view: SpanView, step: Step, key: Uint8Array, failed: boolean): boolean {
  const isRead = readFacts(view, step, 'tool', key) && step.has('toolName')
  step.failed = failed
  return isRead
}

/** False if the item was judged before. */
function readFacts(view: SpanView, step: Step, kind: StepKind, key: Uint8Array): boolean {
  view.attributes.find(view.bytes, keys, found)
  if (found[at.judged]! >= 0) return false
  step.reset(view.bytes, kind)
  step.hasOperation = found[at.operation]! >= 0
  for (const { text, newest, keys } of textsOf[kind]) readStepText(view, step, text, newest, keys)
  if (!view.isRecord) readSpanName(view, step)
  if (kind === 'tool') readArguments(view, step, key)
  if (kind === 'retrieval') readFound(view, step)
  if (kind === 'guardrail') step.verdict = verdictOf(view)
  return true
}

function newestNameOf(text: (typeof STEP_TEXTS)[number]): number {
  if (text === 'promptName') return names.indexOf('gen_ai.prompt.name')
  if (text === 'promptVersion') return names.indexOf('gen_ai.prompt.version')
  return text === 'handoffTo' ? -1 : names.indexOf(STEP_NEWEST[text])
}

function readStepText(
  view: SpanView,
  step: Step,
  text: (typeof STEP_TEXTS)[number],
  newest: number,
  candidates: readonly number[],
): void {
  const { bytes, attributes } = view
  for (const candidate of candidates) {
    const row = found[candidate]!
    if (row < 0) continue
    const end = attributes.valueEnd(row)
    const start = textStart(bytes, attributes.valueStart(row), end)
    if (start < 0) continue
    // MLflow writes every text as JSON.
    const quoted = end - start > 2 && bytes[start] === QUOTE && bytes[end - 1] === QUOTE ? 1 : 0
    if (start + quoted >= end - quoted) continue
    step.setText(
      text,
      start + quoted,
      cutText(bytes, start + quoted, end - quoted, TEXT_BYTES_MAX),
      candidate === newest,
    )
    return
  }
}

const QUOTE = 34

/** The span's name, where nothing else names the tool, agent or workflow, and whom is handed over to. */
function readSpanName(view: SpanView, step: Step): void {
  const text = step.kind === 'handoff' ? 'handoffTo' : NAMED_BY_SPAN[step.kind]
  const start = namedFrom(view)
  if (step.kind === 'retrieval' && !step.has('dataSourceId') && start > view.nameStart) {
    step.setText('dataSourceId', start, cutText(view.bytes, start, namedTo(view), TEXT_BYTES_MAX))
    return
  }
  if (text === undefined || step.has(text)) return
  const end = cutText(view.bytes, start, namedTo(view), TEXT_BYTES_MAX)
  if (start < end) step.setText(text, start, end)
}

function readArguments(view: SpanView, step: Step, key: Uint8Array): void {
  const { bytes, attributes } = view
  const candidate = at.arguments.find((one) => found[one]! >= 0)
  if (candidate === undefined) return
  const row = found[candidate]!
  const [from, end] = [attributes.valueStart(row), attributes.valueEnd(row)]
  if (from >= end) return
  const start = valueKind(bytes, from, end) === STRING ? contentStart(bytes, from, end) : from
  step.arguments = fingerprintOfJson(key, bytes, start, end)
}

function readFound(view: SpanView, step: Step): void {
  const { bytes, attributes } = view
  const isListed = readListedDocuments(view, step)
  for (const one of isListed ? [] : at.documents) {
    const row = found[one]!
    if (row >= 0 && readDocuments(bytes, attributes.valueStart(row), attributes.valueEnd(row), step)) break
  }
  const count = at.counts.find((one) => found[one]! >= 0)
  if (count === undefined) return
  const row = found[count]!
  readCount(numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)), step)
}

function verdictOf(view: SpanView): 'passed' | 'blocked' | undefined {
  const told = at.verdicts.find((one) => found[one]! >= 0)
  const word = told === undefined ? '' : shortText(view, found[told]!)
  if (BLOCKED.test(word)) return 'blocked'
  if (PASSED.test(word)) return 'passed'
  const struck = flagAmong(view, at.triggers)
  if (struck !== undefined) return struck ? 'blocked' : 'passed'
  const passed = flagAmong(view, at.passes)
  return passed === undefined ? undefined : passed ? 'passed' : 'blocked'
}

function flagAmong({ bytes, attributes }: SpanView, candidates: readonly number[]): boolean | undefined {
  for (const one of candidates) {
    const row = found[one]!
    const flag = row < 0 ? undefined : boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
    if (flag !== undefined) return flag
  }
  return undefined
}

function shortText({ bytes, attributes }: SpanView, row: number): string {
  const end = attributes.valueEnd(row)
  const start = textStart(bytes, attributes.valueStart(row), end)
  return start < 0 || end - start > WORD_BYTES_MAX ? '' : bytes.toString('latin1', start, end)
}
