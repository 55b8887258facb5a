/** From the bytes of a span, or of a log record that is a call, to the facts of a model call. */
import { textStart } from '../../telemetry/any_value.ts'
import { isEqual } from '../../telemetry/key_set.ts'
import type { RecordView } from '../../telemetry/record_view.ts'
import { type SpanView, STATUS_ERROR } from '../../telemetry/span_view.ts'
import { FIELD, TEXTS } from '../call_fields.ts'
import { builtInLexicon, type DialectRow } from '../dialects/lexicon.ts'
import { readFailure } from '../failure.ts'
import { judgeTimes } from '../implausible.ts'
import { EMBEDDINGS, needsModel, OPERATIONS } from '../known_values.ts'
import type { ModelCall } from '../model_call.ts'
import { findExceptionText } from '../wire.ts'
import { readFinishReasons } from './finish.ts'
import { readFirstChunk } from './first_chunk.ts'
import { type DialectCandidates, mayBeMarked, recognise } from './recognise.ts'
import { mayBeRecorded, type RecordCandidates, recogniseRecord } from './recognise_record.ts'
import { readSeconds } from './seconds.ts'
import { firstSource, placeEnd, placeStart, readFlag, readNumber, readText, resetJson, rowOf } from './sources.ts'
import { readName } from './span_name.ts'
import { readTokens } from './token_counts.ts'

/** Scratch of the size that `readModelCall` needs. */
export function foundKeys({ keys } = builtInLexicon): Int32Array {
  return new Int32Array(keys.names.length)
}

/**
 * Fills `call` from the span that `view` is on. False if the span is no model call, is in no known dialect, or was
 * judged before (it carries `sluice.dialect`); `call` is then undefined in its content.
 */
export function readModelCall(
  view: SpanView,
  found: Int32Array,
  candidates: DialectCandidates,
  call: ModelCall,
): boolean {
  const mayBeNamed = view.statusCode === STATUS_ERROR && candidates.byName >= 0
  if (!mayBeNamed && !mayBeMarked(candidates, view)) return false
  const { lexicon } = candidates
  view.attributes.find(view.bytes, lexicon.keys, found)
  if (found[lexicon.judged]! >= 0) return false
  const marked = recognise(candidates, found)
  const dialect = marked < 0 && mayBeNamed ? candidates.byName : marked
  return dialect >= 0 && readCall(view, found, lexicon.rows[dialect]!, dialect, call, false, mayBeNamed)
}

/**
 * The same of a log record. False also if the record repeats another one. `found` has the body among the attributes, under
 * `body` of the lexicon.
 */
export function readRecordedCall(
  view: RecordView,
  found: Int32Array,
  candidates: RecordCandidates,
  call: ModelCall,
): boolean {
  if (!mayBeRecorded(candidates, view)) return false
  const { lexicon } = candidates
  view.attributes.find(view.bytes, lexicon.keys, found)
  found[lexicon.body] = view.bodyRow
  const mark = recogniseRecord(candidates, view, found)
  if (mark === undefined || found[lexicon.judged]! >= 0) return false
  const row = lexicon.rows[mark.dialect]!
  if (!readCall(view, found, row, mark.dialect, call, mark.isCall, false)) return false
  if (mark.fails && !call.failed) readFailure(view, call)
  return call.failed || !row.onlyFailures
}

/** `isCall`: it tells of one also if it does not name the operation. `mayBeNamed`: the span's name may say so. */
function readCall(
  view: SpanView,
  found: Int32Array,
  row: DialectRow,
  dialect: number,
  call: ModelCall,
  isCall: boolean,
  mayBeNamed: boolean,
): boolean {
  call.reset(view.bytes, dialect)
  call.isOfOwnServer = row.ofOwnServer
  resetJson(row)
  const operation = readOperation(view, found, row, call)
  if (operation === NO_CALL) return false
  for (let field = 0; field < TEXTS; field++) readText(view, found, row, field, call)
  readProvider(row, call)
  readTokens(view, found, row, call)
  call.cost_usd = readNumber(view, found, row, FIELD.cost, call, call.plausible.cost_usd_max)
  if (call.cost_usd === 0 && row.zeroCostIsUnknown) {
    call.cost_usd = Number.NaN
    call.isZeroDoubtful = true
  }
  call.isAnswerCached = readFlag(view, found, row, FIELD.answerCached, call) === true
  call.statusCode = readNumber(view, found, row, FIELD.statusCode, call)
  if (view.isRecord) readRecord(view, found, row, call)
  if (operation === NOT_NAMED && !readName(view, row, call, mayBeNamed) && !isCallByFacts(found, row, call, isCall))
    return false
  if (needsModel(call.operation) && !call.has(FIELD.requestModel) && !call.has(FIELD.responseModel)) return false
  settleOperation(found, row, call)
  readStream(view, found, row, call)
  call.timePerChunk_s = readSeconds(view, found, row, FIELD.timePerChunk, call)
  call.queueTime_s = readSeconds(view, found, row, FIELD.queueTime, call)
  judgeTimes(view, call)
  readFinishReasons(view, found, row, call)
  call.hasErrorStatus = view.statusCode === STATUS_ERROR
  if (isFailure(view, found, row, call)) readFailure(view, call)
  return row.onlyWith === undefined || call.operation !== CHAT || tellsOfCall(view, row.onlyWith, call)
}

