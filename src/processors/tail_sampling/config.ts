import { z } from 'zod'
import { duration, expect, whenFull } from '../../config/schema/blocks.ts'
import { policy } from './policies/policy_config.ts'

const cache = (decisions: string) =>
  z
    .int()
    .min(0)
    .default(0)
    .describe(`Accepted, not needed: what became of the last million traces is remembered, ${decisions} or not.`)

export const schema = z
  .strictObject({
    decision_wait: duration()
      .prefault('30s')
      .describe('How long after its first span a trace is decided, by arrival. Honoured from 1s.'),
    decision_wait_after_root_received: duration()
      .prefault('0s')
      .describe('How long after its root span a trace is decided, if that is earlier. 0s: the root does not matter.'),
    num_traces: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'Traces that wait at once; over it the oldest are decided early. 0: as many as max_pending_bytes has room for.',
      ),
    block_on_overflow: z
      .boolean()
      .default(false)
      .describe(
        'True: at num_traces or max_pending_bytes new batches are refused, and their senders try again; nothing is decided early.',
      ),
    max_pending_bytes: z
      .int()
      .min(1 << 20)
      .optional()
      .describe(
        'Memory for what waits, in bytes; at it the oldest traces are decided early. Without it a quarter of what the process may take.',
      ),
    when_full: whenFull(),
    maximum_trace_size_bytes: z
      .int()
      .min(0)
      .default(0)
      .describe('A trace whose spans have more bytes is dropped at once, whatever the policies say. 0: no bound.'),
    sample_on_first_match: z
      .boolean()
      .default(false)
      .describe('True: policies behind the first that keeps a trace are not asked, so that rates are not used up.'),
    logs_without_spans: z
      .enum(['keep', 'drop'])
      .default('keep')
      .describe('What becomes of log records with a trace id of which no span comes within decision_wait.'),
    drop_pending_traces_on_shutdown: z
      .boolean()
      .default(false)
      .describe('True: what is undecided at shutdown is dropped. False: it is decided on what is there.'),
    decision_cache: z
      .strictObject({ sampled_cache_size: cache('kept'), non_sampled_cache_size: cache('dropped') })
      .prefault({})
      .describe('The Collector forgets decisions without it.'),
    expected_new_traces_per_sec: z
      .int()
      .min(0)
      .default(0)
      .describe("The Collector's hint for allocation; accepted, not needed."),
    sampling_strategy: z
      .enum(['trace-complete'])
      .default('trace-complete')
      .describe("Traces are decided as a whole. The Collector's span-ingest is not supported."),
    num_shards: z
      .int()
      .min(1)
      .max(256)
      .default(1)
      .describe('Accepted, not needed: service.shards says how state by trace is cut.'),
    mutates_data: z.boolean().default(false).describe('Accepted, not needed: nothing is copied for it.'),
    tail_storage: z
      .string()
      .optional()
      .superRefine((id, context) => {
        if (id !== undefined) expect(context, 'no tail_storage', 'take it out: what waits stays in memory')
      })
      .describe('Not supported.'),
    policies: z
      .array(policy)
      .min(1)
      .describe(
        'A trace is kept if any of these says so and no drop policy objects; the first is written on its spans.',
      ),
  })
  .superRefine((config, context) => {
    const names = config.policies.map((one) => one.name)
    for (const [at, name] of names.entries()) {
      if (names.indexOf(name) === at) continue
      context.addIssue({
        code: 'custom',
        path: ['policies', at, 'name'],
        message: `there is another policy named ${name}: give each its own name`,
      })
    }
  })

export type TailSamplingConfig = z.infer<typeof schema>
