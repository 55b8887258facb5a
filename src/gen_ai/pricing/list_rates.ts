/** From the prices of the list to rates. */
import type { DatedPrices, ListPrice, ListPrices } from './price_list.ts'
import { flatRate, type Period, picodollars, type Rate, type Rates } from './rates.ts'

export function periodOf({ constraint, prices }: DatedPrices): Period {
  const rates = listRatesOf(prices)
  if (constraint === undefined) return { since_ms: 0, rates }
  if ('start_date' in constraint) return { since_ms: Date.parse(constraint.start_date), rates }
  const daily = { from_s: secondOfDay(constraint.start_time), to_s: secondOfDay(constraint.end_time) }
  return { since_ms: 0, daily, rates }
}

/** Rates of a model whose prices are said in the list's way. */
export function listRatesOf(prices: ListPrices): Rates {
  return {
    input: rateOf(prices.input_mtok),
    output: rateOf(prices.output_mtok),
    cacheRead: rateOf(prices.cache_read_mtok),
    cacheWrite: rateOf(prices.cache_write_mtok),
    cacheWrite1h: rateOf(prices.cache_write_1h_mtok),
    reasoning: rateOf(prices.output_reasoning_mtok),
    inputAudio: rateOf(prices.input_audio_mtok),
    outputAudio: rateOf(prices.output_audio_mtok),
    cacheReadAudio: rateOf(prices.cache_audio_read_mtok),
    inputImage: rateOf(prices.input_image_mtok),
    outputImage: rateOf(prices.output_image_mtok),
    request_pusd: perThousand(prices.requests_kcount),
    webSearch_pusd: perThousand(prices.web_searches_kcount),
  }
}

function perThousand(price: ListPrice | undefined): number {
  if (price === undefined) return 0
  return picodollars(typeof price === 'number' ? price : price.base, 1000)
}

function rateOf(price: ListPrice | undefined): Rate | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return flatRate(price)
  const tiers = [...price.tiers].sort((a, b) => a.start - b.start)
  return {
    base_pusd: picodollars(price.base, 1e6),
    tiers: tiers.map((tier) => ({ above: tier.start, pusd: picodollars(tier.price, 1e6) })),
  }
}

/** `16:30:00Z` or with an offset, as seconds of the UTC day. */
function secondOfDay(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1000 + 86_400) % 86_400
}
