import { describe, expect, test } from 'vitest'
import { type Plain, type PlainAttributes, type SpanOptions, traceBatch } from '../../../../test/support/otlp.ts'
import { Heads } from '../../../telemetry/heads.ts'
import { SpanView } from '../../../telemetry/span_view.ts'
import { schema } from '../config.ts'
import { warningsOf } from './policy_config.ts'
import { SamplingPolicies } from './sampling_policies.ts'
import type { TraceFacts } from './trace_facts.ts'
import { textMatches } from './value_predicates.ts'

const ID = 'ffffffffffffffffffffffffffffffff'

type Group = readonly SpanOptions[] | { resource: PlainAttributes; spans: readonly SpanOptions[] }

/** What is known of a trace with these spans. */
function factsOf(compiled: SamplingPolicies, groups: readonly Group[], more: Partial<TraceFacts> = {}): TraceFacts {
  const view = new SpanView()
  const heads = new Heads()
  const features = new Int32Array(compiled.features.words)
  let spans = 0
  let size_bytes = 0
  for (const group of groups) {
    const batch =
      'spans' in group ? traceBatch(group.spans, { resource: group.resource }) : traceBatch(group as SpanOptions[])
    compiled.features.addResource(heads.obtain(batch, 0).resource, features)
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      compiled.features.addSpan(view, features)
      spans++
      size_bytes += view.end - view.start
    }
  }
  const id = Buffer.from(ID, 'hex')
  return { features, duration_ms: 0, spans, size_bytes, id, monotonic_ms: 0, unix_ms: 0, ...more }
}

/** Compiled with defaults. */
function compile(policies: readonly object[]): SamplingPolicies {
  return new SamplingPolicies(schema.parse({ policies }).policies)
}

/** The reason for which a trace with these spans is kept; undefined if it is not. */
function reasonFor(policies: readonly object[], groups: Group | readonly Group[], duration_ms = 0): string | undefined {
  const compiled = compile(policies)
  const list =
    Array.isArray(groups) && groups.every((group) => Array.isArray(group) || 'spans' in group) ? groups : [groups]
  const facts = factsOf(compiled, list as readonly Group[], { duration_ms })
  const decision = compiled.decide(facts)
  if (decision === undefined || decision === 'dropped') return decision
  return typeof decision.reason === 'string' ? decision.reason : decision.reason(facts.spans)
}

const withScore = (score: number | string) => ({ attributes: { other: 1, 'sluice.quality.score': score } })
const numeric = (bounds: object) => ({
  name: 'p',
  type: 'numeric_attribute',
  numeric_attribute: { key: 'cost', ...bounds },
})
const cost = (...values: (number | string | boolean)[]) => values.map((value) => ({ attributes: { cost: value } }))
const status = (...codes: string[]) => ({ name: 'p', type: 'status_code', status_code: { status_codes: codes } })
const latency = (threshold_ms: number, upper_threshold_ms = 0) => ({
  name: 'p',
  type: 'latency',
  latency: { threshold_ms, upper_threshold_ms },
})
const probabilistic = (sampling_percentage: number, more: object = {}) => ({
  name: 'p',
  type: 'probabilistic',
  probabilistic: { sampling_percentage, ...more },
})
const text = (settings: object) => ({
  name: 'p',
  type: 'string_attribute',
  string_attribute: { key: 'key', ...settings },
})
const bool = (settings: object) => ({
  name: 'p',
  type: 'boolean_attribute',
  boolean_attribute: { key: 'key', ...settings },
})
const has = (...values: Plain[]) => values.map((value) => ({ attributes: { key: value } }))
const always = (name: string) => ({ name, type: 'always_sample' })
const not = (sub: object) => ({ name: 'not', type: 'not', not: { not_sub_policy: sub } })
const spanCount = (min_spans: number, max_spans = 0) => ({
  name: 'count',
  type: 'span_count',
  span_count: { min_spans, max_spans },
})
const state = (key: string, ...values: string[]) => ({ name: 'p', type: 'trace_state', trace_state: { key, values } })
const and = (...subs: object[]) => ({ name: 'both', type: 'and', and: { and_sub_policy: subs } })

