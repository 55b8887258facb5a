/** How a call is kept as a row of numbers (`calls.ts`, `other_traces.ts`). */
import type { ReportPlace } from '../gen_ai/grouping/apart.ts'
import type { CallFacts } from '../gen_ai/grouping/same_call.ts'
import { COST_SOURCES } from '../gen_ai/model_call.ts'
import { mix } from '../telemetry/hash.ts'

/** Stands for no call. */
export const NO_CALL = -1
/** All who have reports: every bit. */
export const ALL = -1

/** Bits of `flags`. */
export const FAILED = 1
export const RATE_LIMITED = 2
/** Two reports are in this row, or were taken from it. */
export const MERGED = 8
/** Made by an instrumentation of a provider's SDK; by the SDK itself. */
export const OF_PROVIDER = 16
export const PROVIDER = 32
/** Tells of a stream when it has ended. */
export const STREAM_RECORD = 64
/** Failed, and does not say why. */
export const UNEXPLAINED_FAILURE = 128
/** A streamed request whose stream is told of when it has ended. */
export const AWAITS_RECORD = 256
/** A log record; its parent is the span that it names. */
export const RECORD = 512
/** A gateway answered from its cache. */
export const ANSWER_CACHED = 1024
/** The answer came as a stream. */
export const STREAMED = 2048

const REPORTED = COST_SOURCES.indexOf('reported')

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
  dialect: 14,
  resource: 15,
  /** Which instrumentation made the span. */
  emitter: 16,
  /** As `traceOf` numbers traces; 0 without one. */
  trace: 17,
  /** Bits: who has the report, and who of them has been told of its call. */
  takers: 18,
  told: 19,
  /** Another for each report that the row has had. */
  serial: 20,
  /** Position in COST_SOURCES, -1 without one. */
  costSource: 21,
  /** Bits of SAFETY_SIGNALS. */
  safety: 22,
  width: 23,
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
  table_usd: 10,
  saved_usd: 11,
  contextUtilization: 12,
  perChunk_s: 13,
  queue_s: 14,
  width: 15,
} as const

/** Where rows are: they are replaced when they grow, so they are read anew each time. */
export interface CallRows {
  readonly ints: Int32Array
  readonly numbers: Float64Array
}

export type IntName = Exclude<keyof typeof INT, 'width'>
export type NumberName = Exclude<keyof typeof NUMBER, 'width'>

/**
 * A row as the rules of `same_call.ts` want it, for those of `bits`. Texts are known by number only: equal numbers, equal
 * texts.
 */
export function factsOf(ints: Int32Array, numbers: Float64Array, row: number, bits = ALL): CallFacts {
  const int = row * INT.width
  const number = row * NUMBER.width
  const flags = ints[int + INT.flags]!
  return {
    spanId: idOf(ints[int + INT.spanHigh]!, ints[int + INT.spanLow]!),
    parentId: idOf(ints[int + INT.parentHigh]!, ints[int + INT.parentLow]!),
    responseId: ints[int + INT.response]!,
    emitter: ints[int + INT.emitter]!,
    nearness: nearnessOf(flags),
    isMerged: (flags & MERGED) !== 0,
    isCounted: (ints[int + INT.told]! & bits) !== 0,
    isStreamRecord: (flags & STREAM_RECORD) !== 0,
    isRecord: (flags & RECORD) !== 0,
    operation: ints[int + INT.operation]!,
    requestModel: ints[int + INT.model]!,
    responseModel: ints[int + INT.responseModel]!,
    start_ms: numbers[number + NUMBER.start_ms]!,
    end_ms: numbers[number + NUMBER.end_ms]!,
    failed: (flags & FAILED) !== 0,
    rateLimited: (flags & RATE_LIMITED) !== 0,
    inputTokens: numbers[number + NUMBER.input]!,
    outputTokens: numbers[number + NUMBER.output]!,
    cacheReadTokens: numbers[number + NUMBER.cacheRead]!,
    cacheWriteTokens: numbers[number + NUMBER.cacheWrite]!,
    reasoningTokens: numbers[number + NUMBER.reasoning]!,
    cost_usd: numbers[number + NUMBER.cost_usd]!,
    isCostStated: ints[int + INT.costSource] === REPORTED || (flags & ANSWER_CACHED) !== 0,
  }
}

/** Where a row's report stands; the same object for row after row. */
export class RowPlace implements ReportPlace {
  spanId = 0
  parentId = 0
  responseId = 0
  emitter = 0
  isRecord = false
  isStreamRecord = false

  read(ints: Int32Array, row: number): this {
    const int = row * INT.width
    const flags = ints[int + INT.flags]!
    this.spanId = idOf(ints[int + INT.spanHigh]!, ints[int + INT.spanLow]!)
    this.parentId = idOf(ints[int + INT.parentHigh]!, ints[int + INT.parentLow]!)
    this.responseId = ints[int + INT.response]!
    this.emitter = ints[int + INT.emitter]!
    this.isRecord = (flags & RECORD) !== 0
    this.isStreamRecord = (flags & STREAM_RECORD) !== 0
    return this
  }
}

/** How near to the provider the span was made: 0 above its SDK, 1 around it, 2 in it. */
export function nearnessOf(flags: number): number {
  if ((flags & PROVIDER) !== 0) return 2
  return (flags & OF_PROVIDER) !== 0 ? 1 : 0
}

/**
 * A span id, of two words, as a number of 53 bits: it tells two spans of a trace apart as well as a text, and costs less. All
 * 64 bits are mixed before eleven go: ids that count, in whatever steps, stay apart. 0 stands for none.
 */
export function idOf(high: number, low: number): number {
  const first = mix(low ^ Math.imul(high, 0x9e3779b1))
  const second = high ^ Math.imul(first, 0x85ebca6b)
  return (second >>> 0) * 2 ** 21 + (first >>> 11)
}
