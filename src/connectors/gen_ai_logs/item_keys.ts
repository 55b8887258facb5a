/** What the keys of an item's attributes say: where the normalised ones stand, in their order, and if others may be content. */
import { contentOfKey } from '../../content/content_keys.ts'
import { type NormalisedRows, normalisedKeys } from '../../gen_ai/normalised.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ContentMarks, MARK } from './content_marks.ts'

const contentNames = normalisedKeys.names.map((name) => contentOfKey(name).group !== 0)

export class ItemKeys {
  /** How many of `normalisedKeys` the item has. */
  count = 0
  /** Which, in the order in which they stand there, and the first row that has each. */
  readonly keys = new Int32Array(normalisedKeys.names.length)
  readonly rows = new Int32Array(normalisedKeys.names.length)
  /** False: no attribute is content, in whatever scope. */
  mayBeContent = false
  readonly #marks = new ContentMarks()

  read({ bytes, attributes }: SpanView, { found, keys }: NormalisedRows): void {
    this.count = 0
    this.mayBeContent = false
    for (let row = 0; row < attributes.count; row++) {
      const key = keys[row]!
      if (key >= 0) {
        if (found[key] === row) this.#add(key, row)
      } else if (!this.mayBeContent) {
        const mark = this.#marks.ofKey(bytes, attributes.keyStart(row), attributes.keyEnd(row))
        this.mayBeContent = (mark & (MARK.content | MARK.scoped)) !== 0
      }
    }
  }

  #add(key: number, row: number): void {
    this.keys[this.count] = key
    this.rows[this.count++] = row
    this.mayBeContent ||= contentNames[key]!
  }
}
