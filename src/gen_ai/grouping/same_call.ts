/**
 * One model call reported by two spans: the framework's (or an instrumentation's) and, inside it, the provider SDK's;
 * or a client's and a gateway's. Rules over two reports; which are compared is in `group_calls.ts` and `other_traces.ts`.
 */

import { answersInWords } from '../known_values.ts'

/** A number that stands for a text: equal ones are equal. 0: there is none. */
export type Id = number

/** What the rules need of a call. Numbers are NaN and texts 0 where unknown. */
export interface CallFacts {
  readonly spanId: Id
  readonly parentId: Id
  readonly responseId: Id
  /** Which instrumentation reports it. */
  readonly emitter: Id
  /** How near to the provider that is: 0 above its SDK, 1 around it, 2 in it. */
  readonly nearness: number
  /** Told by a log record? It may name the span that it tells of, as its parent, and know no start. Default false. */
  readonly isRecord?: boolean
  /** Is this already the sum of two reports? */
  readonly isMerged: boolean
  /** Has its call been counted? What it did not say is in no sum. */
  readonly isCounted: boolean
  /** Was it written when a stream had ended, beside the report of the request? It begins with the stream. Of merged reports: is one? */
  readonly isStreamRecord: boolean
  /** Position in OPERATIONS. */
  readonly operation: number
  readonly requestModel: Id
  readonly responseModel: Id
  readonly start_ms: number
  readonly end_ms: number
  readonly failed: boolean
  readonly rateLimited: boolean
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly reasoningTokens: number
  /** Of the token numbers that stand here. */
  readonly cost_usd: number
  /** Does the emitter say what it costs, or that a gateway's cache answered? Nobody knows better. */
  readonly isCostStated: boolean
}

/** Clocks of one process, read twice: a child may seem to begin or end this much outside its parent. */
export const TOLERANCE_ms = 5
/** A stream that was handed over is read at once, or so long after. */
export const UNREAD_MAX_ms = 100

const RECORD_LATENESS_ms = 1000

/**
 * Is the child's report the same call as its parent's? They must be of equal outcome (a failed child of a good parent is a
 * retried attempt, a call of its own), of compatible models, the child in the parent's time, and no token number may
 * contradict. Another instrumentation's without tokens may have another name for the model. A router repeats the tokens of
 * the attempt that worked under the model that it was asked for: in one instrumentation equal numbers are enough. Where a stream is handed over, a parent that knows no tokens ends before it.
 */
export function isSameAsParent(parent: CallFacts, child: CallFacts): boolean {
  if (parent.responseId && child.responseId) return parent.responseId === child.responseId
  if (!isSameKind(parent.operation, child.operation) || parent.failed !== child.failed) return false
  if (!isWithin(child, parent) && !isHandedOver(parent, child)) return false
  return (
    tokensAgree(parent, child) && (isSameModel(parent, child) || isRepeated(parent, child) || isBare(parent, child))
  )
}

/**
 * Is the inner report the call of one further out, with spans of other kinds between? Where that one has no numbers of its own:
 * it has none, or repeats those of the inner one. The caller sees to it that this is the only such call in it.
 */
export function isAround(outer: CallFacts, inner: CallFacts): boolean {
  return ((knowsNothing(outer) && !(outer.cost_usd > 0)) || isRepeated(outer, inner)) && isSameAsParent(outer, inner)
}

/** May be a request whose stream was handed over, and is told of when it has ended. Too late: the record is a call then. */
export function mayBeStreamed(request: CallFacts): boolean {
  return !request.isStreamRecord && !request.isCounted && !request.failed && knowsNothing(request)
}

/**
 * Does the record tell of the request's stream? One instrumentation writes both under one parent: the request's report
 * ends when the stream is handed over, and there the stream begins.
 */
export function isStreamOf(request: CallFacts, record: CallFacts): boolean {
  return (
    record.isStreamRecord &&
    mayBeStreamed(request) &&
    !record.failed &&
    record.emitter === request.emitter &&
    record.parentId === request.parentId &&
    beginsBehind(record.start_ms, request.end_ms) &&
    isSameKind(request.operation, record.operation) &&
    isSameModel(request, record)
  )
}

