/** The cost of a call: what the emitter says, else the user's price (stated, or of a file), else the list's. */
import { nanosAsMillis } from '../../otlp/cursor.ts'
import { hashText } from '../../telemetry/hash.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { contextWindowOf, type StatedWindow, utilizationOf } from '../context/context_windows.ts'
import { PROVIDERS } from '../dialects/lexicon.ts'
import { answersInWords, needsModel } from '../known_values.ts'
import { COST_SOURCES, type ModelCall } from '../model_call.ts'
import { TOKENS } from '../plausible.ts'
import { isOpenlyShared, isSelfHosted } from './price_providers.ts'
import type { PriceSource } from './price_source.ts'
import { findListed } from './price_table.ts'
import { isPrivateHost } from './private_host.ts'
import { cacheSavingOf, costOf, type Period, ratesAt } from './rates.ts'
import { TIERS, type TierFactor, tierFactor, tierIn } from './service_tiers.ts'
import { isPriceOf, type StatedPrice, statedPeriod } from './stated_price.ts'

/** What calls are priced by; the first that knows the model counts. */
export interface PriceOrder {
  readonly stated?: readonly StatedPrice[] | undefined
  /** Files of the user's. */
  readonly files?: readonly PriceSource[] | undefined
  /** The bundled list, at last. Default true. */
  readonly useTable?: boolean | undefined
  /** What the user says of context windows, which come from the same sources. */
  readonly windows?: readonly StatedWindow[] | undefined
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
const NOTHING = Buffer.alloc(0)
/** The price is that of the tier already. */
const AS_IT_IS: TierFactor = { factor: 1, isGuess: false }

interface Price {
  readonly source: number
  readonly periods: readonly Period[]
  /** What the tier of the call makes of it. */
  readonly factor: number
  /** What the user says: it holds for servers that people run themselves too. */
  readonly isOfUser: boolean
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
  /** Empty unless a price asks for it. */
  readonly address: Buffer
  readonly tier: number
  /** Tokens that the context window holds; NaN if unknown. */
  readonly window_tokens: number
}

const unknown: Price = {
  source: UNKNOWN_MODEL,
  periods: [],
  factor: 1,
  isOfUser: false,
  isOwnServer: false,
  mayBeOwn: false,
}
const ofOwnServer: Price = { ...unknown, isOwnServer: true }
/** Of names that are too long to be looked up. */
const forgotten: Remembered = {
  ...unknown,
  provider: NOTHING,
  request: NOTHING,
  response: NOTHING,
  address: NOTHING,
  tier: 0,
  window_tokens: Number.NaN,
}

export class Prices {
  readonly #stated: readonly StatedPrice[]
  readonly #files: readonly PriceSource[]
  readonly #useTable: boolean
  readonly #windows: readonly StatedWindow[]
  /** Some price depends on where the call went. */
  readonly #byAddress: boolean
  readonly #byHash = new Map<number, Remembered[]>()
  #remembered = 0
  /** Calls of one model come one after another. */
  #last: Remembered | undefined

  constructor({ stated = [], files = [], useTable = true, windows = [] }: PriceOrder = {}) {
    this.#windows = windows
    this.#stated = stated
    this.#files = files
    this.#useTable = useTable
    this.#byAddress = [...stated, ...windows].some(({ server_address }) => server_address !== undefined)
  }

  /**
   * Sets the call's `table_usd` and `saved_usd` where it has a price of the user's or the list's, its `cost_usd` and `costSource`, and how
   * full the context window was. None
   * is set where there is nothing to price: no tokens are known, nor a price for each call. The price of the span's start (of a log record, of its
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
    const hasTokens = !Number.isNaN(call.inputTokens) || !Number.isNaN(call.outputTokens)
    // Reranking and images have none as a rule, and a price for each call.
    if (!hasTokens && (call.failed || !needsModel(call.operation))) return -1
    // A price of the counts that are left would be too low, and look right.
    if ((call.implausible & TOKENS) !== 0) return -1
    const { source, periods, factor, isOfUser, isOwnServer, mayBeOwn, window_tokens } = this.#find(call)
    if (answersInWords(call.operation)) call.contextUtilization = utilizationOf(call.inputTokens, window_tokens)
    const isOfOwn = !isOfUser && call.isOfOwnServer
    const isOwn = isOwnServer || isOfOwn || (mayBeOwn && isPrivateHost(call.text(FIELD.serverAddress)))
    if (isOwn && call.isZeroDoubtful) call.cost_usd = 0
    if (isOwn || source === UNKNOWN_MODEL) return UNKNOWN_MODEL
    const time = view.startTime >= 0 ? view.startTime : view.endTime
    // Rounded: the fraction that a double loses would put the first moment of a price before it.
    const time_ms = periods.length > 1 && time >= 0 ? Math.round(nanosAsMillis(view.bytes, time)) : 0
    const rates = ratesAt(periods, time_ms)
    if (!hasTokens && rates.request_pusd === 0) return UNKNOWN_MODEL
    call.table_usd = factor * costOf(rates, call)
    if (call.isAnswerCached) {
      call.saved_usd = call.table_usd
      call.table_usd = 0
    } else if (call.cacheReadTokens > 0) call.saved_usd = factor * cacheSavingOf(rates, call)
    return source
  }

  #find(call: ModelCall): Remembered {
    const byAddress = this.#byAddress
    const tier = tierIn(call.bytes, call.start(FIELD.serviceTier), call.end(FIELD.serviceTier))
    if (this.#last !== undefined && isFor(this.#last, call, tier, byAddress)) return this.#last
    if (namesSize(call, byAddress) > NAMES_MAX) return forgotten
    const hash = hashOf(call, tier, byAddress)
    const found = this.#byHash.get(hash)?.find((one) => isFor(one, call, tier, byAddress))
    this.#last = found ?? this.#remember(hash, call, tier)
    return this.#last
  }

  #remember(hash: number, call: ModelCall, tier: number): Remembered {
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
      address: this.#byAddress ? bytesOf(call, FIELD.serverAddress) : NOTHING,
    }
    const chain = this.#byHash.get(hash)
    if (chain === undefined) this.#byHash.set(hash, [remembered])
    else chain.push(remembered)
    return remembered
  }

  /** The response's model is the exact one, and comes first; a stated price may name either. */
  #lookUp(call: ModelCall, tier: number): Price & { readonly window_tokens: number } {
    const provider = call.provider >= 0 ? PROVIDERS[call.provider]! : call.text(FIELD.provider)
    const models = [call.text(FIELD.responseModel), call.text(FIELD.requestModel)].filter((model) => model !== '')
    const address = this.#byAddress ? call.text(FIELD.serverAddress) : ''
    const stated = this.#stated.find((one) => models.some((model) => isPriceOf(one, provider, model, address, tier)))
    const known = stated?.priced_as === undefined ? models : [...models, stated.priced_as]
    const sources = { stated: this.#windows, files: this.#files }
    return {
      ...this.#priceOf(provider, models, stated, tier),
      window_tokens: contextWindowOf(sources, provider, known, address),
    }
  }

