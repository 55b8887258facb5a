/**
 * A file of prices in the shape of LiteLLM's `model_prices_and_context_window.json`: a map of models, whose names may have their
 * provider in front, with costs in USD of one token, of a long prompt, and by tier of service.
 */
import { listRatesOf } from './list_rates.ts'
import { isOnBedrock, modelNamesOf } from './model_names.ts'
import { bundledList, type ListPrice, type ListPrices, type PRICE_KEYS } from './price_list.ts'
import { payeeOf, UNNAMED } from './price_providers.ts'
import {
  inside,
  listOf,
  type Members,
  MODELS_MAX,
  membersOf,
  PriceFileError,
  type PriceSource,
  priceOf,
  type SourcedPrice,
} from './price_source.ts'
import type { Rates } from './rates.ts'
import type { Tier } from './service_tiers.ts'

type PriceKey = (typeof PRICE_KEYS)[number]

/** What a key of a model says of costs. */
interface Said {
  readonly key: PriceKey
  /** For calls with more input tokens than that. */
  readonly above: number
  readonly tier: Tier
}

interface Cost extends Said {
  /** For a million, or thousand, as the key says. */
  readonly usd: number
}

interface Entry {
  readonly payee: string
  readonly costs: readonly Cost[]
  /** Tokens that the context window holds. */
  readonly window: number | undefined
}

/** The file's explanation of its own keys. */
const SAMPLE = 'sample_spec'

/** `value`: the map of models. Throws PriceFileError. */
export function liteLlmFile(value: Members): PriceSource {
  const models = Object.entries(value).filter(([name]) => name !== SAMPLE)
  if (models.length > MODELS_MAX)
    throw new PriceFileError(
      '',
      `${models.length} models`,
      `at most ${MODELS_MAX}`,
      'leave out models that you do not call',
    )
  const index = new Map<string, Entry>()
  for (const [name, model] of models) addModel(index, name.toLowerCase(), membersOf(model, inside('', name)), name)
  return {
    find: (provider, model, tier) => priceIn(index, provider.toLowerCase(), model.toLowerCase(), tier),
    window: (provider, model) => entryOf(index, provider.toLowerCase(), model.toLowerCase())?.window,
  }
}

function addModel(index: Map<string, Entry>, name: string, model: Members, shown: string): void {
  const costs = costsOf(model, inside('', shown))
  if (costs.length === 0) return
  const head = name.slice(0, Math.max(0, name.indexOf('/')))
  const { litellm_provider: given } = model
  const provider = typeof given === 'string' && given !== '' ? given.toLowerCase() : head
  const providers = namesOfProvider(provider)
  const isInFront = head !== '' && (providers.includes(head) || providers.at(-1) === namesOfProvider(head).at(-1))
  const rest = isInFront ? name.slice(head.length + 1) : name
  const entry: Entry = { payee: providers.at(-1)!, costs, window: windowIn(model) }
  for (const one of providers) for (const known of [name, rest]) addOnce(index, keyOf(one, known), entry)
  addOnce(index, keyOf(WHOLE, name), entry)
  addOnce(index, keyOf(ANYBODY, rest), entry)
}

/** What the model takes; `max_tokens` is that, or what it answers. In some entries these are texts that explain: they say nothing. */
function windowIn({ max_input_tokens: input, max_tokens: most }: Members): number | undefined {
  const given = input ?? most
  return typeof given === 'number' && given >= 1 ? Math.floor(given) : undefined
}

function addOnce(index: Map<string, Entry>, key: string, entry: Entry): void {
  if (!index.has(key)) index.set(key, entry)
}

/** Stand for a provider where none is named: of the file's own names, and of those without what stands in front. */
const WHOLE = ''
const ANYBODY = '*'

function keyOf(provider: string, model: string): string {
  return `${provider} ${model}`
}

/**
 * Names under which a provider's models are entered and looked for, the narrowest first: `vertex_ai-language-models` as
 * `vertex_ai` and `google`, since Google sells the same models twice.
 */