/**
 * Is a log record another report of the call whose span it names? An instrumentation's event is, whatever it leaves out. Of
 * an agent's or a router's span there may be records of several calls, and of attempts that failed.
 */
export function isRecordOf(span: CallFacts, record: CallFacts): boolean {
  if (span.responseId && record.responseId) return span.responseId === record.responseId
  return isSameKind(span.operation, record.operation) && (span.failed || !record.failed) && tokensAgree(span, record)
}

/**
 * Is it one call told by spans that know nothing of each other, in one trace or in two: an instrumentation that does not
 * make its span current and the provider's SDK below it, or a client and a gateway with spans of other kinds between?
 * They must be of different instrumentations (two reports by one are two calls), which the caller sees to, and
 * have failed both or both know their tokens.
 */
export function isSeenTwice(a: CallFacts, b: CallFacts, evenWithoutTokens = false): boolean {
  return (
    !(a.responseId && b.responseId && a.responseId !== b.responseId) &&
    (a.failed || evenWithoutTokens || bothKnowTokens(a, b)) &&
    (isWithin(a, b) || isWithin(b, a) || isReadAfter(a, b)) &&
    contradictNothing(a, b)
  )
}

/**
 * Is it one call told side by side, by a framework that does not make its span current and by what is around the provider's SDK,
 * where one of them knows no tokens? The caller sees to it that none stands above the other, and pairs one with one.
 */
export function isBeside(a: CallFacts, b: CallFacts): boolean {
  return a.nearness !== b.nearness && (knowsNothing(a) || knowsNothing(b)) && isSeenTwice(a, b, true)
}

/**
 * Of a stream at the root of its trace the request and the record are in two traces: does what is told now say no more than
 * what was told before? A request does, whose record was told; a record does only if the request's tokens were known, by
 * itself or by what is below it. Who has a record in its own trace (`isStreamRecord`) has it already.
 */
export function isStreamTold(told: CallFacts, now: CallFacts): boolean {
  if (told.isStreamRecord === now.isStreamRecord || told.parentId || now.parentId) return false
  if (told.emitter !== now.emitter) return false
  return (!told.isMerged && isStreamOf(now, told)) || isSeenTwice(told, now)
}

/**
 * The same of reports in two traces. Equal response ids decide between two instrumentations if model and input agree (ids are
 * compared as hashes) and the two overlap in time: a cache or a stub that answers with one id again was called again.
 * Without, one must be a root that the provider's SDK made by itself, and the other of another making in the
 * same process: that the caller has to see to. What is told now may know no tokens; if only it knows them, or the input, they
 * would be in no sum.
 */
export function isSameInOtherTrace(told: CallFacts, now: CallFacts): boolean {
  if (told.responseId && now.responseId)
    return (
      told.responseId === now.responseId &&
      told.emitter !== now.emitter &&
      isSameKind(told.operation, now.operation) &&
      isSameModel(told, now) &&
      agrees(inputOf(told), inputOf(now)) &&
      overlap(told, now)
    )
  return (
    told.nearness !== now.nearness &&
    !(told.nearness > now.nearness ? told : now).parentId &&
    told.emitter !== now.emitter &&
    !told.isMerged &&
    !now.isMerged &&
    (inputOf(told) >= 0 || !(now.inputTokens > 0)) &&
    isSeenTwice(told, now, knowsNothing(now))
  )
}

/**
 * The facts of one call from two reports of it: the labels (agent, conversation, names) are the outer one's, model and
 * numbers the inner one's where it knows them, since it saw the provider's answer itself. Of two inputs the one with the
 * cached tokens stands, of two outputs the one with the reasoning. A cost that an emitter states stands; another goes with
 * the numbers that it was made of: of two with the same numbers the inner one, which knows of tiers and lifetimes.
 */
