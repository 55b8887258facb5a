/** Reading a model call from a span or log record that the `gen_ai` processor has been over: newest names and `sluice.*` only. */
import { SAFETY_SIGNALS } from '../content/safety/safety_signals.ts'
import { ordinaryRows } from '../otlp/scratch.ts'
import { boolOf, numberOf, textStart } from '../telemetry/any_value.ts'
import { ATTRIBUTE } from '../telemetry/attributes.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../telemetry/find_field.ts'
import { isEqual, KeySet } from '../telemetry/key_set.ts'
import type { RecordView } from '../telemetry/record_view.ts'
import { beginsWithAttribute, type SpanView, STATUS_ERROR } from '../telemetry/span_view.ts'
import { FIELD, FIELD_NAMES, NEWEST, SLUICE, TEXTS } from './call_fields.ts'
import { dialects } from './dialects/dialects.ts'
import { PROVIDERS } from './dialects/lexicon.ts'
import { FINISH_REASONS, OPERATIONS } from './known_values.ts'
import { COST_SOURCES, type ModelCall } from './model_call.ts'
import { IMPLAUSIBLE } from './plausible.ts'
import { type Quality, SIGNALS } from './quality.ts'
import { addFinishReasons } from './reading/finish.ts'
import { Spellings } from './spellings.ts'
import { firstText, nextText } from './wire.ts'

const names = [...Object.values(NEWEST), 'llm.task_type', ...Object.values(SLUICE)]
/** The attribute names that a normalised call is read from. */
export const normalisedKeys = new KeySet(names)

/** Attributes of most items. */
const USUAL = 64

/** Where the normalised attributes of an item stand, found in one pass over its keys. */
export class NormalisedRows {
  /** By position in `normalisedKeys`: the first row that has the key, -1 where there is none. */
  readonly found = new Int32Array(names.length)
  /** By row: position of its key, -1 for a key that is none of them. */
  keys: Int32Array = new Int32Array(USUAL)

  read({ bytes, attributes }: SpanView): this {
    const { found } = this
    found.fill(-1)
    const keys = (this.keys = ordinaryRows(this.keys, USUAL, attributes.count))
    const { rows, count } = attributes
    for (let row = 0, at = 0; row < count; row++, at += ATTRIBUTE.width) {
      const key = normalisedKeys.find(bytes, rows[at + ATTRIBUTE.keyStart]!, rows[at + ATTRIBUTE.keyEnd]!)
      keys[row] = key
      if (key >= 0 && found[key] === -1) found[key] = row
    }
    return this
  }
}

const ownRows = new NormalisedRows()
const dialectKey = Buffer.from(SLUICE.dialect)
const scoreKey = Buffer.from(SLUICE.qualityScore)
const signalsKey = Buffer.from(SLUICE.qualitySignals)
/** Names of events that this program writes begin so. */
const OWN = Buffer.from('sluice.')
const AT = Object.fromEntries(names.map((name, at) => [name, at])) as Record<string, number>
/** Position among the keys of each field's name, -1 where it has none. */
const keyOf = FIELD_NAMES.map((name) =>
  name === 'taskType' ? AT['llm.task_type']! : name in NEWEST ? AT[NEWEST[name as keyof typeof NEWEST]]! : -1,
)
const AT_DIALECT = AT[SLUICE.dialect]!
const AT_COST = AT[SLUICE.cost]!
const AT_TABLE_COST = AT[SLUICE.tableCost]!
const AT_SAVED_COST = AT[SLUICE.savedCost]!
const AT_ANSWER_CACHED = AT[SLUICE.answerCached]!
const AT_COST_SOURCE = AT[SLUICE.costSource]!
const AT_RATE_LIMITED = AT[SLUICE.rateLimited]!
const AT_SCORE = AT[SLUICE.qualityScore]!
const AT_SIGNALS = AT[SLUICE.qualitySignals]!
const AT_SAFETY = AT[SLUICE.safetySignals]!
const AT_LATENCY = AT[SLUICE.latency]!
const AT_CONTEXT = AT[SLUICE.contextUtilization]!
const AT_PER_CHUNK = AT[SLUICE.timePerChunk]!
const AT_QUEUE = AT[SLUICE.queueTime]!
const AT_IMPLAUSIBLE = AT[SLUICE.implausible]!

const operations = new KeySet(OPERATIONS)
const providers = new KeySet(PROVIDERS)
const finishReasons = new Spellings(Object.fromEntries(FINISH_REASONS.map((one) => [one, one])), FINISH_REASONS)
const costSources = new KeySet(COST_SOURCES)
const signals = new KeySet(SIGNALS)
const safetySignals = new KeySet(SAFETY_SIGNALS)
const implausible = new KeySet(IMPLAUSIBLE)
const dialectIds = new KeySet(dialects.map((dialect) => dialect.id))

/** Has the `gen_ai` processor recognised a model call in this item? It puts its mark first, so this reads little. */
export function isNormalised(batch: TraceBatch | LogBatch, item: number): boolean {
  return beginsWithAttribute(batch, item, dialectKey)
}

/** Is the log record one that this program made of a call (in a tier before this one)? */
export function isOwnRecord(view: RecordView): boolean {
  return view.isEventOf(OWN)
}

/** Has it judged the answer in this log record, which is no call by itself? */
export function hasQuality(batch: LogBatch, item: number): boolean {
  return beginsWithAttribute(batch, item, scoreKey) || beginsWithAttribute(batch, item, signalsKey)
}

