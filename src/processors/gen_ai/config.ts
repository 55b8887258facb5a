/** Options of the `gen_ai` processor. */
import { z } from 'zod'
import { duration } from '../../config/schema/blocks.ts'
import { PLAUSIBLE, type Plausible } from '../../gen_ai/plausible.ts'
import { TIERS } from '../../gen_ai/pricing/service_tiers.ts'

const usdPerMillion = z.number().nonnegative()

const priceSchema = z.strictObject({
  provider: z
    .string()
    .min(1)
    .optional()
    .describe('Provider as `gen_ai.provider.name` has it after normalising, for instance `openai`. Absent: any.'),
  model: z
    .string()
    .min(1)
    .max(200)
    .describe('Name of the model as requested or as answered, in any case. A `*` at the end stands for any ending.'),
  service_tier: z
    .enum(TIERS)
    .optional()
    .describe('Only calls served in this tier. Absent: all; the price is then taken as it is, whatever the tier.'),
  input_usd_per_million: usdPerMillion.describe('USD for a million input tokens.'),
  output_usd_per_million: usdPerMillion.default(0).describe('USD for a million output tokens, reasoning included.'),
  cache_read_usd_per_million: usdPerMillion
    .optional()
    .describe('USD for a million input tokens read from a cache. Absent: the input price.'),
  cache_write_usd_per_million: usdPerMillion
    .optional()
    .describe('USD for a million input tokens written to a cache. Absent: the input price.'),
})

const plausibleSchema = z.strictObject({
  duration_max: duration({ min_ms: 1 }).prefault('24h').describe('Longest model call.'),
  tokens_max: z
    .int()
    .min(1)
    .max(2 ** 40)
    .default(PLAUSIBLE.tokens_max)
    .describe('Most tokens of a model call, for each count that it reports.'),
  cost_usd_max: z
    .number()
    .positive()
    .max(1e9)
    .default(PLAUSIBLE.cost_usd_max)
    .describe('Highest cost of a model call in USD, reported or computed.'),
})

export const schema = z.strictObject({
  prices: z
    .array(priceSchema)
    .max(1000)
    .default([])
    .describe('Your own prices. The first that fits a model call is used instead of the list price.'),
  list_prices: z
    .boolean()
    .default(true)
    .describe(
      'Price calls by the bundled list of public prices. Off: only `prices` and costs that the emitter reports.',
    ),
  plausible: plausibleSchema
    .prefault({})
    .describe('What is believed of a model call. A number beyond it is in no sum, and `sluice.implausible` names it.'),
})

export type GenAiConfig = z.output<typeof schema>

/** The bounds as `ModelCall` wants them. */
export function plausibleOf({ plausible }: GenAiConfig): Plausible {
  return { ...plausible, duration_max_ms: plausible.duration_max }
}