function namesOfProvider(provider: string): string[] {
  const payee = payeeOf(provider)
  const family = provider.replace(/^text-completion-/, '').replace(/-.*$|_converse$|_chat$|_text$/, '')
  const ofGoogle = payee === 'google' ? [provider.includes('vertex') ? 'vertex_ai' : 'gemini'] : []
  return [...new Set([...ofGoogle, family, typeof payee === 'string' ? payee : provider])]
}

function priceIn(
  index: ReadonlyMap<string, Entry>,
  provider: string,
  model: string,
  tier: Tier,
): SourcedPrice | undefined {
  const entry = entryOf(index, provider, model)
  if (entry === undefined) return undefined
  const isOfTier = tier !== 'standard' && entry.costs.some((cost) => cost.tier === tier)
  return { payee: entry.payee, isOfTier, periods: [{ since_ms: 0, rates: ratesIn(entry, tier) }] }
}

function entryOf(index: ReadonlyMap<string, Entry>, provider: string, model: string): Entry | undefined {
  const names = modelNamesOf(model)
  const payee = payeeOf(provider)
  const regional = names.flatMap(withoutRegion)
  const onBedrock = isOnBedrock(names) ? entryOfAny(index, namesOfProvider('bedrock'), regional) : undefined
  if (onBedrock !== undefined) return onBedrock
  if (payee !== UNNAMED) return entryOfAny(index, namesOfProvider(provider), regional)
  return (provider === '' ? undefined : entryOfAny(index, [provider], names)) ?? entryByName(index, model, names)
}

/** Nobody is named: the name stands so in the file, or tells whose model it is. */
function entryByName(index: ReadonlyMap<string, Entry>, model: string, names: readonly string[]): Entry | undefined {
  const whole = entryOfAny(index, [WHOLE], names)
  if (whole !== undefined) return whole
  const head = model.slice(0, Math.max(0, model.indexOf('/')))
  if (head !== '' && payeeOf(head) !== UNNAMED)
    return entryOfAny(index, namesOfProvider(head), modelNamesOf(model.slice(head.length + 1)))
  const owners = names.flatMap((name) => bundledList.ownerOf(name) ?? [])
  return entryOfAny(index, owners, names) ?? entryOfAny(index, [ANYBODY], names)
}

/** Where Bedrock is called stands in front of a model's name; the file may have it without. */
function withoutRegion(name: string): string[] {
  return [name, name.replace(/^(?:us|eu|apac|jp|au|ca|in|sa|me|af|il|global|us-gov)\.(?=\w+\.)/, '')]
}

function entryOfAny(
  index: ReadonlyMap<string, Entry>,
  providers: readonly string[],
  names: readonly string[],
): Entry | undefined {
  for (const provider of providers)
    for (const name of names) {
      const entry = index.get(keyOf(provider, name))
      if (entry !== undefined) return entry
    }
  return undefined
}

/** A tier's costs stand above the standard ones, each for itself. */
function ratesIn({ costs }: Entry, tier: Tier): Rates {
  const prices: { [key in PriceKey]?: ListPrice } = {}
  for (const key of new Set(costs.map((cost) => cost.key))) {
    const ofKey = costs.filter((cost) => cost.key === key)
    const ofTier = ofKey.filter((cost) => cost.tier === tier)
    prices[key] = listPriceOf(ofTier.length > 0 ? ofTier : ofKey.filter((cost) => cost.tier === 'standard'))
  }
  return listRatesOf(prices as ListPrices)
}

function listPriceOf(costs: readonly Cost[]): ListPrice {
  const [base, ...above] = [...costs].sort((one, other) => one.above - other.above)
  if (above.length === 0) return base?.usd ?? 0
  return { base: base!.usd, tiers: above.map(({ above: start, usd }) => ({ start, price: usd })) }
}

function costsOf(model: Members, place: string): Cost[] {
  const costs: Cost[] = []
  for (const [name, value] of Object.entries(model)) {
    if (name === 'tiered_pricing') costs.push(...tieredCosts(value, inside(place, name)))
    else if (value !== null && isCost(name)) costs.push(...costOf(name, value, inside(place, name)))
  }
  const first = new Map(costs.map((cost) => [`${cost.key} ${cost.above} ${cost.tier}`, cost] as const).reverse())
  return [...first.values()]
}

