/** Log records that tell of a tool's execution, where no span does: Claude Code, Codex, Gemini CLI and its forks. */
import { boolOf, textStart } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { RecordView } from '../../telemetry/record_view.ts'
import type { RecordCandidates } from '../reading/recognise_record.ts'
import { readRecordedFacts } from './read_step.ts'
import type { Step } from './step.ts'

const events = new KeySet([
  'claude_code.tool_result',
  'codex.tool_result',
  'gemini_cli.tool_call',
  'qwen-code.tool_call',
])
/** The short name, which holds in the scope of an emitter of such records only. */
const SHORT = Buffer.from('tool_result')
/** Emitters of these write spans of the same executions, as soon as they write any. */
const WITH_SPANS = Buffer.from('claude_code.')

const outcomes = new KeySet(['success', 'error', 'error.type', 'error_message'])
const found = new Int32Array(outcomes.names.length)

/** Fills `step` from a record that is one; false for others. `key`: of the fingerprints. */
export function readRecordedStep(view: RecordView, { marks }: RecordCandidates, step: Step, key: Uint8Array): boolean {
  if (view.eventStart < 0) return false
  const isShort = view.isEvent(SHORT) && marks.some(({ scope }) => scope !== undefined)
  if (!isShort && events.find(view.bytes, view.eventStart, view.eventEnd) < 0) return false
  if (view.traceId >= 0 && (isShort || view.isEventOf(WITH_SPANS))) return false
  view.attributes.find(view.bytes, outcomes, found)
  return readRecordedFacts(view, step, key, hasFailedRecord(view))
}

/** What it says of success goes before what it says of errors. */
function hasFailedRecord({ bytes, attributes }: RecordView): boolean {
  const [success, ...errors] = found
  if (success! >= 0) {
    const flag = boolOf(bytes, attributes.valueStart(success!), attributes.valueEnd(success!))
    if (flag !== undefined) return !flag
  }
  return errors.some((row) => {
    if (row < 0) return false
    const end = attributes.valueEnd(row)
    const start = textStart(bytes, attributes.valueStart(row), end)
    return start >= 0 && start < end
  })
}