export function mergeCalls(outer: CallFacts, inner: CallFacts): CallFacts {
  const inputTokens = larger(inner.inputTokens, outer.inputTokens)
  const outputTokens = larger(inner.outputTokens, outer.outputTokens)
  const merged = {
    ...outer,
    isMerged: true,
    responseId: outer.responseId || inner.responseId,
    requestModel: inner.requestModel || outer.requestModel,
    responseModel: inner.responseModel || outer.responseModel,
    failed: outer.failed || inner.failed,
    rateLimited: outer.rateLimited || inner.rateLimited,
    end_ms: inner.isStreamRecord || isHandedOver(outer, inner) ? later(inner.end_ms, outer.end_ms) : outer.end_ms,
    inputTokens,
    outputTokens,
    cacheReadTokens: known(inner.cacheReadTokens, outer.cacheReadTokens),
    cacheWriteTokens: known(inner.cacheWriteTokens, outer.cacheWriteTokens),
    reasoningTokens: known(inner.reasoningTokens, outer.reasoningTokens),
  }
  const isOfOuter =
    outer.isCostStated === inner.isCostStated
      ? hasTokensOf(outer, merged) && !hasTokensOf(inner, merged)
      : outer.isCostStated
  return {
    ...merged,
    isCostStated: outer.isCostStated || inner.isCostStated,
    cost_usd: isOfOuter ? known(outer.cost_usd, inner.cost_usd) : known(inner.cost_usd, outer.cost_usd),
  }
}

/** The same of any number of reports, the outermost first. */
export function mergeReports(reports: readonly CallFacts[]): CallFacts {
  return reports.reduceRight((inner, outer) => mergeCalls(outer, inner))
}

function hasTokensOf(call: CallFacts, merged: CallFacts): boolean {
  return (
    Object.is(call.inputTokens, merged.inputTokens) &&
    Object.is(call.outputTokens, merged.outputTokens) &&
    (call.cacheReadTokens || 0) === (merged.cacheReadTokens || 0) &&
    (call.cacheWriteTokens || 0) === (merged.cacheWriteTokens || 0)
  )
}

function later(one: number, other: number): number {
  return one > other ? one : other
}

/** Where one contains what the other leaves out. */
function larger(first: number, second: number): number {
  return second > first ? second : known(first, second)
}

function isWithin(inner: CallFacts, outer: CallFacts): boolean {
  return startOf(inner) >= outer.start_ms - TOLERANCE_ms && inner.end_ms <= outer.end_ms + TOLERANCE_ms
}

/** A log record that knows no start is a moment. */
export function startOf({ start_ms, end_ms, isRecord }: CallFacts): number {
  return isRecord && Number.isNaN(start_ms) ? end_ms : start_ms
}

function knowsNothing({ inputTokens, outputTokens }: CallFacts): boolean {
  return Number.isNaN(inputTokens) && Number.isNaN(outputTokens)
}

/** The parent's span ended when the stream was handed over, the child's when it had been read. */
function isHandedOver(parent: CallFacts, child: CallFacts): boolean {
  return (
    parent.emitter !== child.emitter &&
    knowsNothing(parent) &&
    child.start_ms >= parent.start_ms - TOLERANCE_ms &&
    child.start_ms <= parent.end_ms + TOLERANCE_ms
  )
}

/**
 * A framework whose report of a stream ends when it hands the generator over asks for the answer when that is read: there the
 * report of what is around the provider's SDK begins. The framework knows no tokens, or has taken them from the end of the stream.
 * Failures follow at once: two calls that fail one after the other are as likely.
 */
function isReadAfter(a: CallFacts, b: CallFacts): boolean {
  if (a.nearness === b.nearness) return false
  const [framework, sdk] = a.nearness < b.nearness ? [a, b] : [b, a]
  const isSilent = knowsNothing(framework)
  if (!isSilent && !(framework.inputTokens === sdk.inputTokens && framework.outputTokens === sdk.outputTokens))
    return false
  return beginsBehind(sdk.start_ms, framework.end_ms, framework.failed ? TOLERANCE_ms : UNREAD_MAX_ms)
}

