/**
 * Model calls that wait for their trace to settle, and some that have been counted: rows of numbers, linked by trace.
 */
import { type CallFacts, mergeCalls } from '../../gen_ai/same_call.ts'

export const NO_CALL = -1

/** Bits of `flags`. */
export const FAILED = 1
export const RATE_LIMITED = 2
export const COUNTED = 4

const INTS = [
  'next',
  'flags',
  'spanHigh',
  'spanLow',
  'parentHigh',
  'parentLow',
  'response',
  'operation',
  'provider',
  'model',
  'responseModel',
  'errorType',
  'finishReasons',
  'signals',
] as const
const NUMBERS = [
  'start_ms',
  'end_ms',
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'reasoning',
  'ttft_s',
  'cost_usd',
  'score',
] as const

/** Where 0 (or NaN) says that it is unknown. */
const FROM_EITHER_INTS = ['response', 'model', 'responseModel', 'errorType', 'finishReasons', 'signals'] as const
const FROM_EITHER_NUMBERS = ['ttft_s', 'score'] as const

type IntName = (typeof INTS)[number]
type NumberName = (typeof NUMBERS)[number]

export class Calls {
  readonly #ints: Record<IntName, Int32Array>
  readonly #numbers: Record<NumberName, Float64Array>
  #free = NO_CALL
  #used = 0
  #capacity = 256
  count = 0

  constructor() {
    const int = (name: IntName) => [name, new Int32Array(this.#capacity)] as const
    const number = (name: NumberName) => [name, new Float64Array(this.#capacity)] as const
    this.#ints = Object.fromEntries(INTS.map(int)) as Record<IntName, Int32Array>
    this.#numbers = Object.fromEntries(NUMBERS.map(number)) as Record<NumberName, Float64Array>
  }

  /** A new row; all columns are the caller's to set. */
  add(): number {
    this.count++
    if (this.#free !== NO_CALL) {
      const call = this.#free
      this.#free = this.#ints.next[call]!
      return call
    }
    if (this.#used === this.#capacity) this.#grow()
    return this.#used++
  }

  remove(call: number): void {
    this.count--
    this.#ints.next[call] = this.#free
    this.#free = call
  }

  int(call: number, name: IntName): number {
    return this.#ints[name][call]!
  }

  setInt(call: number, name: IntName, value: number): void {
    this.#ints[name][call] = value
  }

  number(call: number, name: NumberName): number {
    return this.#numbers[name][call]!
  }

  setNumber(call: number, name: NumberName, value: number): void {
    this.#numbers[name][call] = value
  }

  setFlags(call: number, flags: number): void {
    this.#ints.flags[call]! |= flags
  }

  has(call: number, flag: number): boolean {
    return (this.#ints.flags[call]! & flag) !== 0
  }

  /** Could the two be one call? Cheap, and never wrongly no: the rule itself is asked after it. */
  mayBeSame(a: number, b: number): boolean {
    const { response, spanHigh, spanLow, parentHigh, parentLow } = this.#ints
    if (response[a] !== 0 && response[a] === response[b]) return true
    return (
      (parentHigh[a] === spanHigh[b] && parentLow[a] === spanLow[b]) ||
      (parentHigh[b] === spanHigh[a] && parentLow[b] === spanLow[a])
    )
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
    this.#capacity *= 2
    for (const name of INTS) {
      const larger = new Int32Array(this.#capacity)
      larger.set(this.#ints[name])
      this.#ints[name] = larger
    }
    for (const name of NUMBERS) {
      const larger = new Float64Array(this.#capacity)
      larger.set(this.#numbers[name])
      this.#numbers[name] = larger
    }
  }
}
