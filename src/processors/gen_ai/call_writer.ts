/** Writing what was found about a model call onto its span or log record. */
import { FIELD, FIELD_NAMES, FIELDS, NEWEST, SLUICE } from '../../gen_ai/call_fields.ts'
import { type Lexicon, PROVIDERS } from '../../gen_ai/dialects/lexicon.ts'
import { FINISH_REASONS, OPERATIONS } from '../../gen_ai/known_values.ts'
import { COST_SOURCES, type ModelCall } from '../../gen_ai/model_call.ts'
import { IMPLAUSIBLE } from '../../gen_ai/plausible.ts'
import type { Output } from '../../otlp/output.ts'
import {
  appendDouble,
  appendInt,
  appendText,
  appendTexts,
  appendTrue,
  KeyTemplate,
} from '../../telemetry/attribute_writer.ts'
import { ATTRIBUTE, type Attributes } from '../../telemetry/attributes.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { qualityWriter, safetyWriter } from './quality_writer.ts'

const operationTexts = OPERATIONS.map((name) => Buffer.from(name))
const providerTexts = PROVIDERS.map((name) => Buffer.from(name))
const finishTexts = FINISH_REASONS.map((name) => Buffer.from(name))
const sourceTexts = COST_SOURCES.map((name) => Buffer.from(name))
const implausibleTexts = IMPLAUSIBLE.map((name) => Buffer.from(name))

/** Fields that are copied as text under their newest name. */
const plainTexts = [FIELD.requestModel, FIELD.responseModel, FIELD.responseId, FIELD.conversationId, FIELD.agentName]
/** Fields that are written as int. */
const counts = [
  [FIELD.inputTokens, 'inputTokens'],
  [FIELD.outputTokens, 'outputTokens'],
  [FIELD.cacheReadTokens, 'cacheReadTokens'],
  [FIELD.cacheWriteTokens, 'cacheWriteTokens'],
  [FIELD.reasoningTokens, 'reasoningTokens'],
] as const

/** Writes calls onto items of one kind, whose attributes have the field with this tag. */
export class CallWriter {
  /** Keys of the fields under their newest names; without a name where a field has none. */
  readonly #fields: readonly KeyTemplate[]
  readonly #keys: Readonly<
    Record<
      | 'dialect'
      | 'cost'
      | 'tableCost'
      | 'savedCost'
      | 'answerCached'
      | 'costSource'
      | 'rateLimited'
      | 'implausible'
      | 'latency'
      | 'contextUtilization'
      | 'timePerChunk'
      | 'queueTime',
      KeyTemplate
    >
  >
  readonly #writeSafety: ReturnType<typeof safetyWriter>
  readonly #writeQuality: ReturnType<typeof qualityWriter>
  readonly #dialects: readonly Buffer[]
  /** Positions of the fields' newest names. */
  readonly #newest: Int16Array

