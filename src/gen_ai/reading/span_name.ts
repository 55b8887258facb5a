/** Calls that a span tells of by its name alone: `{operation} {model}`, as the conventions have it, or an emitter's own. */
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import type { DialectRow } from '../dialects/lexicon.ts'
import type { ModelCall } from '../model_call.ts'
import type { Spellings } from '../spellings.ts'

/** Longer names are prose. */
const NAME_BYTES_MAX = 200
/** A span's kind. */
const CLIENT = 3
const BLANK = 32
const DOT = 46

/**
 * Does the span's name say that it is a call? Sets the operation then, and the model where the name has one. Names of the
 * dialect's own always do; those of the conventions only if `isFailed`: what went well has attributes.
 */
export function readName(view: SpanView, dialect: DialectRow, call: ModelCall, isFailed: boolean): boolean {
  const { bytes, nameStart: start, nameEnd: end } = view
  if (start < 0 || end - start > NAME_BYTES_MAX) return false
  const own = dialect.spanNames.find(bytes, start, end)
  if (own >= 0) call.operation = dialect.spanNames.valueOf(own)
  return own >= 0 || (isFailed && readConvention(view, dialect.operations, call))
}

/** `chat m`; of a client, `chat` or as OpenLLMetry has it `openai.chat`. */
function readConvention(view: SpanView, operations: Spellings, call: ModelCall): boolean {
  const { bytes, nameStart: start, nameEnd: end } = view
  const blank = bytes.subarray(start, end).indexOf(BLANK)
  if (blank < 0 && view.kind !== CLIENT) return false
  const behind = blank < 0 ? end : start + blank
  let spelling = operations.find(bytes, start, behind)
  if (spelling < 0 && blank < 0) {
    const dot = bytes.subarray(start, end).lastIndexOf(DOT)
    spelling = operations.find(bytes, start + dot + 1, end)
  }
  if (spelling < 0 || bytes.subarray(behind + 1, end).includes(BLANK)) return false
  call.operation = operations.valueOf(spelling)
  if (behind + 1 < end && !call.has(FIELD.requestModel)) call.setText(FIELD.requestModel, behind + 1, end)
  return true
}
