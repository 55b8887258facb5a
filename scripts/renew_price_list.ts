/**
 * `npm run prices`: writes src/gen_ai/pricing/price_list.jsonl, of the package's list of prices what is needed to price
 * tokens: a fifth of its size, and nothing of it is in memory before it is asked for.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  type ConditionalPrice,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  waitForUpdate,
} from '@pydantic/genai-prices'
import {
  type DatedPrices,
  type ListPrices,
  type ModelLine,
  type NameTest,
  PRICE_KEYS,
  type ProviderLine,
} from '../src/gen_ai/pricing/price_list.ts'

const PACKAGE = '@pydantic/genai-prices'
const folder = new URL(`../node_modules/${PACKAGE}/`, import.meta.url)

/** What price_list.jsonl has to be: where it is from, and then each provider with its models. */
export async function priceList(): Promise<string> {
  const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }
  const licence = readFileSync(new URL('LICENSE', folder), 'utf8')
  const lines: unknown[] = [{ from: `${PACKAGE} ${version}`, licence }]
  for (const provider of (await waitForUpdate()) ?? []) {
    const { id, provider_match, model_match, fallback_model_providers: fallback, models } = provider
    const line: ProviderLine = {
      id,
      ...(provider_match && { is: nameTest(provider_match) }),
      ...(model_match && { models_are: nameTest(model_match) }),
      ...(fallback && { fallback }),
      models: models.length,
    }
    lines.push(line, ...models.map(lineOf))
  }
  return `${lines.map(asciiJson).join('\n')}\n`
}

function lineOf({ id, match, prices, context_window: window }: ModelInfo): ModelLine {
  return window ? [id, nameTest(match), pricesOf(prices), window] : [id, nameTest(match), pricesOf(prices)]
}

/** In lower case, as names are when they are tested; not what is a pattern. */
function nameTest(logic: MatchLogic): NameTest {
  if ('or' in logic) return { or: logic.or.map(nameTest) }
  if ('and' in logic) return { and: logic.and.map(nameTest) }
  if ('regex' in logic) return logic
  return Object.fromEntries(Object.entries(logic).map(([kind, text]) => [kind, text.toLowerCase()])) as NameTest
}

function pricesOf(prices: ModelPrice | ConditionalPrice[]): ListPrices | DatedPrices[] {
  if (!Array.isArray(prices)) return listPrices(prices)
  return prices.map(({ constraint, prices }) => {
    if (constraint === undefined) return { prices: listPrices(prices) }
    const { type: _, ...when } = constraint
    return { constraint: when, prices: listPrices(prices) }
  })
}

function listPrices(prices: ModelPrice): ListPrices {
  const kept = PRICE_KEYS.filter((key) => prices[key] !== undefined)
  return Object.fromEntries(kept.map((key) => [key, prices[key]!]))
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(new URL('../src/gen_ai/pricing/price_list.jsonl', import.meta.url), await priceList())