/** Other keys say what a model can do. */
function isCost(name: string): boolean {
  return /cost/.test(name) && !/^supports_/.test(name)
}

function costOf(name: string, value: unknown, place: string): Cost[] {
  const said = sayingOf(name)
  if (said === undefined)
    throw new PriceFileError(
      place,
      'a cost of an unknown unit',
      'one of LiteLLM, such as input_cost_per_token',
      'check the spelling',
    )
  if (said === UNCOUNTED) {
    if (typeof value === 'number') priceOf(value, place)
    return []
  }
  const many = said.key.endsWith('_mtok') ? 1e6 : 1e3
  return [{ ...said, usd: priceOf(ofMedium(value), place) * many }]
}

/** A search costs more the more of the pages it reads; nobody tells how much it was. */
function ofMedium(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { search_context_size_medium: medium, search_context_size_low: low } = value as Members
  return medium ?? low
}

/** Costs by the length of the prompt: the range in which it is. */
function tieredCosts(value: unknown, place: string): Cost[] {
  return listOf(value, place).flatMap((range, n) => {
    const at = inside(place, n)
    const { range: bounds, ...costs } = membersOf(range, at)
    const above = Array.isArray(bounds) ? priceOf(bounds[0], inside(at, 'range')) : 0
    return costsOf(costs, at).map((cost) => ({ ...cost, above }))
  })
}

/** Of units that telemetry does not count: seconds, pictures, pages, sessions … */
const UNCOUNTED = Symbol('uncounted')

/** What a key says; undefined for none of the file's. */
function sayingOf(name: string): Said | typeof UNCOUNTED | undefined {
  const known = saidByKey.exec(name)
  if (known === null) return uncounted.test(name) ? UNCOUNTED : undefined
  const [, base, modifiers = ''] = known
  let key = keys[base!]!
  let above = 0
  let tier: Tier = 'standard'
  for (const [modifier] of modifiers.matchAll(/_above_\w+?(?:tokens|hr)|_[a-z]+/g)) {
    const long = /^_above_(\d+)k_tokens$/.exec(modifier)
    if (long !== null) above = Number(long[1]) * 1000
    else if (modifier === '_above_1hr' && key === 'cache_write_mtok') key = 'cache_write_1h_mtok'
    else if (modifier in tiers) tier = tiers[modifier]!
    else return UNCOUNTED
  }
  return { key, above, tier }
}

const keys: Readonly<Record<string, PriceKey>> = {
  input_cost_per_token: 'input_mtok',
  output_cost_per_token: 'output_mtok',
  cache_read_input_token_cost: 'cache_read_mtok',
  input_cost_per_token_cache_hit: 'cache_read_mtok',
  cache_creation_input_token_cost: 'cache_write_mtok',
  output_cost_per_reasoning_token: 'output_reasoning_mtok',
  input_cost_per_audio_token: 'input_audio_mtok',
  output_cost_per_audio_token: 'output_audio_mtok',
  cache_read_input_audio_token_cost: 'cache_audio_read_mtok',
  input_cost_per_image_token: 'input_image_mtok',
  output_cost_per_image_token: 'output_image_mtok',
  input_cost_per_request: 'requests_kcount',
  search_context_cost_per_query: 'web_searches_kcount',
}
const longestFirst = Object.keys(keys).sort((one, other) => other.length - one.length)
const saidByKey = new RegExp(`^(${longestFirst.join('|')})((?:_above_\\d+(?:k_tokens|hr)|_[a-z]+)*)$`)
const tiers: Readonly<Record<string, Tier>> = { _flex: 'flex', _priority: 'priority', _batches: 'batch' }
const uncounted =
  /(?:^|_)cost_per_(?:second|character|pixel|image|page|credit|session|query|unit|text_message|audio_per_second|video_per_second|video_token|audio_token|1k_calls|gb_per_day)(?:_|$)|_dbu_cost_per_token|^citation_cost_per_token$|^(?:explicit_)?cache_(?:read|creation)_input_(?:audio_|image_|video_)?token_cost(?:_|$)/
