/** Predicates over whole traces, compiled from policies: whether they hold, and in words why or why not. */
import { hasFailed } from '../../../gen_ai/step_failure.ts'
import { next, readUint32, skipValue, uint32 } from '../../../otlp/cursor.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import type { Feature, Features } from './features.ts'
import { listHasOneOf, signalSources } from './named_signals.ts'
import type { PlainPolicyConfig, SubPolicyConfig } from './policy_config.ts'
import { DEFAULT_SALT, Probability } from './probability.ts'
import { TokenBucket } from './rate_limits.ts'
import type { TraceFacts } from './trace_facts.ts'
import { boolIs, numberWithin, textIsOneOf, textMatches, type ValuePredicate } from './value_predicates.ts'

/** Words that may depend on the number of spans of the trace. */
export type Say = string | ((spans: number) => string)

export interface TracePredicate {
  holds(facts: TraceFacts): boolean
  /** Why, where it holds. */
  readonly because: Say
  /** Why not, where it does not. */
  readonly because_not: Say
}

/** A policy that may stand in others. */
type Config = SubPolicyConfig
type Settings<K extends keyof PlainPolicyConfig> = NonNullable<PlainPolicyConfig[K]>

const TRACE_STATE = 0x1a
/** Field 16, fixed32. */
const FLAGS = 133
const SAMPLED_FLAG = 1
const TEXTS_REMEMBERED = 128

export function predicateOf(config: Config, features: Features): TracePredicate {
  switch (config.type) {
    case 'and':
      return predicatesOf(config.and!.and_sub_policy, features)
    case 'not': {
      const { holds, because, because_not } = predicateOf(config.not!.not_sub_policy, features)
      return { holds: (facts) => !holds(facts), because: because_not, because_not: because }
    }
    case 'always_sample':
      return { holds: () => true, because: 'every trace is kept', because_not: 'no trace is kept' }
    case 'latency':
      return latency(config.latency!)
    case 'span_count':
      return spanCount(config.span_count)
    case 'probabilistic':
      return probabilistic(config.probabilistic!)
    case 'rate_limiting': {
      const { spans_per_second: rate, burst_capacity } = config.rate_limiting!
      return limited(`${rate} spans per second`, rate, burst_capacity, ({ spans }) => spans)
    }
    case 'bytes_limiting': {
      const { bytes_per_second: rate, burst_capacity } = config.bytes_limiting!
      return limited(`${rate} bytes per second`, rate, burst_capacity, ({ size_bytes }) => size_bytes)
    }
    default:
      return spanTest(config as PlainPolicyConfig, features)
  }
}

/** All hold. Those behind the first that does not are not asked. */
export function predicatesOf(configs: readonly Config[], features: Features): TracePredicate {
  const tests = configs.map((config) => predicateOf(config, features))
  const because = sayAll(
    tests.map((test) => test.because),
    (parts) => parts.join(' and '),
  )
  const because_not = sayAll([because], ([all]) => `not: ${all}`)
  return { holds: (facts) => tests.every((test) => test.holds(facts)), because, because_not }
}

/** Words made of others. */
export function sayAll(parts: readonly Say[], make: (parts: readonly string[]) => string): Say {
  const say = (spans: number) => make(parts.map((part) => (typeof part === 'string' ? part : part(spans))))
  return parts.every((part) => typeof part === 'string') ? say(0) : say
}

function latency({ threshold_ms, upper_threshold_ms }: Settings<'latency'>): TracePredicate {
  const upper = upper_threshold_ms === 0 ? Number.POSITIVE_INFINITY : upper_threshold_ms
  const bound = upper_threshold_ms === 0 ? '' : ` and at most ${upper_threshold_ms} ms`
  return {
    holds: ({ duration_ms }) => {
      const whole_ms = Math.floor(duration_ms)
      return whole_ms > threshold_ms && whole_ms <= upper
    },
    because: `the trace took longer than ${threshold_ms} ms${bound}`,
    because_not: `the trace did not take longer than ${threshold_ms} ms${bound}`,
  }
}

function spanCount({ min_spans, max_spans }: Settings<'span_count'> = { min_spans: 0, max_spans: 0 }): TracePredicate {
  const upper = max_spans === 0 ? Number.POSITIVE_INFINITY : max_spans
  const range =
    max_spans === 0
      ? `at least ${min_spans}`
      : min_spans === 0
        ? `at most ${max_spans}`
        : `at least ${min_spans} and at most ${max_spans}`
  return {
    holds: ({ spans }) => spans >= min_spans && spans <= upper,
    because: (spans) => `span count ${spans} is ${range}`,
    because_not: (spans) => `span count ${spans} is not ${range}`,
  }
}

function probabilistic({ sampling_percentage, hash_salt }: Settings<'probabilistic'>): TracePredicate {
  const probability = new Probability(sampling_percentage, hash_salt === '' ? DEFAULT_SALT : hash_salt)
  return {
    holds: ({ id }) => probability.keeps(id, 0),
    because: `one of ${sampling_percentage} % of all traces`,
    because_not: `not one of ${sampling_percentage} % of all traces`,
  }
}

