/**
 * Finding a model in the bundled table of list prices (`@pydantic/genai-prices`, never updated at run time). Slow
 * (pattern matching over hundreds of models): callers keep the answer.
 */
import { calcPrice, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices'
import { modelProviders, priceProviders, unpricedProviders } from '../known_values.ts'
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
    if (found !== undefined) return periodsOf(found)
  }
  return undefined
}

function findModel(provider: string, name: string): ModelInfo | undefined {
  const providers: (string | undefined)[] = [undefined]
  for (const [beginning, provider] of Object.entries(modelProviders))
    if (name.startsWith(beginning)) providers.unshift(provider)
  if (bedrockModel.test(name)) providers.unshift('aws')
  if (provider !== '') providers.unshift(priceProviders[provider] ?? provider)
  for (const providerId of providers) {
    const found = lookUp(name, providerId)
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

function lookUp(model: string, providerId: string | undefined): ModelInfo | undefined {
  try {
    return calcPrice({}, model, providerId === undefined ? {} : { providerId })?.model
  } catch {
    // The package throws on a price that it cannot compute: for us that is a model without a price.
    return undefined
  }
}

function periodsOf(model: ModelInfo): Period[] {
  if (!Array.isArray(model.prices)) return [{ since_ms: 0, rates: ratesOf(model.prices) }]
  return model.prices.map(({ constraint, prices }) => {
    const rates = ratesOf(prices)
    if (constraint?.type === 'time_of_date')
      return {
        since_ms: 0,
        daily: { from_s: secondOfDay(constraint.start_time), to_s: secondOfDay(constraint.end_time) },
        rates,
      }
    return { since_ms: constraint === undefined ? 0 : Date.parse(constraint.start_date), rates }
  })
}

function ratesOf(prices: ModelPrice): Rates {
  return {
    input: rateOf(prices['input_mtok']),
    output: rateOf(prices['output_mtok']),
    cacheRead: rateOf(prices['cache_read_mtok']),
    cacheWrite: rateOf(prices['cache_write_mtok']),
    reasoning: rateOf(prices['output_reasoning_mtok']),
    request_usd: (rateOf(prices['requests_kcount'])?.base_usd ?? 0) / 1000,
  }
}

function rateOf(price: ModelPrice[string]): Rate | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return flatRate(price)
  const tiers = [...price.tiers].sort((a, b) => a.start - b.start)
  return { base_usd: price.base, tiers: tiers.map((tier) => ({ above: tier.start, usd: tier.price })) }
}

/** `16:30:00Z` or with an offset, as seconds of the UTC day. */
function secondOfDay(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1000 + 86_400) % 86_400
}
