import { describe, expect, test } from 'vitest'
import { type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { schema } from './config.ts'
import { Policies } from './policies.ts'

const ID = 'ffffffffffffffffffffffffffffffff'

/** The reason for which a trace with these spans is kept; undefined if it is not. */
function reasonFor(policies: object[], spans: readonly SpanOptions[], duration_ms = 0): string | undefined {
  const compiled = new Policies(schema.parse({ policies }).policies)
  const view = new SpanView()
  view.wantsAttributes = compiled.readsAttributes
  const batch = traceBatch(spans)
  let features = 0
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    features |= compiled.featuresOf(view)
  }
  return compiled.list[compiled.decide({ features, duration_ms, id: Buffer.from(ID, 'hex') })]?.reason
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
    [latency(100), 100.001, true],
    [latency(100, 200), 200, true],
    [latency(100, 200), 200.001, false],
    [latency(0), 0, false],
  ])('%o keeps a trace of %d ms: %s', (policy, duration_ms, kept) => {
    expect(reasonFor([policy], [{}], duration_ms)).toBe(
      kept ? `the trace took longer than ${policy.latency.threshold_ms} ms` : undefined,
    )
  })

  test('the first that keeps is named', () => {
    const policies = [
      { ...status('ERROR'), name: 'a' },
      { name: 'b', type: 'always_sample' },
      { ...status('UNSET'), name: 'c' },
    ]
    expect(reasonFor(policies, [{}])).toBe('every trace is kept')
  })

  test('31 tests of spans are possible, more are an error', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ ...numeric({ min_value: at }), name: `p${at}` }))
    expect(reasonFor(many(31).slice(30), cost(30))).toBe('a span has cost in 30 …')
    expect(reasonFor(many(31).toReversed(), cost(30))).toBe('a span has cost in 30 …')
    expect(() => reasonFor(many(32), [{}])).toThrow('more than 31 tests')
  })
})

describe('the config', () => {
  const problems = (config: unknown) =>
    schema.safeParse(config).error?.issues.map(({ path, message }) => [path.join('.'), message])

  test('has defaults', () => {
    expect(schema.parse({ policies: [probabilistic(7.5)] })).toMatchObject({
      decision_wait: 30_000,
      num_traces: 50_000,
      max_pending_bytes: 512 * 1024 * 1024,
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
    ['a percentage over 100', { policies: [probabilistic(101)] }, 'policies.0.probabilistic.sampling_percentage', ''],
  ])('refuses %s', (_, config, path, message) => {
    expect(problems(config)).toEqual([[path, expect.stringContaining(message)]])
  })
})
