/**
 * Did a step of an LLM application (a model call, a tool, an agent's run) fail, whatever its span's status says? Many
 * instrumentations leave the status unset. Of a model call `gen_ai` has judged it and left `error.type`; of other steps
 * this reads what their emitters write.
 */
import { boolOf, numberOf, textStart } from '../telemetry/any_value.ts'
import { KeySet } from '../telemetry/key_set.ts'
import { type SpanView, STATUS_ERROR } from '../telemetry/span_view.ts'
import { SLUICE } from './call_fields.ts'
import { STEP } from './step_fields.ts'

/** With one of these a span is a step. */
const marks = [
  SLUICE.dialect,
  STEP.kind,
  'gen_ai.operation.name',
  'gen_ai.tool.name',
  'gen_ai.tool.call.id',
  'gen_ai.agent.name',
  'mcp.method.name',
  'openinference.span.kind',
  'traceloop.span.kind',
  'langfuse.observation.type',
  'langfuse.observation.level',
  'langsmith.span.kind',
  'ai.operationId',
  'mastra.span.type',
  'mlflow.spanType',
  'lmnr.span.type',
  'genkit:type',
  'tool_name',
  'tool.name',
]
/** A text in them tells of a failure, whatever it is. */
const types = ['error.type']
/** How a step ended, as a word. */
const outcomes = [
  'langfuse.observation.level',
  'genkit:state',
  'gen_ai.tool.status',
  'tool.status',
  'langsmith.run.status',
]
/** True: it failed. */
const flags = [
  SLUICE.rateLimited,
  STEP.failed,
  'gen_ai.tool.is_error',
  'gen_ai.tool.call.is_error',
  'mcp.tool.is_error',
  'isError',
  'tool.is_error',
]
/** From 400 on it failed. */
const statuses = ['http.response.status_code', 'http.status_code']

const keys = new KeySet([...new Set([...marks, ...types, ...outcomes, ...flags, ...statuses])])
const rowsOf = (names: readonly string[]) => names.map((name) => keys.names.indexOf(name))
const at = {
  marks: rowsOf(marks),
  types: rowsOf(types),
  outcomes: rowsOf(outcomes),
  flags: rowsOf(flags),
  statuses: rowsOf(statuses),
}
const found = new Int32Array(keys.names.length)
const failedOutcome = /^(error|failed|failure)$/i
const OUTCOME_MAX_BYTES = 16

/** Does the span's status say that it failed, or is it a step that did? The view needs its attributes. */
export function hasFailed(view: SpanView): boolean {
  if (view.statusCode === STATUS_ERROR) return true
  const { bytes, attributes } = view
  attributes.find(bytes, keys, found)
  return at.marks.some(isThere) && tellsFailure(view)
}

/** The same of a span that is known to be a step. */
export function stepFailed(view: SpanView): boolean {
  if (view.statusCode === STATUS_ERROR) return true
  view.attributes.find(view.bytes, keys, found)
  return tellsFailure(view)
}

function tellsFailure(view: SpanView): boolean {
  return (
    at.types.some((key) => hasText(view, found[key]!)) ||
    at.outcomes.some((key) => isFailedOutcome(view, found[key]!)) ||
    at.flags.some((key) => isTrue(view, found[key]!)) ||
    at.statuses.some((key) => isFailedStatus(view, found[key]!))
  )
}

function isThere(key: number): boolean {
  return found[key]! >= 0
}

function hasText({ bytes, attributes }: SpanView, row: number): boolean {
  if (row < 0) return false
  const end = attributes.valueEnd(row)
  const text = textStart(bytes, attributes.valueStart(row), end)
  return text >= 0 && text < end
}

function isFailedOutcome(view: SpanView, row: number): boolean {
  if (!hasText(view, row)) return false
  const end = view.attributes.valueEnd(row)
  const text = textStart(view.bytes, view.attributes.valueStart(row), end)
  return end - text <= OUTCOME_MAX_BYTES && failedOutcome.test(view.bytes.toString('latin1', text, end))
}

function isTrue({ bytes, attributes }: SpanView, row: number): boolean {
  return row >= 0 && boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) === true
}

function isFailedStatus({ bytes, attributes }: SpanView, row: number): boolean {
  return row >= 0 && numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) >= 400
}
