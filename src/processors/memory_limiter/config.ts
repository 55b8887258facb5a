import { z } from 'zod'
import { duration, expect } from '../../config/schema/blocks.ts'

export const schema = z
  .strictObject({
    check_interval: duration({ min_ms: 10 }).prefault('1s').describe('How often memory is looked at.'),
    limit_mib: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Hard limit of what is held for somebody and what lives on the heap, in MiB. Where both are given, it wins over the percentage.',
      ),
    spike_limit_mib: z
      .int()
      .min(0)
      .optional()
      .describe('How far below the hard limit refusing begins, in MiB. Default 20 % of the limit.'),
    limit_percentage: z
      .number()
      .positive()
      .max(100)
      .optional()
      .describe(
        'Hard limit as a share of the memory that the container (cgroup) or else the machine has, in per cent.',
      ),
    spike_limit_percentage: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe('As spike_limit_mib, as a share of the same memory. Default 20 % of the limit.'),
    min_gc_interval_when_soft_limited: duration()
      .prefault('10s')
      .describe('While the process is larger than the soft limit, garbage is collected at most this often.'),
    min_gc_interval_when_hard_limited: duration()
      .prefault('0s')
      .describe('While it is larger than the hard limit, garbage is collected at most this often; 0s: at every check.'),
  })
  .superRefine((config, context) => {
    const { limit_mib, spike_limit_mib = 0, limit_percentage, spike_limit_percentage = 0 } = config
    if (limit_mib === undefined && limit_percentage === undefined)
      expect(context, 'limit_mib or limit_percentage', 'add `limit_percentage: 80`, or a limit in MiB')
    if (limit_mib !== undefined && spike_limit_mib >= limit_mib)
      expect(context, `less than limit_mib (${limit_mib})`, undefined, ['spike_limit_mib'])
    if (limit_percentage !== undefined && spike_limit_percentage >= limit_percentage)
      expect(context, `less than limit_percentage (${limit_percentage})`, undefined, ['spike_limit_percentage'])
  })

export type MemoryLimiterConfig = z.output<typeof schema>
