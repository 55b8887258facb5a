/**
 * Model calls that wait for their trace to settle, and some that have been counted: rows of numbers, linked by trace.
 */
import { nanosAsMillis, uint32 } from '../otlp/cursor.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import {
  COUNTED,
  FAILED,
  factsOf,
  INT,
  type IntName,
  MERGED,
  NUMBER,
  type NumberName,
  RATE_LIMITED,
} from './call_rows.ts'
import { FIELD } from './field.ts'
import type { ModelCall } from './model_call.ts'
import { OtherTraces } from './other_traces.ts'
import { DURATION } from './plausible.ts'
import { type CallFacts, isSameCall, mergeCalls } from './same_call.ts'

export const NO_CALL = -1

export { COUNTED, FAILED, INT, NUMBER, RATE_LIMITED } from './call_rows.ts'

/** Where 0 (or NaN) says that it is unknown. */
const FROM_EITHER_INTS = ['response', 'model', 'responseModel', 'errorType', 'finishReasons', 'signals'] as const
const FROM_EITHER_NUMBERS = ['ttft_s', 'score'] as const

/** Texts of a call as numbers: equal texts, equal numbers; 0 where there is none. */
export interface CallTexts {
  readonly model: number
  readonly responseModel: number
  readonly errorType: number
  /** Of what the call's process says of itself (`ResourceHashes`); absent where calls of other traces do not matter. */
  readonly resource?: number
}

export class Calls {
  /** Rows as INT and NUMBER say. Replaced when the store grows: read them anew after `add`. */
  ints = new Int32Array(256 * INT.width)
  numbers = new Float64Array(256 * NUMBER.width)
  #free = NO_CALL
  #used = 0
  readonly #otherTraces = new OtherTraces(this)
  count = 0

  /** A new row with what a call's span says. */
  keep(view: SpanView, call: ModelCall, texts: CallTexts): number {
    const { bytes } = view
    const row = this.add()
    const word = (at: number, offset: number) => (at < 0 ? 0 : uint32(bytes, at + offset) | 0)
    const { ints, numbers } = this
    const [int, number] = [row * INT.width, row * NUMBER.width]
    ints[int + INT.flags] = (call.failed ? FAILED : 0) | (call.rateLimited ? RATE_LIMITED : 0)
    ints[int + INT.spanHigh] = word(view.spanId, 0)
    ints[int + INT.spanLow] = word(view.spanId, 4)
    ints[int + INT.parentHigh] = word(view.parentId, 0)
    ints[int + INT.parentLow] = word(view.parentId, 4)
    ints[int + INT.response] = hashOf(bytes, call.start(FIELD.responseId), call.end(FIELD.responseId))
    ints[int + INT.operation] = call.operation
    ints[int + INT.provider] = call.provider
    ints[int + INT.model] = texts.model
    ints[int + INT.responseModel] = texts.responseModel
    ints[int + INT.errorType] = texts.errorType
    ints[int + INT.dialect] = call.dialect
    ints[int + INT.resource] = texts.resource ?? 0
    ints[int + INT.finishReasons] = finishBits(call)
    ints[int + INT.signals] = call.qualitySignals
    // Without a start there is no duration; the end still says when the call was.
    numbers[number + NUMBER.start_ms] =
      view.startTime < 0 || (call.implausible & DURATION) !== 0 ? Number.NaN : nanosAsMillis(bytes, view.startTime)
    numbers[number + NUMBER.end_ms] = view.endTime < 0 ? Number.NaN : nanosAsMillis(bytes, view.endTime)
    numbers[number + NUMBER.input] = call.inputTokens
    numbers[number + NUMBER.output] = call.outputTokens
    numbers[number + NUMBER.cacheRead] = call.cacheReadTokens
    numbers[number + NUMBER.cacheWrite] = call.cacheWriteTokens
    numbers[number + NUMBER.reasoning] = call.reasoningTokens
    numbers[number + NUMBER.ttft_s] = call.timeToFirstChunk_s
    numbers[number + NUMBER.cost_usd] = call.cost_usd
    numbers[number + NUMBER.score] = call.qualityScore
    return row
  }

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

  /** The call that stands behind this one in its trace. */
  next(call: number): number {
    return this.int(call, 'next')
  }

  link(call: number, next: number): void {
    this.setInt(call, 'next', next)
  }

  isCounted(call: number): boolean {
    return this.has(call, COUNTED)
  }

  markCounted(call: number): void {
    this.setFlags(call, COUNTED)
  }

  /** Has the call been counted from a report in another trace? */
  isInOtherTrace(call: number): boolean {
    return this.#otherTraces.find(call)
  }

  /** The call has been counted: reports of it in other traces are to be known. */
  rememberInOtherTraces(call: number): void {
    this.#otherTraces.add(call)
  }

  /** Do the two report one call? */
  isSame(a: number, b: number): boolean {
    return this.mayBeSame(a, b) && isSameCall(this.facts(a), this.facts(b))
  }

  /** Could the two be one call? Cheap, and never wrongly no: the rule itself is asked after it. */
  mayBeSame(a: number, b: number): boolean {
    const { ints } = this
    const [one, other] = [a * INT.width, b * INT.width]
    if (ints[one + INT.response] !== 0 && ints[other + INT.response] !== 0)
      return ints[one + INT.response] === ints[other + INT.response]
    if (ints[one + INT.dialect] !== ints[other + INT.dialect]) return true
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
    this.setFlags(outer, MERGED | (merged.failed ? FAILED : 0) | (merged.rateLimited ? RATE_LIMITED : 0))
    this.setFlags(inner, MERGED)
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

  /** The call as the rules of `same_call.ts` want it. */
  facts(call: number): CallFacts {
    return factsOf(this.ints, this.numbers, call)
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

function finishBits(call: ModelCall): number {
  let bits = 0
  for (let at = 0; at < call.finishReasonCount; at++)
    if (call.finishReasons[at]! >= 0) bits |= 1 << call.finishReasons[at]!
  return bits
}

/** FNV-1a of a text; 0 stands for none. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash | 1
}
