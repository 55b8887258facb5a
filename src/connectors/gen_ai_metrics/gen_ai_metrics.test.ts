import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { retryLater } from '../../refusal.ts'
import { schema } from './config.ts'
import { bench, call } from './gen_ai_metrics.fixture.ts'

const REQUESTS = 'llm_requests_total'
const NAN_TOKENS = { 'gen_ai.usage.input_tokens': 'unknown', 'gen_ai.usage.output_tokens': -1 }
const trace = (number: number) => number.toString(16).padStart(32, '0')

describe.each([1, 2])('gen_ai_metrics with %d shards', (shards) => {
  test('counts a call settle_after behind the last of its trace', async () => {
    const it = await bench({ metrics_flush_interval: '100ms' }, { shards })
    await it.send(call(), {})
    await it.pass(4000)
    await it.send(call())
    await it.pass(4000)
    expect(it.value(REQUESTS)).toBe(0)
    await it.pass(1500)
    expect(it.value(REQUESTS)).toBe(2)
    expect(it.account.balance()).toMatchObject({ entered: 3, delivered: 3 })
  })

  test('and at the latest settle_max behind the first, other traces being in between', async () => {
    const it = await bench({ metrics_flush_interval: '100ms' }, { shards })
    for (let second = 0; second < 29; second++) {
      await it.send(call({ with: { 'gen_ai.request.model': 'chain' } }))
      for (let other = 1; other < 5; other++) await it.send(call({ trace: trace(second * 10 + other) }))
      await it.pass(1000)
    }
    expect(it.value(REQUESTS, { model: 'chain' })).toBe(0)
    await it.pass(1700)
    expect(it.value(REQUESTS, { model: 'chain' })).toBe(29)
    await it.pass(4000)
    expect(it.value(REQUESTS)).toBe(29 * 5)
  })

  test('counts what waits at shutdown, new series at zero first', async () => {
    const it = await bench({}, { shards })
    await it.send(call(), call({ trace: trace(7) }))
    await it.stop()
    expect(it.values(REQUESTS)).toEqual([0, 2])
    expect(it.values('llm_latency_ms')).toEqual([0, 2])
    const times = it.next.batches.map((batch) => {
      const { dataPoints } = itemsOf(batch)[0]!['sum'] as { dataPoints: Message[] }
      return dataPoints[0]!['timeUnixNano'] as bigint
    })
    expect(times[1]! > times[0]!).toBe(true)
    await expect(it.send(call())).rejects.toMatchObject({ reason: 'shutdown' })
    await it.stop()
    expect(it.next.asked).toBe(2)
  })

  test('a span that comes again is a duplicate, before settling and after', async () => {
    const it = await bench({ metrics_flush_interval: '1s' }, { shards })
    const [one, two] = [call(), call({ trace: trace(3) })]
    await it.send(one, two, one)
    await it.send(one)
    await it.pass(20_000)
    await it.send(two, {})
    await it.pass(20_000)
    expect(it.value(REQUESTS)).toBe(2)
    expect(it.account.balance()).toMatchObject({ entered: 6, delivered: 3, duplicate: 3 })
  })
})

/** Two reports of one call. The outer one is the framework's. */
const outer = (more: object = {}) => call({ id: '00000000000000aa', start_ms: 1000, end_ms: 2000, ...more })
const inner = (more: object = {}) =>
  call({ id: '00000000000000bb', parent: '00000000000000aa', start_ms: 1100, end_ms: 1900, ...more })

