/** Writing what was found about a step that is no model call onto its span. */
import { PROMPT, STEP, STEP_KINDS, STEP_NEWEST, STEP_SIGNALS, type StepKind } from '../../../gen_ai/step_fields.ts'
import type { Step } from '../../../gen_ai/steps/step.ts'
import type { StepText } from '../../../gen_ai/steps/step_fact_names.ts'
import type { StepFindings } from '../../../gen_ai/steps/watching/step_watch.ts'
import type { Output } from '../../../otlp/output.ts'
import {
  appendDoubles,
  appendInt,
  appendString,
  appendText,
  appendTexts,
  appendTrue,
  KeyTemplate,
} from '../../../telemetry/attribute_writer.ts'

/** Operations as the newest conventions name them; those of other kinds they do not name. */
const operations: Readonly<Partial<Record<StepKind, string>>> = {
  tool: 'execute_tool',
  agent: 'invoke_agent',
  workflow: 'invoke_workflow',
  retrieval: 'retrieval',
}

const written: readonly (readonly [StepText, string])[] = [
  ...(['toolName', 'toolType', 'toolCallId', 'agentName', 'agentId', 'workflowName'] as const).map(
    (text) => [text, STEP_NEWEST[text]] as const,
  ),
  ...(['conversationId', 'dataSourceId'] as const).map((text) => [text, STEP_NEWEST[text]] as const),
  ['promptName', PROMPT.name],
  ['promptVersion', PROMPT.version],
  ['handoffTo', STEP.handoffTo],
]

const signalTexts = STEP_SIGNALS.map((signal) => {
  const source = Buffer.from(signal)
  return { source, start: 0, end: source.length }
})

/** Writes steps onto items whose attributes have the field with this tag. */
export class StepWriter {
  readonly #own: Readonly<Record<keyof typeof STEP, KeyTemplate>>
  readonly #operation: KeyTemplate
  readonly #texts: readonly { readonly text: StepText; readonly key: KeyTemplate }[]
  readonly #kinds = Object.fromEntries(STEP_KINDS.map((kind) => [kind, Buffer.from(kind)])) as Record<StepKind, Buffer>

  constructor(tag: number) {
    const key = (name: string) => new KeyTemplate(name, tag)
    this.#own = Object.fromEntries(Object.entries(STEP).map(([name, full]) => [name, key(full)])) as Record<
      keyof typeof STEP,
      KeyTemplate
    >
    this.#operation = key(STEP_NEWEST.operation)
    this.#texts = written.map(([text, name]) => ({ text, key: key(name) }))
  }

  /** Writes the step's facts to `out`, to stand before the item's content, `sluice.step` first. `consecutiveFailures` is told from 2 on. */
  write(out: Output, step: Step, { consecutiveFailures, signals }: StepFindings): void {
    const own = this.#own
    const kind = this.#kinds[step.kind]
    appendText(out, own.kind, kind, 0, kind.length)
    const operation = operations[step.kind]
    if (operation !== undefined && !step.hasOperation) appendString(out, this.#operation, operation)
    for (const { text, key } of this.#texts)
      if (step.has(text) && !step.isNewest(text)) appendText(out, key, step.bytes, step.start(text), step.end(text))
    if (step.failed) appendTrue(out, own.failed)
    if (step.arguments !== '') appendString(out, own.arguments, step.arguments)
    if (consecutiveFailures > 1) appendInt(out, own.consecutiveFailures, consecutiveFailures)
    if (step.documents >= 0) appendInt(out, own.documents, step.documents)
    if (step.ids.length > 0) appendTexts(out, own.documentIds, step.ids)
    if (step.scores.length > 0) appendDoubles(out, own.scores, step.scores)
    if (step.verdict !== undefined) appendString(out, own.verdict, step.verdict)
    if (signals !== 0)
      appendTexts(
        out,
        own.signals,
        signalTexts.filter((_, bit) => (signals >>> bit) & 1),
      )
  }
}