  #priceOf(provider: string, models: readonly string[], stated: StatedPrice | undefined, tier: number): Price {
    if (stated?.priced_as !== undefined) return this.#pricedAs(provider, stated.priced_as, tier)
    if (stated !== undefined) return { ...unknown, source: OVERRIDE, isOfUser: true, periods: [statedPeriod(stated)] }
    const listed = this.#inFiles(provider, models, tier) ?? this.#inTable(provider, models, tier)
    if (listed !== undefined) return listed
    return [provider, ...models.map(pathOf)].some(isSelfHosted) ? ofOwnServer : unknown
  }

  /** The user says which model it is. It is one of that provider, or whose its name tells. */
  #pricedAs(provider: string, model: string, tier: number): Price {
    const found = this.#inFiles(provider, [model], tier) ?? this.#inTable(provider, [model], tier)
    const price = found ?? this.#inFiles('', [model], tier) ?? this.#inTable('', [model], tier)
    return price === undefined ? unknown : { ...price, mayBeOwn: false, isOfUser: true, source: OVERRIDE }
  }

  #inFiles(provider: string, models: readonly string[], tier: number): Price | undefined {
    for (const file of this.#files)
      for (const model of models) {
        const found = file.find(provider, model, TIERS[tier]!)
        if (found === undefined) continue
        const { factor, isGuess } = found.isOfTier ? AS_IT_IS : tierFactor(tier, found.payee, lastOf(model))
        return { ...unknown, source: isGuess ? GUESS : OVERRIDE, isOfUser: true, periods: found.periods, factor }
      }
    return undefined
  }

  #inTable(provider: string, models: readonly string[], tier: number): Price | undefined {
    if (!this.#useTable) return undefined
    for (const model of models) {
      const found = findListed(provider, model)
      if (found === undefined) continue
      const { factor, isGuess } = tierFactor(tier, found.payee, lastOf(model))
      const source = found.isGuess || isGuess ? GUESS : TABLE
      const mayBeOwn = found.isByName && isOpenlyShared(found.payee)
      return { ...unknown, source, periods: found.periods, factor, mayBeOwn }
    }
    return undefined
  }
}

/** A model's name without its path. */
function lastOf(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1)
}

/** What stands before a model's name: whose it is, if a gateway is asked for it. */
function pathOf(model: string): string {
  return model.slice(0, Math.max(0, model.indexOf('/')))
}

function bytesOf(call: ModelCall, field: number): Buffer {
  return Buffer.from(call.bytes.subarray(call.start(field), call.end(field)))
}

/** Bytes of the names that a price is looked up for. */
function namesSize(call: ModelCall, byAddress: boolean): number {
  const size = (field: number) => call.end(field) - call.start(field)
  const names = size(FIELD.provider) + size(FIELD.requestModel) + size(FIELD.responseModel)
  return byAddress ? names + size(FIELD.serverAddress) : names
}

function hashOf(call: ModelCall, tier: number, byAddress: boolean): number {
  const { bytes } = call
  let hash = hashText(bytes, call.start(FIELD.provider), call.end(FIELD.provider), tier)
  hash = hashText(bytes, call.start(FIELD.requestModel), call.end(FIELD.requestModel), hash)
  hash = hashText(bytes, call.start(FIELD.responseModel), call.end(FIELD.responseModel), hash)
  if (byAddress) hash = hashText(bytes, call.start(FIELD.serverAddress), call.end(FIELD.serverAddress), hash)
  return hash >>> 1
}

function isFor(remembered: Remembered, call: ModelCall, tier: number, byAddress: boolean): boolean {
  return (
    remembered.tier === tier &&
    isSame(remembered.request, call, FIELD.requestModel) &&
    isSame(remembered.response, call, FIELD.responseModel) &&
    isSame(remembered.provider, call, FIELD.provider) &&
    (!byAddress || isSame(remembered.address, call, FIELD.serverAddress))
  )
}

function isSame(name: Buffer, call: ModelCall, field: number): boolean {
  const start = call.start(field)
  if (call.end(field) - start !== name.length) return false
  for (let at = 0; at < name.length; at++) if (name[at] !== call.bytes[start + at]) return false
  return true
}
