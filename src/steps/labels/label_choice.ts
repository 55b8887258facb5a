/** Which of the texts that there are is the best for each label. */
import type { Label } from './labels.ts'

export class LabelChoice {
  /** By position of a source: labels that it is one of, and its rank there. */
  readonly #of: readonly (readonly { readonly label: number; readonly rank: number }[])[]
  readonly #ranks: Int32Array
  readonly #chosen: Int32Array

  /** `sources`: names, by the positions that `choose` is asked with. */
  constructor(labels: readonly Label[], sources: readonly string[]) {
    this.#of = sources.map((source) =>
      labels.flatMap((one, label) => {
        const rank = one.sources.indexOf(source)
        return rank < 0 ? [] : [{ label, rank }]
      }),
    )
    this.#ranks = new Int32Array(labels.length)
    this.#chosen = new Int32Array(labels.length)
  }

  /** By label: the source with the best rank among the first `count` of these, -1 without one. The same array every time. */
  choose(sources: Int32Array, count: number): Int32Array {
    this.begin()
    for (let at = 0; at < count; at++) this.add(sources[at]!)
    return this.#chosen
  }

  begin(): void {
    this.#chosen.fill(-1)
  }

  /** The same, source by source. */
  add(source: number): Int32Array {
    const of = this.#of[source]
    if (of === undefined) return this.#chosen
    for (let at = 0; at < of.length; at++) {
      const { label, rank } = of[at]!
      if (this.#chosen[label] !== -1 && this.#ranks[label]! <= rank) continue
      this.#chosen[label] = source
      this.#ranks[label] = rank
    }
    return this.#chosen
  }
}
