/** Options of the `gen_ai` processor. */
import { z } from 'zod'
import type { ContentNames } from '../../component.ts'
import { duration, expect } from '../../config/schema/blocks.ts'
import { fileContent } from '../../config/schema/file_content.ts'
import { SAFETY, SAFETY_SIGNALS, type SafetySignal } from '../../content/safety/safety_signals.ts'
import { dialects as builtIn } from '../../gen_ai/dialects/dialects.ts'
import { builtInLexicon, Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { PLAUSIBLE, type Plausible } from '../../gen_ai/plausible.ts'
import { PRICE_FILE_BYTES_MAX, readPriceFile } from '../../gen_ai/pricing/price_file.ts'
import { Prices } from '../../gen_ai/pricing/prices.ts'
import { TIERS } from '../../gen_ai/pricing/service_tiers.ts'
import { LOOPS } from '../../gen_ai/steps/watching/loop_bounds.ts'
import { type OwnDialect, ownDialects, rowOfDialect } from './own_dialects.ts'

const usd = z.number().nonnegative().max(1e9)

const rates = {
  input_usd_per_million: usd.optional().describe('USD for a million input tokens.'),
  output_usd_per_million: usd.optional().describe('USD for a million output tokens, reasoning included. Absent: 0.'),
  reasoning_usd_per_million: usd.optional().describe('USD for a million reasoning tokens. Absent: the output price.'),
  cache_read_usd_per_million: usd
    .optional()
    .describe('USD for a million input tokens read from a cache. Absent: the input price.'),
  cache_write_usd_per_million: usd
    .optional()
    .describe('USD for a million input tokens written to a cache. Absent: the input price.'),
  cache_write_1h_usd_per_million: usd
    .optional()
    .describe('USD for a million input tokens written to a cache for an hour. Absent: the price of other writes.'),
  input_audio_usd_per_million: usd.optional().describe('USD for a million tokens of audio in the input.'),
  output_audio_usd_per_million: usd.optional().describe('USD for a million tokens of audio in the output.'),
  cache_read_audio_usd_per_million: usd
    .optional()
    .describe('USD for a million tokens of audio read from a cache. Absent: the price of other reads.'),
  input_image_usd_per_million: usd.optional().describe('USD for a million tokens of images in the input.'),
  output_image_usd_per_million: usd.optional().describe('USD for a million tokens of images in the output.'),
}

const priceSchema = z
  .strictObject({
    provider: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Provider as `gen_ai.provider.name` has it after normalising, for instance `openai`. Absent: any.'),
    model: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'Name of the model or deployment as requested or as answered, in any case. A `*` at the end stands for any ending, one at the beginning for any beginning.',
      ),
    server_address: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'Only calls to this host (`server.address`), for prices of a region or deployment: `acme-eu.openai.azure.com`, `*.eu-central-1.amazonaws.com`. Absent: any.',
      ),
    service_tier: z
      .enum(TIERS)
      .optional()
      .describe('Only calls served in this tier. Absent: all; the price is then taken as it is, whatever the tier.'),
    priced_as: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'Instead of rates: the model whose price holds, by your files or the list, such as `gpt-4o` for a deployment with another name. It is one of the call’s provider, or by its name, or path (`azure/gpt-4o`), another’s.',
      ),
    ...rates,
    requests_usd_per_thousand: usd.optional().describe('USD for a thousand calls, beside their tokens.'),
    web_searches_usd_per_thousand: usd.optional().describe('USD for a thousand web searches of the model.'),
    above: z
      .array(
        z.strictObject({
          input_tokens: z.int().min(0).describe('Calls with more input tokens than that.'),
          ...rates,
        }),
      )
      .max(10)
      .optional()
      .describe('Prices of long prompts. They hold for all tokens of the call; what is absent costs as before.'),
  })
  .superRefine(({ priced_as, above, ...price }, context) => {
    const hasRates = above !== undefined || Object.keys(price).some((key) => /_usd_per_/.test(key))
    if (priced_as !== undefined && hasRates)
      expect(context, 'either priced_as or rates, not both', 'remove one of them', ['priced_as'])
    if (priced_as === undefined && !hasRates)
      expect(context, 'a rate or priced_as', 'add `input_usd_per_million:`, or `priced_as:` with a model’s name')
  })

