/**
 * Finding a model in the list of prices that comes with the program and is never updated at run time. Slow (tests of
 * names over hundreds of models): callers keep the answer.
 */

import { periodOf } from './list_rates.ts'
import { type DatedPrices, listPrices, ownerOfModel } from './price_list.ts'
import { isSelfHosted, payeeOf, UNNAMED } from './price_providers.ts'
import type { Period } from './rates.ts'

/** What a model costs by the list. */
export interface ListedPrice {
  readonly periods: readonly Period[]
  /** Whose price it is, as the list calls the provider. */
  readonly payee: string
  /** The model's name alone told that. */
  readonly isByName: boolean
  /** The price is another provider's than the one named, or that of the model of which this one is a snapshot or tuned. */
  readonly isGuess: boolean
}

/** Bedrock's model names: `us.anthropic.claude-…`, `amazon.nova-…`: where it is called, and who made it. */
const bedrockModel =
  /^(?:(?:us|eu|apac|jp|au|ca|in|sa|me|af|il|global|us-gov)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer|nvidia|google|minimax|moonshot|moonshotai|zai|stability|luma|twelvelabs)\./

/** Beginnings of model names that the list knows only together with their provider. */
const modelProviders: readonly (readonly [string, string])[] = [
  ['text-embedding-3', 'openai'],
  ['text-embedding-ada', 'openai'],
  ['ft:', 'openai'],
]

/**
 * Prices of a model, or undefined if the list does not have it. `provider` as the GenAI conventions name it, empty if
 * unknown: then it is inferred from the model's name. It is guessed from there where the list knows the provider but not
 * the model as one of its (endpoints that speak another's language). Of a provider that the list does not know nothing
 * is known.
 */
export function findPrice(provider: string, model: string): ListedPrice | undefined {
  if (isSelfHosted(provider)) return undefined
  const names = namesOf(model)
  // Names that only Bedrock gives stand above what the emitter calls it: that may be the model's maker.
  const onBedrock = names.some((name) => bedrockModel.test(name)) ? pricesOf('aws', names) : undefined
  if (onBedrock !== undefined) return found(onBedrock, 'aws', false)
  const payee = payeeOf(provider)
  if (payee === undefined) return undefined
  return (payee === UNNAMED ? undefined : offeredBy(payee, names)) ?? inferred(names, payee !== UNNAMED)
}

function offeredBy(payee: string, names: readonly string[]): ListedPrice | undefined {
  const own = pricesOf(payee, names)
  if (own !== undefined) return found(own, payee, false)
  const base = baseOf(names)
  const ofBase = base === undefined ? undefined : pricesOf(payee, [base])
  return ofBase && found(ofBase, payee, true)
}

/** Whose model it is, its name has to say: by what stands before a slash, or by itself. */
function inferred(names: readonly string[], isGuess: boolean): ListedPrice | undefined {
  const [whole] = names
  if (whole === undefined) return undefined
  const slash = whole.indexOf('/')
  const path = slash > 0 ? whole.slice(0, slash) : ''
  if (isSelfHosted(path)) return undefined
  const payee = payeeOf(path)
  const offered = typeof payee === 'string' ? pricesOf(payee, namesOf(whole.slice(slash + 1))) : undefined
  if (offered !== undefined) return found(offered, payee as string, isGuess, true)
  for (const name of names) {
    const owner = ownerOf(name)
    const own = owner === undefined ? undefined : pricesOf(owner, [name])
    if (own !== undefined) return found(own, owner!, isGuess || name !== whole, true)
  }
  const base = baseOf(names)
  return base === undefined ? undefined : inferred([base], true)
}

function found(prices: readonly DatedPrices[], payee: string, isGuess: boolean, isByName = false): ListedPrice {
  return { periods: prices.map(periodOf), payee, isByName, isGuess }
}

/** The first of the names that the provider has. */
function pricesOf(provider: string, names: readonly string[]): readonly DatedPrices[] | undefined {
  for (const name of names) {
    const prices = listPrices(name, provider)
    if (prices !== undefined) return prices
  }
  return undefined
}

function ownerOf(name: string): string | undefined {
  return modelProviders.find(([beginning]) => name.startsWith(beginning))?.[1] ?? ownerOfModel(name)
}

/** The name as it is, without the path that some APIs put in front, and without Bedrock's region and maker. */
function namesOf(model: string): string[] {
  const plain = model.startsWith('models/') ? model.slice('models/'.length) : model
  const last = plain.slice(plain.lastIndexOf('/') + 1)
  return [...new Set([plain, last, last.replace(bedrockModel, '')])].filter((name) => name !== '')
}

/** What stands behind a model's name, of one that was tuned (Azure's way), and of a snapshot. */
const suffix = /\.ft-.*$|[-@]20\d{2}-?\d{2}-?\d{2}$|-latest$|-0\d{2}$/

/** What the model was made of: `gpt-4.1` of `ft:gpt-4.1:acme::a1b2`, or of a snapshot of it; undefined for any other. */
function baseOf(names: readonly string[]): string | undefined {
  const name = names.at(-1)
  if (name === undefined) return undefined
  if (name.startsWith('ft:')) return name.split(':')[1]
  const base = name.replace(suffix, '')
  return base === name || base === '' ? undefined : base
}
