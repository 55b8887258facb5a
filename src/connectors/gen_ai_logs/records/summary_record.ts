/** The record that sums a call up: its facts as attributes, and the most telling ones as a line to read. Never content. */
import { NEWEST, SLUICE } from '../../../gen_ai/call_fields.ts'
import { SIGNALS } from '../../../gen_ai/quality.ts'
import { firstText, nextText } from '../../../gen_ai/wire.ts'
import { nanosAsMillis, nanosBetween } from '../../../otlp/cursor.ts'
import { Output, varintSize } from '../../../otlp/output.ts'
import { type Calls, FAILED, RATE_LIMITED } from '../../../steps/calls.ts'
import { numberOf, textStart } from '../../../telemetry/any_value.ts'
import {
  appendDouble,
  appendInt,
  appendTexts,
  appendTrue,
  type KeyTemplate,
} from '../../../telemetry/attribute_writer.ts'
import { fieldEnd, fieldStart } from '../../../telemetry/find_field.ts'
import { isEqual } from '../../../telemetry/key_set.ts'
import { type Digest, fromInside, fromOutside, KEY } from '../digest.ts'
import { attributeKey, BODY, type Severity, SUMMARY_EVENT, writeObservedTime, writeSeverity } from './log_record.ts'
import { type LineKey, LogfmtLine, lineKey } from './logfmt_line.ts'

/** Calls whose score is below it are logged as warnings. */
const LOW_QUALITY = 0.5

/** Attributes that are written from the call's row. */
const WRITTEN = {
  input: attributeKey(NEWEST.inputTokens),
  output: attributeKey(NEWEST.outputTokens),
  cacheRead: attributeKey(NEWEST.cacheReadTokens),
  cacheWrite: attributeKey(NEWEST.cacheWriteTokens),
  reasoning: attributeKey(NEWEST.reasoningTokens),
  timeToFirstChunk: attributeKey(NEWEST.timeToFirstChunk),
  cost: attributeKey(SLUICE.cost),
  score: attributeKey(SLUICE.qualityScore),
  signals: attributeKey(SLUICE.qualitySignals),
  rateLimited: attributeKey(SLUICE.rateLimited),
  latency: attributeKey(SLUICE.latency),
}

/** Pairs of the line. */
const SHOWN = {
  model: lineKey('model'),
  input: lineKey('input_tokens'),
  output: lineKey('output_tokens'),
  cost: lineKey('cost_usd'),
  duration: lineKey('duration_ms'),
  ttft: lineKey('ttft_ms'),
  finish: lineKey('finish'),
  error: lineKey('error'),
  rateLimited: lineKey('rate_limited'),
  score: lineKey('score'),
  signals: lineKey('signals'),
  service: lineKey('service'),
}
const UNKNOWN = Buffer.from('unknown')
const TRUE = Buffer.from('true')
const MODELS = Buffer.from('models/')
const COMMA = 0x2c

export interface SettledCall {
  /** Its row holds the numbers of all reports together. */
  readonly calls: Calls
  readonly call: number
  /** Of the spans that report it, the outermost first. */
  readonly digests: readonly Digest[]
  /** The resource's `service.name` in UTF-8, empty if it has none. */
  readonly service: Buffer
}

/** Writes the content of the LogRecord. */
export function writeSummary(out: Output, settled: SettledCall, now_ms: number): void {
  const { calls, call, digests } = settled
  const latency_ms = latencyOf(settled)
  digests[0]!.writePlace(out)
  writeObservedTime(out, now_ms)
  writeSeverity(out, severityOf(settled))
  writeBody(out, lineOf(settled, latency_ms))
  out.constant(SUMMARY_EVENT)
  if (digests.length === 1) digests[0]!.writeCopied(out)
  else copyFromAll(out, settled)
  writeCount(out, WRITTEN.input, calls.number(call, 'input'))
  writeCount(out, WRITTEN.output, calls.number(call, 'output'))
  writeCount(out, WRITTEN.cacheRead, calls.number(call, 'cacheRead'))
  writeCount(out, WRITTEN.cacheWrite, calls.number(call, 'cacheWrite'))
  writeCount(out, WRITTEN.reasoning, calls.number(call, 'reasoning'))
  writeAmount(out, WRITTEN.timeToFirstChunk, calls.number(call, 'ttft_s'))
  writeAmount(out, WRITTEN.cost, calls.number(call, 'cost_usd'))
  writeAmount(out, WRITTEN.score, calls.number(call, 'score'))
  const signals = signalsBeside(settled)
  if (signals.length > 0) appendTexts(out, WRITTEN.signals, signals.map(wholeText))
  if (calls.has(call, RATE_LIMITED)) appendTrue(out, WRITTEN.rateLimited)
  writeAmount(out, WRITTEN.latency, latency_ms)
}

