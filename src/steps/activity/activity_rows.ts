/** What happened in a trace, as rows of numbers: steps, and model calls that have settled. Linked by trace. */

/** Columns of a row. Texts are the numbers that the listener gave them. */
export const DID = {
  next: 0,
  /** Position in STEP_KINDS; MODEL for a call. */
  kind: 1,
  flags: 2,
  span: 3,
  parent: 4,
  start_ms: 5,
  end_ms: 6,
  name: 7,
  agent: 8,
  callId: 9,
  signals: 10,
  verdict: 11,
  documents: 12,
  scores: 13,
  scoresSum: 14,
  cost_usd: 15,
  tokens: 16,
  /** Of a model call: input tokens and score, NaN where unknown; handle of its conversation. */
  input: 17,
  score: 18,
  conversation: 19,
  width: 20,
} as const
export type DidColumn = Exclude<keyof typeof DID, 'width'>

/** Kind of a model call. */
export const MODEL = -1
/** No row. */
export const NOTHING_DONE = -1

/** Bits of `flags`. */
export const STEP_FAILED = 1
export const STOPPED_OUTSIDE = 2
/** Another report above it tells of the same step. */
export const SAME_AS_ABOVE = 4
/** It has been told. */
export const STEP_TOLD = 8
/** A model call whose answer was cut off. */
export const CUT_OFF = 16
/** A model call that answers in words. */
export const IN_WORDS = 32
/** A model call that its conversation has. */
export const IN_CONVERSATION = 64

export class ActivityRows {
  count = 0
  #numbers = new Float64Array(64 * DID.width)
  #used = 0
  #free = NOTHING_DONE

  get size_bytes(): number {
    return this.#numbers.byteLength
  }

  /** A row whose columns are all zero. */
  add(): number {
    this.count++
    const free = this.#free
    if (free !== NOTHING_DONE) {
      this.#free = this.get(free, 'next')
      this.#numbers.fill(0, free * DID.width, (free + 1) * DID.width)
      return free
    }
    if ((this.#used + 1) * DID.width > this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    return this.#used++
  }

  remove(row: number): void {
    this.count--
    this.set(row, 'next', this.#free)
    this.#free = row
  }

  get(row: number, column: DidColumn): number {
    return this.#numbers[row * DID.width + DID[column]]!
  }

  set(row: number, column: DidColumn, value: number): void {
    this.#numbers[row * DID.width + DID[column]] = value
  }

  has(row: number, flag: number): boolean {
    return (this.get(row, 'flags') & flag) !== 0
  }

  mark(row: number, flag: number): void {
    this.set(row, 'flags', this.get(row, 'flags') | flag)
  }
}
