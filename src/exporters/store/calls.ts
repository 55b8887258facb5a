/** The model calls of one trace as rows of numbers, and what they sum up to when each is counted once. */
import { type CallFacts, isSameCall } from '../../gen_ai/same_call.ts'

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
  dialect: 12,
  width: 13,
} as const

const SUMS = [CALL.cost_usd, CALL.input, CALL.output] as const

export interface Totals {
  /** NaN: no call told. */
  readonly cost_usd: number
  readonly input: number
  readonly output: number
}
export const NO_TOTALS: Totals = { cost_usd: Number.NaN, input: Number.NaN, output: Number.NaN }

/** A call that two spans tell of counts once: by the outer one's numbers, and the inner's where the outer has none. */
export function totalsOf(rows: readonly number[]): Totals {
  const count = rows.length / CALL.width
  const outer = count > 1 ? outerRows(rows, count) : undefined
  const values = outer === undefined ? rows : mergedInto(outer, rows)
  const totals = { ...NO_TOTALS }
  for (let row = 0; row < count; row++) {
    if (outer !== undefined && outer[row] !== row) continue
    totals.cost_usd = plus(totals.cost_usd, values[row * CALL.width + CALL.cost_usd]!)
    totals.input = plus(totals.input, values[row * CALL.width + CALL.input]!)
    totals.output = plus(totals.output, values[row * CALL.width + CALL.output]!)
  }
  return totals
}

/** A copy of the rows in which those that stand for others have numbers of theirs too, where they had none. */
function mergedInto(outer: readonly number[], rows: readonly number[]): readonly number[] {
  const values = rows.slice()
  for (let row = 0; row < outer.length; row++) {
    let top = outer[row]!
    for (let steps = 0; outer[top] !== top && steps < outer.length; steps++) top = outer[top]!
    if (top === row) continue
    for (const column of SUMS) {
      const at = top * CALL.width + column
      if (Number.isNaN(values[at])) values[at] = rows[row * CALL.width + column]!
    }
  }
  return values
}

function plus(sum: number, value: number): number {
  if (Number.isNaN(value)) return sum
  return Number.isNaN(sum) ? value : sum + value
}

/** In longer traces only parents and equal response ids are looked at. */
const COMPARED_MAX = 64

/** For each row the row that stands for the same call: itself, or the one around it. Undefined if all are different. */
function outerRows(rows: readonly number[], count: number): number[] | undefined {
  return count <= COMPARED_MAX ? comparedRows(rows, count) : relatedRows(rows, count)
}

function comparedRows(rows: readonly number[], count: number): number[] | undefined {
  const outer: number[] = []
  /** Rows that stand for two already. */
  let paired: Set<number> | undefined
  for (let row = 0; row < count; row++) {
    outer.push(row)
    for (let other = 0; other < row; other++) {
      if (outer[other] !== other || !mayBeSame(rows, other, row)) continue
      if (!isSameCall(factsOf(rows, other, paired?.has(other)), factsOf(rows, row, paired?.has(row)))) continue
      const isInside = rows[other * CALL.width + CALL.parent] === rows[row * CALL.width + CALL.span]
      const [top, inner] = isInside ? [row, other] : [other, row]
      outer[inner] = top
      paired = (paired ?? new Set()).add(top)
      if (!isInside) break
    }
  }
  return paired && outer
}

/** Cheap, and never wrongly no: the rule itself is asked after it. */
function mayBeSame(rows: readonly number[], a: number, b: number): boolean {
  const [one, other] = [a * CALL.width, b * CALL.width]
  const [response, otherResponse] = [rows[one + CALL.response]!, rows[other + CALL.response]!]
  if (response !== 0 && otherResponse !== 0) return response === otherResponse
  return (
    rows[one + CALL.dialect] !== rows[other + CALL.dialect] ||
    rows[one + CALL.parent] === rows[other + CALL.span] ||
    rows[other + CALL.parent] === rows[one + CALL.span]
  )
}

function relatedRows(rows: readonly number[], count: number): number[] {
  const bySpan = new Map<number, number>()
  const byResponse = new Map<number, number>()
  for (let row = 0; row < count; row++) bySpan.set(rows[row * CALL.width + CALL.span]!, row)
  return Array.from({ length: count }, (_, row) => {
    const parent = bySpan.get(rows[row * CALL.width + CALL.parent]!)
    if (parent !== undefined && parent !== row && isSameCall(factsOf(rows, parent), factsOf(rows, row))) return parent
    const response = rows[row * CALL.width + CALL.response]!
    const first = response === 0 ? row : byResponse.get(response)
    if (first === undefined) byResponse.set(response, row)
    return first ?? row
  })
}

function factsOf(rows: readonly number[], row: number, isMerged = false): CallFacts {
  const text = (column: number) => {
    const number = rows[row * CALL.width + column]!
    return number === 0 ? '' : String(number)
  }
  const number = (column: number) => rows[row * CALL.width + column]!
  return {
    spanId: text(CALL.span),
    parentId: text(CALL.parent),
    responseId: text(CALL.response),
    dialect: number(CALL.dialect),
    isMerged,
    operation: number(CALL.operation),
    requestModel: text(CALL.model),
    responseModel: text(CALL.responseModel),
    start_ms: number(CALL.start_ms),
    end_ms: number(CALL.end_ms),
    failed: number(CALL.failed) === 1,
    rateLimited: false,
    inputTokens: number(CALL.input),
    outputTokens: number(CALL.output),
    cacheReadTokens: Number.NaN,
    cacheWriteTokens: Number.NaN,
    reasoningTokens: Number.NaN,
  }
}