/** What only log records say. */
function readRecord(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  call.duration_ms = readNumber(view, found, dialect, FIELD.duration, call)
  const answer = firstSource(view, found, dialect, FIELD.answer, call)
  if (answer < 0) return
  call.answerStart = placeStart(dialect, answer)
  call.answerEnd = placeEnd(dialect, answer)
}

/** What an operation's name says: that it is no call, that it is one; or there is none. */
const NO_CALL = 0
const NAMED = 1
const NOT_NAMED = 2

function readOperation(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): number {
  const source = firstSource(view, found, dialect, FIELD.operation, call)
  if (source < 0) return NOT_NAMED
  const row = rowOf(found, dialect, source)
  let start = placeStart(dialect, source)
  let end = placeEnd(dialect, source)
  if (start < 0) {
    end = view.attributes.valueEnd(row)
    start = textStart(view.bytes, view.attributes.valueStart(row), end)
    if (start < 0) return NO_CALL
  }
  const spelling = dialect.operations.find(view.bytes, start, end)
  if (spelling < 0) return NO_CALL
  call.operation = dialect.operations.valueOf(spelling)
  call.rows[FIELD.operation] = row
  if (!dialect.operations.isExact(spelling)) call.replaced |= 1 << FIELD.operation
  return NAMED
}

/** Without an operation's name: is it a call by its model, or its tokens, and is it nothing else? */
function isCallByFacts(found: Int32Array, dialect: DialectRow, call: ModelCall, isCall: boolean): boolean {
  if (!isCall && dialect.operationOptional === false) return false
  const { otherSteps } = dialect.lexicon
  for (let at = 0; at < otherSteps.length; at++) if (found[otherSteps[at]!]! >= 0) return false
  const hasModel = call.has(FIELD.requestModel) || call.has(FIELD.responseModel)
  const hasTokens = call.inputTokens >= 0 || call.outputTokens >= 0
  call.operation = CHAT
  return !isCall && dialect.operationOptional === 'with_usage' ? hasModel && hasTokens : hasModel || hasTokens
}

/** Words for a call of any kind (`LLM`, `generation`, none) may stand for embeddings: the model's name tells. */
function settleOperation(found: Int32Array, { lexicon }: DialectRow, call: ModelCall): void {
  const row = call.rows[FIELD.operation]!
  if (call.operation !== CHAT || (row >= 0 && row === found[lexicon.newest[FIELD.operation]!])) return
  const field = call.has(FIELD.requestModel) ? FIELD.requestModel : FIELD.responseModel
  if (contains(call.bytes, call.start(field), call.end(field), EMBED)) call.operation = EMBEDDINGS
}

/** Did the span call a model, or only prepare to? */
function tellsOfCall(view: SpanView, onlyWith: readonly Buffer[], call: ModelCall): boolean {
  if (call.failed || call.finishReasonCount > 0 || call.inputTokens >= 0 || call.outputTokens >= 0) return true
  const { bytes, attributes } = view
  for (let row = 0; row < attributes.count; row++) {
    const [start, end] = [attributes.keyStart(row), attributes.keyEnd(row)]
    if (onlyWith.some((one) => one.length <= end - start && isEqual(one, bytes, start, start + one.length))) return true
  }
  return call.timeToFirstChunk_s >= 0
}

const EMBED = Buffer.from('embed')
const CHAT = OPERATIONS.indexOf('chat')

function readProvider(dialect: DialectRow, call: ModelCall): void {
  if (!call.has(FIELD.provider)) return
  const { providers } = dialect
  const spelling = providers.find(call.bytes, call.start(FIELD.provider), call.end(FIELD.provider))
  call.provider = providers.valueOf(spelling)
  if (spelling >= 0 && !providers.isExact(spelling)) call.replaced |= 1 << FIELD.provider
}

/** A call that says nothing of streams but knows of a first chunk streamed; one that did not stream had no chunks. */
function readStream(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): void {
  const stated = readFlag(view, found, dialect, FIELD.stream, call)
  call.stream = stated === true
  if (stated === false) return
  readFirstChunk(view, found, dialect, call)
  if (stated === undefined) call.stream = !dialect.firstChunkOfAll && call.timeToFirstChunk_s >= 0
}

function isFailure(view: SpanView, found: Int32Array, dialect: DialectRow, call: ModelCall): boolean {
  if (call.hasErrorStatus || call.has(FIELD.errorType) || call.statusCode >= 400 || isErrorWord(call)) return true
  if (readFlag(view, found, dialect, FIELD.outcome, call) === false) return true
  return dialect.failsByException && !hasAnswer(call) && findExceptionText(view, exceptionType) >= 0
}

function hasAnswer(call: ModelCall): boolean {
  return call.outputTokens >= 0 || call.finishReasonCount > 0
}

const exceptionType = Buffer.from('exception.type')

const errorWord = Buffer.from('error')
const word = Buffer.alloc(errorWord.length)

function isErrorWord(call: ModelCall): boolean {
  const start = call.start(FIELD.outcome)
  if (call.end(FIELD.outcome) - start !== word.length) return false
  for (let at = 0; at < word.length; at++) word[at] = call.bytes[start + at]! | 32
  return isEqual(errorWord, word, 0, word.length)
}

function contains(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  for (let at = start; at + wanted.length <= end; at++) {
    let same = 0
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++
    if (same === wanted.length) return true
  }
  return false
}
