/**
 * One model call reported by two spans: the framework's (or an instrumentation's) and, inside it, the provider SDK's;
 * or a client's and a gateway's. Rules over facts, for whoever sees the spans of a trace together.
 */

import { OPERATIONS } from './values.ts'

/** What the rules need of a call. Numbers are NaN and texts empty where unknown. */
export interface CallFacts {
  /** Hex or any other form, the same for all. */
  readonly spanId: string
  readonly parentId: string
  readonly responseId: string
  /** Position in OPERATIONS. */
  readonly operation: number
  readonly requestModel: string
  readonly responseModel: string
  readonly start_ms: number
  readonly end_ms: number
  readonly failed: boolean
  readonly rateLimited: boolean
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly reasoningTokens: number
}

/** Clocks of one process, read twice: a child may seem to begin or end this much outside its parent. */
const TOLERANCE_ms = 5

/**
 * Are these the same call? Equal response ids decide, wherever the spans are; different ones too. Without, only parent
 * and child can be: of equal outcome, compatible models, the child within the parent's time, and no token number that
 * contradicts. A failed child of a good parent is a retried attempt, a call of its own.
 */
export function isSameCall(a: CallFacts, b: CallFacts): boolean {
  if (a.responseId !== '' && b.responseId !== '') return a.responseId === b.responseId
  const outer = outerOf(a, b)
  if (outer === undefined) return false
  const inner = outer === a ? b : a
  return (
    isSameKind(a.operation, b.operation) &&
    a.failed === b.failed &&
    isSameModel(a, b) &&
    inner.start_ms >= outer.start_ms - TOLERANCE_ms &&
    inner.end_ms <= outer.end_ms + TOLERANCE_ms &&
    agrees(a.outputTokens, b.outputTokens) &&
    agrees(a.inputTokens, b.inputTokens)
  )
}

export interface Merged {
  /** The span whose labels (agent, conversation, names) stand for the call: the outer one. */
  readonly span: CallFacts
  readonly failed: boolean
  readonly rateLimited: boolean
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly reasoningTokens: number
  /** True if the token numbers come from `span` alone, so that its cost holds as it is. */
  readonly tokensOfSpan: boolean
}

/**
 * The facts of one call from two reports of it. Of each number the inner span's is taken if known, since it saw the
 * provider's answer itself, otherwise the outer's. Without parent and child, `a` (the one known first) counts as outer.
 */
export function mergeCalls(a: CallFacts, b: CallFacts): Merged {
  const outer = outerOf(a, b) ?? a
  const inner = outer === a ? b : a
  const merged = {
    inputTokens: known(inner.inputTokens, outer.inputTokens),
    outputTokens: known(inner.outputTokens, outer.outputTokens),
    cacheReadTokens: known(inner.cacheReadTokens, outer.cacheReadTokens),
    cacheWriteTokens: known(inner.cacheWriteTokens, outer.cacheWriteTokens),
    reasoningTokens: known(inner.reasoningTokens, outer.reasoningTokens),
  }
  return {
    span: outer,
    failed: outer.failed || inner.failed,
    rateLimited: outer.rateLimited || inner.rateLimited,
    ...merged,
    tokensOfSpan:
      Object.is(merged.inputTokens, outer.inputTokens) &&
      Object.is(merged.outputTokens, outer.outputTokens) &&
      (merged.cacheReadTokens || 0) === (outer.cacheReadTokens || 0) &&
      (merged.cacheWriteTokens || 0) === (outer.cacheWriteTokens || 0),
  }
}

function outerOf(a: CallFacts, b: CallFacts): CallFacts | undefined {
  if (b.parentId !== '' && b.parentId === a.spanId) return a
  return a.parentId !== '' && a.parentId === b.spanId ? b : undefined
}

/** `chat`, `text_completion` and `generate_content` are names for one thing; embeddings are another. */
function isSameKind(a: number, b: number): boolean {
  return (a === EMBEDDINGS) === (b === EMBEDDINGS)
}

const EMBEDDINGS = OPERATIONS.indexOf('embeddings')

/** A model unknown on one side contradicts nothing. */
function isSameModel(a: CallFacts, b: CallFacts): boolean {
  const named = [a.requestModel, a.responseModel].filter((name) => name !== '')
  const others = [b.requestModel, b.responseModel].filter((name) => name !== '')
  return named.length === 0 || others.length === 0 || named.some((name) => others.includes(name))
}

function agrees(a: number, b: number): boolean {
  return Number.isNaN(a) || Number.isNaN(b) || a === b
}

function known(first: number, second: number): number {
  return Number.isNaN(first) ? second : first
}