describe('calls that two spans report', () => {
  const byId = (id: string) => ({ with: { 'gen_ai.response.id': id } })
  test.each([
    ['parent and child', outer(), inner(), 1],
    [
      'the same response id at one time, wherever the spans are',
      outer(byId('r')),
      call({ start_ms: 1500, end_ms: 2500, ...byId('r') }),
      1,
    ],
    ['the same response id later: a cache', outer(byId('r')), call({ start_ms: 9000, end_ms: 9500, ...byId('r') }), 2],
    ['different response ids', outer(byId('r')), inner(byId('s')), 2],
    ['a child that failed is an attempt of its own', outer(), inner({ status: { code: 2 } }), 2],
    ['a child with other tokens', outer(), inner({ with: { 'gen_ai.usage.output_tokens': 11 } }), 2],
    ['strangers', call(), call(), 2],
  ])('%s', async (_, a, b, count) => {
    for (const spans of [
      [a, b],
      [b, a],
    ]) {
      const together = await bench({ metrics_flush_interval: '1s' })
      await together.send(...spans)
      await together.pass(20_000)
      const apart = await bench({ metrics_flush_interval: '1s' })
      await apart.send(spans[0]!)
      await apart.pass(20_000)
      await apart.send(spans[1]!)
      await apart.pass(20_000)
      for (const it of [together, apart]) {
        expect(it.value(REQUESTS)).toBe(count)
        expect(it.value('llm_tokens_input_total')).toBe(count * 100)
      }
    }
  })

  test('in different traces are one if they have the same response id, else two', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    const other = { 'sluice.dialect': 'openinference-sdk' }
    const elsewhere = (at: number, id: string) => inner({ trace: trace(at), with: { ...byId(id).with, ...other } })
    await it.send(outer(byId('r')), elsewhere(9, 'r'), elsewhere(8, 's'))
    await it.pass(20_000)
    expect(it.value(REQUESTS)).toBe(2)
  })

  test('three reports are one call, whenever the third comes', async () => {
    const third = call({ id: '00000000000000cc', parent: '00000000000000bb', start_ms: 1200, end_ms: 1800 })
    for (const late of [false, true]) {
      const it = await bench({ metrics_flush_interval: '1s' })
      await it.send(outer(), inner(), ...(late ? [] : [third]))
      await it.pass(20_000)
      if (late) await it.send(third)
      await it.pass(20_000)
      expect([it.value(REQUESTS), it.value('llm_tokens_input_total')]).toEqual([1, 100])
    }
  })

  test('a counted report does not swallow a call that comes later and is another', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    await it.send(outer())
    await it.pass(20_000)
    await it.send(inner(), call(), call())
    await it.pass(20_000)
    expect(it.value(REQUESTS)).toBe(3)
  })

  interface Facts {
    input?: number
    cached?: number
    cost?: number
    source?: string
    cacheHit?: boolean
  }

  test.each<[string, Facts, Facts, number]>([
    ['both know it: the inner sees tiers and lifetimes', { input: 5, cost: 0.5 }, { input: 5, cost: 0.25 }, 0.25],
    ['the inner has it from its emitter', { input: 5, cost: 0.5 }, { input: 5, cost: 0.7, source: 'reported' }, 0.7],
    ['the outer has it from its emitter', { input: 5, cost: 0.7, source: 'reported' }, { input: 5, cost: 0.5 }, 0.7],
    ['a gateway below answered from its cache', { input: 5, cost: 0.5 }, { input: 5, cost: 0, cacheHit: true }, 0],
    ['only the inner knows the tokens', { cost: 0.5 }, { input: 5, cost: 0.25 }, 0.25],
    ['only the inner knows the tokens, and no cost', { cost: 0.5 }, { input: 5 }, 0.5],
    ['only the inner knows the cost', { input: 5 }, { input: 5, cost: 0.25 }, 0.25],
    ['the inner adds cached tokens', { input: 5, cost: 0.5 }, { input: 5, cached: 3, cost: 0.25 }, 0.25],
    ['nobody knows it', { input: 5 }, { input: 5 }, 0],
  ])('the cost belongs to the tokens that are counted: %s', async (_, a: Facts, b: Facts, cost_usd) => {
    const facts = ({ input, cached, cost, source, cacheHit }: Facts) => ({
      with: {
        ...NAN_TOKENS,
        ...(input !== undefined && { 'gen_ai.usage.input_tokens': input }),
        ...(cached !== undefined && { 'gen_ai.usage.cache_read.input_tokens': cached }),
        ...(cost !== undefined && { 'sluice.cost.usd': cost }),
        ...(source !== undefined && { 'sluice.cost.source': source }),
        ...(cacheHit && { 'sluice.answer_cached': true }),
      },
    })
    const it = await bench()
    await it.send(outer(facts(a)), inner(facts(b)))
    await it.stop()
    const [metric] = itemsOf(it.next.batches.at(-1)!).filter(({ name }) => name === 'llm_cost_usd')
    const [point] = (metric!['histogram'] as { dataPoints: Message[] }).dataPoints
    expect([point!['sum'] ?? 0, Number(point!['count'] ?? 0)]).toEqual([
      cost_usd,
      b.cost === undefined && a.cost === undefined ? 0 : 1,
    ])
  })

  test('labels come from the outer one, what it does not know from the inner', async () => {
    const it = await bench()
    const known = {
      'gen_ai.request.model': 'm2',
      'gen_ai.response.time_to_first_chunk': 0.2,
      'sluice.quality.score': 0.4,
    }
    const { attributes: _, ...bare } = outer()
    const attributes = { 'sluice.dialect': 'otel-genai-newest', 'gen_ai.operation.name': 'text_completion' }
    await it.send({ ...bare, attributes }, inner({ with: known }))
    await it.stop()
    const labels = { model: 'm2', endpoint: 'text_completion' }
    expect(it.value(REQUESTS, labels)).toBe(1)
    expect(it.value('llm_time_to_first_token_seconds', labels)).toBe(1)
    expect(it.value('llm_quality_score_distribution', labels)).toBe(1)
    expect(it.value('llm_tokens_input_total', labels)).toBe(100)
  })
})

