/**
 * Policies, compiled. What a policy wants to know of single spans becomes a bit of the trace's `features`, set while
 * spans arrive; the decision reads bits, times and the trace id, and no span again.
 */
import { numberOf } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { DEFAULT_SALT, type PolicyConfig, type SubPolicyConfig } from './config.ts'
import { Probability } from './probability.ts'

/** What is known of a trace when it is decided. */
export interface TraceFacts {
  /** Bit n: a span had feature n. */
  features: number
  /** Last end less first start. */
  duration_ms: number
  /** Where the 16 bytes of the trace id are. */
  id: Buffer
}

export interface Policy {
  readonly name: string
  /** In words, for the kept spans. */
  readonly reason: string
  keeps(facts: TraceFacts): boolean
}

type SpanTest = (view: SpanView, found: Int32Array) => boolean

/** A trace's features are the bits of one 32-bit integer. */
const FEATURES_MAX = 31

export class Policies {
  readonly list: readonly Policy[]
  readonly #tests: SpanTest[] = []
  readonly #keys: string[] = []
  readonly #keySet: KeySet
  readonly #found: Int32Array

  constructor(configs: readonly PolicyConfig[]) {
    this.list = configs.map((config) => this.#compile(config))
    if (this.#tests.length > FEATURES_MAX)
      throw new RangeError(`more than ${FEATURES_MAX} tests of spans in the policies`)
    this.#keySet = new KeySet(this.#keys)
    this.#found = new Int32Array(this.#keys.length)
  }

  /** Does a policy look at attributes? */
  get readsAttributes(): boolean {
    return this.#keys.length > 0
  }

  /** The features of one span. */
  featuresOf(view: SpanView): number {
    if (this.readsAttributes) view.attributes.find(view.bytes, this.#keySet, this.#found)
    let features = 0
    for (let bit = 0; bit < this.#tests.length; bit++) if (this.#tests[bit]!(view, this.#found)) features |= 1 << bit
    return features
  }

  /** Position of the first policy that keeps the trace, -1 if none does. */
  decide(facts: TraceFacts): number {
    for (let at = 0; at < this.list.length; at++) if (this.list[at]!.keeps(facts)) return at
    return -1
  }

  #compile(config: PolicyConfig): Policy {
    if (config.type !== 'and') return this.#compileSimple(config as SubPolicyConfig)
    const subs = config.and!.and_sub_policy.map((sub) => this.#compileSimple(sub))
    return {
      name: config.name,
      reason: subs.map((sub) => sub.reason).join(' and '),
      keeps: (facts) => subs.every((sub) => sub.keeps(facts)),
    }
  }

  #compileSimple(config: SubPolicyConfig): Policy {
    const { name } = config
    switch (config.type) {
      case 'always_sample':
        return { name, reason: 'every trace is kept', keeps: () => true }
      case 'status_code': {
        const codes = config.status_code!.status_codes
        const numbers = codes.map((code) => ['UNSET', 'OK', 'ERROR'].indexOf(code))
        const mask = this.#feature((view) => numbers.includes(view.statusCode))
        return {
          name,
          reason: `a span has status ${codes.join(' or ')}`,
          keeps: ({ features }) => (features & mask) !== 0,
        }
      }
      case 'latency':
        return latencyPolicy(name, config.latency!.threshold_ms, config.latency!.upper_threshold_ms)
      case 'numeric_attribute':
        return this.#numeric(name, config.numeric_attribute!)
      case 'quality': {
        const threshold = config.quality?.threshold ?? 0.5
        const key = this.#key('sluice.quality.score')
        const mask = this.#feature((view, found) => numberAt(view, found[key]!) < threshold)
        return {
          name,
          reason: `a model call scores below ${threshold}`,
          keeps: ({ features }) => (features & mask) !== 0,
        }
      }
      case 'probabilistic': {
        const { sampling_percentage, hash_salt } = config.probabilistic!
        const probability = new Probability(sampling_percentage, hash_salt === '' ? DEFAULT_SALT : hash_salt)
        return {
          name,
          reason: `one of ${sampling_percentage} % of all traces`,
          keeps: ({ id }) => probability.keeps(id, 0),
        }
      }
    }
  }

  #numeric(name: string, config: NonNullable<PolicyConfig['numeric_attribute']>): Policy {
    const { key, min_value = Number.NEGATIVE_INFINITY, max_value = Number.POSITIVE_INFINITY, invert_match } = config
    const at = this.#key(key)
    const mask = this.#feature((view, found) => {
      const value = numberAt(view, found[at]!)
      return value >= min_value && value <= max_value
    })
    const range = `${config.min_value ?? ''} … ${config.max_value ?? ''}`.trim()
    return {
      name,
      reason: `${invert_match ? 'no' : 'a'} span has ${key} in ${range}`,
      keeps: ({ features }) => ((features & mask) !== 0) !== invert_match,
    }
  }

  #key(key: string): number {
    const known = this.#keys.indexOf(key)
    return known >= 0 ? known : this.#keys.push(key) - 1
  }

  #feature(test: SpanTest): number {
    return 1 << (this.#tests.push(test) - 1)
  }
}

function latencyPolicy(name: string, threshold_ms: number, upper_ms: number): Policy {
  const upper = upper_ms === 0 ? Number.POSITIVE_INFINITY : upper_ms
  return {
    name,
    reason: `the trace took longer than ${threshold_ms} ms`,
    keeps: ({ duration_ms }) => duration_ms > threshold_ms && duration_ms <= upper,
  }
}

function numberAt(view: SpanView, row: number): number {
  if (row < 0) return Number.NaN
  return numberOf(view.bytes, view.attributes.valueStart(row), view.attributes.valueEnd(row))
}
