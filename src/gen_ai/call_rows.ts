/** How a call is kept as a row of numbers (`calls.ts`, `other_traces.ts`). */
import type { CallFacts } from './same_call.ts'

/** Bits of `flags`. */
export const FAILED = 1
export const RATE_LIMITED = 2
export const COUNTED = 4
/** Two reports are in this row, or were taken from it. */
export const MERGED = 8

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

export type IntName = Exclude<keyof typeof INT, 'width'>
export type NumberName = Exclude<keyof typeof NUMBER, 'width'>

/** A row as the rules of `same_call.ts` want it. Texts are known by number only: equal numbers, equal texts. */
export function factsOf(ints: Int32Array, numbers: Float64Array, row: number): CallFacts {
  const int = (name: IntName) => ints[row * INT.width + INT[name]]!
  const number = (name: NumberName) => numbers[row * NUMBER.width + NUMBER[name]]!
  const id = (name: IntName) => (int(name) === 0 ? '' : String(int(name)))
  const parent = int('parentHigh') === 0 && int('parentLow') === 0 ? '' : `${int('parentHigh')} ${int('parentLow')}`
  return {
    spanId: `${int('spanHigh')} ${int('spanLow')}`,
    parentId: parent,
    responseId: id('response'),
    dialect: int('dialect'),
    isMerged: (int('flags') & MERGED) !== 0,
    operation: int('operation'),
    requestModel: id('model'),
    responseModel: id('responseModel'),
    start_ms: number('start_ms'),
    end_ms: number('end_ms'),
    failed: (int('flags') & FAILED) !== 0,
    rateLimited: (int('flags') & RATE_LIMITED) !== 0,
    inputTokens: number('input'),
    outputTokens: number('output'),
    cacheReadTokens: number('cacheRead'),
    cacheWriteTokens: number('cacheWrite'),
    reasoningTokens: number('reasoning'),
  }
}
