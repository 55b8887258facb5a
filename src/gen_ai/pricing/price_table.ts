/**
 * Finding a model in the list of prices that comes with the program and is never updated at run time. Slow (tests of
 * names over hundreds of models): callers keep the answer.
 */

import { periodOf } from './list_rates.ts'
import { baseOf, isOnBedrock, modelNamesOf } from './model_names.ts'
import { bundledList, type DatedPrices } from './price_list.ts'
import { isSelfHosted, payeeOf, UNNAMED } from './price_providers.ts'
import type { Period } from './rates.ts'

/** What a model costs by the list. */
export interface ListedPrice {
  /** Tokens that its context window holds; undefined if the list does not say. */
  readonly window: number | undefined
  readonly periods: readonly Period[]
  /** Whose price it is, as the list calls the provider. */
  readonly payee: string
  /** The model's name alone told that. */
  readonly isByName: boolean
  /** The price is another provider's than the one named, or that of the model of which this one is a snapshot or tuned. */
  readonly isGuess: boolean
}

/** A model as the list has it. */
interface Listed {
  readonly prices: readonly DatedPrices[]
  readonly window: number | undefined
}

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
export function findListed(provider: string, model: string): ListedPrice | undefined {
  if (isSelfHosted(provider)) return undefined
  const names = modelNamesOf(model)
  // Names that only Bedrock gives stand above what the emitter calls it: that may be the model's maker.
  const onBedrock = isOnBedrock(names) ? modelOf('aws', names) : undefined
  if (onBedrock !== undefined) return found(onBedrock, 'aws', false)
  const payee = payeeOf(provider)
  if (payee === undefined) return undefined
  return (payee === UNNAMED ? undefined : offeredBy(payee, names)) ?? inferred(names, payee !== UNNAMED)
}

function offeredBy(payee: string, names: readonly string[]): ListedPrice | undefined {
  const own = modelOf(payee, names)
  if (own !== undefined) return found(own, payee, false)
  const base = baseOf(names)
  const ofBase = base === undefined ? undefined : modelOf(payee, [base])
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
  const offered = typeof payee === 'string' ? modelOf(payee, modelNamesOf(whole.slice(slash + 1))) : undefined
  if (offered !== undefined) return found(offered, payee as string, isGuess, true)
  for (const name of names) {
    const owner = ownerOf(name)
    const own = owner === undefined ? undefined : modelOf(owner, [name])
    if (own !== undefined) return found(own, owner!, isGuess || name !== whole, true)
  }
  const base = baseOf(names)
  return base === undefined ? undefined : inferred([base], true)
}

function found({ prices, window }: Listed, payee: string, isGuess: boolean, isByName = false): ListedPrice {
  return { periods: prices.map(periodOf), window, payee, isByName, isGuess }
}

/** The first of the names that the provider has. */
function modelOf(provider: string, names: readonly string[]): Listed | undefined {
  for (const name of names) {
    const prices = bundledList.prices(name, provider)
    if (prices !== undefined) return { prices, window: bundledList.window(name, provider) }
  }
  return undefined
}

function ownerOf(name: string): string | undefined {
  return modelProviders.find(([beginning]) => name.startsWith(beginning))?.[1] ?? bundledList.ownerOf(name)
}
