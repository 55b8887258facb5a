/**
 * Lists of prices by provider, in which models are found by the rules of `@pydantic/genai-prices`. The one that comes with the
 * program, `price_list.jsonl`, is read when a model is first looked up, and of each provider only when one of its models may
 * be meant; `npm run prices` makes the file from that package.
 */
import { readFileSync } from 'node:fs'

/** A test of a name in lower case. */
export type NameTest =
  | { readonly or: readonly NameTest[] }
  | { readonly and: readonly NameTest[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly pattern: { test(name: string): boolean } }

/** USD per million tokens (`…_kcount`: per thousand requests, searches); from a tier's `start` input tokens on, its price holds. */
export type ListPrice = number | { readonly base: number; readonly tiers: readonly ListTier[] }
export interface ListTier {
  readonly start: number
  readonly price: number
}
export const PRICE_KEYS = [
  'input_mtok',
  'output_mtok',
  'cache_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'output_reasoning_mtok',
  'input_audio_mtok',
  'output_audio_mtok',
  'cache_audio_read_mtok',
  'input_image_mtok',
  'output_image_mtok',
  'requests_kcount',
  'web_searches_kcount',
] as const
export type ListPrices = { readonly [key in (typeof PRICE_KEYS)[number]]?: ListPrice }

/** Prices that hold from a date on, or at certain hours of each day, or always. */
export interface DatedPrices {
  readonly constraint?: { readonly start_date: string } | { readonly start_time: string; readonly end_time: string }
  readonly prices: ListPrices
}

/** A line of the file, below the one of its provider. */
export type ModelLine = readonly [
  id: string,
  is: NameTest,
  prices: ListPrices | readonly DatedPrices[],
  /** Tokens that its context window holds. */
  window?: number,
]
export interface ProviderLine {
  readonly id: string
  /** Other names of it. */
  readonly is?: NameTest
  /** Models that are its, where no provider is named. */
  readonly models_are?: NameTest
  /** Whose models it offers beside those that it lists. */
  readonly fallback?: readonly string[]
  /** So many lines follow. */
  readonly models: number
}

/** A provider of a list; its models are made when they are first wanted. */
export class ListedProvider {
  readonly line: ProviderLine
  readonly #makeModels: () => readonly ModelLine[]
  #models: readonly ModelLine[] | undefined

  constructor(line: ProviderLine, makeModels: () => readonly ModelLine[]) {
    this.line = line
    this.#makeModels = makeModels
  }

  model(name: string): ModelLine | undefined {
    this.#models ??= this.#makeModels()
    return this.#models.find(([, is]) => holds(is, name))
  }
}

const GATEWAY = 'litellm'

/** Names are taken in any case, with blanks around them. */
export class PriceList {
  readonly #makeProviders: () => readonly ListedProvider[]
  #providers: readonly ListedProvider[] | undefined

  constructor(makeProviders: () => readonly ListedProvider[]) {
    this.#makeProviders = makeProviders
  }

  /**
   * The prices of a model, or undefined if the list does not have it. `provider`: its id in the list or another name of it;
   * undefined: whose models are called so.
   */
  prices(model: string, provider: string | undefined): readonly DatedPrices[] | undefined {
    const line = this.#line(model, provider)
    if (line === undefined) return undefined
    const [, , prices] = line
    return Array.isArray(prices) ? prices : [{ prices: prices as ListPrices }]
  }

  /** Tokens that the model's context window holds; undefined if the list does not say. `provider` as `prices` has it. */
  window(model: string, provider: string | undefined): number | undefined {
    return this.#line(model, provider)?.[3]
  }

  /** Id of the provider whose models are called so; undefined if no name begins or sounds like that. */
  ownerOf(model: string): string | undefined {
    return this.#ownerOf(plain(model))?.line.id
  }

  /** Id of the first provider that lists a model of that name. */
  listerOf(model: string): string | undefined {
    return this.#all().find((provider) => provider.model(plain(model)) !== undefined)?.line.id
  }

  /** Is the provider in the list, by its id or another name of it? */
  has(provider: string): boolean {
    return this.#named(plain(provider)) !== undefined
  }

  /** Is it in the list by its id? */
  hasId(provider: string): boolean {
    return this.#byId(plain(provider)) !== undefined
  }

  #line(model: string, provider: string | undefined): ModelLine | undefined {
    return this.#find(plain(model), provider === undefined ? undefined : plain(provider))
  }

  #find(model: string, provider: string | undefined): ModelLine | undefined {
    if (provider === GATEWAY) return this.#modelBehind(model)
    return this.#modelOf(provider === undefined ? this.#ownerOf(model) : this.#named(provider), model)
  }

  /** Whose models a gateway offers stands in front of them: `azure/gpt-4o`. */
  #modelBehind(name: string): ModelLine | undefined {
    const slash = name.indexOf('/')
    const owner = slash > 0 ? this.#named(name.slice(0, slash)) : undefined
    return owner === undefined ? this.#modelOf(this.#ownerOf(name), name) : this.#modelOf(owner, name.slice(slash + 1))
  }

  #ownerOf(model: string): ListedProvider | undefined {
    return this.#all().find(({ line }) => line.models_are !== undefined && holds(line.models_are, model))
  }

  #named(provider: string): ListedProvider | undefined {
    const is = ({ line }: ListedProvider) => line.is !== undefined && holds(line.is, provider)
    return this.#byId(provider) ?? this.#all().find(is)
  }

  #byId(id: string): ListedProvider | undefined {
    return this.#all().find(({ line }) => line.id === id)
  }

  #modelOf(provider: ListedProvider | undefined, name: string): ModelLine | undefined {
    return provider && (this.#modelCalled(provider, name) ?? this.#modelCalled(provider, withDashes(name)))
  }

  #modelCalled(provider: ListedProvider, name: string): ModelLine | undefined {
    const own = provider.model(name)
    if (own !== undefined) return own
    for (const id of provider.line.fallback ?? []) {
      const found = this.#byId(id)?.model(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  #all(): readonly ListedProvider[] {
    return (this.#providers ??= this.#makeProviders())
  }
}

function plain(name: string): string {
  return name.toLowerCase().trim()
}

/** `…-20250514` as `…-2025-05-14`. */
function withDashes(name: string): string {
  return name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3')
}

function holds(test: NameTest, name: string): boolean {
  if ('or' in test) return test.or.some((one) => holds(one, name))
  if ('and' in test) return test.and.every((one) => holds(one, name))
  if ('equals' in test) return name === test.equals
  if ('starts_with' in test) return name.startsWith(test.starts_with)
  if ('ends_with' in test) return name.endsWith(test.ends_with)
  if ('contains' in test) return name.includes(test.contains)
  return ('pattern' in test ? test.pattern : new RegExp(test.regex)).test(name)
}

/** The list that comes with the program. */
export const bundledList = new PriceList(readProviders)

function readProviders(): ListedProvider[] {
  const lines = readFileSync(new URL('./price_list.jsonl', import.meta.url), 'latin1')
    .trimEnd()
    .split('\n')
  const found: ListedProvider[] = []
  for (let at = 1; at < lines.length; ) {
    const line = JSON.parse(lines[at]!) as ProviderLine
    at += 1 + line.models
    const models = lines.slice(at - line.models, at)
    found.push(new ListedProvider(line, () => models.splice(0).map((model) => JSON.parse(model) as ModelLine)))
  }
  return found
}
