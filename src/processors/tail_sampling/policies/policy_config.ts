/** Settings of policies: names, defaults and meaning are the Collector's. */
import { RE2JS } from 're2js'
import { z } from 'zod'
import { expect } from '../../../config/schema/blocks.ts'
import { NAMED_SIGNALS } from './named_signals.ts'
import { DEFAULT_SALT } from './probability.ts'

const key = z.string().min(1)
const inverted = z
  .boolean()
  .default(false)
  .describe('True: the trace is kept if no span and no resource has such a value.')

const settings = {
  latency: z
    .strictObject({
      threshold_ms: z
        .number()
        .min(0)
        .describe('The trace is kept if it took longer, first start to last end, in whole milliseconds.'),
      upper_threshold_ms: z.number().min(0).default(0).describe('And not longer than this. 0: no upper bound.'),
    })
    .describe('For type latency.'),
  numeric_attribute: z
    .strictObject({
      key: key.describe('Attribute of a span or its resource, for example sluice.cost.usd.'),
      min_value: z.number().optional().describe('Lowest value that counts; may be a fraction. Absent: no lower bound.'),
      max_value: z
        .number()
        .optional()
        .describe('Highest value that counts; may be a fraction. Absent: no upper bound.'),
      invert_match: inverted,
    })
    .describe('For type numeric_attribute.'),
  string_attribute: z
    .strictObject({
      key: key.describe('Attribute of a span or its resource.'),
      values: z
        .array(z.string())
        .min(1)
        .describe('The trace is kept if the text is one of these. An empty text never is.'),
      enabled_regex_matching: z
        .boolean()
        .default(false)
        .describe('True: the values are regular expressions (RE2), of which one is to be found in the text.'),
      cache_max_size: z
        .int()
        .min(0)
        .max(100_000)
        .default(0)
        .describe('Texts for which the answers of the expressions are remembered. 0: 128.'),
      invert_match: inverted,
    })
    .superRefine(checkExpressions)
    .describe('For type string_attribute.'),
  boolean_attribute: z
    .strictObject({
      key: key.describe('Attribute of a span or its resource.'),
      value: z.boolean().default(false).describe('The trace is kept if the attribute has this value.'),
      invert_match: inverted,
    })
    .describe('For type boolean_attribute.'),
  status_code: z
    .strictObject({
      status_codes: z
        .array(z.enum(['OK', 'ERROR', 'UNSET']))
        .min(1)
        .describe('The trace is kept if any of its spans has one of these.'),
    })
    .describe('For type status_code.'),
  trace_state: z
    .strictObject({
      key: key.describe('Key in the trace state of a span (W3C Trace Context).'),
      values: z.array(z.string().min(1)).min(1).describe('The trace is kept if the value is one of these.'),
    })
    .describe('For type trace_state.'),
  span_count: z
    .strictObject({
      min_spans: z.int().min(0).default(0).describe('The trace is kept if it has at least so many spans.'),
      max_spans: z.int().min(0).default(0).describe('And at most so many. 0: no upper bound.'),
    })
    .describe('For type span_count.'),
  probabilistic: z
    .strictObject({
      sampling_percentage: z.number().min(0).max(100).describe('Share of the traces that is kept, in per cent.'),
      hash_salt: z
        .string()
        .default(DEFAULT_SALT)
        .describe(
          'Mixed into the hash of the trace id. With the same salt, every Sluice and every Collector keeps the same traces. An empty one is the default.',
        ),
    })
    .describe('For type probabilistic.'),
  rate_limiting: z
    .strictObject({
      spans_per_second: z.int().min(1).describe('Traces are kept as long as their spans are no more than this.'),
      burst_capacity: z
        .int()
        .min(0)
        .default(0)
        .describe('So many spans may come at once after a pause; a trace with more is never kept. 0: twice the rate.'),
    })
    .describe('For type rate_limiting.'),
  bytes_limiting: z
    .strictObject({
      bytes_per_second: z.int().min(1).describe('Traces are kept as long as the bytes of their spans are no more.'),
      burst_capacity: z
        .int()
        .min(0)
        .default(0)
        .describe('So many bytes may come at once after a pause; a larger trace is never kept. 0: twice the rate.'),
    })
    .describe('For type bytes_limiting.'),
  quality: z
    .strictObject({
      threshold: z.number().min(0).max(1).default(0.5).describe('The trace is kept if a model call scores below this.'),
    })
    .describe('For type quality.'),
  signals: z
    .strictObject({
      signals: z
        .array(z.enum(NAMED_SIGNALS))
        .default([])
        .describe(
          'The trace is kept if a step or an answer has one of these. Empty: all that wake somebody, which are those of steps and of safety.',
        ),
    })
    .describe('For type signals.'),
}

const types = [
  'always_sample',
  'errors',
  'latency',
  'numeric_attribute',
  'string_attribute',
  'boolean_attribute',
  'status_code',
  'trace_state',
  'trace_flags',
  'span_count',
  'probabilistic',
  'rate_limiting',
  'bytes_limiting',
  'quality',
  'signals',
] as const
/** Those that need no settings. */
const BARE = new Set<string>(['always_sample', 'errors', 'trace_flags', 'quality', 'signals', 'span_count'])
const TYPE =
  'Which test this is; its settings stand under the key of the same name. `errors` has none: a span has status ERROR, or a model call, tool or other step failed although its status does not say so.'

