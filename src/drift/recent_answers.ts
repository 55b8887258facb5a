/**
 * Drift between two windows of so many answers each, whatever time they took: refusals, lengths and marks of invention, by
 * fixed thresholds. It says why, in words.
 */

/** An answer as far as it is compared. */
export interface JudgedAnswer {
  readonly isRefusal: boolean
  /** In whatever unit, the same for all. */
  readonly length: number
  readonly hasInventionMarks: boolean
}

export interface RecentDrift {
  readonly isDrifting: boolean
  /** `insufficient_data`, or one for each threshold that is exceeded. */
  readonly reasons: readonly string[]
}

/** Fewer answers on a side say nothing. */
const ANSWERS_MIN = 10
const REFUSAL_RATE_MAX = 0.1
/** Of the baseline's mean. */
const LENGTH_CHANGE_MAX = 0.3
const INVENTION_RATE_MAX = 0.15

/** Sums over the newest `size` answers: a ring, so that an answer costs the same however long the window is. */
class AnswerWindow {
  count = 0
  #refusals = 0
  #length = 0
  #inventions = 0
  readonly #lengths: Float64Array
  /** Bit 0: refusal; bit 1: invention. */
  readonly #marks: Uint8Array
  #at = 0

  constructor(size: number) {
    this.#lengths = new Float64Array(size)
    this.#marks = new Uint8Array(size)
  }

  get refusalRate(): number {
    return this.#refusals / this.count
  }

  get meanLength(): number {
    return this.#length / this.count
  }

  get inventionRate(): number {
    return this.#inventions / this.count
  }

  add({ isRefusal, length, hasInventionMarks }: JudgedAnswer): void {
    const at = this.#at
    if (this.count === this.#marks.length) {
      this.#refusals -= this.#marks[at]! & 1
      this.#inventions -= this.#marks[at]! >> 1
      this.#length -= this.#lengths[at]!
    } else this.count++
    this.#marks[at] = (isRefusal ? 1 : 0) | (hasInventionMarks ? 2 : 0)
    this.#lengths[at] = length
    this.#refusals += this.#marks[at]! & 1
    this.#inventions += this.#marks[at]! >> 1
    this.#length += length
    this.#at = (at + 1) % this.#marks.length
  }
}

export class RecentAnswers {
  readonly #size: number
  #baseline: AnswerWindow
  readonly #current: AnswerWindow

  /** `size`: answers in each window, from 1. */
  constructor(size = 100) {
    this.#size = size
    this.#baseline = new AnswerWindow(size)
    this.#current = new AnswerWindow(size)
  }

  /** The last `size` of these are what later ones are compared with. Lengths are whole numbers. */
  setBaseline(answers: Iterable<JudgedAnswer>): void {
    this.#baseline = new AnswerWindow(this.#size)
    for (const answer of answers) this.#baseline.add(answer)
  }

  add(answer: JudgedAnswer): void {
    this.#current.add(answer)
  }

  check(): RecentDrift {
    const before = this.#baseline
    const now = this.#current
    if (before.count < ANSWERS_MIN || now.count < ANSWERS_MIN)
      return { isDrifting: false, reasons: ['insufficient_data'] }
    const reasons: string[] = []
    if (Math.abs(now.refusalRate - before.refusalRate) > REFUSAL_RATE_MAX)
      reasons.push(`refusal_rate_change: ${rate(before.refusalRate)} -> ${rate(now.refusalRate)}`)
    if (isLengthChanged(before.meanLength, now.meanLength))
      reasons.push(`length_change: ${whole(before.meanLength)} -> ${whole(now.meanLength)}`)
    if (Math.abs(now.inventionRate - before.inventionRate) > INVENTION_RATE_MAX)
      reasons.push(`hallucination_rate_change: ${rate(before.inventionRate)} -> ${rate(now.inventionRate)}`)
    return { isDrifting: reasons.length > 0, reasons }
  }
}

/** From nothing to something is a change of any size. */
function isLengthChanged(before: number, now: number): boolean {
  if (before === 0) return now !== 0
  return Math.abs(now - before) / before > LENGTH_CHANGE_MAX
}

/** Two decimals; what lies exactly between two goes to the even one. Only eighths do. */
function rate(value: number): string {
  const isBetween = Number.isInteger(value * 8) && !Number.isInteger(value * 4)
  if (!isBetween) return value.toFixed(2)
  const below = Math.floor(value * 100)
  return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2)
}

/** No decimals; what lies exactly between two goes to the even one. */
function whole(value: number): string {
  const below = Math.floor(value)
  const isBetween = value - below === 0.5
  return (isBetween ? below + (below % 2) : Math.round(value)).toFixed(0)
}
