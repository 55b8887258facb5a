import { z } from 'zod'
import { duration } from '../../config/schema/blocks.ts'
import { stepKeys } from '../../config/schema/steps.ts'

export const schema = z.strictObject({
  ...stepKeys,
  metrics_flush_interval: duration({ min_ms: 10 }).prefault('15s').describe('How often the metrics are handed on.'),
  own_metrics: z
    .enum(['auto', 'keep', 'set_aside'])
    .default('auto')
    .describe(
      'What becomes of metrics by which applications tell of their calls themselves, before exporters that also get what is derived. auto: they are set aside where the spans of the service tell of all its calls; keep: both pass; set_aside: they never pass.',
    ),
  unfinished_after: duration({ min_ms: 1000 })
    .prefault('30m')
    .describe(
      'How long a trace whose root has not come waits for the spans of its agents; then runs that are only named by others are unfinished.',
    ),
  drift: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether `llm_drift` is made.'),
      count_min: z
        .int()
        .min(10)
        .max(1_000_000)
        .default(100)
        .describe('Calls that this hour and its baseline must have, before anything is said.'),
    })
    .prefault({})
    .describe(
      'How far token counts, finish reasons, refusals, hedging, quality, errors and the version that answers lie, by model, from the same hours of the seven days before; on the first day, from the hours before. Kept over a restart where `service.data_directory` is set.',
    ),
  attribution: z
    .record(
      z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,62}$/),
      z.union([z.literal(false), z.array(z.string().min(1).max(200)).min(1).max(50)]),
    )
    .default({})
    .describe(
      'Labels of `llm_attributed_*`: for each the attributes that may say it, the best first, looked for on the call, its resource, then its nearest span above. `metadata.team` is also the member `team` of an attribute `metadata` that holds JSON, `tags.team` the element `team:…` of a list. `false` takes a shipped label away.',
    ),
  attribution_values_max: z
    .int()
    .min(1)
    .max(100_000)
    .default(200)
    .describe(
      'Values told apart of each of these labels, those that are used most and lately; the others are "other".',
    ),
  conversations: z
    .strictObject({
      max: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100_000)
        .describe('Conversations that are open at once; beyond, the oldest are over.'),
      expire_after: duration({ min_ms: 1000 })
        .prefault('30m')
        .describe('A conversation is over when nothing of it came for so long.'),
    })
    .prefault({})
    .describe('What calls add up to by conversation; in memory only.'),
  models_max: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe(
      'Model names told apart as labels, those that are used most and lately; the others go to the model "other".',
    ),
  series_max: z
    .int()
    .min(100)
    .default(50_000)
    .describe(
      'Counters and histograms held; what has no room goes to the model and error type "other", and totals stay true.',
    ),
  histogram_bounds: z
    .record(
      z.string().regex(/^(?:llm_|gen_ai\.)[a-zA-Z0-9_.]+$/),
      z
        .array(z.number())
        .min(1)
        .max(100)
        .refine((bounds) => bounds.every((bound, at) => at === 0 || bound > bounds[at - 1]!), {
          message: 'expected bounds that rise; sort them, each once',
        }),
    )
    .default({})
    .describe(
      'Bounds of histograms by name, in the unit of the metric, instead of the shipped ones: `llm_time_to_first_token_seconds: [0.2, 0.8, 2]`.',
    ),
  native_histograms: z
    .boolean()
    .default(false)
    .describe(
      'Histograms with exponential buckets, which Prometheus stores as native histograms. Queries on `_bucket` series then find nothing.',
    ),
  weighted_metrics: z
    .boolean()
    .default(false)
    .describe(
      'Whether llm_weighted_* estimate all calls of senders that sample at the head, by the threshold in their trace state.',
    ),
})

export type GenAiMetricsConfig = z.infer<typeof schema>
export type OwnMetricsMode = GenAiMetricsConfig['own_metrics']