function wholeText(value: string) {
  const source = Buffer.from(value)
  return { source, start: 0, end: source.length }
}

/** Nothing where it is not known. */
function writeCount(out: Output, key: KeyTemplate, count: number): void {
  if (count >= 0) appendInt(out, key, count)
}

function writeAmount(out: Output, key: KeyTemplate, amount: number): void {
  if (amount >= 0) appendDouble(out, key, amount)
}

function severityOf({ calls, call }: SettledCall): Severity {
  if (calls.has(call, RATE_LIMITED)) return 'WARN'
  if (calls.has(call, FAILED)) return 'ERROR'
  return calls.number(call, 'score') < LOW_QUALITY ? 'WARN' : 'INFO'
}

const line = new LogfmtLine()

/**
 * What follows is written into this line, one call's after the other's.
 * `chat gpt-4o-mini input_tokens=812 output_tokens=120 cost_usd=0.000194 duration_ms=1240 finish=stop service=shop`
 */
function lineOf(settled: SettledCall, latency_ms: number): LogfmtLine {
  const { calls, call, digests, service } = settled
  line.clear()
  const named = withText(digests, KEY.operation)
  if (named !== undefined) line.word(named.bytes, textAt(named, KEY.operation), named.valueEnd(KEY.operation))
  const inside = digests.length === 1 ? digests : digests.toReversed()
  if (!addModel(inside, KEY.requestModel)) addModel(inside, KEY.responseModel)
  line.number(SHOWN.input, calls.number(call, 'input'))
  line.number(SHOWN.output, calls.number(call, 'output'))
  line.number(SHOWN.cost, calls.number(call, 'cost_usd'))
  line.number(SHOWN.duration, rounded(latency_ms))
  line.number(SHOWN.ttft, rounded(calls.number(call, 'ttft_s') * 1000))
  addTexts(SHOWN.finish, digests, KEY.finishReasons)
  if (calls.has(call, FAILED)) addError(digests)
  if (calls.has(call, RATE_LIMITED)) line.pair(SHOWN.rateLimited, TRUE, 0, TRUE.length)
  line.number(SHOWN.score, calls.number(call, 'score'))
  addSignals(settled)
  line.pair(SHOWN.service, service, 0, service.length)
  return line
}

/** False if no report names the model there. */
function addModel(reports: Reports, key: number): boolean {
  const report = withText(reports, key)
  if (report === undefined) return false
  const { bytes } = report
  const [text, end] = [textAt(report, key), report.valueEnd(key)]
  const hasPrefix = end - text > MODELS.length && isEqual(MODELS, bytes, text, text + MODELS.length)
  const start = hasPrefix ? text + MODELS.length : text
  if (!line.word(bytes, start, end)) line.pair(SHOWN.model, bytes, start, end)
  return true
}

function addError(reports: Reports): void {
  const report = withText(reports, KEY.errorType)
  if (report === undefined) return line.pair(SHOWN.error, UNKNOWN, 0, UNKNOWN.length)
  line.pair(SHOWN.error, report.bytes, textAt(report, KEY.errorType), report.valueEnd(KEY.errorType))
}

function addSignals(settled: SettledCall): void {
  if (addTexts(SHOWN.signals, scored(settled), KEY.qualitySignals)) return
  const beside = signalsBeside(settled)
  if (beside.length === 0) return
  const signals = Buffer.from(beside.join(','))
  line.pair(SHOWN.signals, signals, 0, signals.length)
}

const joined = new Output(1024)

