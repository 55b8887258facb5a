/** The facts of one model call: a flyweight that is filled anew for each span and keeps nothing of the one before. */
import { FIELDS, TEXTS } from './call_fields.ts'
import { PLAUSIBLE, type Plausible } from './plausible.ts'

export const COST_SOURCES = ['reported', 'table', 'override', 'guess', 'unknown_model'] as const

/** Most finish reasons of one call that are looked at. */
export const FINISH_REASONS_MAX = 8

const NOTHING = Buffer.alloc(0)

export class ModelCall {
  /** The batch's bytes, into which all ranges point. */
  bytes: Buffer = NOTHING
  /** Position in the table of dialects. */
  dialect = -1
  /** Position in OPERATIONS. */
  operation = 0
  /** Position in PROVIDERS; -1 where the provider is unknown to the conventions or not named. */
  provider = -1
  /** All input, cached included; NaN if unknown, as with every number here. */
  inputTokens = Number.NaN
  /** All output, reasoning included. */
  outputTokens = Number.NaN
  cacheReadTokens = Number.NaN
  cacheWriteTokens = Number.NaN
  reasoningTokens = Number.NaN
  /** Parts of those above that may have prices of their own. */
  cacheWrite1hTokens = Number.NaN
  inputAudioTokens = Number.NaN
  outputAudioTokens = Number.NaN
  cacheReadAudioTokens = Number.NaN
  inputImageTokens = Number.NaN
  outputImageTokens = Number.NaN
  webSearches = Number.NaN
  timeToFirstChunk_s = Number.NaN
  /** Between one chunk and the next, on average. */
  timePerChunk_s = Number.NaN
  /** In the queue of the server that runs the model. */
  queueTime_s = Number.NaN
  /** Of a call told by a log record, which has no start. */
  duration_ms = Number.NaN
  /** Cost that the emitter states, or on a normalised span the cost that was found. */
  cost_usd = Number.NaN
  /** What it costs by the user's prices or the list. */
  table_usd = Number.NaN
  /** What it would have cost more without a cache, by the same prices. */
  saved_usd = Number.NaN
  /** How full the context window was, 0 to 1. */
  contextUtilization = Number.NaN
  /** A gateway answered from its cache, so the tokens cost nothing. */
  isAnswerCached = false
  /** Written by a server that people run themselves. */
  isOfOwnServer = false
  /** The emitter states a cost of 0, which from it may mean that it knows no price. */
  isZeroDoubtful = false
  /** Position in COST_SOURCES; -1 without a cost. */
  costSource = -1
  stream = false
  failed = false
  /** The span's status says that it failed. */
  hasErrorStatus = false
  /** The provider refused because of a rate limit; implies `failed`. */
  rateLimited = false
  /** The prompt, or prompt and answer together, were too long for the context window. */
  contextExceeded = false
  /** HTTP status; NaN if unknown. */
  statusCode = Number.NaN
  /** Position in FINISH_REASONS of each of the first `finishReasonCount`; -1 for one that is not there. */
  readonly finishReasons = new Int8Array(FINISH_REASONS_MAX)
  /** Where each stands in the bytes: start, end. */
  readonly finishReasonRanges = new Int32Array(FINISH_REASONS_MAX * 2)
  finishReasonCount = 0
  /** 0 (bad) to 1 (good); NaN if unknown. */
  qualityScore = Number.NaN
  /** Bits of SIGNALS: what speaks against the answer. */
  qualitySignals = 0
  /** Bits of SAFETY_SIGNALS. */
  safetySignals = 0
  /** Tokens that were added because the emitter's input left out the cached ones, or its output the reasoning. */
  correctedTokens = 0
  /** Bit `field` is set for tokens whose source counts them apart from the input, or output, that they belong to. */
  apart = 0
  /** Bits of IMPLAUSIBLE: numbers that the span has and that are not believed; they are NaN here. */
  implausible = 0
  /** What is believed; stays over `reset`. */
  plausible: Plausible = PLAUSIBLE
  /** Where the answer is to be looked for, as JSON; -1: wherever the item may have it. */
  answerStart = -1
  answerEnd = -1
  /** Which attribute each field was taken from: row of the span's attributes, -1 if none. */
  readonly rows = new Int32Array(FIELDS)
  /** Bit `field` is set where the attribute's value has to be replaced by the value here. */
  replaced = 0
  readonly #starts = new Int32Array(TEXTS)
  readonly #ends = new Int32Array(TEXTS)

  reset(bytes: Buffer, dialect: number): void {
    this.bytes = bytes
    this.dialect = dialect
    this.operation = 0
    this.provider = this.costSource = this.answerStart = this.answerEnd = -1
    this.inputTokens = this.outputTokens = this.reasoningTokens = Number.NaN
    this.cacheReadTokens = this.cacheWriteTokens = this.cacheWrite1hTokens = Number.NaN
    this.inputAudioTokens = this.outputAudioTokens = this.cacheReadAudioTokens = Number.NaN
    this.inputImageTokens = this.outputImageTokens = this.webSearches = this.table_usd = Number.NaN
    this.saved_usd = this.contextUtilization = Number.NaN
    this.contextExceeded = this.isZeroDoubtful = this.isAnswerCached = this.isOfOwnServer = false
    this.timePerChunk_s = this.queueTime_s = Number.NaN
    this.timeToFirstChunk_s = this.duration_ms = this.cost_usd = this.statusCode = this.qualityScore = Number.NaN
    this.stream = this.failed = this.hasErrorStatus = this.rateLimited = false
    this.finishReasonCount = this.correctedTokens = this.replaced = this.qualitySignals = this.safetySignals = 0
    this.implausible = this.apart = 0
    const { rows } = this
    const starts = this.#starts
    const ends = this.#ends
    for (let field = 0; field < FIELDS; field++) rows[field] = -1
    for (let field = 0; field < TEXTS; field++) starts[field] = ends[field] = 0
  }

  /** Nothing of a batch is needed any more: its memory is not held until the next call. */
  forget(): void {
    this.bytes = NOTHING
  }

  /** Sets a text field (`FIELD.provider` … `FIELD.serverAddress`) to a range. */
  setText(field: number, start: number, end: number): void {
    this.#starts[field] = start
    this.#ends[field] = end
  }

  has(field: number): boolean {
    return this.#ends[field]! > this.#starts[field]!
  }

  start(field: number): number {
    return this.#starts[field]!
  }

  end(field: number): number {
    return this.#ends[field]!
  }

  /** A text field as a string, for cold paths; empty if unknown. */
  text(field: number): string {
    return this.bytes.toString('utf8', this.#starts[field], this.#ends[field])
  }
}
