import { z } from 'zod'

export const schema = z.strictObject({
  verbosity: z
    .enum(['basic', 'normal', 'detailed'])
    .default('basic')
    .describe(
      'basic: a line per batch with counts; normal: also a line per item with its name; detailed: everything, values included.',
    ),
  sampling_initial: z.int().min(0).default(2).describe('So many batches are shown every second.'),
  sampling_thereafter: z
    .int()
    .min(0)
    .default(1)
    .describe('Of the others in that second, every so many-th is shown; 0: none.'),
  use_internal_logger: z
    .boolean()
    .default(true)
    .describe('True: to standard error, beside the daemon’s log; false: to `output_paths`.'),
  output_paths: z
    .array(z.enum(['stdout', 'stderr']))
    .min(1)
    .default(['stdout'])
    .describe('Where to, without `use_internal_logger`.'),
  allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
})

export type DebugConfig = z.output<typeof schema>
