import { z } from 'zod'
import { duration } from '../../config/blocks.ts'

export const schema = z.strictObject({
  metrics_flush_interval: duration({ min_ms: 10 }).prefault('15s').describe('How often the metrics are handed on.'),
  settle_after: duration()
    .prefault('5s')
    .describe('A call is counted this long after the last model call of its trace came, when its relatives are there.'),
  settle_max: duration().prefault('30s').describe('And at the latest this long after the first.'),
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
  calls_max: z
    .int()
    .min(1)
    .default(200_000)
    .describe('Model calls that wait for their trace to settle; over it the longest waiting are counted early.'),
  duplicates_window: z
    .int()
    .min(1000)
    .default(1_000_000)
    .describe('A span that comes again within so many model calls is a duplicate, and is not counted again.'),
})

export type GenAiMetricsConfig = z.infer<typeof schema>
