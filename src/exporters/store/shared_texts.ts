/** Longer lists are not made longer: each step is a new list. */
export const LIST_MAX = 64

/** Texts and short lists that many traces have: kept once while they are in use often. */

/** When so many different ones are known, all are forgotten; those in use stay as they are. */
const KNOWN_MAX = 10_000

export type List = readonly string[]
export const NONE: List = []

export class SharedTexts {
  readonly #texts = new Map<string, string>()
  readonly #lists = new Map<string, List>()

  /** The same text, as the one string that others have too. */
  one(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= KNOWN_MAX) this.#texts.clear()
    this.#texts.set(text, text)
    return text
  }

  /** The list with the text added if it is not in it. */
  add(list: List, text: string): List {
    if (text === '' || list.length >= LIST_MAX || list.includes(text)) return list
    const longer = [...list, text]
    const key = longer.join('\0')
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    if (this.#lists.size >= KNOWN_MAX) this.#lists.clear()
    this.#lists.set(key, longer)
    return longer
  }
}
