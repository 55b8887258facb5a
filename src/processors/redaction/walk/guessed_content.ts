/** Content under keys that no list has: free text on the items of steps. */
import type { Effort } from '../../../content/detectors/effort.ts'
import { FREE_TEXT_MIN_BYTES, FreeText } from '../../../content/free_text.ts'
import type { ContentPolicy } from '../config.ts'
import type { ViewedBytes } from '../texts/byte_cache.ts'
import { KEY } from './keys.ts'
import type { StepItems } from './step_items.ts'

/** What a byte takes in steps: to look at it, and where JSON is read. */
const LOOK_STEPS = 0.1
const READ_STEPS = 0.4

export const GUESS = {
  /** Nothing that could be content of a step. */
  none: 0,
  /** Perhaps free text, which would be content on another item. */
  elsewhere: 1,
  content: 2,
} as const
export type Guess = (typeof GUESS)[keyof typeof GUESS]

export class GuessedContent {
  /** What is done with it. */
  readonly policy: ContentPolicy
  readonly #free = new FreeText()
  readonly #items: StepItems
  readonly #effort: Effort

  constructor(policy: ContentPolicy, items: StepItems, effort: Effort) {
    this.policy = policy
    this.#items = items
    this.#effort = effort
  }

  /**
   * What the AnyValue [start, end) is, under a key of that class (`KEY`; 0 for a body). `mayBe`: it stands where content of
   * the item that is walked may stand.
   */
  of(source: ViewedBytes, key: number, start: number, end: number, mayBe: boolean): Guess {
    if (end - start < FREE_TEXT_MIN_BYTES || (key & KEY.plain) !== 0) return GUESS.none
    const items = this.#items
    // From cheap to dear: most long texts stand on items that are known to be of no step, or hold no free text.
    if (!mayBe || (items.isCheap && !items.isStep(source))) return GUESS.elsewhere
    const { bytes } = source
    this.#effort.spend((end - start) * LOOK_STEPS)
    if (!this.#free.mayStandIn(bytes, start, end)) return GUESS.none
    if (!items.isStep(source)) return GUESS.elsewhere
    this.#effort.spend((end - start) * READ_STEPS)
    return this.#free.standsIn(bytes, start, end) ? GUESS.content : GUESS.elsewhere
  }
}