/** Does what begins then follow at once on what ended then? */
export function beginsBehind(start_ms: number, end_ms: number, gap_max_ms = UNREAD_MAX_ms): boolean {
  return start_ms >= end_ms - TOLERANCE_ms && start_ms <= end_ms + gap_max_ms
}

/** Another instrumentation around it that knows no tokens: it may call the model by another name (`m` for `openai/m`). */
function isBare(parent: CallFacts, child: CallFacts): boolean {
  return parent.emitter !== child.emitter && knowsNothing(parent)
}

function isRepeated(parent: CallFacts, child: CallFacts): boolean {
  return (
    parent.emitter === child.emitter &&
    parent.inputTokens > 0 &&
    parent.inputTokens === child.inputTokens &&
    parent.outputTokens === child.outputTokens
  )
}

function overlap(a: CallFacts, b: CallFacts): boolean {
  return startOf(a) <= b.end_ms + latenessOf(a) && startOf(b) <= a.end_ms + latenessOf(b)
}

/** Did the later report begin when the earlier one had ended? Then they are two calls, whatever ids they have: a cache or a stub answered with one id again. */
export function isAfter(earlier: CallFacts, later: CallFacts): boolean {
  return startOf(later) > earlier.end_ms + latenessOf(later)
}

/** How much later than the other's end a call may seem to begin. A record is written when its call is over. */
function latenessOf({ isRecord, start_ms }: CallFacts): number {
  return isRecord && Number.isNaN(start_ms) ? RECORD_LATENESS_ms : TOLERANCE_ms
}

function contradictNothing(a: CallFacts, b: CallFacts): boolean {
  return isSameKind(a.operation, b.operation) && a.failed === b.failed && isSameModel(a, b) && tokensAgree(a, b)
}

/** Numbers that differ by exactly the cached, or the reasoning, tokens agree: one emitter counts them in, the other not. */
function tokensAgree(a: CallFacts, b: CallFacts): boolean {
  const [input, otherInput] = [inputOf(a), inputOf(b)]
  const [output, otherOutput] = [a.outputTokens, b.outputTokens]
  return (
    (agrees(input, otherInput) || input - cachedOf(a) === otherInput || otherInput - cachedOf(b) === input) &&
    (agrees(output, otherOutput) ||
      output - a.reasoningTokens === otherOutput ||
      otherOutput - b.reasoningTokens === output)
  )
}

/** Where one says 0 for an input that it does not know, the output has to do. */
function bothKnowTokens(a: CallFacts, b: CallFacts): boolean {
  const isLeftOut = a.inputTokens === 0 || b.inputTokens === 0
  return (a.inputTokens > 0 && b.inputTokens > 0) || (isLeftOut && a.outputTokens > 0 && b.outputTokens > 0)
}

/** Nobody is answered who asked nothing: 0 is what some emitters write of streams whose first part they did not read. */
function inputOf({ inputTokens, outputTokens }: CallFacts): number {
  return inputTokens === 0 && outputTokens > 0 ? Number.NaN : inputTokens
}

export function cachedOf({ cacheReadTokens, cacheWriteTokens }: CallFacts): number {
  return (cacheReadTokens || 0) + (cacheWriteTokens || 0)
}

/** `chat`, `text_completion` and `generate_content` are names for one thing; each other operation is another. */
function isSameKind(a: number, b: number): boolean {
  return a === b || (answersInWords(a) && answersInWords(b))
}

/** A model unknown on one side contradicts nothing. */
function isSameModel(a: CallFacts, b: CallFacts): boolean {
  const isUnknown = (!a.requestModel && !a.responseModel) || (!b.requestModel && !b.responseModel)
  return isUnknown || isModelOf(a.requestModel, b) || isModelOf(a.responseModel, b)
}

function isModelOf(model: Id, { requestModel, responseModel }: CallFacts): boolean {
  return !!model && (model === requestModel || model === responseModel)
}

function agrees(a: number, b: number): boolean {
  return Number.isNaN(a) || Number.isNaN(b) || a === b
}

function known(first: number, second: number): number {
  return Number.isNaN(first) ? second : first
}