describe('policies', () => {
  test.each<[string, object, SpanOptions[], string | undefined]>([
    ['always_sample', { name: 'p', type: 'always_sample' }, [{}], 'every trace is kept'],
    ['an error among others', status('ERROR'), [{}, { status: { code: 2 } }, {}], 'a span has status ERROR'],
    ['no error', status('ERROR'), [{}, { status: { code: 1 } }], undefined],
    ['unset without a status', status('UNSET', 'OK'), [{}], 'a span has status UNSET or OK'],
    ['ok', status('OK'), [{}, { status: { code: 1 } }], 'a span has status OK'],
    ['a fraction inside', numeric({ min_value: 0.25, max_value: 0.5 }), cost(0.3), 'a span has cost in 0.25 … 0.5'],
    ['both bounds are inside', numeric({ min_value: 2, max_value: 2 }), cost(2), 'a span has cost in 2 … 2'],
    ['above', numeric({ max_value: 0.5 }), cost(0.500001), undefined],
    ['below', numeric({ min_value: 3 }), cost(2), undefined],
    ['one of several', numeric({ min_value: 3 }), cost(2, 9, 2), 'a span has cost in 3 …'],
    ['a number as text', numeric({ min_value: 3 }), cost('3.5'), 'a span has cost in 3 …'],
    ['no number', numeric({ min_value: 0 }), cost('much', true), undefined],
    ['no such attribute', numeric({ min_value: 0 }), [{}], undefined],
    ['inverted, none', numeric({ min_value: 3, invert_match: true }), cost(2, 1), 'no span has cost in 3 …'],
    ['inverted, one', numeric({ min_value: 3, invert_match: true }), cost(2, 4), undefined],
    ['inverted, absent', numeric({ min_value: 3, invert_match: true }), [{}], 'no span has cost in 3 …'],
    ['low quality', { name: 'q', type: 'quality' }, [withScore(0.9), withScore(0.4)], 'a model call scores below 0.5'],
    ['the threshold is good enough', { name: 'q', type: 'quality' }, [withScore(0.5)], undefined],
    [
      'its own threshold',
      { name: 'q', type: 'quality', quality: { threshold: 0.95 } },
      [withScore(0.9)],
      'a model call scores below 0.95',
    ],
    ['unknown quality is not low', { name: 'q', type: 'quality' }, [{}, withScore('bad')], undefined],
    ['any signal of a step', { name: 's', type: 'signals' }, [{}, withSignals('tool_loop')], 'a step has a signal'],
    [
      'a signal among others',
      { name: 's', type: 'signals', signals: { signals: ['agent_loop', 'refusal'] } },
      [withSignals('tool_failures', 'agent_loop')],
      'a step has the signal agent_loop or refusal',
    ],
    [
      'another signal',
      { name: 's', type: 'signals', signals: { signals: ['agent_loop'] } },
      [withSignals('tool_loop')],
      undefined,
    ],
    [
      'a named signal of an answer',
      { name: 's', type: 'signals', signals: { signals: ['refusal'] } },
      [{ attributes: { 'sluice.quality.signals': ['refusal'] } }],
      'a step has the signal refusal',
    ],
    [
      'a signal of an answer, which is not named',
      { name: 's', type: 'signals' },
      [{ attributes: { 'sluice.quality.signals': ['refusal'] } }],
      undefined,
    ],
    ['a text among others', text({ values: ['a', 'b'] }), has('x', 'b'), 'a span has key equal to a or b'],
    ['no part of a text', text({ values: ['a'] }), has('ab'), undefined],
    ['no text', text({ values: ['7', 'true'] }), has(7, true, ['7']), undefined],
    ['the empty text', text({ values: ['', 'a'] }), has(''), undefined],
    ['of many texts', text({ values: ['a', 'b', 'c', 'd'] }), has('d'), 'a span has key equal to a or b or c or …'],
    [
      'an expression',
      text({ values: ['x', 'b+'], enabled_regex_matching: true }),
      has('abbc'),
      'a span has key matching x or b+',
    ],
    ['no expression', text({ values: ['^b'], enabled_regex_matching: true }), has('ab'), undefined],
    ['an expression and the empty text', text({ values: ['.*'], enabled_regex_matching: true }), has(''), undefined],
    [
      'an expression and a long text',
      text({ values: ['b$'], enabled_regex_matching: true }),
      has(`${'a'.repeat(5000)}b`),
      'a span has key matching b$',
    ],
    ['inverted, another text', text({ values: ['a'], invert_match: true }), has('b'), 'no span has key equal to a'],
    ['inverted, one of them', text({ values: ['a'], invert_match: true }), has('b', 'a'), undefined],
    ['true', bool({ value: true }), has(false, true), 'a span has key true'],
    ['false, where there is none', bool({}), [{}], undefined],
    ['false', bool({}), has(false), 'a span has key false'],
    ['a bool as text', bool({ value: true }), has('true'), 'a span has key true'],
    ['inverted bool', bool({ value: true, invert_match: true }), has(false), 'no span has key true'],
    ['inverted bool, one', bool({ value: true, invert_match: true }), has(true), undefined],
    ['enough spans', spanCount(2), [{}, {}], 'span count 2 is at least 2'],
    ['too few spans', spanCount(3), [{}, {}], undefined],
    ['too many spans', spanCount(0, 1), [{}, {}], undefined],
    ['spans within', spanCount(1, 2), [{}, {}], 'span count 2 is at least 1 and at most 2'],
    [
      'trace state',
      state('b', '2', '3'),
      [{ more: { traceState: 'a=1, b=2' } }],
      'a span has b equal to 2 or 3 in its trace state',
    ],
    ['another trace state', state('b', '1'), [{}, { more: { traceState: 'a=1,b=2' } }], undefined],
    ['sampled flag', { name: 'p', type: 'trace_flags' }, [{ more: { flags: 0x101 } }], 'a span has the sampled flag'],
    ['no sampled flag', { name: 'p', type: 'trace_flags' }, [{}, { more: { flags: 0x100 } }], undefined],
    ['ten per cent', probabilistic(10), [{}], 'one of 10 % of all traces'],
    ['five per cent', probabilistic(5), [{}], undefined],
    ['an empty salt is the default', probabilistic(10, { hash_salt: '' }), [{}], 'one of 10 % of all traces'],
    ['another salt', probabilistic(10, { hash_salt: 'a' }), [{}], undefined],
    [
      'and, both',
      and(status('ERROR'), numeric({ min_value: 1 })),
      [{ status: { code: 2 } }, ...cost(1)],
      'a span has status ERROR and a span has cost in 1 …',
    ],
    ['and, one', and(status('ERROR'), numeric({ min_value: 1 })), [{ status: { code: 2 } }], undefined],
  ])('%s', (_, policy, spans, reason) => {
    expect(reasonFor([policy], spans)).toBe(reason)
  })

  test.each([
    [latency(100), 100, false],
    [latency(100), 100.9, false],
    [latency(100), 101, true],
    [latency(100, 200), 200.9, true],
    [latency(100, 200), 201, false],
    [latency(0), 0, false],
  ])('%o keeps a trace of %d ms, in whole milliseconds: %s', (policy, duration_ms, kept) => {
    const { threshold_ms, upper_threshold_ms: upper } = policy.latency
    const words = `the trace took longer than ${threshold_ms} ms${upper === 0 ? '' : ` and at most ${upper} ms`}`
    expect(reasonFor([policy], [{}], duration_ms)).toBe(kept ? words : undefined)
  })

  test.each<[string, object, Plain, string | undefined]>([
    ['a number', numeric({ key: 'key', min_value: 3 }), 5, 'a span has key in 3 …'],
    ['a text', text({ values: ['a'] }), 'a', 'a span has key equal to a'],
    ['a bool', bool({ value: true }), true, 'a span has key true'],
    ['an inverted text', text({ values: ['a'], invert_match: true }), 'a', undefined],
    ['a score, which is not asked', { name: 'q', type: 'quality' }, 0, undefined],
  ])('looks at the resource too: %s', (_, policy, value, reason) => {
    const resource = { other: 1, key: value, 'sluice.quality.score': 0 }
    expect(reasonFor([policy], [{ resource, spans: [{}] }])).toBe(reason)
  })

  test('expressions remember a bounded number of answers', () => {
    const test = textMatches(['^a'], 2)
    const answer = (value: string) =>
      test(Buffer.from(`\n${String.fromCharCode(value.length)}${value}`), 0, value.length + 2)
    for (let round = 0; round < 3; round++)
      for (const value of ['a1', 'b1', 'a2', 'b2', 'a1', 'a3']) expect(answer(value)).toBe(value.startsWith('a'))
  })

  test('the first that keeps is named', () => {
    const policies = [
      { ...status('ERROR'), name: 'a' },
      { name: 'b', type: 'always_sample' },
      { ...status('UNSET'), name: 'c' },
    ]
    expect(reasonFor(policies, [{}])).toBe('every trace is kept')
  })

  test('500 questions to spans are possible, more than 512 are an error', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ ...numeric({ min_value: at, max_value: at }), name: `p${at}` }))
    for (const at of [0, 30, 31, 32, 63, 64, 499])
      expect(reasonFor(many(500), cost(at))).toBe(`a span has cost in ${at} … ${at}`)
    expect(() => compile(many(513))).toThrow('more than 512 questions')
  })

  test('equal questions share a place', () => {
    const same = Array.from({ length: 600 }, (_, at) => ({ ...text({ values: ['a'] }), name: `p${at}` }))
    expect(compile(same).features.words).toBe(1)
  })
})