function limited(words: string, rate: number, burst: number, amount: (facts: TraceFacts) => number): TracePredicate {
  const bucket = new TokenBucket(rate, burst === 0 ? rate * 2 : burst)
  return {
    holds: (facts) => bucket.take(amount(facts), facts.monotonic_ms),
    because: `within ${words}`,
    because_not: `beyond ${words}`,
  }
}

/** Tests that hold if they hold of one span. */
function spanTest(config: PlainPolicyConfig, features: Features): TracePredicate {
  switch (config.type) {
    case 'numeric_attribute': {
      const { key, min_value, max_value, invert_match } = config.numeric_attribute!
      const test = numberWithin(min_value ?? Number.NEGATIVE_INFINITY, max_value ?? Number.POSITIVE_INFINITY)
      const what = `${key} in ${`${min_value ?? ''} … ${max_value ?? ''}`.trim()}`
      return attribute(features, key, what, `number ${min_value} ${max_value}`, test, invert_match)
    }
    case 'string_attribute': {
      const {
        key,
        values,
        enabled_regex_matching: expressions,
        cache_max_size,
        invert_match,
      } = config.string_attribute!
      const test = expressions ? textMatches(values, cache_max_size || TEXTS_REMEMBERED) : textIsOneOf(values)
      const what = `${key} ${expressions ? 'matching' : 'equal to'} ${listed(values)}`
      const question = `text ${expressions && cache_max_size} ${JSON.stringify(values)}`
      return attribute(features, key, what, question, test, invert_match)
    }
    case 'boolean_attribute': {
      const { key, value, invert_match } = config.boolean_attribute!
      return attribute(features, key, `${key} ${value}`, `bool ${value}`, boolIs(value), invert_match)
    }
    case 'status_code': {
      const codes = config.status_code!.status_codes
      const numbers = codes.map((code) => ['UNSET', 'OK', 'ERROR'].indexOf(code))
      const feature = features.ofSpan(`status ${codes}`, (view) => numbers.includes(view.statusCode))
      return ofFeature(feature, `span has status ${codes.join(' or ')}`, false)
    }
    case 'errors':
      return ofFeature(features.ofWholeSpan('failed', hasFailed), 'span or step failed', false)
    case 'signals':
      return signals(features, config.signals?.signals ?? [])
    case 'trace_state': {
      const { key, values } = config.trace_state!
      const feature = features.ofSpan(`state ${JSON.stringify([key, values])}`, (view) => hasState(view, key, values))
      return ofFeature(feature, `span has ${key} equal to ${listed(values)} in its trace state`, false)
    }
    case 'trace_flags':
      return ofFeature(features.ofSpan('flags', hasSampledFlag), 'span has the sampled flag', false)
    default: {
      const threshold = config.quality?.threshold ?? 0.5
      return ofFeature(features.ofScoreBelow(threshold), `model call scores below ${threshold}`, false)
    }
  }
}

function signals(features: Features, named: readonly string[]): TracePredicate {
  const bits = signalSources(named).map(({ key, names }) =>
    features.ofAttribute(`${key}\nsignals ${names}`, key, listHasOneOf(names)),
  )
  const what = named.length === 0 ? 'a signal' : `the signal ${listed(named)}`
  return {
    holds: ({ features: set }) => bits.some(({ word, mask }) => (set[word]! & mask) !== 0),
    because: `a step has ${what}`,
    because_not: `no step has ${what}`,
  }
}

function attribute(
  features: Features,
  key: string,
  what: string,
  question: string,
  test: ValuePredicate,
  invert: boolean,
): TracePredicate {
  return ofFeature(features.ofAttribute(`${key}\n${question}`, key, test), `span has ${what}`, invert)
}

function ofFeature({ word, mask }: Feature, what: string, invert: boolean): TracePredicate {
  const [yes, no] = [`a ${what}`, `no ${what}`]
  return {
    holds: ({ features }) => ((features[word]! & mask) !== 0) !== invert,
    because: invert ? no : yes,
    because_not: invert ? yes : no,
  }
}

/** A reason stands on every kept span: of long lists it shows the beginning. */
function listed(values: readonly string[]): string {
  return values.length > 3 ? `${values.slice(0, 3).join(' or ')} or …` : values.join(' or ')
}

/** W3C Trace Context, 3.3.1: `key=value` separated by commas, with blanks around. */
function hasState(view: SpanView, key: string, values: readonly string[]): boolean {
  const { bytes } = view
  const state = findField(bytes, view.start, view.end, TRACE_STATE)
  if (state < 0) return false
  const members = bytes.toString('latin1', fieldStart(bytes, state), fieldEnd(bytes, state)).split(',')
  const member = members.map((one) => one.trim()).find((one) => one.startsWith(`${key}=`))
  return member !== undefined && values.includes(member.slice(key.length + 1))
}

function hasSampledFlag(view: SpanView): boolean {
  const { bytes, end } = view
  for (let at = view.start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag === FLAGS) return (uint32(bytes, next) & SAMPLED_FLAG) !== 0
    at = skipValue(tag & 7, bytes, next, end)
  }
  return false
}
