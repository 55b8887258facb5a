import { describe, expect, test } from 'vitest'
import { itemsOf } from '../../../../test/support/otlp.ts'
import type { Message } from '../../../otlp/codec.ts'
import { FakeClock } from '../../../self/clock.ts'
import { sharedVerdicts, type Verdict, Verdicts } from '../../../traces/verdicts.ts'
import { type Bench, bench, call } from '../gen_ai_metrics.fixture.ts'
import { BucketExemplars, ExemplarCandidates, IDS_BYTES, type ValueOrigin } from './bucket_exemplars.ts'

const MINUTE_MS = 60_000

/** A sampler whose verdicts are told: by trace id in hex. */
class Sampler {
  readonly verdicts = new Map<string, Verdict>()

  verdictOf(bytes: Uint8Array, at: number): Verdict {
    return this.verdicts.get(Buffer.from(bytes.subarray(at, at + 16)).toString('hex')) ?? 'undecided'
  }

  decide(verdict: Verdict, ...traces: number[]): void {
    for (const trace of traces) this.verdicts.set(id(trace), verdict)
  }
}

function id(trace: number): string {
  return trace.toString(16).padStart(32, '0')
}

describe('one bucket', () => {
  function made(options: { samples?: boolean; rows_max?: number } = {}) {
    const clock = new FakeClock()
    const verdicts = new Verdicts()
    const sampler = new Sampler()
    if (options.samples !== false) verdicts.add(sampler)
    const candidates = new ExemplarCandidates(verdicts, clock, options.rows_max)
    const bucket = new BucketExemplars(candidates, 1)
    const offer = (...traces: number[]) => {
      for (const trace of traces) bucket.offer(0, trace / 10, origin(trace, clock.now_ms()))
    }
    const shown = () => bucket.shown().map(({ value }) => value * 10)
    return { clock, sampler, candidates, offer, shown }
  }

  test('the newest whose trace is kept is shown, the others wait', () => {
    const it = made()
    it.offer(1, 2, 3, 4)
    expect(it.shown()).toEqual([])
    it.sampler.decide('kept', 1, 3)
    it.sampler.decide('dropped', 2)
    expect(it.shown()).toEqual([3])
    expect(it.candidates.count).toBe(2)
    it.sampler.decide('kept', 4)
    expect(it.shown()).toEqual([4])
    expect(it.candidates.count).toBe(1)
  })

  test('where nobody samples, the newest is shown', () => {
    const it = made({ samples: false })
    it.offer(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
    expect(it.shown()).toEqual([11])
    expect(it.candidates.count).toBe(1)
  })

  test('those that wait are not displaced by those that come', async () => {
    const it = made()
    for (let trace = 1; trace <= 1000; trace++) it.offer(trace)
    expect(it.candidates.count).toBe(8)
    it.sampler.decide('dropped', 1, 2, 3)
    for (let trace = 1001; trace <= 1064; trace++) it.offer(trace)
    expect(it.candidates.count).toBe(8)
    it.sampler.decide('kept', ...Array.from({ length: 1064 }, (_, at) => at + 1))
    expect(it.shown()[0]).toBeGreaterThan(1000)
    expect(it.shown()[0]).toBeLessThan(1064)
  })

  test('without a verdict they go after minutes, and what was shown goes too', async () => {
    const it = made()
    it.offer(1)
    await it.clock.advance(6 * MINUTE_MS)
    expect([it.shown(), it.candidates.count]).toEqual([[], 0])
    it.offer(2)
    it.sampler.decide('kept', 2)
    expect(it.shown()).toEqual([2])
    await it.clock.advance(MINUTE_MS - 1)
    expect(it.shown()).toEqual([2])
    await it.clock.advance(2)
    expect([it.shown(), it.candidates.count]).toEqual([[], 0])
  })

  test('there is a limit for all together', () => {
    const it = made({ rows_max: 5 })
    it.offer(1, 2, 3, 4, 5, 6, 7)
    expect([it.candidates.count, it.candidates.refused]).toEqual([5, 2])
    it.sampler.decide('dropped', 1, 2)
    expect(it.shown()).toEqual([])
    it.offer(8)
    it.sampler.decide('kept', 8)
    expect(it.shown()).toEqual([8])
  })

  function origin(trace: number, end_ms: number): ValueOrigin {
    return { hasTrace: true, ids: Buffer.from(id(trace).padEnd(IDS_BYTES * 2, '7'), 'hex'), end_ms }
  }
})

describe.each([1, 2])('the connector with %d shards', (shards) => {
  const COSTS = { 'sluice.cost.usd': 0.5, 'gen_ai.response.time_to_first_chunk': 0.2 }
  const NAMES = [
    'gen_ai.client.operation.duration',
    'gen_ai.client.operation.time_to_first_chunk',
    'llm_cost_usd',
    'llm_latency_ms',
    'llm_request_duration_seconds',
    'llm_time_to_first_token_seconds',
  ]

  test('shows exemplars of kept traces at latency, first token and cost', async () => {
    const it = await bench({ metrics_flush_interval: '1s' }, { shards })
    const sampler = new Sampler()
    sharedVerdicts(it.host).add(sampler)
    for (const trace of [1, 2, 3])
      await it.send(
        call({ trace: id(trace), id: '00000000000000aa', start_ms: 1000, end_ms: 2000 + trace, with: COSTS }),
      )
    await it.pass(10_000)
    expect(exemplarsOf(it)).toEqual([])
    sampler.decide('dropped', 1, 3)
    sampler.decide('kept', 2)
    await it.pass(1000)
    expect(exemplarsOf(it).map(({ name }) => name)).toEqual(NAMES)
    for (const { traceId, spanId, timeUnixNano } of exemplarsOf(it))
      expect([traceId, spanId, timeUnixNano]).toEqual([id(2), '00000000000000aa', 2_002_000_000n])
    const values = Object.fromEntries(exemplarsOf(it).map(({ name, asDouble }) => [name, asDouble]))
    expect(values['llm_latency_ms']).toBeCloseTo(1002)
    expect([values['llm_cost_usd'], values['llm_time_to_first_token_seconds']]).toEqual([0.5, 0.2])
  })

  test('of two reports of one call, the one whose labels stand for it', async () => {
    const it = await bench({ metrics_flush_interval: '1s' }, { shards })
    await it.send(
      call({ id: '00000000000000bb', parent: '00000000000000aa', start_ms: 1100, end_ms: 1900, with: COSTS }),
      call({ id: '00000000000000aa', start_ms: 1000, end_ms: 2000, with: COSTS }),
    )
    await it.pass(10_000)
    expect(exemplarsOf(it).map(({ spanId }) => spanId)).toEqual(NAMES.map(() => '00000000000000aa'))
  })

  test('a call without a trace is none', async () => {
    const it = await bench({ metrics_flush_interval: '1s' }, { shards })
    await it.send(call({ trace: id(7), with: COSTS }), call({ trace: id(0), with: COSTS }))
    await it.pass(3000)
    expect(it.value('llm_latency_ms')).toBe(1)
    expect(exemplarsOf(it)).toEqual([])
  })
})

/** Of the last metrics, by name. */
function exemplarsOf(it: Bench) {
  const metrics = itemsOf(it.next.batches.at(-1)!)
  const exemplars = metrics.flatMap((metric) => {
    const { dataPoints = [] } = (metric['histogram'] ?? {}) as { dataPoints?: Message[] }
    return dataPoints.flatMap((point) =>
      ((point['exemplars'] ?? []) as Message[]).map((exemplar) => ({
        name: String(metric['name']),
        traceId: (exemplar['traceId'] as Buffer).toString('hex'),
        spanId: (exemplar['spanId'] as Buffer).toString('hex'),
        timeUnixNano: exemplar['timeUnixNano'],
        asDouble: exemplar['asDouble'],
      })),
    )
  })
  return exemplars.sort((a, b) => (a.name < b.name ? -1 : 1))
}
