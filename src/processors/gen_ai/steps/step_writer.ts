/** Writing what was found about a step that is no model call onto its span. */
import { STEP, STEP_KINDS, STEP_NEWEST, type StepKind, type StepSignal } from '../../../gen_ai/step_fields.ts'
import { lacksNewest, lacksOperation } from '../../../gen_ai/steps/read_step.ts'
import { STEP_TEXT_NAMES, STEP_TEXTS, type Step, type TextRange } from '../../../gen_ai/steps/step.ts'
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
import type { Noticed } from './step_watch.ts'

/** What the conventions call the operation; other kinds have no word there. */
const operations: Partial<Record<StepKind, string>> = {
  tool: 'execute_tool',
  agent: 'invoke_agent',
  workflow: 'invoke_workflow',
  retrieval: 'retrieval',
}

function signalText(signal: StepSignal): TextRange {
  const source = Buffer.from(signal)
  return { source, start: 0, end: source.length }
}

export class StepWriter {
  readonly #texts: readonly KeyTemplate[]
  readonly #keys: Readonly<Record<keyof typeof STEP, KeyTemplate>>
  readonly #operation: KeyTemplate

  /** `tag`: of the field that an item's attributes are. */
  constructor(tag: number) {
    this.#texts = STEP_TEXTS.map((text) => new KeyTemplate(STEP_TEXT_NAMES[text], tag))
    this.#keys = Object.fromEntries(
      Object.entries(STEP).map(([fact, name]) => [fact, new KeyTemplate(name, tag)]),
    ) as Record<keyof typeof STEP, KeyTemplate>
    this.#operation = new KeyTemplate(STEP_NEWEST.operation, tag)
  }

  /** Writes to `out`, before the span's content, what the span does not say in the newest names. `sluice.step` comes first. */
  write(out: Output, step: Step, { failures, signals }: Noticed): void {
    const keys = this.#keys
    const kind = STEP_KINDS[step.kind]!
    appendString(out, keys.kind, kind)
    const operation = operations[kind]
    if (operation !== undefined && lacksOperation()) appendString(out, this.#operation, operation)
    for (let text = 0; text < STEP_TEXTS.length; text++)
      if (step.has(text) && lacksNewest(text))
        appendText(out, this.#texts[text]!, step.bytes, step.start(text), step.end(text))
    if (step.failed) appendTrue(out, keys.failed)
    if (step.fingerprint !== '') appendString(out, keys.arguments, step.fingerprint)
    if (!Number.isNaN(step.documents)) appendInt(out, keys.documents, step.documents)
    if (step.documentIds.length > 0) appendTexts(out, keys.documentIds, step.documentIds)
    if (step.scores.length > 0) appendDoubles(out, keys.scores, step.scores)
    if (failures > 1) appendInt(out, keys.consecutiveFailures, failures)
    if (signals.length > 0) appendTexts(out, keys.signals, signals.map(signalText))
    if (step.verdict !== '') appendString(out, keys.verdict, step.verdict)
  }
}
