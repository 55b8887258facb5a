/** What files of prices have in common, whatever their shape: being asked for a model, and being told what is wrong with them. */
import type { Period } from './rates.ts'
import type { Tier } from './service_tiers.ts'

/** The user's price of a model, from a file. */
export interface SourcedPrice {
  readonly periods: readonly Period[]
  /** Whose price it is, as the bundled list calls the provider, or as the file does. */
  readonly payee: string
  /** The file has it for this tier of service; else it is the standard one. */
  readonly isOfTier: boolean
}

export interface PriceSource {
  /**
   * What a model costs, undefined if the file does not say. Both as emitters write them; an empty provider is unknown. Slow:
   * callers keep the answer.
   */
  find(provider: string, model: string, tier: Tier): SourcedPrice | undefined
  /** Tokens that the model's context window holds, undefined if the file does not say. */
  window?(provider: string, model: string): number | undefined
}

/** Most models of a file. */
export const MODELS_MAX = 50_000

/** A file of prices that cannot be used. */
export class PriceFileError extends Error {
  override readonly name = 'PriceFileError'
  readonly advice: string

  /** `place`: where in the file, as a reader finds it. `found` never holds more than a number, a kind of value, or a key. */
  constructor(place: string, found: string, expected: string, advice: string) {
    super(`${place === '' ? '' : `${place}: `}found ${found}, expected ${expected}`)
    this.advice = advice
  }
}

/** A map in the file. */
export type Members = Readonly<Record<string, unknown>>

export function membersOf(value: unknown, place: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  throw new PriceFileError(place, jsonKindOf(value), 'a map', 'put { and } around it')
}

export function listOf(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new PriceFileError(place, jsonKindOf(value), 'a list', 'put [ and ] around it')
}

export function jsonTextOf(value: unknown, place: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) return value
  const found = typeof value === 'string' ? `a text of ${value.length} characters` : jsonKindOf(value)
  throw new PriceFileError(place, found, `a text of 1 to ${TEXT_MAX} characters`, 'give a name')
}

/** A price: no sum may become smaller by it. */
export function priceOf(value: unknown, place: string): number {
  if (typeof value === 'number' && value >= 0 && value <= PRICE_MAX_usd) return value
  const found = typeof value === 'number' ? String(value) : jsonKindOf(value)
  throw new PriceFileError(place, found, `a price in USD from 0 to ${PRICE_MAX_usd}`, 'write a number without quotes')
}

/** A context window: whole tokens. */
export function windowOf(value: unknown, place: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= WINDOW_MAX_TOKENS) return value
  const found = typeof value === 'number' ? String(value) : jsonKindOf(value)
  throw new PriceFileError(place, found, `whole tokens from 1 to ${WINDOW_MAX_TOKENS}`, 'write a number without quotes')
}

/** A member as it is named in messages: keys of any length may stand in a file. */
export function inside(place: string, key: string | number): string {
  if (typeof key === 'number') return `${place}[${key}]`
  const shown = key.length > KEY_SHOWN_MAX ? `${key.slice(0, KEY_SHOWN_MAX)}…` : key
  return place === '' ? shown : `${place} → ${shown}`
}

export function jsonKindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : typeof value === 'string' ? 'a text' : `${value}`
}

const TEXT_MAX = 400
const KEY_SHOWN_MAX = 80
const PRICE_MAX_usd = 1e9
const WINDOW_MAX_TOKENS = 2 ** 40
