import { z } from 'zod'
import { duration, expect } from '../../config/schema/blocks.ts'

export const schema = z
  .strictObject({
    timeout: duration()
      .prefault('200ms')
      .describe('A batch is sent this long after its first item at the latest. 0s: at once, whatever its size.'),
    send_batch_size: z
      .int()
      .min(0)
      .default(8192)
      .describe('A batch is sent as soon as it has this many spans, log records or data points. 0: at once.'),
    send_batch_max_size: z
      .int()
      .min(0)
      .default(0)
      .describe('Larger batches are split; at least send_batch_size. 0: no limit. Metrics are not cut in two.'),
    metadata_keys: z
      .array(z.string().min(1))
      .default([])
      .describe('Names of request headers: batches are kept apart by their values, and only these headers go on.'),
    metadata_cardinality_limit: z
      .int()
      .min(0)
      .default(1000)
      .describe('Different combinations of those values that may have items waiting at once. 0: no limit.'),
  })
  .superRefine(({ send_batch_size, send_batch_max_size, metadata_keys }, context) => {
    if (send_batch_max_size > 0 && send_batch_max_size < send_batch_size)
      expect(context, `0, or at least send_batch_size (${send_batch_size})`, undefined, ['send_batch_max_size'])
    const names = metadata_keys.map((key) => key.toLowerCase())
    for (const [at, name] of names.entries())
      if (names.indexOf(name) !== at) expect(context, 'each header once', 'remove one of them', ['metadata_keys', at])
  })

export type BatchConfig = z.output<typeof schema>