describe('what is counted', () => {
  test('errors and rate limits are disjoint, and both are calls', async () => {
    const it = await bench()
    const error = { 'error.type': 'timeout' }
    const limited = { 'error.type': 'RateLimitError', 'sluice.rate_limited': true }
    await it.send(call(), call({ with: error }), call({ with: limited }), call({ status: { code: 2 } }))
    await it.stop()
    expect(it.value(REQUESTS)).toBe(4)
    expect(it.value('llm_errors_total')).toBe(2)
    expect(it.value('llm_errors_total', { error_type: 'timeout' })).toBe(1)
    expect(it.value('llm_errors_total', { error_type: 'unknown' })).toBe(1)
    expect([it.value('llm_rate_limited_total'), it.value('llm_rateLimited_total')]).toEqual([1, 1])
  })

  test('unknown tokens add nothing, and a call that ends before it begins has no duration', async () => {
    const it = await bench()
    await it.send(call({ with: NAN_TOKENS, start_ms: 2000, end_ms: 1000 }), call({ start_ms: 1000, end_ms: 1000 }))
    await it.stop()
    const names = [
      'llm_tokens_input_total',
      'llm_tokens_output_total',
      'llm_request_duration_seconds',
      'llm_latency_ms',
    ]
    expect(names.map((name) => it.value(name))).toEqual([100, 10, 1, 1])
    expect(it.value('gen_ai.client.token.usage')).toBe(2)
    expect(it.value(REQUESTS)).toBe(2)
  })

  test('tokens of each kind', async () => {
    const it = await bench()
    const cache = { 'gen_ai.usage.cache_read.input_tokens': 60, 'gen_ai.usage.cache_write.input_tokens': 7 }
    await it.send(call({ with: { ...cache, 'gen_ai.usage.reasoning.output_tokens': 4 } }))
    await it.stop()
    expect(it.value('llm_tokens_input_total')).toBe(100)
    expect(it.value('llm_tokens_cached_total', { kind: 'read' })).toBe(60)
    expect(it.value('llm_tokens_cached_total', { kind: 'write' })).toBe(7)
    expect(it.value('llm_tokens_reasoning_total')).toBe(4)
  })

  test('by model and endpoint', async () => {
    const it = await bench()
    const named = (request: string, response: string, operation = 'chat') =>
      call({
        with: {
          'gen_ai.request.model': request,
          'gen_ai.response.model': response,
          'gen_ai.operation.name': operation,
        },
      })
    await it.send(
      named('a', 'a-2024'),
      named('', 'b'),
      named('', ''),
      named('models/a', ''),
      named('a', '', 'embeddings'),
    )
    await it.stop()
    expect(it.value(REQUESTS, { model: 'a', endpoint: 'chat' })).toBe(2)
    expect(it.value(REQUESTS, { model: 'a', endpoint: 'embeddings' })).toBe(1)
    expect(it.value(REQUESTS, { model: 'b' })).toBe(1)
    expect(it.value(REQUESTS, { model: 'unknown' })).toBe(1)
    const points = it.next.batches.flatMap(itemsOf).filter(({ name }) => name === REQUESTS)
    const [point] = (points[0]!['sum'] as { dataPoints: Message[] }).dataPoints
    expect(attributesOf(point).map(([key]) => key)).toEqual(['model', 'endpoint'])
  })

  test('models over models_max are other', async () => {
    const it = await bench({ models_max: 2 })
    await it.send(...['a', 'b', 'c', 'd', 'a'].map((model) => call({ with: { 'gen_ai.request.model': model } })))
    await it.stop()
    expect(['a', 'b', 'other', 'c'].map((model) => it.value(REQUESTS, { model }))).toEqual([2, 1, 2, undefined])
    expect(it.host.meter.value('sluice_gen_ai_metrics_models_overflowed')).toBe(2)
  })

  test('a call without a valid trace id is counted at once, and is nobody’s duplicate', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    const ids = ['', '00'.repeat(16), '00'.repeat(16)]
    await it.send(...ids.map((trace) => call({ trace, id: '00000000000000aa' })))
    await it.pass(2000)
    expect(it.value(REQUESTS)).toBe(3)
  })

  test('spans that are no model calls are taken and not counted', async () => {
    const it = await bench()
    await it.send(
      {},
      { attributes: { 'gen_ai.operation.name': 'chat' } },
      call({ with: { 'gen_ai.operation.name': 'invoke_agent' } }),
    )
    await it.stop()
    expect(it.next.asked).toBe(0)
    expect(it.account.balance()).toMatchObject({ entered: 3, delivered: 3 })
  })

  test('over calls_max the longest waiting are counted early', async () => {
    const it = await bench({ calls_max: 3, metrics_flush_interval: '1s' })
    for (let number = 1; number <= 6; number++) await it.send(call({ trace: trace(number) }))
    await it.pass(2000)
    expect(it.value(REQUESTS)).toBe(3)
    expect(it.host.meter.value('sluice_gen_ai_metrics_calls_waiting')).toBe(6)
    await it.pass(5000)
    expect(it.value(REQUESTS)).toBe(6)
  })

  test('only so many counted calls are kept to compare with', async () => {
    const it = await bench()
    for (let round = 0; round < 60; round++) {
      await it.send(
        ...Array.from({ length: 1000 }, (_, at) =>
          call({ trace: trace(round * 1000 + at + 1), id: (round * 1000 + at + 1).toString(16).padStart(16, '0') }),
        ),
      )
      await it.pass(1000)
    }
    await it.pass(10_000)
    expect(it.host.meter.value('sluice_gen_ai_metrics_calls_waiting')).toBe(50_000)
    await it.stop()
    expect(it.value(REQUESTS)).toBe(60_000)
    expect(it.host.meter.value('sluice_trace_table_traces')).toBe(60_000)
  })
})