const simple = {
  name: z.string().min(1).describe('Unique; stands on kept spans as sluice.sampling.policy.'),
  latency: settings.latency.optional(),
  numeric_attribute: settings.numeric_attribute.optional(),
  string_attribute: settings.string_attribute.optional(),
  boolean_attribute: settings.boolean_attribute.optional(),
  status_code: settings.status_code.optional(),
  trace_state: settings.trace_state.optional(),
  span_count: settings.span_count.optional(),
  probabilistic: settings.probabilistic.optional(),
  rate_limiting: settings.rate_limiting.optional(),
  bytes_limiting: settings.bytes_limiting.optional(),
  quality: settings.quality.optional(),
  signals: settings.signals.optional(),
}

const plainPolicy = z.strictObject({ ...simple, type: z.enum(types).describe(TYPE) }).superRefine(checkSettings)

const not = z
  .strictObject({ not_sub_policy: plainPolicy.describe('The trace is kept if this does not hold.') })
  .optional()
  .describe('For type not.')

const subPolicy = z
  .strictObject({ ...simple, type: z.enum([...types, 'not']).describe(TYPE), not })
  .superRefine(checkSettings)

const and = z
  .strictObject({ and_sub_policy: z.array(subPolicy).min(1).describe('All of these must hold.') })
  .optional()
  .describe('For type and.')

const composite = z
  .strictObject({
    max_total_spans_per_second: z.int().min(1).describe('Of this the allocations are shares.'),
    policy_order: z
      .array(z.string())
      .default([])
      .describe(
        'Accepted, without effect as in the Collector: the sub-policies are asked as they stand in their list.',
      ),
    composite_sub_policy: z
      .array(
        z
          .strictObject({ ...simple, type: z.enum([...types, 'not', 'and']).describe(TYPE), not, and })
          .superRefine(checkSettings),
      )
      .min(1)
      .describe('The first that holds for a trace decides on it, within its own allocation.'),
    rate_allocation: z
      .array(
        z.strictObject({
          policy: z.string().describe('Name of a sub-policy.'),
          percent: z
            .int()
            .min(0)
            .max(100)
            .default(0)
            .describe(
              'Its share of the spans per second. 0: an equal share. A sub-policy that is not listed has none.',
            ),
        }),
      )
      .default([])
      .describe('How many spans of each second belong to which sub-policy.'),
  })
  .superRefine(checkNames)
  .optional()
  .describe('For type composite.')

export const policy = z
  .strictObject({
    ...simple,
    type: z.enum([...types, 'and', 'not', 'drop', 'composite']).describe(TYPE),
    not,
    and,
    drop: z
      .strictObject({
        drop_sub_policy: z
          .array(subPolicy)
          .min(1)
          .describe('A trace for which all of these hold is dropped, whatever the other policies say.'),
      })
      .optional()
      .describe('For type drop.'),
    composite,
  })
  .superRefine(checkSettings)

export type PolicyConfig = z.infer<typeof policy>
export type CompositeConfig = NonNullable<PolicyConfig['composite']>
/** A policy that stands in another. */
export type SubPolicyConfig = CompositeConfig['composite_sub_policy'][number]
export type PlainPolicyConfig = z.infer<typeof plainPolicy>

/** What works in these policies otherwise than one may think. */
export function warningsOf(policies: readonly PolicyConfig[]): readonly string[] {
  return policies.flatMap(({ name, type, composite }) => {
    if (type !== 'composite' || composite === undefined) return []
    const { policy_order, composite_sub_policy, rate_allocation } = composite
    const subs = composite_sub_policy.map((sub) => sub.name)
    const without = subs.filter((sub) => !rate_allocation.some((one) => one.policy === sub))
    return [
      ...(policy_order.length > 0 && policy_order.join() !== subs.join()
        ? [`policy ${name}: the sub-policies are asked in the order of composite_sub_policy, as the Collector does`]
        : []),
      ...without.map((sub) => `policy ${name}: ${sub} keeps nothing, since rate_allocation does not list it`),
    ]
  })
}

function checkSettings(config: Record<string, unknown> & { type: string }, context: z.core.$RefinementCtx): void {
  if (BARE.has(config.type) || config[config.type] !== undefined) return
  context.addIssue({
    code: 'custom',
    path: [config.type],
    message: `a policy of type ${config.type} needs its settings here`,
  })
}

function checkExpressions(
  config: { values: string[]; enabled_regex_matching: boolean },
  context: z.core.$RefinementCtx,
): void {
  if (!config.enabled_regex_matching) return
  for (const [at, value] of config.values.entries()) {
    try {
      RE2JS.compile(value)
    } catch (error) {
      const advice = error instanceof Error ? error.message : undefined
      expect(context, 'a regular expression of RE2', advice, ['values', at])
    }
  }
}

function checkNames(
  config: {
    policy_order: string[]
    composite_sub_policy: { name: string }[]
    rate_allocation: { policy: string }[]
  },
  context: z.core.$RefinementCtx,
): void {
  const names = new Set(config.composite_sub_policy.map(({ name }) => name))
  const check = (name: string, path: (string | number)[]): void => {
    if (!names.has(name)) expect(context, `the name of a sub-policy: ${[...names].join(', ')}`, undefined, path)
  }
  for (const [at, name] of config.policy_order.entries()) check(name, ['policy_order', at])
  for (const [at, { policy: name }] of config.rate_allocation.entries()) check(name, ['rate_allocation', at, 'policy'])
}
