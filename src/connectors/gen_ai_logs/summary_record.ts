/** The record that sums a call up: its facts as attributes, and the most telling ones as a line to read. Never content. */
import { type Calls, FAILED, RATE_LIMITED } from '../../gen_ai/calls.ts'
import { NEWEST, SLUICE } from '../../gen_ai/field.ts'
import { SIGNALS } from '../../gen_ai/quality.ts'
import { nextText, range } from '../../gen_ai/wire.ts'
import { nanosAsMillis, nanosBetween } from '../../otlp/cursor.ts'
import type { Output } from '../../otlp/output.ts'
import { numberOf } from '../../telemetry/any_value.ts'
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import { Digest } from './digest.ts'
import { Line } from './line.ts'
import {
  BODY,
  copyAttribute,
  type Severity,
  SUMMARY_EVENT,
  writeDouble,
  writeEvent,
  writeInt,
  writePlace,
  writeSeverity,
  writeTexts,
  writeTrue,
} from './log_record.ts'

/** Calls whose score is below it are logged as warnings. */
const LOW_QUALITY = 0.5

const KEY = Object.fromEntries(
  [...Object.entries(NEWEST), ...Object.entries(SLUICE)].map(([name, key]) => [name, Digest.keyOf(key)]),
) as Record<keyof typeof NEWEST | keyof typeof SLUICE, number>

/** Copied from the outermost report that tells it … */
const copied = [
  KEY.dialect,
  KEY.operation,
  KEY.responseId,
  KEY.conversationId,
  KEY.agentName,
  Digest.keyOf('llm.task_type'),
  KEY.errorType,
  KEY.finishReasons,
  KEY.stream,
]
/** … or from the innermost, as in the call's row. */
const copiedFromInside = [KEY.provider, KEY.requestModel, KEY.responseModel]
const tokens = [
  ['input', NEWEST.inputTokens],
  ['output', NEWEST.outputTokens],
  ['cacheRead', NEWEST.cacheReadTokens],
  ['cacheWrite', NEWEST.cacheWriteTokens],
  ['reasoning', NEWEST.reasoningTokens],
] as const

export interface SettledCall {
  /** Its row holds the numbers of all reports together. */
  readonly calls: Calls
  readonly call: number
  /** Of the spans that report it, the outermost first. */
  readonly digests: readonly Digest[]
  /** The resource's `service.name`, empty if it has none. */
  readonly service: string
}

/** Writes the content of the LogRecord. */
export function writeSummary(out: Output, settled: SettledCall, now_ms: number): void {
  const { calls, call, digests } = settled
  writePlace(out, digests[0]!.span, now_ms)
  writeSeverity(out, severityOf(settled))
  writeBody(out, lineOf(settled))
  writeEvent(out, SUMMARY_EVENT)
  for (const key of copied) copyFirst(out, key, digests)
  const fromInside = digests.toReversed()
  for (const key of copiedFromInside) copyFirst(out, key, fromInside)
  for (const [column, name] of tokens) {
    const count = calls.number(call, column)
    if (count >= 0) writeInt(out, name, count)
  }
  const ttft_s = calls.number(call, 'ttft_s')
  if (ttft_s >= 0) writeDouble(out, NEWEST.timeToFirstChunk, ttft_s)
  writeCost(out, settled)
  writeQuality(out, settled)
  if (calls.has(call, RATE_LIMITED)) writeTrue(out, SLUICE.rateLimited)
  const latency_ms = latencyOf(settled)
  if (latency_ms >= 0) writeDouble(out, SLUICE.latency, latency_ms)
}

function severityOf({ calls, call }: SettledCall): Severity {
  if (calls.has(call, RATE_LIMITED)) return 'WARN'
  if (calls.has(call, FAILED)) return 'ERROR'
  return calls.number(call, 'score') < LOW_QUALITY ? 'WARN' : 'INFO'
}

/** `chat gpt-4o-mini input_tokens=812 output_tokens=120 cost_usd=0.000194 duration_ms=1240 finish=stop service=shop` */
function lineOf(settled: SettledCall): string {
  const { calls, call, digests, service } = settled
  const fromInside = digests.toReversed()
  const line = new Line()
  const failed = calls.has(call, FAILED)
  const model = (textOf(fromInside, KEY.requestModel) || textOf(fromInside, KEY.responseModel)).replace(
    /^models\/(?=.)/,
    '',
  )
  line.word(textOf(digests, KEY.operation))
  if (model !== '' && !line.word(model)) line.pair('model', model)
  line.number('input_tokens', calls.number(call, 'input'))
  line.number('output_tokens', calls.number(call, 'output'))
  line.number('cost_usd', calls.number(call, 'cost_usd'))
  line.number('duration_ms', rounded(latencyOf(settled)))
  line.number('ttft_ms', rounded(calls.number(call, 'ttft_s') * 1000))
  line.pair('finish', textsOf(digests, KEY.finishReasons))
  if (failed) line.pair('error', textOf(digests, KEY.errorType) || 'unknown')
  if (calls.has(call, RATE_LIMITED)) line.pair('rate_limited', 'true')
  line.number('score', calls.number(call, 'score'))
  line.pair('signals', textsOf(scored(settled), KEY.qualitySignals) || signalsBeside(settled).join(','))
  line.pair('service', service)
  return line.text
}

