/**
 * A file of prices in the shape of genai-prices: a list of providers, each with tests of its models' names, and prices in USD
 * for a million tokens or a thousand of something, in tiers by the length of the prompt, from a date on or by the hour.
 */
import { periodOf } from './list_rates.ts'
import { isOnBedrock, modelNamesOf } from './model_names.ts'
import {
  type DatedPrices,
  ListedProvider,
  type ListPrice,
  type ListPrices,
  type ListTier,
  type ModelLine,
  type NameTest,
  PRICE_KEYS,
  PriceList,
  type ProviderLine,
} from './price_list.ts'
import { isSelfHosted, payeeOf, UNNAMED } from './price_providers.ts'
import {
  inside,
  jsonKindOf,
  jsonTextOf,
  listOf,
  type Members,
  MODELS_MAX,
  membersOf,
  PriceFileError,
  type PriceSource,
  priceOf,
  windowOf,
} from './price_source.ts'

/** `value`: the list of providers. Throws PriceFileError. */
export function listedFile(value: readonly unknown[]): PriceSource {
  const providers = value.map((provider, at) => providerOf(provider, inside('', at)))
  const models = providers.reduce((sum, { line }) => sum + line.models, 0)
  if (models > MODELS_MAX)
    throw new PriceFileError('', `${models} models`, `at most ${MODELS_MAX}`, 'leave out models that you do not call')
  const list = new PriceList(() => providers)
  return {
    window(provider, model) {
      const names = modelNamesOf(model)
      const payee = payeeIn(list, provider, names)
      for (const name of payee === undefined ? [] : names) {
        const window = list.window(name, payee)
        if (window !== undefined) return window
      }
      return undefined
    },
    find(provider, model) {
      const names = modelNamesOf(model)
      const payee = payeeIn(list, provider, names)
      if (payee === undefined) return undefined
      for (const name of names) {
        const prices = list.prices(name, payee)
        if (prices !== undefined) return { periods: prices.map(periodOf), payee, isOfTier: false }
      }
      return undefined
    },
  }
}

/** Whose price the file has to say: of a provider that it names, of one that it knows by another name, or the model tells. */
function payeeIn(list: PriceList, provider: string, names: readonly string[]): string | undefined {
  if (list.hasId(provider)) return provider
  if (isOnBedrock(names) && list.has('aws')) return 'aws'
  const payee = payeeOf(provider)
  if (payee === UNNAMED) return ownerIn(list, names)
  if (payee !== undefined && list.has(payee)) return payee
  return !isSelfHosted(provider) && list.has(provider) ? provider : undefined
}

/** Nobody is named: by the path in front of the model, by the beginnings of names, or whoever lists the model. */
function ownerIn(list: PriceList, names: readonly string[]): string | undefined {
  const [whole] = names
  if (whole === undefined) return undefined
  const path = whole.slice(0, Math.max(0, whole.indexOf('/')))
  if (path !== '' && payeeOf(path) !== UNNAMED) {
    const behind = payeeIn(list, path, names)
    if (behind !== undefined) return behind
  }
  for (const name of names) {
    const owner = list.ownerOf(name) ?? list.listerOf(name)
    if (owner !== undefined) return owner
  }
  return undefined
}

function providerOf(value: unknown, place: string): ListedProvider {
  const { id, provider_match, model_match, fallback_model_providers: fallback, models } = membersOf(value, place)
  const name = jsonTextOf(id, inside(place, 'id')).toLowerCase()
  const at = inside(place, `(${name})`)
  const lines = listOf(models, inside(at, 'models')).map((model, n) => modelOf(model, inside(inside(at, 'models'), n)))
  const line: ProviderLine = {
    id: name,
    ...(isGiven(provider_match) && { is: testOf(provider_match, inside(at, 'provider_match')) }),
    ...(isGiven(model_match) && { models_are: testOf(model_match, inside(at, 'model_match')) }),
    ...(isGiven(fallback) && {
      fallback: listOf(fallback, inside(at, 'fallback_model_providers')).map((one, n) =>
        jsonTextOf(one, inside(inside(at, 'fallback_model_providers'), n)).toLowerCase(),
      ),
    }),
    models: lines.length,
  }
  return new ListedProvider(line, () => lines)
}

function modelOf(value: unknown, place: string): ModelLine {
  const { id, match, prices, context_window: window } = membersOf(value, place)
  const name = jsonTextOf(id, inside(place, 'id'))
  const at = inside(place, `(${name})`)
  const test = isGiven(match) ? testOf(match, inside(at, 'match')) : { equals: name.toLowerCase() }
  const made = pricesOf(prices, inside(at, 'prices'))
  return isGiven(window) ? [name, test, made, windowOf(window, inside(at, 'context_window'))] : [name, test, made]
}

/** genai-prices writes null for what is not there, too. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

const TEXT_TESTS = ['equals', 'starts_with', 'ends_with', 'contains'] as const
/** Tests within tests. */
const DEPTH_MAX = 8