/** Adds the texts of a list, with commas between them. False if there are none. */
function addTexts(shown: LineKey, reports: Reports, key: number): boolean {
  const report = first(reports, key)
  if (report === undefined) return false
  const { bytes } = report
  const end = report.valueEnd(key)
  joined.reset()
  for (let text = firstText(bytes, report.valueStart(key), end); text >= 0; text = nextText(bytes, text, end)) {
    joined.copy(bytes, fieldStart(bytes, text), fieldEnd(bytes, text))
    joined.byte(COMMA)
  }
  if (joined.end <= 1) return false
  line.pair(shown, joined.bytes, 0, joined.end - 1)
  return true
}

function writeBody(out: Output, line: LogfmtLine): void {
  const size = line.length
  out.tag(BODY, 2)
  out.varint(1 + varintSize(size) + size)
  out.tag(1, 2)
  out.varint(size)
  line.writeTo(out)
}

/** Of each attribute, what the report says whose word counts. */
function copyFromAll(out: Output, settled: SettledCall): void {
  const { calls, call, digests } = settled
  for (const key of fromOutside) copyFirst(out, key, digests)
  const inside = digests.toReversed()
  for (const key of fromInside) copyFirst(out, key, inside)
  copyFirst(out, KEY.costSource, withNumber(digests, KEY.cost, calls.number(call, 'cost_usd')))
  copyFirst(out, KEY.qualitySignals, scored(settled))
}

/** The report whose score counts: signals belong to it. */
function scored(settled: SettledCall): Reports {
  return withNumber(settled.digests, KEY.qualityScore, settled.calls.number(settled.call, 'score'))
}

const NONE: readonly string[] = []

/** Signals that no report has: a log record of the answer told them. */
function signalsBeside({ calls, call, digests }: SettledCall): readonly string[] {
  const bits = calls.int(call, 'signals')
  if (bits === 0 || digests.some((digest) => digest.has(KEY.qualityScore) || digest.has(KEY.qualitySignals)))
    return NONE
  return SIGNALS.filter((_, at) => (bits & (1 << at)) !== 0)
}

type Reports = readonly Digest[]

/** Only the report that has this number, all if it is not known. */
function withNumber(digests: Reports, key: number, value: number): Reports {
  if (Number.isNaN(value) || digests.length === 1) return digests
  const digest = digests.find((one) => numberIn(one, key) === value)
  return digest === undefined ? digests.slice(-1) : [digest]
}

function numberIn(digest: Digest, key: number): number {
  return digest.has(key) ? numberOf(digest.bytes, digest.valueStart(key), digest.valueEnd(key)) : Number.NaN
}

function first(digests: Reports, key: number): Digest | undefined {
  for (let at = 0; at < digests.length; at++) if (digests[at]!.has(key)) return digests[at]
  return undefined
}

function copyFirst(out: Output, key: number, reports: Reports): void {
  first(reports, key)?.writeAttribute(out, key)
}

/** The first report that has the attribute, if it has a text there that is not empty. */
function withText(reports: Reports, key: number): Digest | undefined {
  const report = first(reports, key)
  if (report === undefined) return undefined
  const text = textAt(report, key)
  return text >= 0 && text < report.valueEnd(key) ? report : undefined
}

/** Where the text of an attribute begins that the report has; -1 if it is none. */
function textAt(report: Digest, key: number): number {
  return textStart(report.bytes, report.valueStart(key), report.valueEnd(key))
}

/** In milliseconds; NaN without both times, if it ends before it begins, or if `gen_ai` did not believe it. */
function latencyOf({ calls, call, digests }: SettledCall): number {
  const { bytes, startTime, endTime } = digests[0]!
  const start_ms = calls.number(call, 'start_ms')
  // A log record has no start, but may say how long it took.
  if (startTime < 0 && start_ms >= 0) return numberIn(digests[0]!, KEY.latency)
  if (startTime < 0 || endTime < 0 || Number.isNaN(start_ms)) return Number.NaN
  // Where a stream was handed over, the span ends before its call.
  const stream_ms = calls.number(call, 'end_ms') - nanosAsMillis(bytes, endTime)
  const latency_ms = nanosBetween(bytes, startTime, endTime) / 1e6 + (stream_ms >= 1 ? stream_ms : 0)
  return latency_ms >= 0 ? latency_ms : Number.NaN
}

/** Fractions of a millisecond matter only below ten. */
function rounded(time_ms: number): number {
  return time_ms < 10 ? Number(time_ms.toFixed(3)) : Math.round(time_ms)
}