describe('votes', () => {
  const drop = (...subs: object[]) => ({ name: 'd', type: 'drop', drop: { drop_sub_policy: subs } })
  const failed = [{ status: { code: 2 } }]

  test.each<[string, object[], SpanOptions[], string | undefined]>([
    ['drop wins over whatever keeps', [always('a'), drop(status('ERROR'))], failed, 'dropped'],
    ['drop lets pass what it does not hold for', [always('a'), drop(status('OK'))], failed, 'every trace is kept'],
    ['drop needs all', [always('a'), drop(status('ERROR'), status('OK'))], failed, 'every trace is kept'],
    ['drop alone keeps nothing', [drop(status('OK'))], failed, undefined],
    ['drop and not', [always('a'), drop(not(status('OK')))], failed, 'dropped'],
    [
      'an inverted match objects to nothing',
      [text({ values: ['a'], invert_match: true }), { ...status('ERROR'), name: 'e' }],
      [{ attributes: { key: 'a' }, status: { code: 2 } }],
      'a span has status ERROR',
    ],
    ['not', [not(status('OK'))], failed, 'no span has status OK'],
    ['not of what holds', [not(status('ERROR'))], failed, undefined],
    [
      'not of an inverted one',
      [not(text({ values: ['a'], invert_match: true }))],
      [{ attributes: { key: 'a' } }],
      'a span has key equal to a',
    ],
    [
      'and of not',
      [and(status('ERROR'), not(spanCount(2)))],
      failed,
      'a span has status ERROR and span count 1 is not at least 2',
    ],
  ])('%s', (_, policies, spans, reason) => {
    expect(reasonFor(policies, spans)).toBe(reason)
  })

  test('of each policy are counted, those that drop first; without onFirst all are asked', () => {
    const compiled = compile([always('a'), always('b'), drop(status('OK'))])
    compiled.decide(factsOf(compiled, [[{}]]))
    expect([...compiled.votes]).toEqual([0, 1, 0, 1, 0, 0, 1, 0, 0])
    compiled.decide(factsOf(compiled, [[{}]]), true)
    expect([...compiled.votes]).toEqual([0, 2, 0, 2, 0, 0, 1, 0, 0])
    compiled.decide(factsOf(compiled, [[{ status: { code: 1 } }]]))
    expect([...compiled.votes]).toEqual([0, 2, 1, 2, 0, 0, 1, 0, 0])
  })
})

