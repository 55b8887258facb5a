/** The cost of a call: what the emitter says, else the user's price, else the table's. */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import { hashText } from '../../telemetry/hash.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { dialects } from '../dialects/dialects.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { COST_SOURCES, type ModelCall } from '../model_call.ts'
import { TOKENS } from '../plausible.ts'
import { isOpenlyShared, isSelfHosted } from './price_providers.ts'
import { findPrice } from './price_table.ts'
import { isPrivateHost } from './private_host.ts'
import { cacheSavingOf, costOf, flatRate, type Period, ratesAt, ratesOf } from './rates.ts'
import { TIERS, type Tier, tierFactor, tierIn } from './service_tiers.ts'

/** A price that the user states, in USD per million tokens. */
export interface PriceOverride {
  /** Provider's name in the newest convention; absent: any. */
  readonly provider?: string | undefined
  /** Model's name, in any case; `*` at the end stands for any ending. */
  readonly model: string
  /** Only calls that were served in this tier; absent: all, and the price stays the same in each. */
  readonly service_tier?: Tier | undefined
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
const GUESS = COST_SOURCES.indexOf('guess')
const OVERRIDE = COST_SOURCES.indexOf('override')
const UNKNOWN_MODEL = COST_SOURCES.indexOf('unknown_model')

interface Price {
  readonly source: number
  readonly periods: readonly Period[]
  /** What the tier of the call makes of it. */
  readonly factor: number
  /** A server that people run themselves: what its emitter says that it costs is believed, even if that is nothing. */
  readonly isOwnServer: boolean
  /** Only the model's name told whose it is, and people run copies of such: at a private address it is one. */
  readonly mayBeOwn: boolean
}

/** The names that a price was looked up for. */
interface Remembered extends Price {
  readonly provider: Buffer
  readonly request: Buffer
  readonly response: Buffer
  readonly tier: number
}

const unknown: Price = { source: UNKNOWN_MODEL, periods: [], factor: 1, isOwnServer: false, mayBeOwn: false }
const ofOwnServer: Price = { ...unknown, isOwnServer: true }

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
   * Sets the call's `table_usd` and `saved_usd` where it has a price of the user's or the list's, and its `cost_usd` and `costSource`. None
   * is set where there is nothing to price: no tokens are known. The price of the span's start (of a log record, of its
   * time) holds.
   */
  price(call: ModelCall, view: SpanView): void {
    const source = this.#priceByTokens(call, view)
    const isReported = call.cost_usd > 0 || (call.cost_usd === 0 && !call.failed)
    call.costSource = isReported ? REPORTED : source
    if (!isReported) call.cost_usd = call.table_usd
  }

  /** Sets `table_usd`; returns where it is from, -1 where there is nothing to price. */
  #priceByTokens(call: ModelCall, view: SpanView): number {
    if (Number.isNaN(call.inputTokens) && Number.isNaN(call.outputTokens)) return -1
    // A price of the counts that are left would be too low, and look right.
    if ((call.implausible & TOKENS) !== 0) return -1
    const { source, periods, factor, isOwnServer, mayBeOwn } = this.#find(call)
    const isOfOwn = source !== OVERRIDE && dialects[call.dialect]?.ofOwnServer === true
    const isOwn = isOwnServer || isOfOwn || (mayBeOwn && isPrivateHost(call.text(FIELD.serverAddress)))
    if (isOwn && call.isZeroDoubtful) call.cost_usd = 0
    if (isOwn || source === UNKNOWN_MODEL) return UNKNOWN_MODEL
    const time = view.startTime >= 0 ? view.startTime : view.endTime
    // Rounded: the fraction that a double loses would put the first moment of a price before it.
    const time_ms = periods.length > 1 && time >= 0 ? Math.round(nanosAsMillis(view.bytes, time)) : 0
    const rates = ratesAt(periods, time_ms)
    call.table_usd = factor * costOf(rates, call)
    if (call.isAnswerCached) {
      call.saved_usd = call.table_usd
      call.table_usd = 0
    } else if (call.cacheReadTokens > 0) call.saved_usd = factor * cacheSavingOf(rates, call)
    return source
  }

  #find(call: ModelCall): Price {
    const size =
      call.end(FIELD.provider) -
      call.start(FIELD.provider) +
      (call.end(FIELD.requestModel) - call.start(FIELD.requestModel)) +
      (call.end(FIELD.responseModel) - call.start(FIELD.responseModel))
    if (size > NAMES_MAX) return unknown
    const tier = tierIn(call.bytes, call.start(FIELD.serviceTier), call.end(FIELD.serviceTier))
    const hash = hashOf(call, tier)
    const chain = this.#byHash.get(hash)
    if (chain !== undefined)
      for (let at = 0; at < chain.length; at++) if (isFor(chain[at]!, call, tier)) return chain[at]!
    return this.#remember(hash, call, tier)
  }

  #remember(hash: number, call: ModelCall, tier: number): Price {
    if (++this.#remembered > REMEMBERED_MAX) {
      this.#byHash.clear()
      this.#remembered = 1
    }
    const remembered = {
      ...this.#lookUp(call, tier),
      tier,
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
  #lookUp(call: ModelCall, tier: number): Price {
    const provider = call.provider >= 0 ? PROVIDERS[call.provider]! : call.text(FIELD.provider)
    const models = [call.text(FIELD.responseModel), call.text(FIELD.requestModel)].filter((model) => model !== '')
    const override = this.#overrides.find((one) => models.some((model) => fits(one, provider, model, tier)))
    if (override !== undefined) return { ...unknown, source: OVERRIDE, periods: [periodOf(override)] }
    if (this.#useTable)
      for (const model of models) {
        const found = findPrice(provider, model)
        if (found === undefined) continue
        const { factor, isGuess } = tierFactor(tier, found.payee, model.slice(model.lastIndexOf('/') + 1))
        const mayBeOwn = found.isByName && isOpenlyShared(found.payee)
        return {
          ...unknown,
          source: found.isGuess || isGuess ? GUESS : TABLE,
          periods: found.periods,
          factor,
          mayBeOwn,
        }
      }
    return [provider, ...models.map(pathOf)].some(isSelfHosted) ? ofOwnServer : unknown
  }
}

