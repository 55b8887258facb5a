import { z } from 'zod'
import { duration, size, whenFull } from '../../config/blocks.ts'

export const schema = z.strictObject({
  content: z.boolean().default(true).describe('False: no second record with the content of the call.'),
  content_size_bytes_max: size({ min_bytes: 1024 })
    .prefault('200KiB')
    .describe('Most content of one call; what is more is cut off, marked and counted.'),
  settle_after: duration()
    .prefault('5s')
    .describe('A call is written this long after the last model call of its trace came, when its relatives are there.'),
  settle_max: duration().prefault('30s').describe('And at the latest this long after the first.'),
  calls_max: z
    .int()
    .min(1)
    .default(200_000)
    .describe('Model calls that wait for their trace to settle; over it the longest waiting are written early.'),
  bytes_max: size({ min_bytes: 4 << 20 })
    .optional()
    .describe(
      'Memory for calls that wait, one half, and for records that nobody has taken yet, the other. Default a sixteenth of the memory limit, at most 128MiB.',
    ),
  when_full: whenFull(),
  duplicates_window: z
    .int()
    .min(1000)
    .default(1_000_000)
    .describe(
      'A span or log record that comes again within so many model calls is a duplicate, and is not written again.',
    ),
  allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
})

export type GenAiLogsConfig = z.infer<typeof schema>