describe('policies that count', () => {
  const rate = (settings: object) => ({ name: 'r', type: 'rate_limiting', rate_limiting: settings })
  const decisions = (compiled: SamplingPolicies, traces: readonly Partial<TraceFacts>[], onFirst = false) =>
    traces.map((more) => {
      const decision = compiled.decide(factsOf(compiled, [[{}]], more), onFirst)
      return decision === undefined || decision === 'dropped' ? 0 : 1
    })
  const at = (monotonic_ms: number, spans = 1) => ({ monotonic_ms, unix_ms: monotonic_ms, spans })

  test('rate_limiting: a bucket that holds twice the rate and fills evenly', () => {
    const compiled = compile([rate({ spans_per_second: 2 })])
    expect(
      decisions(compiled, [at(0, 5), at(0, 3), at(0), at(0), at(499), at(500), at(500), at(9000, 4), at(9000)]),
    ).toEqual([0, 1, 1, 0, 0, 1, 0, 1, 0])
  })

  test('rate_limiting: its own capacity', () => {
    const compiled = compile([rate({ spans_per_second: 2, burst_capacity: 5 })])
    expect(decisions(compiled, [at(0, 5), at(0), at(1000, 2), at(1000)])).toEqual([1, 0, 1, 0])
  })

  test('bytes_limiting', () => {
    const bytes = { name: 'b', type: 'bytes_limiting', bytes_limiting: { bytes_per_second: 100 } }
    const compiled = compile([bytes])
    const of = (size_bytes: number, monotonic_ms = 0) => ({ size_bytes, monotonic_ms })
    expect(decisions(compiled, [of(201), of(150), of(51), of(50), of(100, 1000)])).toEqual([0, 1, 0, 1, 1])
  })

  test.each([
    [false, [1, 0, 0]],
    [true, [1, 1, 0]],
  ])('with sample_on_first_match %s, a rate behind a policy that keeps is used up or not', (onFirst, kept) => {
    const compiled = compile([{ ...status('ERROR'), name: 'e' }, rate({ spans_per_second: 1 })])
    const failing = factsOf(compiled, [[{ status: { code: 2 } }]])
    compiled.decide(failing, onFirst)
    expect(decisions(compiled, [at(0), at(0), at(0)], onFirst)).toEqual(kept)
  })

  test('a rate in an and is asked only if what stands before it holds', () => {
    const compiled = compile([and(status('ERROR'), { ...rate({ spans_per_second: 1 }), name: 's' })])
    decisions(compiled, [at(0), at(0), at(0)])
    const failing = factsOf(compiled, [[{ status: { code: 2 } }]])
    expect([1, 2, 3].map(() => compiled.decide(failing) !== undefined)).toEqual([true, true, false])
  })

  const composite = (rate_allocation: object[], more: object = {}) => ({
    name: 'c',
    type: 'composite',
    composite: {
      max_total_spans_per_second: 10,
      composite_sub_policy: [{ ...status('ERROR'), name: 'e' }, always('a')],
      rate_allocation,
      ...more,
    },
  })

  test('composite: the first that holds decides, within its share of the second', () => {
    const compiled = compile([composite([{ policy: 'e', percent: 30 }, { policy: 'a' }])])
    const failing = (spans: number, unix_ms: number) =>
      compiled.decide({ ...factsOf(compiled, [[{ status: { code: 2 } }]]), spans, unix_ms }) !== undefined
    expect([failing(2, 0), failing(2, 0), failing(1, 999), failing(1, 999), failing(1, 1000)]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
    expect(decisions(compiled, [at(1000, 6), at(1000, 5), at(1500)])).toEqual([0, 1, 0])
  })

  test('composite: says which sub-policy it was; one without an allocation keeps nothing', () => {
    expect(reasonFor([composite([{ policy: 'e', percent: 50 }])], [{ status: { code: 2 } }])).toBe(
      'e: a span has status ERROR',
    )
    expect(reasonFor([composite([{ policy: 'e', percent: 50 }])], [{}])).toBe(undefined)
  })

  test('composite: what may surprise is said', () => {
    const { policies } = schema.parse({ policies: [composite([{ policy: 'e' }], { policy_order: ['a', 'e'] })] })
    expect(warningsOf(policies)).toEqual([
      'policy c: the sub-policies are asked in the order of composite_sub_policy, as the Collector does',
      'policy c: a keeps nothing, since rate_allocation does not list it',
    ])
    expect(warningsOf(schema.parse({ policies: [composite([{ policy: 'e' }, { policy: 'a' }])] }).policies)).toEqual([])
  })
})

describe('the config', () => {
  const problems = (config: unknown) =>
    schema.safeParse(config).error?.issues.map(({ path, message }) => [path.join('.'), message])

  test('has defaults', () => {
    expect(schema.parse({ policies: [probabilistic(7.5)] })).toMatchObject({
      decision_wait: 30_000,
      num_traces: 0,
      policies: [{ probabilistic: { hash_salt: 'default-hash-seed' } }],
    })
  })

  test.each([
    [
      'a policy without its settings',
      { policies: [{ name: 'p', type: 'latency' }] },
      'policies.0.latency',
      'needs its settings',
    ],
    [
      'a sub-policy without its settings',
      { policies: [and({ name: 's', type: 'status_code' })] },
      'policies.0.and.and_sub_policy.0.status_code',
      'needs its settings',
    ],
    [
      'a name that comes twice',
      { policies: [status('OK'), status('OK')] },
      'policies.1.name',
      'another policy named p',
    ],
    ['no policy', { policies: [] }, 'policies', ''],
    [
      'a bad expression',
      { policies: [text({ values: ['a', '('], enabled_regex_matching: true })] },
      'policies.0.string_attribute.values.1',
      'a regular expression of RE2',
    ],
    [
      'an expression that looks ahead',
      { policies: [text({ values: ['(?=a)'], enabled_regex_matching: true })] },
      'policies.0.string_attribute.values.0',
      'a regular expression of RE2',
    ],
    [
      'a policy that does not exist here',
      { policies: [{ name: 'o', type: 'ottl_condition' }] },
      'policies.0.type',
      '"string_attribute"|',
    ],
    [
      'not in not',
      { policies: [not({ name: 's', type: 'not' })] },
      'policies.0.not.not_sub_policy.type',
      'Invalid option',
    ],
    [
      'a share for nobody',
      {
        policies: [
          {
            name: 'c',
            type: 'composite',
            composite: {
              max_total_spans_per_second: 1,
              composite_sub_policy: [always('a')],
              rate_allocation: [{ policy: 'b' }],
            },
          },
        ],
      },
      'policies.0.composite.rate_allocation.0.policy',
      'the name of a sub-policy: a',
    ],
    [
      'span-ingest',
      { sampling_strategy: 'span-ingest', policies: [always('a')] },
      'sampling_strategy',
      'trace-complete',
    ],
    ['tail_storage', { tail_storage: 'pebble', policies: [always('a')] }, 'tail_storage', 'no tail_storage'],
    ['a percentage over 100', { policies: [probabilistic(101)] }, 'policies.0.probabilistic.sampling_percentage', ''],
  ])('refuses %s', (_, config, path, message) => {
    expect(problems(config)).toEqual([[path, expect.stringContaining(message)]])
  })
})

function withSignals(...signals: readonly string[]) {
  return { attributes: { 'sluice.step.signals': signals } }
}