const windowSchema = z.strictObject({
  provider: priceSchema.shape.provider,
  model: priceSchema.shape.model,
  server_address: priceSchema.shape.server_address,
  tokens: z
    .int()
    .min(1)
    .max(2 ** 40)
    .describe('Tokens that the context window holds, input and output together.'),
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

const turns = (fallback: number, from: number) => z.int().min(from).max(10_000).default(fallback)

const safetySchema = z.strictObject({
  signals: z
    .strictObject(
      Object.fromEntries(
        SAFETY_SIGNALS.map((signal) => [
          signal,
          z.boolean().default(true).describe(`Whether \`${signal}\` is looked for.`),
        ]),
      ) as Record<SafetySignal, z.ZodDefault<z.ZodBoolean>>,
    )
    .prefault({})
    .describe('Which signals of danger are looked for: `sluice.safety.signals`.'),
})

const loopsSchema = z.strictObject({
  same_call: turns(LOOPS.same_call, 2).describe(
    'Executions of a tool with the same arguments in one trace. One that failed counts half.',
  ),
  same_tool: turns(LOOPS.same_tool, 2).describe('Executions of a tool in a row, where the arguments are not told.'),
  agents_nested: turns(LOOPS.agents_nested, 3).describe(
    'Runs of two agents, each within one of the other: 4 is A that calls B, that calls A, that calls B.',
  ),
  agents_in_turn: turns(LOOPS.agents_in_turn, 3).describe(
    'Runs of two agents in turn, one after the other under one span, or by handoffs: 6 is three times each.',
  ),
})

export const schema = z.strictObject({
  prices: z
    .array(priceSchema)
    .max(1000)
    .default([])
    .describe('Your own prices. The first that fits a model call is used, before `price_files` and the list.'),
  price_files: z
    .array(fileContent(readPriceFile, PRICE_FILE_BYTES_MAX))
    .max(20)
    .default([])
    .describe(
      'JSON files of prices, up to 16 MiB each, in the shape of genai-prices (a list of providers) or of LiteLLM’s `model_prices_and_context_window.json`. The first that has the model counts, before the list. They are read again with the config.',
    ),
  list_prices: z
    .boolean()
    .default(true)
    .describe(
      'Price calls by the bundled list of public prices. Off: only `prices`, `price_files` and costs that the emitter reports.',
    ),
  context_windows: z
    .array(windowSchema)
    .max(1000)
    .default([])
    .describe(
      'Sizes of context windows, for deployments and models of your own. The first that fits a call counts, before `price_files`, the list, and what is known by the model’s name.',
    ),
  labels: z
    .array(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,62}$/))
    .max(50)
    .default([])
    .describe(
      'Names of labels, beside the shipped ones of `gen_ai_metrics: attribution`, that stand in metadata or tags of calls. Redaction takes these away with the content; the labels are kept.',
    ),
  dialects: ownDialects
    .default([])
    .describe('Ways in which SDKs of your own write model calls, beside those that are built in.'),
  safety: safetySchema.prefault({}).describe('What is looked for that is dangerous.'),
  loops: loopsSchema
    .prefault({})
    .describe('From when on a trace loops: `sluice.step.signals` on the step by which it does.'),
  plausible: plausibleSchema
    .prefault({})
    .describe('What is believed of a model call. A number beyond it is in no sum, and `sluice.implausible` names it.'),
})

export type GenAiConfig = z.output<typeof schema>

/** The bounds as `ModelCall` wants them. */
export function plausibleOf({ plausible }: GenAiConfig): Plausible {
  return { ...plausible, duration_max_ms: plausible.duration_max }
}

/** Bits of the signals of danger that are looked for. */
export function safetyOf({ safety }: GenAiConfig): number {
  return SAFETY_SIGNALS.reduce((bits, signal) => bits | (safety.signals[signal] ? SAFETY[signal] : 0), 0)
}

/** What prices calls. */
export function pricesOf({ prices, price_files, list_prices, context_windows }: GenAiConfig): Prices {
  return new Prices({
    stated: prices,
    files: price_files.map(({ value }) => value),
    useTable: list_prices,
    windows: context_windows,
  })
}

/** The dialects in which calls are looked for: the user's before those that are built in. */
export function lexiconOf({ dialects }: GenAiConfig): Lexicon {
  return dialects.length === 0 ? builtInLexicon : new Lexicon(builtIn, dialects.map(rowOfDialect))
}

/** Attributes that hold content by the user's dialects. */
export function contentIn({ dialects }: GenAiConfig): ContentNames {
  const all: Record<string, readonly string[]> = {}
  for (const dialect of dialects)
    for (const [group, names = []] of Object.entries({ output: [], ...dialect.content })) {
      const answers = group === 'output' ? answersOf(dialect) : []
      all[group] = [...(all[group] ?? []), ...[...names, ...answers].flatMap((name) => contentNames(dialect, name))]
    }
  return all
}

/** What holds answers is content, whether it is said twice or not. */
function answersOf({ fields, content = {} }: OwnDialect): string[] {
  const said = new Set(Object.values(content).flat())
  const names = (fields.answer ?? []).map((source) => (typeof source === 'string' ? source : source.attribute))
  return [...new Set(names)].filter((name) => !said.has(name))
}

/** The body of a log record has no key: it is content in records of that event, or of that scope (`own_content.ts`). */
function contentNames({ in_records, marks }: OwnDialect, name: string): string[] {
  if (!in_records || name !== 'body') return [name]
  return marks.flatMap(({ event, scope }) =>
    event !== undefined ? [`event:${event}`] : scope === undefined ? [] : [`scope:${scope}`, `scope:${scope}*`],
  )
}
