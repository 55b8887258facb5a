import { z } from 'zod'
import { duration, size } from '../../config/schema/blocks.ts'

export const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default('sluice-data/store')
    .describe('Where the files are. It is made if it is missing; no other process and no other store may use it.'),
  bytes_max: size({ min_bytes: 1 << 20 })
    .prefault('1GiB')
    .describe('All files together have no more; the oldest are deleted.'),
  age_max: duration({ min_ms: 60_000 }).prefault('24h').describe('What was stored longer ago is deleted.'),
  traces_max: z
    .int()
    .min(1)
    .default(100_000)
    .describe(
      'So many traces, and batches of logs, can be found, as far as a sixteenth of the memory limit holds what is known of them; the oldest are forgotten.',
    ),
})

export type StoreConfig = z.output<typeof schema>