function testOf(value: unknown, place: string, depth = 0): NameTest {
  const members = membersOf(value, place)
  const [kind, ...others] = Object.keys(members)
  const given = kind === undefined ? undefined : members[kind]
  if (others.length === 0 && kind !== undefined && depth < DEPTH_MAX) {
    const at = inside(place, kind)
    if (kind === 'or' || kind === 'and') {
      const tests = listOf(given, at).map((one, n) => testOf(one, inside(at, n), depth + 1))
      return kind === 'or' ? { or: tests } : { and: tests }
    }
    if (kind === 'regex') return { pattern: patternOf(jsonTextOf(given, at), at) }
    const test = TEXT_TESTS.find((one) => one === kind)
    if (test !== undefined) return { [test]: jsonTextOf(given, at).toLowerCase() } as unknown as NameTest
  }
  const expected = `one of ${[...TEXT_TESTS, 'regex', 'or', 'and'].join(', ')}, at most ${DEPTH_MAX} deep`
  throw new PriceFileError(place, Object.keys(members).join(', ') || 'an empty map', expected, 'see genai-prices')
}

/** A group that is repeated may take for ever on a long name; genai-prices has none. */
function patternOf(text: string, place: string): { test(name: string): boolean } {
  if (/\)[+*{]/.test(text))
    throw new PriceFileError(place, 'a repeated group', 'a pattern without', 'write the group out, or use `or`')
  try {
    return new RegExp(text)
  } catch {
    throw new PriceFileError(place, 'a text that is none', 'a regular expression', 'check brackets and backslashes')
  }
}

function pricesOf(value: unknown, place: string): ListPrices | readonly DatedPrices[] {
  if (!Array.isArray(value)) return listPricesOf(value, place)
  if (value.length === 0) throw new PriceFileError(place, 'an empty list', 'prices', 'give the prices of the model')
  return value.map((one, n) => {
    const at = inside(place, n)
    const { constraint, prices } = membersOf(one, at)
    const made = listPricesOf(prices, inside(at, 'prices'))
    return isGiven(constraint)
      ? { constraint: constraintOf(constraint, inside(at, 'constraint')), prices: made }
      : { prices: made }
  })
}

function constraintOf(value: unknown, place: string): NonNullable<DatedPrices['constraint']> {
  const { start_date, start_time, end_time } = membersOf(value, place) as Record<string, string | undefined>
  if (typeof start_date === 'string' && !Number.isNaN(Date.parse(start_date))) return { start_date }
  const isTime = (time: unknown): time is string =>
    typeof time === 'string' && !Number.isNaN(Date.parse(`1970-01-02T${time}`))
  if (isTime(start_time) && isTime(end_time)) return { start_time, end_time }
  throw new PriceFileError(
    place,
    'neither',
    'a start_date, or a start_time and an end_time',
    'write dates as 2026-01-31 and times as 16:30:00Z',
  )
}

function listPricesOf(value: unknown, place: string): ListPrices {
  const prices: { [key in (typeof PRICE_KEYS)[number]]?: ListPrice } = {}
  for (const [key, price] of Object.entries(membersOf(value, place))) {
    if (!isGiven(price)) continue
    const at = inside(place, key)
    const made = listPriceOf(price, at)
    const known = PRICE_KEYS.find((one) => one === key)
    if (known !== undefined) prices[known] = made
    else if (!uncounted.test(key)) throw new PriceFileError(at, 'a unit that is unknown', UNITS, 'check the spelling')
  }
  return prices
}

function listPriceOf(value: unknown, place: string): ListPrice {
  if (typeof value !== 'object' || value === null) return priceOf(value, place)
  const { base, tiers } = value as Members
  return {
    base: priceOf(base, inside(place, 'base')),
    tiers: listOf(tiers, inside(place, 'tiers')).map((tier, n) => tierOf(tier, inside(inside(place, 'tiers'), n))),
  }
}

function tierOf(value: unknown, place: string): ListTier {
  const { start, price } = membersOf(value, place)
  if (typeof start !== 'number' || !(start >= 0)) {
    const found = typeof start === 'number' ? String(start) : jsonKindOf(start)
    throw new PriceFileError(inside(place, 'start'), found, 'a number of input tokens', 'write a number without quotes')
  }
  return { start, price: priceOf(price, inside(place, 'price')) }
}

/** Units of which genai-prices knows prices, and telemetry no counts. */
const uncounted = new RegExp(
  [
    '^(?:input_|output_)?(?:text_|audio_|image_|video_|document_)?(?:tool_|citation_|reasoning_)?mtok$',
    '^cache_(?:text_|audio_|image_|video_)?(?:read|write|write_5m|write_1h)_mtok$',
    '^(?:input_|output_)?(?:audio_|video_)?hours$',
    '_kpages$',
    '^(?:code_executions|input_text_messages|(?:rerank|social|storage)_searches)_kcount$',
  ].join('|'),
)
const UNITS = `one of genai-prices, such as ${PRICE_KEYS.slice(0, 4).join(', ')}, requests_kcount`