  constructor(tag: number, { ids, newest }: Lexicon) {
    this.#dialects = ids.map((id) => Buffer.from(id))
    this.#newest = newest
    const key = (name: string) => new KeyTemplate(name, tag)
    this.#fields = FIELD_NAMES.map((name) => key(name in NEWEST ? NEWEST[name as keyof typeof NEWEST] : ''))
    this.#keys = {
      dialect: key(SLUICE.dialect),
      cost: key(SLUICE.cost),
      tableCost: key(SLUICE.tableCost),
      savedCost: key(SLUICE.savedCost),
      answerCached: key(SLUICE.answerCached),
      costSource: key(SLUICE.costSource),
      rateLimited: key(SLUICE.rateLimited),
      implausible: key(SLUICE.implausible),
      latency: key(SLUICE.latency),
      contextUtilization: key(SLUICE.contextUtilization),
      timePerChunk: key(SLUICE.timePerChunk),
      queueTime: key(SLUICE.queueTime),
    }
    this.#writeQuality = qualityWriter(tag)
    this.#writeSafety = safetyWriter(tag)
  }

  /**
   * Writes the call's facts to `out`, as attributes to stand before the item's content: what it says already in the
   * newest spelling is not said again. `sluice.dialect` comes first: by it others know a model call without reading on.
   * `found` as `readModelCall` left it.
   */
  write(out: Output, found: Int32Array, call: ModelCall): void {
    const dialect = this.#dialects[call.dialect]!
    appendText(out, this.#keys.dialect, dialect, 0, dialect.length)
    if (isMissing(this.#newest, call, found, FIELD.operation))
      this.#whole(out, FIELD.operation, operationTexts[call.operation]!)
    if (call.has(FIELD.provider) && isMissing(this.#newest, call, found, FIELD.provider)) {
      if (call.provider >= 0) this.#whole(out, FIELD.provider, providerTexts[call.provider]!)
      else this.#appendRange(out, call, FIELD.provider)
    }
    for (let at = 0; at < plainTexts.length; at++) {
      const field = plainTexts[at]!
      if (call.has(field) && isMissing(this.#newest, call, found, field)) this.#appendRange(out, call, field)
    }
    for (let at = 0; at < counts.length; at++) {
      const field = counts[at]![0]
      const value = call[counts[at]![1]]
      if (value >= 0 && isMissing(this.#newest, call, found, field)) appendInt(out, this.#fields[field]!, value)
    }
    if (call.timeToFirstChunk_s >= 0 && isMissing(this.#newest, call, found, FIELD.timeToFirstChunk))
      appendDouble(out, this.#fields[FIELD.timeToFirstChunk]!, call.timeToFirstChunk_s)
    if (call.stream && isMissing(this.#newest, call, found, FIELD.stream)) appendTrue(out, this.#fields[FIELD.stream]!)
    if (call.finishReasonCount > 0) this.#writeFinish(out, found, call)
    this.#writeQuality(out, call.qualityScore, call.qualitySignals)
    if (call.safetySignals !== 0) this.#writeSafety(out, call.safetySignals)
    if (call.contextUtilization >= 0) appendDouble(out, this.#keys.contextUtilization, call.contextUtilization)
    if (call.timePerChunk_s >= 0) appendDouble(out, this.#keys.timePerChunk, call.timePerChunk_s)
    if (call.queueTime_s >= 0) appendDouble(out, this.#keys.queueTime, call.queueTime_s)
    if (call.duration_ms >= 0) appendDouble(out, this.#keys.latency, call.duration_ms)
    if (call.implausible !== 0) this.#writeImplausible(out, call)
    if (call.failed) this.#writeFailure(out, found, call)
    if (call.table_usd >= 0) appendDouble(out, this.#keys.tableCost, call.table_usd)
    if (call.saved_usd > 0) appendDouble(out, this.#keys.savedCost, call.saved_usd)
    if (call.isAnswerCached) appendTrue(out, this.#keys.answerCached)
    if (call.costSource >= 0) {
      if (call.cost_usd >= 0) appendDouble(out, this.#keys.cost, call.cost_usd)
      const source = sourceTexts[call.costSource]!
      appendText(out, this.#keys.costSource, source, 0, source.length)
    }
  }

  #writeFinish(out: Output, found: Int32Array, call: ModelCall): void {
    if (isMissing(this.#newest, call, found, FIELD.finishReasons)) {
      const texts = []
      for (let at = 0; at < call.finishReasonCount; at++) {
        const known = finishTexts[call.finishReasons[at]!]
        const start = call.finishReasonRanges[at * 2]!
        const end = call.finishReasonRanges[at * 2 + 1]!
        texts.push(known ? { source: known, start: 0, end: known.length } : { source: call.bytes, start, end })
      }
      appendTexts(out, this.#fields[FIELD.finishReasons]!, texts)
    }
  }

  #writeImplausible(out: Output, call: ModelCall): void {
    const named = implausibleTexts.filter((_, bit) => (call.implausible >>> bit) & 1)
    appendTexts(
      out,
      this.#keys.implausible,
      named.map((source) => ({ source, start: 0, end: source.length })),
    )
  }

  #writeFailure(out: Output, found: Int32Array, call: ModelCall): void {
    if (isMissing(this.#newest, call, found, FIELD.errorType)) {
      if (call.has(FIELD.errorType)) this.#appendRange(out, call, FIELD.errorType)
      else if (call.statusCode >= 400) this.#whole(out, FIELD.errorType, Buffer.from(String(call.statusCode)))
      // The failure would be lost otherwise: neither the status nor anything under a standard name tells of it.
      else if (!call.hasErrorStatus) this.#whole(out, FIELD.errorType, OTHER_ERROR)
    }
    if (call.rateLimited) appendTrue(out, this.#keys.rateLimited)
  }

  #appendRange(out: Output, call: ModelCall, field: number): void {
    appendText(out, this.#fields[field]!, call.bytes, call.start(field), call.end(field))
  }

  #whole(out: Output, field: number, text: Buffer): void {
    appendText(out, this.#fields[field]!, text, 0, text.length)
  }
}

/** Bits of the fields whose attributes under the newest name have to go because `CallWriter` writes better ones. */
export function replacedFields({ newest }: Lexicon, found: Int32Array, call: ModelCall): number {
  let replaced = 0
  for (let field = 0; field < FIELDS; field++) if (isReplaced(newest, call, found, field)) replaced |= 1 << field
  return replaced
}

/** Copies the span's content without the attributes of those fields. */
export function copyWithout(replaced: number, lexicon: Lexicon, out: Output, view: SpanView): void {
  let from = view.start
  const attributes = view.attributes
  for (let row = 0; row < attributes.count; row++) {
    if (!isAmong(replaced, lexicon, attributes, row, view)) continue
    out.copy(view.bytes, from, attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.tag]!)
    from = attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.end]!
  }
  out.copy(view.bytes, from, view.end)
}

/** True unless the span has the fact under its newest name, in the right value. */
function isMissing(newest: Int16Array, call: ModelCall, found: Int32Array, field: number): boolean {
  const row = call.rows[field]!
  return row < 0 || (call.replaced & (1 << field)) !== 0 || found[newest[field]!] !== row
}

/**
 * Must attributes under the newest name go? They do where a better value is written in their place: one put right, or
 * one from another name because theirs was of no use. All of the name go, in case it occurs twice.
 */
function isReplaced(newest: Int16Array, call: ModelCall, found: Int32Array, field: number): boolean {
  const key = newest[field]!
  if (key < 0 || found[key]! < 0) return false
  if (field === FIELD.errorType && call.rows[field]! < 0) return call.has(field) || call.statusCode >= 400
  return call.rows[field]! >= 0 && isMissing(newest, call, found, field)
}

function isAmong(fields: number, lexicon: Lexicon, attributes: Attributes, row: number, view: SpanView): boolean {
  const key = lexicon.keys.find(view.bytes, attributes.keyStart(row), attributes.keyEnd(row))
  if (key < 0) return false
  for (let field = 0; field < FIELDS; field++)
    if ((fields & (1 << field)) !== 0 && lexicon.newest[field] === key) return true
  return false
}

/** The convention's word for an error of which no more is known. */
const OTHER_ERROR = Buffer.from('_OTHER')
