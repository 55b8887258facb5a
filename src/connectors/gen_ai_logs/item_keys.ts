/** What the keys of an item's attributes say, found in one pass: where the normalised ones stand, and if others may be content. */
import { contentOfKey } from '../../content/content_keys.ts'
import { normalisedKeys } from '../../gen_ai/normalised.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ContentMarks, MARK } from './content_marks.ts'

const contentNames = normalisedKeys.names.map((name) => contentOfKey(name).group !== 0)

export class ItemKeys {
  /** Row of each of `normalisedKeys`, the first that has it; -1 for none. */
  readonly rows = new Int32Array(normalisedKeys.names.length)
  /** False: no attribute is content, in whatever scope. */
  mayBeContent = false
  readonly #marks = new ContentMarks()

  read({ bytes, attributes }: SpanView): void {
    const found = this.rows
    for (let key = 0; key < found.length; key++) found[key] = -1
    this.mayBeContent = false
    for (let row = 0, at = 0; row < attributes.count; row++, at += ATTRIBUTE.width) {
      const start = attributes.rows[at + ATTRIBUTE.keyStart]!
      const end = attributes.rows[at + ATTRIBUTE.keyEnd]!
      const key = normalisedKeys.find(bytes, start, end)
      if (key < 0) this.mayBeContent ||= (this.#marks.ofKey(bytes, start, end) & (MARK.content | MARK.scoped)) !== 0
      else {
        if (found[key] === -1) found[key] = row
        this.mayBeContent ||= contentNames[key]!
      }
    }
  }
}
