/**
 * One model call reported by two spans: the framework's (or an instrumentation's) and, inside it, the provider SDK's;
 * or a client's and a gateway's. Rules over facts, for whoever sees the spans together (`calls.ts`, `other_traces.ts`).
 */

import { dialects } from './dialects.ts'
import { OPERATIONS } from './values.ts'

/** What the rules need of a call. Numbers are NaN and texts empty where unknown. */
export interface CallFacts {
  /** Hex or any other form, the same for all. */
  readonly spanId: string
  readonly parentId: string
  readonly responseId: string
  /** Position in the table of dialects; -1 where it is unknown. */
  readonly dialect: number
  /** Is this already the sum of two reports? */
  readonly isMerged: boolean
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
 * Are these two reports in one trace the same call? Equal response ids decide, wherever the spans are; different ones
 * too. Without, they must be of equal outcome, of compatible models, one within the other's time, and no token number
 * may contradict. Of parent and child that is enough: a failed child of a good parent is a retried attempt, a call of
 * its own. Otherwise `isSeenTwice` asks for more.
 */
export function isSameCall(a: CallFacts, b: CallFacts): boolean {
  if (a.responseId !== '' && b.responseId !== '') return a.responseId === b.responseId
  const outer = outerOf(a, b)
  if (outer === undefined) return isSeenTwice(a, b)
  const inner = outer === a ? b : a
  return isWithin(inner, outer) && contradictNothing(a, b)
}

/**
 * The same of spans that know nothing of each other, in one trace or in two: an instrumentation that does not make its
 * span current and the provider's SDK below it, or a client and a gateway with spans of other kinds between. They must be
 * in different dialects (two reports by one instrumentation are two calls), have failed both or both know their input,
 * and neither may be paired already, so that each attempt of a retrying gateway stays a call.
 */
export function isSeenTwice(a: CallFacts, b: CallFacts): boolean {
  return (
    a.dialect !== b.dialect &&
    !a.isMerged &&
    !b.isMerged &&
    (a.failed || (a.inputTokens > 0 && b.inputTokens > 0)) &&
    (isWithin(a, b) || isWithin(b, a)) &&
    contradictNothing(a, b)
  )
}

/**
 * The same of reports in two traces. Equal response ids decide between two dialects if model and input agree (ids are
 * compared as hashes) and the two overlap in time: a cache or a stub that answers with one id again was called again.
 * Without, one must be a root that the provider's SDK made by itself, and the other of another making in the
 * same process: that the caller has to see to.
 */
export function isSameInOtherTrace(a: CallFacts, b: CallFacts): boolean {
  if (a.responseId !== '' && b.responseId !== '')
    return (
      a.responseId === b.responseId &&
      a.dialect !== b.dialect &&
      isSameKind(a.operation, b.operation) &&
      isSameModel(a, b) &&
      agrees(a.inputTokens, b.inputTokens) &&
      overlap(a, b)
    )
  return (
    isRootOfProvider(a.dialect, a.parentId === '') !== isRootOfProvider(b.dialect, b.parentId === '') &&
    isSeenTwice(a, b)
  )
}

/** Is a span of this dialect the beginning of a trace that the provider's SDK made by itself? */
export function isRootOfProvider(dialect: number, isRoot: boolean): boolean {
  return isRoot && ofProvider[dialect] === 1
}

const ofProvider = Uint8Array.from(dialects, (dialect) => (dialect.ofProvider ? 1 : 0))

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
 * provider's answer itself, otherwise the outer's. Without parent and child, the longer one around the other counts as
 * outer, else `a` (the one known first).
 */
export function mergeCalls(a: CallFacts, b: CallFacts): Merged {
  const outer = outerOf(a, b) ?? (isWithin(a, b) && b.end_ms - b.start_ms > a.end_ms - a.start_ms ? b : a)
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

function isWithin(inner: CallFacts, outer: CallFacts): boolean {
  return inner.start_ms >= outer.start_ms - TOLERANCE_ms && inner.end_ms <= outer.end_ms + TOLERANCE_ms
}

function overlap(a: CallFacts, b: CallFacts): boolean {
  return a.start_ms <= b.end_ms + TOLERANCE_ms && b.start_ms <= a.end_ms + TOLERANCE_ms
}

function contradictNothing(a: CallFacts, b: CallFacts): boolean {
  return (
    isSameKind(a.operation, b.operation) &&
    a.failed === b.failed &&
    isSameModel(a, b) &&
    agrees(a.outputTokens, b.outputTokens) &&
    agrees(a.inputTokens, b.inputTokens)
  )
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