/** What stands before a model's name: whose it is, if a gateway is asked for it. */
function pathOf(model: string): string {
  return model.slice(0, Math.max(0, model.indexOf('/')))
}

function fits(override: PriceOverride, provider: string, model: string, tier: number): boolean {
  if (override.service_tier !== undefined && override.service_tier !== TIERS[tier]) return false
  if (override.provider !== undefined && override.provider !== provider) return false
  const wanted = override.model.toLowerCase()
  const name = model.toLowerCase()
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted || name === `models/${wanted}`
}

function periodOf(override: PriceOverride): Period {
  const { cache_read_usd_per_million: read, cache_write_usd_per_million: write } = override
  return {
    since_ms: 0,
    rates: ratesOf({
      input: flatRate(override.input_usd_per_million),
      output: flatRate(override.output_usd_per_million),
      cacheRead: read === undefined ? undefined : flatRate(read),
      cacheWrite: write === undefined ? undefined : flatRate(write),
    }),
  }
}

function bytesOf(call: ModelCall, field: number): Buffer {
  return Buffer.from(call.bytes.subarray(call.start(field), call.end(field)))
}

function hashOf(call: ModelCall, tier: number): number {
  const { bytes } = call
  let hash = hashText(bytes, call.start(FIELD.provider), call.end(FIELD.provider), tier)
  hash = hashText(bytes, call.start(FIELD.requestModel), call.end(FIELD.requestModel), hash)
  return hashText(bytes, call.start(FIELD.responseModel), call.end(FIELD.responseModel), hash) >>> 1
}

function isFor(remembered: Remembered, call: ModelCall, tier: number): boolean {
  return (
    remembered.tier === tier &&
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