describe('how it is shown', () => {
  test('a new series at zero within half a second, at its value no sooner than a flush interval later', async () => {
    const it = await bench({ metrics_flush_interval: '15s' })
    await it.send(call())
    await it.pass(500)
    expect(it.values(REQUESTS)).toEqual([0])
    await it.pass(13_000)
    const other = call({ with: { 'gen_ai.request.model': 'm2' } })
    await it.send(call(), other)
    await it.pass(1500)
    expect([it.values(REQUESTS, { model: 'm1' }), it.values(REQUESTS, { model: 'm2' })]).toEqual([
      [0, 1],
      [0, 0],
    ])
    await it.pass(15_000)
    expect(it.value(REQUESTS, { model: 'm1' })).toBe(2)
    expect(it.value(REQUESTS, { model: 'm2' })).toBe(1)
  })

  test('many series are handed on in requests of their own, each series once', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    await it.send(...Array.from({ length: 200 }, (_, at) => call({ with: { 'gen_ai.request.model': `m${at}` } })))
    await it.stop()
    const [zeros, values] = [it.next.batches.slice(0, 6), it.next.batches.slice(6)]
    expect([zeros.length, values.length]).toEqual([6, 6])
    for (const batches of [zeros, values]) {
      expect(Math.max(...batches.map(({ count }) => count))).toBe(500)
      const points = batches.flatMap(itemsOf).filter(({ name }) => name === REQUESTS)
      const models = points.flatMap((metric) =>
        (metric['sum'] as { dataPoints: Message[] }).dataPoints.map((point) => attributesOf(point)),
      )
      expect(new Set(models.map((pairs) => JSON.stringify(pairs))).size).toBe(models.length)
      expect(models).toHaveLength(200)
    }
  })

  test('a series that is new after many flushes is shown at zero within half a second', async () => {
    const it = await bench({ metrics_flush_interval: '15s' })
    await it.send(call())
    await it.pass(100_000)
    await it.send(call({ with: { 'gen_ai.request.model': 'm2' } }))
    await it.pass(500)
    expect(it.values(REQUESTS, { model: 'm2' })).toEqual([0])
  })

  test('a new series that was refused is still shown at zero first', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    it.next.refuse(retryLater('queue_full', 'full'))
    await it.send(call())
    await it.pass(10_300)
    it.next.refuse(undefined)
    await it.pass(2500)
    expect(it.values(REQUESTS).slice(0, 2)).toEqual([0, 1])
  })

  test('after a refusal the next flush has it', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    await it.send(call())
    it.next.refuse(retryLater('queue_full', 'full'))
    await it.pass(10_000)
    expect(it.values(REQUESTS)).toEqual([])
    it.next.refuse(undefined)
    await it.pass(1000)
    expect(it.value(REQUESTS)).toBe(1)
  })

  test('while the next consumer does not answer, no metrics pile up', async () => {
    const it = await bench({ metrics_flush_interval: '1s' })
    const go = it.next.block()
    await it.send(call())
    await it.pass(60_000)
    go()
    await it.pass(100)
    expect(it.next.asked).toBe(2)
    expect(it.values(REQUESTS)).toEqual([0, 1])
  })

  test('a shutdown ends at its deadline', async () => {
    const it = await bench()
    it.next.block()
    await it.send(call())
    const deadline = new AbortController()
    const stopped = it.connector.shutdown!(deadline.signal)
    deadline.abort()
    await stopped
  })

  test('intervals change in place, bounds do not', async () => {
    const it = await bench({ metrics_flush_interval: '15s' })
    await it.send(call())
    const update = (config: object) => it.connector.update!(schema.parse(config))
    expect(await update({ models_max: 5 })).toBe(false)
    expect(await update({ metrics_flush_interval: '1s', settle_after: '2s' })).toBe(true)
    await it.pass(1900)
    expect(it.value(REQUESTS)).toBe(0)
    await it.pass(1100)
    expect(it.value(REQUESTS)).toBe(1)
  })
})

