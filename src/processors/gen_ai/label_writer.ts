/**
 * Whom a call is for, where it is told in a place that redaction may take away: a member of a JSON attribute, a tag, an attribute of
 * metadata. Only labels are read there, and they are written as ordinary attributes, which redaction looks through.
 */

import type { Output } from '../../otlp/output.ts'
import { LABEL_PREFIX, labelsOf } from '../../steps/labels/labels.ts'
import { WantedTexts } from '../../steps/labels/wanted_texts.ts'
import { appendText, KeyTemplate } from '../../telemetry/attribute_writer.ts'
import type { SpanView } from '../../telemetry/span_view.ts'

export class LabelWriter {
  readonly #wanted: WantedTexts
  readonly #labels: readonly { readonly key: KeyTemplate; readonly sources: readonly number[] }[]

  /** `tag`: of the item's attributes. `names`: of labels beside the shipped ones. */
  constructor(tag: number, names: readonly string[]) {
    const labels = labelsOf({}, names)
    const hidden = labels.map(({ name, sources }) => ({ name, sources: sources.filter((one) => mayBeTaken(one)) }))
    this.#wanted = new WantedTexts(hidden.flatMap(({ sources }) => sources))
    this.#labels = hidden.map(({ name, sources }) => ({
      key: new KeyTemplate(`${LABEL_PREFIX}${name}`, tag),
      sources: sources.map((source) => this.#wanted.sources.indexOf(source)),
    }))
  }

  write(out: Output, { bytes, attributes }: SpanView): void {
    const wanted = this.#wanted
    if (!wanted.read(bytes, attributes)) return
    for (const { key, sources } of this.#labels) {
      const source = sources.find((one) => wanted.starts[one]! >= 0)
      if (source !== undefined)
        appendText(out, key, wanted.bytes[source]!, wanted.starts[source]!, wanted.ends[source]!)
    }
    wanted.forget()
  }
}

/** Does the name stand in, or for, something that may be content? */
function mayBeTaken(source: string): boolean {
  return /(?:^|\.)(?:metadata|tags|hidden_params)\./.test(source)
}