function writeBody(out: Output, line: string): void {
  const size = Buffer.byteLength(line)
  const body = out.open(BODY, size)
  const text = out.open(1, size)
  out.text(line)
  out.close(text, size)
  out.close(body, size)
}

/** The cost, and the source of just this cost. */
function writeCost(out: Output, settled: SettledCall): void {
  const cost_usd = settled.calls.number(settled.call, 'cost_usd')
  if (cost_usd >= 0) writeDouble(out, SLUICE.cost, cost_usd)
  copyFirst(out, KEY.costSource, withNumber(settled.digests, KEY.cost, cost_usd))
}

function writeQuality(out: Output, settled: SettledCall): void {
  const score = settled.calls.number(settled.call, 'score')
  if (score >= 0) writeDouble(out, SLUICE.qualityScore, score)
  copyFirst(out, KEY.qualitySignals, scored(settled))
  const signals = signalsBeside(settled)
  if (signals.length > 0) writeTexts(out, SLUICE.qualitySignals, signals)
}

/** The report whose score counts: signals belong to it. */
function scored(settled: SettledCall): Reports {
  return withNumber(settled.digests, KEY.qualityScore, settled.calls.number(settled.call, 'score'))
}

/** Signals that no report has: a log record of the answer told them. */
function signalsBeside({ calls, call, digests }: SettledCall): string[] {
  const bits = calls.int(call, 'signals')
  if (bits === 0 || digests.some((digest) => digest.has(KEY.qualityScore) || digest.has(KEY.qualitySignals))) return []
  return SIGNALS.filter((_, at) => (bits & (1 << at)) !== 0)
}

type Reports = readonly Digest[]

/** Only the report that has this number, all if it is not known. */
function withNumber(digests: Reports, key: number, value: number): Reports {
  if (Number.isNaN(value) || digests.length === 1) return digests
  const digest = digests.find((one) => numberIn(one, key) === value)
  return digest === undefined ? digests.slice(-1) : [digest]
}

function numberIn({ span: { bytes, attributes }, rows }: Digest, key: number): number {
  const row = rows[key]!
  return row < 0 ? Number.NaN : numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
}

function first(digests: Reports, key: number): Digest | undefined {
  return digests.find((digest) => digest.has(key))
}

function copyFirst(out: Output, key: number, reports: Reports): void {
  const digest = first(reports, key)
  if (digest === undefined) return
  const { bytes, attributes } = digest.span
  const at = digest.rows[key]! * ATTRIBUTE.width
  copyAttribute(out, bytes, attributes.rows[at + ATTRIBUTE.tag]!, attributes.rows[at + ATTRIBUTE.end]!)
}

function textOf(reports: Reports, key: number): string {
  return first(reports, key)?.text(key) ?? ''
}

/** The texts of a list, with commas between them. */
function textsOf(reports: Reports, key: number): string {
  const digest = first(reports, key)
  if (digest === undefined) return ''
  const { bytes, attributes } = digest.span
  const row = digest.rows[key]!
  const [start, end] = [attributes.valueStart(row), attributes.valueEnd(row)]
  const texts: string[] = []
  for (let at = nextText(bytes, start, end, 0); at >= 0; at = nextText(bytes, start, end, at))
    texts.push(bytes.toString('utf8', range.start, range.end))
  return texts.join(',')
}

/** In milliseconds; NaN without both times, if it ends before it begins, or if `gen_ai` did not believe it. */
function latencyOf({ calls, call, digests }: SettledCall): number {
  const { span } = digests[0]!
  // A log record has no start, but may say how long it took.
  if (span.startTime < 0 && calls.number(call, 'start_ms') >= 0) return numberIn(digests[0]!, KEY.latency)
  if (span.startTime < 0 || span.endTime < 0 || Number.isNaN(calls.number(call, 'start_ms'))) return Number.NaN
  // Where a stream was handed over, the span ends before its call.
  const stream_ms = calls.number(call, 'end_ms') - nanosAsMillis(span.bytes, span.endTime)
  const latency_ms = nanosBetween(span.bytes, span.startTime, span.endTime) / 1e6 + (stream_ms >= 1 ? stream_ms : 0)
  return latency_ms >= 0 ? latency_ms : Number.NaN
}

/** Fractions of a millisecond matter only below ten. */
function rounded(time_ms: number): number {
  return time_ms < 10 ? Number(time_ms.toFixed(3)) : Math.round(time_ms)
}
