/** A price that the user states in the config: for which calls, and how much of what. */
import { providerSpellings } from '../known_values.ts'
import { flatRate, type Period, picodollars, type Rate, type Rates, ratesOf } from './rates.ts'
import { TIERS, type Tier } from './service_tiers.ts'

/** In USD per million tokens. What is absent costs what it costs among which it is counted. */
export interface StatedRates {
  readonly input_usd_per_million?: number | undefined
  readonly output_usd_per_million?: number | undefined
  readonly reasoning_usd_per_million?: number | undefined
  readonly cache_read_usd_per_million?: number | undefined
  readonly cache_write_usd_per_million?: number | undefined
  readonly cache_write_1h_usd_per_million?: number | undefined
  readonly input_audio_usd_per_million?: number | undefined
  readonly output_audio_usd_per_million?: number | undefined
  readonly cache_read_audio_usd_per_million?: number | undefined
  readonly input_image_usd_per_million?: number | undefined
  readonly output_image_usd_per_million?: number | undefined
}

/** Which calls the user says something of. */
export interface StatedFor {
  /** Provider's name in the newest convention; absent: any. */
  readonly provider?: string | undefined
  /** Name of the model or deployment, in any case; `*` at the end stands for any ending. */
  readonly model: string
  /** Host to which the call went, in any case; `*` at its beginning or end stands for anything. Absent: any. */
  readonly server_address?: string | undefined
}

export interface StatedPrice extends StatedFor, StatedRates {
  /** Only calls that were served in this tier; absent: all, and the price stays the same in each. */
  readonly service_tier?: Tier | undefined
  /** The model whose price holds, by the files or the list, instead of rates. */
  readonly priced_as?: string | undefined
  /** Prices of calls with more input than that; what is absent there costs as before. */
  readonly above?: readonly (StatedRates & { readonly input_tokens: number })[] | undefined
  readonly requests_usd_per_thousand?: number | undefined
  readonly web_searches_usd_per_thousand?: number | undefined
}

/** Names of the rates of tokens, and which rate each is. */
export const STATED_RATES = {
  input_usd_per_million: 'input',
  output_usd_per_million: 'output',
  reasoning_usd_per_million: 'reasoning',
  cache_read_usd_per_million: 'cacheRead',
  cache_write_usd_per_million: 'cacheWrite',
  cache_write_1h_usd_per_million: 'cacheWrite1h',
  input_audio_usd_per_million: 'inputAudio',
  output_audio_usd_per_million: 'outputAudio',
  cache_read_audio_usd_per_million: 'cacheReadAudio',
  input_image_usd_per_million: 'inputImage',
  output_image_usd_per_million: 'outputImage',
} as const satisfies { readonly [key in keyof StatedRates]: keyof Rates }

/** Is the price one of this call? `tier`: a position in TIERS. */
export function isPriceOf(price: StatedPrice, provider: string, model: string, address: string, tier: number): boolean {
  const { service_tier } = price
  return (service_tier === undefined || service_tier === TIERS[tier]) && isStatedFor(price, provider, model, address)
}

/** Is it said of this call? `address`: host, port or URL, empty if unknown. */
export function isStatedFor(
  { provider: wanted, model: name, server_address }: StatedFor,
  provider: string,
  model: string,
  address: string,
): boolean {
  if (wanted !== undefined && plainProvider(wanted) !== plainProvider(provider)) return false
  if (server_address !== undefined && !fits(server_address.toLowerCase(), hostOf(address))) return false
  const plain = model.toLowerCase()
  return fits(name.toLowerCase(), plain) || plain === `models/${name.toLowerCase()}`
}

/** As the conventions name it, where one of their names for it is written. */
function plainProvider(name: string): string {
  return (providerSpellings[name] ?? name).toLowerCase()
}

function fits(wanted: string, name: string): boolean {
  const begins = wanted.endsWith('*')
  const ends = wanted.startsWith('*') && wanted.length > 1
  const text = wanted.slice(ends ? 1 : 0, begins ? -1 : undefined)
  if (begins && ends) return name.includes(text)
  return begins ? name.startsWith(text) : ends ? name.endsWith(text) : name === text
}

function hostOf(address: string): string {
  const text = address.trim().toLowerCase()
  return (/^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]*)/.exec(text)?.[1] ?? text).replace(
    /^\[|\]$/g,
    '',
  )
}

/** What the price says, which holds at all times. */
export function statedPeriod(price: StatedPrice): Period {
  const rates: { [rate in (typeof STATED_RATES)[keyof StatedRates]]?: Rate } = {}
  for (const [key, rate] of Object.entries(STATED_RATES)) {
    const made = rateOf(price, key as keyof StatedRates)
    if (made !== undefined) rates[rate] = made
  }
  return {
    since_ms: 0,
    rates: {
      ...ratesOf(rates),
      request_pusd: picodollars(price.requests_usd_per_thousand ?? 0, 1000),
      webSearch_pusd: picodollars(price.web_searches_usd_per_thousand ?? 0, 1000),
    },
  }
}

/** A rate that only long prompts have is that of the whole for others. */
function rateOf(price: StatedPrice, key: keyof StatedRates): Rate | undefined {
  const steps = [...(price.above ?? [])].sort((one, other) => one.input_tokens - other.input_tokens)
  const tiers = steps.flatMap((step) =>
    step[key] === undefined ? [] : [{ above: step.input_tokens, pusd: picodollars(step[key], 1e6) }],
  )
  const base = price[key]
  if (tiers.length === 0) return base === undefined ? undefined : flatRate(base)
  return { base_pusd: picodollars(base ?? wholeOf(price, key), 1e6), tiers }
}

/** Price of what such tokens are counted among. */
function wholeOf(price: StatedPrice, key: keyof StatedRates): number {
  const whole = key === 'reasoning_usd_per_million' || key.startsWith('output_') ? 'output' : 'input'
  const written = key === 'cache_write_1h_usd_per_million' ? price.cache_write_usd_per_million : undefined
  return written ?? price[`${whole}_usd_per_million`] ?? 0
}
