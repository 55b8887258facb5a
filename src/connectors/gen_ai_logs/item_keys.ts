/** What the keys of an item's attributes say, found in one pass: where the normalised ones stand, and if others may be content. */
import { contentOfKey } from '../../content/content_keys.ts'
import { normalisedKeys } from '../../gen_ai/normalised.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
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
  /** 1 for the keys that were found. */
  readonly #seen = new Uint8Array(normalisedKeys.names.length)

  read({ bytes, attributes }: SpanView): void {
    this.#seen.fill(0)
    this.count = 0
    this.mayBeContent = false
    for (let row = 0, at = 0; row < attributes.count; row++, at += ATTRIBUTE.width) {
      const start = attributes.rows[at + ATTRIBUTE.keyStart]!
      const end = attributes.rows[at + ATTRIBUTE.keyEnd]!
      const key = normalisedKeys.find(bytes, start, end)
      if (key < 0) this.mayBeContent ||= (this.#marks.ofKey(bytes, start, end) & (MARK.content | MARK.scoped)) !== 0
      else if (this.#seen[key] === 0) this.#add(key, row)
    }
  }

  #add(key: number, row: number): void {
    this.#seen[key] = 1
    this.keys[this.count] = key
    this.rows[this.count++] = row
    this.mayBeContent ||= contentNames[key]!
  }
}
