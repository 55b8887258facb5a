/**
 * Finding a model in the list of prices that comes with the program and is never updated at run time. Slow (tests of
 * names over hundreds of models): callers keep the answer.
 */
import { modelProviders, priceProviders, unpricedProviders } from '../known_values.ts'
import { type DatedPrices, type ListPrice, type ListPrices, listPrices } from './price_list.ts'
import { flatRate, type Period, type Rate, type Rates } from './rates.ts'

/** Bedrock's model names without their provider: `us.anthropic.claude-…`, `amazon.nova-…`. */
const bedrockModel =
  /^(?:(?:us|eu|apac|jp|au|ca|global|us-gov)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen)\./

/**
 * Rates of a model, or undefined if the table does not have it. `provider` as the GenAI conventions name it, empty if
 * unknown: then it is inferred from the model's name, and also if the provider named does not have that model
 * (gateways and compatible endpoints).
 */
export function findPeriods(provider: string, model: string): readonly Period[] | undefined {
  if (unpricedProviders.includes(provider.toLowerCase())) return undefined
  for (const name of namesOf(model)) {
    const found = findModel(provider, name)
    if (found !== undefined) return found.map(periodOf)
  }
  return undefined
}

function findModel(provider: string, name: string): readonly DatedPrices[] | undefined {
  const providers: (string | undefined)[] = [undefined]
  for (const [beginning, provider] of Object.entries(modelProviders))
    if (name.startsWith(beginning)) providers.unshift(provider)
  if (bedrockModel.test(name)) providers.unshift('aws')
  if (provider !== '') providers.unshift(priceProviders[provider] ?? provider)
  for (const providerId of providers) {
    const found = listPrices(name, providerId)
    if (found !== undefined) return found
  }
  return undefined
}

/** The name as it is, without the path that some APIs put in front, and without Bedrock's region and maker. */
function namesOf(model: string): string[] {
  const plain = model.startsWith('models/') ? model.slice('models/'.length) : model
  const last = plain.slice(plain.lastIndexOf('/') + 1)
  return [...new Set([plain, last, last.replace(bedrockModel, '')])].filter((name) => name !== '')
}

function periodOf({ constraint, prices }: DatedPrices): Period {
  const rates = ratesOf(prices)
  if (constraint === undefined) return { since_ms: 0, rates }
  if ('start_date' in constraint) return { since_ms: Date.parse(constraint.start_date), rates }
  const daily = { from_s: secondOfDay(constraint.start_time), to_s: secondOfDay(constraint.end_time) }
  return { since_ms: 0, daily, rates }
}

function ratesOf(prices: ListPrices): Rates {
  return {
    input: rateOf(prices.input_mtok),
    output: rateOf(prices.output_mtok),
    cacheRead: rateOf(prices.cache_read_mtok),
    cacheWrite: rateOf(prices.cache_write_mtok),
    reasoning: rateOf(prices.output_reasoning_mtok),
    request_usd: (rateOf(prices.requests_kcount)?.base_usd ?? 0) / 1000,
  }
}

function rateOf(price: ListPrice | undefined): Rate | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return flatRate(price)
  const tiers = [...price.tiers].sort((a, b) => a.start - b.start)
  return { base_usd: price.base, tiers: tiers.map((tier) => ({ above: tier.start, usd: tier.price })) }
}

/** `16:30:00Z` or with an offset, as seconds of the UTC day. */
function secondOfDay(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1000 + 86_400) % 86_400
}
