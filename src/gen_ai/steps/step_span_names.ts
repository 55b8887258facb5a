/** What the name of a span alone says: of which kind a step is, and the name of the tool, agent or workflow. */
import type { SpanView } from '../../telemetry/span_view.ts'
import type { StepKind } from '../step_fields.ts'

/** Beginnings of names behind which the name of the tool, agent, … stands. They hold of spans in any scope. */
const beginnings: readonly (readonly [string, StepKind])[] = [
  ['execute_tool ', 'tool'],
  ['invoke_agent ', 'agent'],
  ['invoke_workflow ', 'workflow'],
  ['tools/call ', 'tool'],
  ['tool.', 'tool'],
  ['retrieval.', 'retrieval'],
  ['retrieval ', 'retrieval'],
  ['chain.', 'workflow'],
  ['handoff to ', 'handoff'],
  ['Handoff to ', 'handoff'],
]

/** Whole names. Blanks, underscores and hyphens are one. */
const whole: readonly (readonly [RegExp, StepKind])[] = [
  [/^(?:retrieve|retrieval)[-_ ](?:documents?|docs|context|chunks|passages)$/i, 'retrieval'],
  [/^(?:input|output|safety|content)?[-_ ]?guardrails?(?:[-_ ](?:check|input|output|validation))?$/i, 'guardrail'],
  [/^(?:construct|build|assemble|render|format)[-_ ]prompt$/i, 'prompt'],
]
/** The longest name that is one of them, in bytes. */
const WHOLE_BYTES_MAX = 32

/** Names that begin otherwise say nothing: the first two bytes of those that do. */
const pairs = new Uint8Array(1 << 16)
for (const [beginning] of beginnings) pairs[pairOf(Buffer.from(beginning), 0)] = 1
for (const two of 're gu co bu as fo in ou sa'.split(' '))
  for (const form of [two, two[0]!.toUpperCase() + two[1]!]) pairs[pairOf(Buffer.from(form), 0)] = 1

const prefixes = beginnings.map(([beginning, kind]) => ({ bytes: Buffer.from(beginning), kind }))

/** The kind that a span's name tells of by itself, undefined if it does not. */
export function kindOfName(view: SpanView): StepKind | undefined {
  const { bytes, nameStart: start, nameEnd: end } = view
  if (end - start < 4 || pairs[pairOf(bytes, start)] === 0) return undefined
  const prefix = prefixes.find((one) => beginsWithBytes(one.bytes, bytes, start, end))
  if (prefix !== undefined) return prefix.kind
  if (end - start > WHOLE_BYTES_MAX) return undefined
  const name = bytes.toString('latin1', start, end)
  return whole.find(([pattern]) => pattern.test(name))?.[1]
}

/** Where, in the span's name, the name of what it did begins: behind `execute_tool ` and the like. */
export function namedFrom({ bytes, nameStart: start, nameEnd: end }: SpanView): number {
  const prefix = prefixes.find((one) => beginsWithBytes(one.bytes, bytes, start, end))
  return prefix === undefined ? start : start + prefix.bytes.length
}

/** Endings that instrumentations put behind a name. */
const endings = ['.tool', '.agent', '.workflow', '.run', '.task', '.handoff'].map((ending) => Buffer.from(ending))

/** Where it ends. */
export function namedTo({ bytes, nameStart: start, nameEnd: end }: SpanView): number {
  for (const ending of endings) {
    const from = end - ending.length
    if (from > start && ending.compare(bytes, from, end) === 0) return from
  }
  return end
}

function beginsWithBytes(beginning: Buffer, bytes: Buffer, start: number, end: number): boolean {
  return end - start > beginning.length && beginning.compare(bytes, start, start + beginning.length) === 0
}

function pairOf(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
