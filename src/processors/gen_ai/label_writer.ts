/**
 * Whom a call is for, where it is told in a place that redaction may take away: a member of a JSON attribute, a tag, an attribute of
 * metadata. Only labels are read there, and they are written as ordinary attributes, which redaction looks through.
 */

import type { Output } from '../../otlp/output.ts'
import { LabelChoice } from '../../steps/labels/label_choice.ts'
import { LABEL_PREFIX, labelsOf } from '../../steps/labels/labels.ts'
import { WantedTexts } from '../../steps/labels/wanted_texts.ts'
import { appendText, KeyTemplate } from '../../telemetry/attribute_writer.ts'
import type { SpanView } from '../../telemetry/span_view.ts'

export class LabelWriter {
  readonly #wanted: WantedTexts
  readonly #keys: readonly KeyTemplate[]
  readonly #labels: LabelChoice

  /** `tag`: of the item's attributes. `names`: of labels beside the shipped ones. */
  constructor(tag: number, names: readonly string[]) {
    const labels = labelsOf({}, names).map(({ name, sources }) => ({ name, sources: sources.filter(mayBeTaken) }))
    this.#wanted = new WantedTexts(labels.flatMap(({ sources }) => sources))
    this.#keys = labels.map(({ name }) => new KeyTemplate(`${LABEL_PREFIX}${name}`, tag))
    this.#labels = new LabelChoice(labels, this.#wanted.sources)
  }

  write(out: Output, { bytes, attributes }: SpanView): void {
    const wanted = this.#wanted
    if (!wanted.read(bytes, attributes)) return
    const chosen = this.#labels.choose(wanted.touched, wanted.count)
    for (let label = 0; label < chosen.length; label++) {
      const source = chosen[label]!
      if (source >= 0)
        appendText(out, this.#keys[label]!, wanted.bytes[source]!, wanted.starts[source]!, wanted.ends[source]!)
    }
    wanted.forget()
  }
}

/** Does the name stand in, or for, something that may be content? */
function mayBeTaken(source: string): boolean {
  return /(?:^|\.)(?:metadata|tags|hidden_params)\./.test(source)
}
