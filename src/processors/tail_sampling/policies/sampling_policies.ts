/** Policies, compiled, and how their votes make a decision. Source: the Collector's tailsamplingprocessor, makeDecision. */
import { distinctionsOf } from './distinctions.ts'
import { Features } from './features.ts'
import type { PolicyConfig } from './policy_config.ts'
import { SecondBudget } from './rate_limits.ts'
import type { TraceFacts } from './trace_facts.ts'
import { predicateOf, predicatesOf, type Say, sayAll, type TracePredicate } from './trace_predicates.ts'

/** Why a trace is kept. */
export interface Grounds {
  /** Name of the policy. */
  readonly policy: string
  readonly reason: Say
}

export interface SamplingPolicy {
  readonly name: string
  /** True: it can only drop. */
  readonly drops: boolean
  /** Of a policy that drops, any grounds are against the trace. */
  vote(facts: TraceFacts): Grounds | undefined
}

/** Columns of `SamplingPolicies.votes`: what the policies said of traces. */
export const VOTE = { sampled: 0, not_sampled: 1, dropped: 2, width: 3 } as const

export class SamplingPolicies {
  readonly features = new Features()
  /** In the order in which they are asked: those that drop first, then as they stand in the config. */
  readonly list: readonly SamplingPolicy[]
  /** A row per policy; whoever reads it sets it to zero. */
  readonly votes: Int32Array
  /** Tests for what a trace's spans are that policies keep it for. */
  readonly #distinctions: readonly TracePredicate[]

  constructor(configs: readonly PolicyConfig[]) {
    const [dropping, other] = [configs.filter(isDrop), configs.filter((config) => !isDrop(config))]
    this.list = [...dropping, ...other].map((config) => policyOf(config, this.features))
    this.votes = new Int32Array(this.list.length * VOTE.width)
    this.#distinctions = other.flatMap(distinctionsOf).map((one) => predicateOf(one, this.features))
  }

  /**
   * Would a policy keep the trace for what its spans are (an error, a low score, an attribute, slowness)? Counts nothing,
   * unlike `decide`. Chance and rates distinguish nobody.
   */
  distinguishes(facts: TraceFacts): boolean {
    for (let at = 0; at < this.#distinctions.length; at++) if (this.#distinctions[at]!.holds(facts)) return true
    return false
  }

  /**
   * Asks all policies, since some of them count what they are asked; one that drops ends it, and with `onFirst` also
   * the first that keeps. The grounds of the first that keeps, `dropped`, or undefined if none keeps.
   */
  decide(facts: TraceFacts, onFirst = false): Grounds | 'dropped' | undefined {
    let kept: Grounds | undefined
    for (let at = 0; at < this.list.length; at++) {
      const policy = this.list[at]!
      const grounds = policy.vote(facts)
      const isDropped = policy.drops && grounds !== undefined
      const vote = isDropped ? VOTE.dropped : grounds !== undefined ? VOTE.sampled : VOTE.not_sampled
      this.votes[at * VOTE.width + vote]!++
      if (isDropped) return 'dropped'
      kept ??= grounds
      if (onFirst && kept !== undefined) break
    }
    return kept
  }
}

/** Where what is known of a trace can be written. */
export function factsFor(policies: SamplingPolicies): TraceFacts {
  return {
    features: new Int32Array(policies.features.words),
    duration_ms: 0,
    spans: 0,
    size_bytes: 0,
    id: Buffer.alloc(16),
    monotonic_ms: 0,
    unix_ms: 0,
  }
}

function isDrop({ type }: PolicyConfig): boolean {
  return type === 'drop'
}

function policyOf(config: PolicyConfig, features: Features): SamplingPolicy {
  if (config.type === 'composite') return compositeOf(config, features)
  const test =
    config.type === 'drop'
      ? predicatesOf(config.drop!.drop_sub_policy, features)
      : predicateOf({ ...config, type: config.type }, features)
  return votes(config.name, config.type === 'drop', test)
}

function votes(name: string, drops: boolean, test: TracePredicate): SamplingPolicy {
  const grounds: Grounds = { policy: name, reason: test.because }
  return { name, drops, vote: (facts) => (test.holds(facts) ? grounds : undefined) }
}

/** The first sub-policy that holds decides: the trace is kept if it fits into what the second has left for that one. */
function compositeOf({ name, composite }: PolicyConfig, features: Features): SamplingPolicy {
  const { max_total_spans_per_second: total, composite_sub_policy, rate_allocation } = composite!
  const subs = composite_sub_policy.map((sub) => {
    const allocation = rate_allocation.findLast(({ policy }) => policy === sub.name)
    const share = allocation && (allocation.percent === 0 ? 1 / composite_sub_policy.length : allocation.percent / 100)
    const test = predicateOf(sub, features)
    const reason = sayAll([test.because], ([because]) => `${sub.name}: ${because}`)
    return { test, budget: new SecondBudget(Math.trunc(total * (share ?? 0))), grounds: { policy: name, reason } }
  })
  return {
    name,
    drops: false,
    vote: (facts) => {
      const sub = subs.find(({ test }) => test.holds(facts))
      return sub?.budget.take(facts.spans, facts.unix_ms) ? sub.grounds : undefined
    },
  }
}
