/** Writing which prompt it was onto the span or log record of a model call. */
import { PROMPT } from '../../../gen_ai/step_fields.ts'
import { PromptReader } from '../../../gen_ai/steps/prompt_reader.ts'
import type { Output } from '../../../otlp/output.ts'
import { appendString, appendText, KeyTemplate } from '../../../telemetry/attribute_writer.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'

export class PromptWriter {
  readonly #prompt: PromptReader
  readonly #name: KeyTemplate
  readonly #version: KeyTemplate
  readonly #fingerprint: KeyTemplate

  /** `tag`: of the field that attributes are; `key`: of fingerprints. */
  constructor(tag: number, key: Uint8Array) {
    this.#prompt = new PromptReader(key)
    this.#name = new KeyTemplate(PROMPT.name, tag)
    this.#version = new KeyTemplate(PROMPT.version, tag)
    this.#fingerprint = new KeyTemplate(PROMPT.fingerprint, tag)
  }

  /** Writes what the item, at which the view is, tells of its prompt, and has not under the newest names. */
  write(out: Output, view: SpanView): void {
    const prompt = this.#prompt
    prompt.read(view)
    const { name, version, fingerprint } = prompt
    if (name !== undefined) appendText(out, this.#name, name.source, name.start, name.end)
    if (version !== undefined) appendText(out, this.#version, version.source, version.start, version.end)
    if (fingerprint !== '') appendString(out, this.#fingerprint, fingerprint)
    prompt.name = prompt.version = undefined
  }
}
