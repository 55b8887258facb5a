/**
 * Model calls that wait for their trace to settle, and some that have been counted: rows of numbers, linked by trace.
 */
import { type CallFacts, mergeCalls } from '../../gen_ai/same_call.ts'

export const NO_CALL = -1

/** Bits of `flags`. */
export const FAILED = 1
export const RATE_LIMITED = 2
export const COUNTED = 4

/** Columns of a row: a row's integers stand together, and so do its other numbers, since calls come and go one by one. */
export const INT = {
  next: 0,
  flags: 1,
  spanHigh: 2,
  spanLow: 3,
  parentHigh: 4,
  parentLow: 5,
  response: 6,
  operation: 7,
  provider: 8,
  model: 9,
  responseModel: 10,
  errorType: 11,
  finishReasons: 12,
  signals: 13,
  width: 16,
} as const
export const NUMBER = {
  start_ms: 0,
  end_ms: 1,
  input: 2,
  output: 3,
  cacheRead: 4,
  cacheWrite: 5,
  reasoning: 6,
  ttft_s: 7,
  cost_usd: 8,
  score: 9,
  width: 10,
} as const

/** Where 0 (or NaN) says that it is unknown. */
const FROM_EITHER_INTS = ['response', 'model', 'responseModel', 'errorType', 'finishReasons', 'signals'] as const
const FROM_EITHER_NUMBERS = ['ttft_s', 'score'] as const

type IntName = Exclude<keyof typeof INT, 'width'>
type NumberName = Exclude<keyof typeof NUMBER, 'width'>

export class Calls {
  /** Rows as INT and NUMBER say. Replaced when the store grows: read them anew after `add`. */
  ints = new Int32Array(256 * INT.width)
  numbers = new Float64Array(256 * NUMBER.width)
  #free = NO_CALL
  #used = 0
  count = 0

  /** A new row; all columns are the caller's to set. */
  add(): number {
    this.count++
    if (this.#free !== NO_CALL) {
      const call = this.#free
      this.#free = this.int(call, 'next')
      return call
    }
    if (this.#used * INT.width === this.ints.length) this.#grow()
    return this.#used++
  }

  remove(call: number): void {
    this.count--
    this.setInt(call, 'next', this.#free)
    this.#free = call
  }

  int(call: number, name: IntName): number {
    return this.ints[call * INT.width + INT[name]]!
  }

  setInt(call: number, name: IntName, value: number): void {
    this.ints[call * INT.width + INT[name]] = value
  }

  number(call: number, name: NumberName): number {
    return this.numbers[call * NUMBER.width + NUMBER[name]]!
  }

  setNumber(call: number, name: NumberName, value: number): void {
    this.numbers[call * NUMBER.width + NUMBER[name]] = value
  }

  setFlags(call: number, flags: number): void {
    this.ints[call * INT.width + INT.flags]! |= flags
  }

  has(call: number, flag: number): boolean {
    return (this.ints[call * INT.width + INT.flags]! & flag) !== 0
  }

  /** Could the two be one call? Cheap, and never wrongly no: the rule itself is asked after it. */
  mayBeSame(a: number, b: number): boolean {
    const { ints } = this
    const [one, other] = [a * INT.width, b * INT.width]
    if (ints[one + INT.response] !== 0 && ints[one + INT.response] === ints[other + INT.response]) return true
    return isParent(ints, one, other) || isParent(ints, other, one)
  }

  /**
   * Writes two reports of one call into the row of the one whose labels stand for it, and returns that. What it does not
   * say is taken from the other.
   */
  merge(a: number, b: number): number {
    const merged = mergeCalls(this.facts(a), this.facts(b))
    const outer = merged.span.spanId === this.facts(a).spanId ? a : b
    const inner = outer === a ? b : a
    this.setFlags(outer, (merged.failed ? FAILED : 0) | (merged.rateLimited ? RATE_LIMITED : 0))
    const costs = [this.number(outer, 'cost_usd'), this.number(inner, 'cost_usd')]
    // A cost belongs to the token numbers that it was computed from.
    if (!merged.tokensOfSpan) costs.reverse()
    this.setNumber(outer, 'cost_usd', costs.find((cost) => !Number.isNaN(cost)) ?? Number.NaN)
    this.setNumber(outer, 'input', merged.inputTokens)
    this.setNumber(outer, 'output', merged.outputTokens)
    this.setNumber(outer, 'cacheRead', merged.cacheReadTokens)
    this.setNumber(outer, 'cacheWrite', merged.cacheWriteTokens)
    this.setNumber(outer, 'reasoning', merged.reasoningTokens)
    for (const name of FROM_EITHER_INTS)
      if (this.int(outer, name) === 0) this.setInt(outer, name, this.int(inner, name))
    for (const name of FROM_EITHER_NUMBERS)
      if (Number.isNaN(this.number(outer, name))) this.setNumber(outer, name, this.number(inner, name))
    if (this.int(outer, 'provider') < 0) this.setInt(outer, 'provider', this.int(inner, 'provider'))
    return outer
  }

  /** The call as the rules of `gen_ai/same_call.ts` want it. Texts are known by number only: equal numbers, equal texts. */
  facts(call: number): CallFacts {
    const int = (name: IntName) => this.int(call, name)
    const id = (name: IntName) => (int(name) === 0 ? '' : String(int(name)))
    const parent = int('parentHigh') === 0 && int('parentLow') === 0 ? '' : `${int('parentHigh')} ${int('parentLow')}`
    return {
      spanId: `${int('spanHigh')} ${int('spanLow')}`,
      parentId: parent,
      responseId: id('response'),
      operation: int('operation'),
      requestModel: id('model'),
      responseModel: id('responseModel'),
      start_ms: this.number(call, 'start_ms'),
      end_ms: this.number(call, 'end_ms'),
      failed: this.has(call, FAILED),
      rateLimited: this.has(call, RATE_LIMITED),
      inputTokens: this.number(call, 'input'),
      outputTokens: this.number(call, 'output'),
      cacheReadTokens: this.number(call, 'cacheRead'),
      cacheWriteTokens: this.number(call, 'cacheWrite'),
      reasoningTokens: this.number(call, 'reasoning'),
    }
  }

  #grow(): void {
    const { ints, numbers } = this
    this.ints = new Int32Array(ints.length * 2)
    this.ints.set(ints)
    this.numbers = new Float64Array(numbers.length * 2)
    this.numbers.set(numbers)
  }
}

/** Is the call at `inner` a child of that at `outer`? */
function isParent(ints: Int32Array, outer: number, inner: number): boolean {
  return (
    ints[inner + INT.parentHigh] === ints[outer + INT.spanHigh] &&
    ints[inner + INT.parentLow] === ints[outer + INT.spanLow]
  )
}
