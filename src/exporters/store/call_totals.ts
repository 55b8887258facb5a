/** The model calls of one trace as rows of numbers, and what they sum up to when each is counted once. */
import { groupCalls } from '../../gen_ai/grouping/group_calls.ts'
import { type CallFacts, mergeReports } from '../../gen_ai/grouping/same_call.ts'

/** Columns. Ids and texts are numbers of the index, 0 for none; other numbers are NaN where unknown. */
export const CALL = {
  span: 0,
  parent: 1,
  response: 2,
  model: 3,
  responseModel: 4,
  start_ms: 5,
  end_ms: 6,
  cost_usd: 7,
  input: 8,
  output: 9,
  failed: 10,
  operation: 11,
  emitter: 12,
  cacheRead: 13,
  cacheWrite: 14,
  reasoning: 15,
  /** 1: told by a log record, whose parent is the span that it names. */
  record: 16,
  /** 1: the emitter states the cost, or that a gateway's cache answered. */
  costStated: 17,
  width: 18,
} as const

export interface Totals {
  /** NaN: no call told. */
  readonly cost_usd: number
  readonly input: number
  readonly output: number
}
export const NO_TOTALS: Totals = { cost_usd: Number.NaN, input: Number.NaN, output: Number.NaN }

/** A call that several spans and log records tell of counts once, as in the metrics. */
export function totalsOf(rows: readonly number[]): Totals {
  const reports = Array.from({ length: rows.length / CALL.width }, (_, row) => factsOf(rows, row))
  const totals = { ...NO_TOTALS }
  for (const group of groupCalls(reports)) {
    const call = mergeReports(group.map((at) => reports[at]!))
    totals.cost_usd = plus(totals.cost_usd, call.cost_usd)
    totals.input = plus(totals.input, call.inputTokens)
    totals.output = plus(totals.output, call.outputTokens)
  }
  return totals
}

function plus(sum: number, value: number): number {
  if (Number.isNaN(value)) return sum
  return Number.isNaN(sum) ? value : sum + value
}

function factsOf(rows: readonly number[], row: number): CallFacts {
  const number = (column: number) => rows[row * CALL.width + column]!
  return {
    spanId: number(CALL.span),
    parentId: number(CALL.parent),
    responseId: number(CALL.response),
    emitter: number(CALL.emitter),
    nearness: 0,
    isMerged: false,
    isCounted: false,
    // It has all the numbers that the request's report has not: sums need no pairs.
    isStreamRecord: false,
    isRecord: number(CALL.record) === 1,
    operation: number(CALL.operation),
    requestModel: number(CALL.model),
    responseModel: number(CALL.responseModel),
    start_ms: number(CALL.start_ms),
    end_ms: number(CALL.end_ms),
    failed: number(CALL.failed) === 1,
    rateLimited: false,
    inputTokens: number(CALL.input),
    outputTokens: number(CALL.output),
    cacheReadTokens: number(CALL.cacheRead),
    cacheWriteTokens: number(CALL.cacheWrite),
    reasoningTokens: number(CALL.reasoning),
    cost_usd: number(CALL.cost_usd),
    isCostStated: number(CALL.costStated) === 1,
  }
}