test('beyond series_max calls go to the model "other", and totals stay true', async () => {
  const it = await bench({ series_max: 100, metrics_flush_interval: '1s' })
  for (let at = 0; at < 60; at++)
    await it.send(call({ trace: trace(at + 1), with: { 'gen_ai.request.model': `m${at}`, 'error.type': `e${at}` } }))
  await it.pass(20_000)
  for (const name of [REQUESTS, 'llm_errors_total', 'llm_request_duration_seconds', 'gen_ai.client.operation.duration'])
    expect([name, it.value(name)]).toEqual([name, 60])
  expect(it.value('llm_tokens_input_total')).toBe(6000)
  expect(it.value(REQUESTS, { model: 'other' })).toBeGreaterThan(0)
})

test('beyond every bound totals stay true in every family', async () => {
  const it = await bench({ models_max: 3, series_max: 100, settle_after: 0, settle_max: 0 })
  const calls = Array.from({ length: 500 }, (_, at) =>
    call({
      trace: (at + 1).toString(16).padStart(32, '0'),
      ...(at % 2 === 1 && { status: { code: 2 } }),
      with: {
        'gen_ai.request.model': `m${at % 50}`,
        'gen_ai.response.model': `r${at}`,
        'sluice.cost.usd': 0.5,
        'sluice.quality.score': 1,
        ...(at % 2 === 1 && { 'error.type': `e${at}` }),
      },
    }),
  )
  for (const one of calls) await it.send(one)
  await it.pass(60_000)
  await it.stop()
  const totals = [
    'llm_requests_total',
    'llm_errors_total',
    'llm_tokens_input_total',
    'llm_cost_usd',
    'llm_quality_score_distribution',
  ]
  expect(totals.map((name) => it.value(name))).toEqual([500, 250, 50_000, 500, 500])
  expect(it.value('llm_request_duration_seconds')).toBe(500)
  expect(it.value('gen_ai.client.operation.duration')).toBe(500)
  expect(it.value('gen_ai.client.token.usage')).toBe(1000)
  const overflow = ['models', 'error_types'].map((what) => `sluice_gen_ai_metrics_${what}_overflowed`)
  for (const name of [...overflow, 'sluice_gen_ai_metrics_series_refused'])
    expect(it.host.meter.value(name)).toBeGreaterThan(0)
})

test('a wall clock that is set back shows no zeros again', async () => {
  const it = await bench()
  await it.send(call())
  await it.pass(60_000)
  it.host.clock.jump(-48 * 3_600_000)
  await it.pass(60_000)
  expect(it.values('llm_requests_total').at(-1)).toBe(1)
})
