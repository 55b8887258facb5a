import { z } from 'zod'
import { size, whenFull } from '../../config/schema/blocks.ts'
import { stepKeys } from '../../config/schema/steps.ts'

export const schema = z.strictObject({
  ...stepKeys,
  content: z.boolean().default(true).describe('False: no second record with the content of the call.'),
  content_size_bytes_max: size({ min_bytes: 1024 })
    .prefault('200KiB')
    .describe('Most content of one call; what is more is cut off, marked and counted.'),
  bytes_max: size({ min_bytes: 4 << 20 })
    .optional()
    .describe(
      'Memory for calls that wait, one half, and for records that nobody has taken yet, the other. Default a sixteenth of the memory limit, at most 128MiB.',
    ),
  when_full: whenFull(),
  allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
})

export type GenAiLogsConfig = z.infer<typeof schema>
