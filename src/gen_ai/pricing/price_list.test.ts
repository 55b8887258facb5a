import { readFileSync } from 'node:fs'
import { calcPrice, waitForUpdate } from '@pydantic/genai-prices'
import { expect, test } from 'vitest'
import { priceList } from '../../../scripts/renew_price_list.ts'
import { bundledList, PRICE_KEYS } from './price_list.ts'

const providers = (await waitForUpdate())!

test('the file is made of the package that is installed', async () => {
  const written = readFileSync(new URL('./price_list.jsonl', import.meta.url), 'utf8')
  expect(written === (await priceList()), 'renew it with: npm run prices').toBe(true)
})

/** Names as they are, in other letters, with a date in the other form, and of others. */
const spelled = (id: string) => [id, id.toUpperCase(), `${id}-20250514`, `${id}-2025-05-14`, `x-${id}`, `acme/${id}`]
/** What a gateway calls the providers, and names that only the list's tests know. */
const aliases = ['litellm', 'google-vertex', 'Bedrock', 'nobody', 'x', ' openai ']

test.each([...providers.map(({ id }) => id), ...aliases, undefined])(
  'of %s the models are those that the package finds',
  (providerId) => {
    const own = providers.filter(({ id }) => id === providerId).flatMap(({ models }) => models)
    const others = providers.flatMap(({ id, models }) =>
      models.slice(0, 2).map((model) => [model.id, `${id}/${model.id}`]),
    )
    for (const name of [...own.flatMap(({ id }) => spelled(id)), ...others.flat()]) {
      const expected = calcPrice({}, name, providerId === undefined ? {} : { providerId })?.model.prices
      const found = bundledList.prices(name, providerId)
      expect(found?.length, `${providerId} ${name}`).toBe(Array.isArray(expected) ? expected.length : expected && 1)
      for (const [at, { constraint, prices }] of (found ?? []).entries()) {
        const dated = Array.isArray(expected) ? expected[at]! : { prices: expected! }
        const { type: _, ...when } = dated.constraint ?? { type: undefined }
        expect(constraint ?? {}).toEqual(when)
        for (const key of PRICE_KEYS) expect(prices[key], `${providerId} ${name} ${key}`).toEqual(dated.prices[key])
      }
    }
  },
)
