/** The cost of a call: what the emitter says, else the user's price, else the table's. */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import { hashText } from '../../telemetry/hash.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { COST_SOURCES, type ModelCall } from '../model_call.ts'
import { TOKENS } from '../plausible.ts'
import { findPeriods } from './price_table.ts'
import { costOf, flatRate, type Period, ratesAt } from './rates.ts'

/** A price that the user states, in USD per million tokens. */
export interface PriceOverride {
  /** Provider's name in the newest convention; absent: any. */
  readonly provider?: string | undefined
  /** Model's name, in any case; `*` at the end stands for any ending. */
  readonly model: string
  readonly input_usd_per_million: number
  readonly output_usd_per_million: number
  /** Absent: as other input. */
  readonly cache_read_usd_per_million?: number | undefined
  readonly cache_write_usd_per_million?: number | undefined
}

/** Longest provider and model names, together, that are looked up. */
const NAMES_MAX = 400
/** So many different models are remembered; then remembering starts anew. */
const REMEMBERED_MAX = 2000
const REPORTED = COST_SOURCES.indexOf('reported')
const TABLE = COST_SOURCES.indexOf('table')
const OVERRIDE = COST_SOURCES.indexOf('override')
const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')

interface Price {
  readonly source: number
  readonly periods: readonly Period[]
}

/** The names that a price was looked up for. */
interface Remembered extends Price {
  readonly provider: Buffer
  readonly request: Buffer
  readonly response: Buffer
}

const unknown: Price = { source: UNKNOWN_MODEL, periods: [] }

export class Prices {
  readonly #overrides: readonly PriceOverride[]
  readonly #useTable: boolean
  readonly #byHash = new Map<number, Remembered[]>()
  #remembered = 0

  constructor(overrides: readonly PriceOverride[] = [], useTable = true) {
    this.#overrides = overrides
    this.#useTable = useTable
  }

  /**
   * Sets the call's `cost_usd` and `costSource`. Neither is set where there is nothing to price: no tokens are known.
   * The price of the span's start (of a log record, of its time) holds.
   */
  price(call: ModelCall, view: SpanView): void {
    if (call.cost_usd > 0 || (call.cost_usd === 0 && !call.failed)) {
      call.costSource = REPORTED
      return
    }
    call.cost_usd = Number.NaN
    if (Number.isNaN(call.inputTokens) && Number.isNaN(call.outputTokens)) return
    // A price of the counts that are left would be too low, and look right.
    if ((call.implausible & TOKENS) !== 0) return
    const price = this.#find(call)
    call.costSource = price.source
    if (price.source === UNKNOWN_MODEL) return
    const periods = price.periods
    const time = view.startTime >= 0 ? view.startTime : view.endTime
    const time_ms = periods.length > 1 && time >= 0 ? nanosAsMillis(view.bytes, time) : 0
    call.cost_usd = costOf(
      ratesAt(periods, time_ms),
      call.inputTokens || 0,
      call.outputTokens || 0,
      call.cacheReadTokens || 0,
      call.cacheWriteTokens || 0,
      call.reasoningTokens || 0,
    )
  }

  #find(call: ModelCall): Price {
    const size =
      call.end(FIELD.provider) -
      call.start(FIELD.provider) +
      (call.end(FIELD.requestModel) - call.start(FIELD.requestModel)) +
      (call.end(FIELD.responseModel) - call.start(FIELD.responseModel))
    if (size > NAMES_MAX) return unknown
    const hash = hashOf(call)
    const chain = this.#byHash.get(hash)
    if (chain !== undefined) for (let at = 0; at < chain.length; at++) if (isFor(chain[at]!, call)) return chain[at]!
    return this.#remember(hash, call)
  }

  #remember(hash: number, call: ModelCall): Price {
    if (++this.#remembered > REMEMBERED_MAX) {
      this.#byHash.clear()
      this.#remembered = 1
    }
    const remembered = {
      ...this.#lookUp(call),
      provider: bytesOf(call, FIELD.provider),
      request: bytesOf(call, FIELD.requestModel),
      response: bytesOf(call, FIELD.responseModel),
    }
    const chain = this.#byHash.get(hash)
    if (chain === undefined) this.#byHash.set(hash, [remembered])
    else chain.push(remembered)
    return remembered
  }

  /** The response's model is the exact one, and comes first; an override may name either. */
  #lookUp(call: ModelCall): Price {
    const provider = call.provider >= 0 ? PROVIDERS[call.provider]! : call.text(FIELD.provider)
    const models = [call.text(FIELD.responseModel), call.text(FIELD.requestModel)].filter((model) => model !== '')
    const override = this.#overrides.find((one) => models.some((model) => fits(one, provider, model)))
    if (override !== undefined) return { source: OVERRIDE, periods: [periodOf(override)] }
    if (this.#useTable)
      for (const model of models) {
        const periods = findPeriods(provider, model)
        if (periods !== undefined) return { source: TABLE, periods }
      }
    return unknown
  }
}

function fits(override: PriceOverride, provider: string, model: string): boolean {
  if (override.provider !== undefined && override.provider !== provider) return false
  const wanted = override.model.toLowerCase()
  const name = model.toLowerCase()
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted || name === `models/${wanted}`
}

function periodOf(override: PriceOverride): Period {
  const { cache_read_usd_per_million: read, cache_write_usd_per_million: write } = override
  return {
    since_ms: 0,
    rates: {
      input: flatRate(override.input_usd_per_million),
      output: flatRate(override.output_usd_per_million),
      cacheRead: read === undefined ? undefined : flatRate(read),
      cacheWrite: write === undefined ? undefined : flatRate(write),
      reasoning: undefined,
      request_usd: 0,
    },
  }
}

function bytesOf(call: ModelCall, field: number): Buffer {
  return Buffer.from(call.bytes.subarray(call.start(field), call.end(field)))
}

function hashOf(call: ModelCall): number {
  const { bytes } = call
  let hash = hashText(bytes, call.start(FIELD.provider), call.end(FIELD.provider))
  hash = hashText(bytes, call.start(FIELD.requestModel), call.end(FIELD.requestModel), hash)
  return hashText(bytes, call.start(FIELD.responseModel), call.end(FIELD.responseModel), hash) >>> 1
}

function isFor(remembered: Remembered, call: ModelCall): boolean {
  return (
    isSame(remembered.request, call, FIELD.requestModel) &&
    isSame(remembered.response, call, FIELD.responseModel) &&
    isSame(remembered.provider, call, FIELD.provider)
  )
}

function isSame(name: Buffer, call: ModelCall, field: number): boolean {
  const start = call.start(field)
  if (call.end(field) - start !== name.length) return false
  for (let at = 0; at < name.length; at++) if (name[at] !== call.bytes[start + at]) return false
  return true
}