/** Fills `quality` from such a record; false if it says nothing, or was written by this program about a call. */
export function readQuality(view: RecordView, quality: Quality): boolean {
  const { found } = ownRows.read(view)
  quality.score = score(view, found)
  quality.signals = listBits(view, found[AT_SIGNALS]!, signals)
  return !isOwnRecord(view) && (quality.signals !== 0 || !Number.isNaN(quality.score))
}

/**
 * Fills `call` from a normalised item; false if it is not, names no operation, or is the summary of a call. The request's model
 * is without the `models/` that Google's API puts in front. `call.dialect` is -1 for a dialect of another version. `rows` is
 * filled too.
 */
export function readNormalisedCall(view: SpanView, call: ModelCall, rows = ownRows): boolean {
  const { bytes, attributes } = view
  const { found } = rows.read(view)
  if (found[AT_DIALECT]! < 0 || (view.isRecord && isOwnRecord(view as RecordView))) return false
  call.reset(bytes, choice(view, found[AT_DIALECT]!, dialectIds))
  call.operation = choice(view, found[keyOf[FIELD.operation]!]!, operations)
  if (call.operation < 0) return false
  for (let field = 0; field < TEXTS; field++) {
    const row = keyOf[field]! < 0 ? -1 : found[keyOf[field]!]!
    if (row < 0) continue
    const end = attributes.valueEnd(row)
    const start = textStart(bytes, attributes.valueStart(row), end)
    if (start >= 0) call.setText(field, start, end)
    call.rows[field] = row
  }
  withoutModels(call)
  call.provider = providers.find(bytes, call.start(FIELD.provider), call.end(FIELD.provider))
  readNumbers(view, call, found)
  call.failed = view.statusCode === STATUS_ERROR || call.has(FIELD.errorType) || call.rateLimited
  const reasons = found[keyOf[FIELD.finishReasons]!]!
  if (reasons >= 0) addFinishReasons(view, reasons, finishReasons, call)
  return true
}

function readNumbers(view: SpanView, call: ModelCall, found: Int32Array): void {
  call.implausible = listBits(view, found[AT_IMPLAUSIBLE]!, implausible)
  call.inputTokens = believed(view, FIELD.inputTokens, call, found)
  call.outputTokens = believed(view, FIELD.outputTokens, call, found)
  call.cacheReadTokens = believed(view, FIELD.cacheReadTokens, call, found)
  call.cacheWriteTokens = believed(view, FIELD.cacheWriteTokens, call, found)
  call.reasoningTokens = believed(view, FIELD.reasoningTokens, call, found)
  call.timeToFirstChunk_s = believed(view, FIELD.timeToFirstChunk, call, found)
  call.cost_usd = number(view, found[AT_COST]!)
  call.table_usd = number(view, found[AT_TABLE_COST]!)
  call.saved_usd = number(view, found[AT_SAVED_COST]!)
  call.contextUtilization = number(view, found[AT_CONTEXT]!)
  call.timePerChunk_s = number(view, found[AT_PER_CHUNK]!)
  call.queueTime_s = number(view, found[AT_QUEUE]!)
  call.isAnswerCached = isTrue(view, found[AT_ANSWER_CACHED]!)
  call.costSource = choice(view, found[AT_COST_SOURCE]!, costSources)
  call.qualityScore = score(view, found)
  call.qualitySignals = listBits(view, found[AT_SIGNALS]!, signals)
  call.safetySignals = listBits(view, found[AT_SAFETY]!, safetySignals)
  call.rateLimited = isTrue(view, found[AT_RATE_LIMITED]!)
  call.duration_ms = view.isRecord ? number(view, found[AT_LATENCY]!) : Number.NaN
  call.stream = isTrue(view, found[keyOf[FIELD.stream]!]!)
}

function score(view: SpanView, found: Int32Array): number {
  const value = number(view, found[AT_SCORE]!)
  return value <= 1 ? value : Number.NaN
}

function number(view: SpanView, row: number): number {
  if (row < 0) return Number.NaN
  const value = numberOf(view.bytes, view.attributes.valueStart(row), view.attributes.valueEnd(row))
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
}

/** A span keeps what its emitter wrote, also where `gen_ai` did not believe it. */
function believed(view: SpanView, field: number, call: ModelCall, found: Int32Array): number {
  return (call.implausible & (1 << (field - FIELD.inputTokens))) === 0
    ? number(view, found[keyOf[field]!]!)
    : Number.NaN
}

/** Words of another version are passed over. */
function listBits(view: SpanView, row: number, words: KeySet): number {
  if (row < 0) return 0
  const { bytes, attributes } = view
  const end = attributes.valueEnd(row)
  let bits = 0
  for (let text = firstText(bytes, attributes.valueStart(row), end); text >= 0; text = nextText(bytes, text, end)) {
    const word = words.find(bytes, fieldStart(bytes, text), fieldEnd(bytes, text))
    if (word >= 0) bits |= 1 << word
  }
  return bits
}

function isTrue(view: SpanView, row: number): boolean {
  return row >= 0 && boolOf(view.bytes, view.attributes.valueStart(row), view.attributes.valueEnd(row)) === true
}

function choice(view: SpanView, row: number, values: KeySet): number {
  if (row < 0) return -1
  const end = view.attributes.valueEnd(row)
  const start = textStart(view.bytes, view.attributes.valueStart(row), end)
  return start < 0 ? -1 : values.find(view.bytes, start, end)
}

const MODELS = Buffer.from('models/')

function withoutModels(call: ModelCall): void {
  const start = call.start(FIELD.requestModel)
  const end = call.end(FIELD.requestModel)
  if (end - start > MODELS.length && isEqual(MODELS, call.bytes, start, start + MODELS.length))
    call.setText(FIELD.requestModel, start + MODELS.length, end)
}
