/** Which policies, and which of their parts, keep a trace for what its spans are, so that it should wait for the rest of them. */
import type { PolicyConfig, SubPolicyConfig } from './policy_config.ts'

const OF_SPANS = new Set(['errors', 'status_code', 'quality', 'signals', 'latency', 'trace_state', 'trace_flags'])
const OF_VALUES = ['numeric_attribute', 'string_attribute', 'boolean_attribute'] as const
/** They use up what they are asked for. */
const COUNTING = new Set(['rate_limiting', 'bytes_limiting'])

/** Those that can be asked at any time. */
export function distinctionsOf(config: PolicyConfig): readonly SubPolicyConfig[] {
  if (config.type === 'composite') return config.composite!.composite_sub_policy.filter(isDistinction)
  if (config.type === 'drop') return []
  const one = { ...config, type: config.type } as SubPolicyConfig
  return isDistinction(one) ? [one] : []
}

function isDistinction(config: SubPolicyConfig): boolean {
  if (config.type === 'and') {
    const parts = config.and!.and_sub_policy
    return parts.some(isDistinction) && !parts.some(counts)
  }
  if (config.type === 'span_count') return (config.span_count?.min_spans ?? 0) > 1
  const values = OF_VALUES.find((type) => type === config.type)
  return values === undefined ? OF_SPANS.has(config.type) : config[values]?.invert_match !== true
}

function counts(config: SubPolicyConfig): boolean {
  return COUNTING.has(config.type) || (config.type === 'not' && counts(config.not!.not_sub_policy as SubPolicyConfig))
}
