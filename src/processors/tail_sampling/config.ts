import { z } from 'zod'
import { duration } from '../../config/blocks.ts'

/** The Collector's. */
export const DEFAULT_SALT = 'default-hash-seed'

const statusCode = z
  .strictObject({
    status_codes: z
      .array(z.enum(['OK', 'ERROR', 'UNSET']))
      .min(1)
      .describe('The trace is kept if any of its spans has one of these.'),
  })
  .describe('For type status_code.')

const latency = z
  .strictObject({
    threshold_ms: z.number().min(0).describe('The trace is kept if it took longer, first start to last end.'),
    upper_threshold_ms: z.number().min(0).default(0).describe('And not longer than this. 0: no upper bound.'),
  })
  .describe('For type latency.')

const numericAttribute = z
  .strictObject({
    key: z.string().min(1).describe('Attribute of a span, for example sluice.cost.usd.'),
    min_value: z.number().optional().describe('Lowest value that counts; may be a fraction. Absent: no lower bound.'),
    max_value: z.number().optional().describe('Highest value that counts; may be a fraction. Absent: no upper bound.'),
    invert_match: z.boolean().default(false).describe('Keep the traces in which no span has such a value instead.'),
  })
  .describe('For type numeric_attribute.')

const probabilistic = z
  .strictObject({
    sampling_percentage: z.number().min(0).max(100).describe('Share of the traces that is kept, in per cent.'),
    hash_salt: z
      .string()
      .default(DEFAULT_SALT)
      .describe(
        'Mixed into the hash of the trace id. With the same salt, every Sluice and every Collector keeps the same traces. An empty one is the default.',
      ),
  })
  .describe('For type probabilistic.')

const quality = z
  .strictObject({
    threshold: z.number().min(0).max(1).default(0.5).describe('The trace is kept if a model call scores below this.'),
  })
  .describe('For type quality.')

const simple = {
  name: z.string().min(1).describe('Unique; stands on kept spans as sluice.sampling.policy.'),
  status_code: statusCode.optional(),
  latency: latency.optional(),
  numeric_attribute: numericAttribute.optional(),
  probabilistic: probabilistic.optional(),
  quality: quality.optional(),
}
const simpleTypes = [
  'always_sample',
  'status_code',
  'latency',
  'numeric_attribute',
  'probabilistic',
  'quality',
] as const

const subPolicy = z
  .strictObject({
    ...simple,
    type: z.enum(simpleTypes).describe('Which test this is; its settings stand under the key of the same name.'),
  })
  .superRefine(hasItsSettings)

const policy = z
  .strictObject({
    ...simple,
    type: z
      .enum([...simpleTypes, 'and'])
      .describe('Which test this is; its settings stand under the key of the same name.'),
    and: z
      .strictObject({ and_sub_policy: z.array(subPolicy).min(1).describe('All of these must hold.') })
      .optional()
      .describe('For type and.'),
  })
  .superRefine(hasItsSettings)

export const schema = z
  .strictObject({
    decision_wait: duration()
      .prefault('30s')
      .describe('How long after its first span a trace is decided, by arrival. Honoured from 1s.'),
    num_traces: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(50_000)
      .describe('Traces that wait at once; over it the oldest are decided early.'),
    max_pending_bytes: z
      .int()
      .min(1 << 20)
      .default(512 << 20)
      .describe('Memory for the spans that wait, in bytes; at it new spans are refused, and their senders try again.'),
    expected_new_traces_per_sec: z
      .int()
      .min(0)
      .default(0)
      .describe("The Collector's hint for allocation; accepted, not needed."),
    policies: z
      .array(policy)
      .min(1)
      .describe('A trace is kept if any of these says so; the first that does is written on its spans.'),
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
export type PolicyConfig = z.infer<typeof policy>
export type SubPolicyConfig = z.infer<typeof subPolicy>

function hasItsSettings(config: Record<string, unknown> & { type: string }, context: z.core.$RefinementCtx): void {
  if (config.type === 'always_sample' || config.type === 'quality' || config[config.type] !== undefined) return
  context.addIssue({
    code: 'custom',
    path: [config.type],
    message: `a policy of type ${config.type} needs its settings here`,
  })
}
