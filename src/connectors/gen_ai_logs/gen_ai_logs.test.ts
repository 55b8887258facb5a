import { describe, expect, test } from 'vitest'
import { requestOf, type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import { schema } from './config.ts'
import { bench, call } from './gen_ai_logs.fixture.ts'

const trace = (number: number) => number.toString(16).padStart(32, '0')
const group = { resource: { 'service.name': 'shop', 'k8s.pod.name': 'p' }, scope: { name: 'lib', version: '1' } }
const PROMPT = { 'gen_ai.input.messages': '[{"role":"user"}]' }
const FOR_GOOD = { retryable: false }

describe('what is written of a call', () => {
  const full: SpanOptions = call({
    id: '00000000000000aa',
    trace: trace(5),
    start_ms: 1_700_000_000_000,
    end_ms: 1_700_000_001_240,
    more: { flags: 0x301 },
    with: {
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      'gen_ai.response.id': 'r1',
      'gen_ai.conversation.id': 'c1',
      'gen_ai.agent.name': 'clerk',
      'gen_ai.usage.input_tokens': 812,
      'gen_ai.usage.output_tokens': 120,
      'gen_ai.usage.cache_read.input_tokens': 7,
      'gen_ai.response.finish_reasons': ['length'],
      'gen_ai.response.time_to_first_chunk': 0.31,
      'gen_ai.request.stream': true,
      'llm.task_type': 'summary',
      'sluice.cost.usd': 0.000194,
      'sluice.cost.source': 'table',
      'sluice.quality.score': 0.4,
      'sluice.quality.signals': ['truncated'],
      'http.route': '/chat',
      ...PROMPT,
    },
  })

  test('the summary has its facts, and no content', async () => {
    const it = await bench({}, { group })
    await it.send(full)
    await it.pass(6000)
    const [summary] = it.records('summary')
    expect(summary!.body).toBe(
      'chat gpt-4o-mini input_tokens=812 output_tokens=120 cost_usd=0.000194 duration_ms=1240 ttft_ms=310 ' +
        'finish=length score=0.4 signals=truncated service=shop',
    )
    expect(summary!.attributes).toEqual({
      event_name: 'sluice.gen_ai.summary',
      'sluice.dialect': 'otel-genai-newest',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      'gen_ai.response.id': 'r1',
      'gen_ai.conversation.id': 'c1',
      'gen_ai.agent.name': 'clerk',
      'gen_ai.usage.input_tokens': 812,
      'gen_ai.usage.output_tokens': 120,
      'gen_ai.usage.cache_read.input_tokens': 7,
      'gen_ai.response.finish_reasons': ['length'],
      'gen_ai.response.time_to_first_chunk': 0.31,
      'gen_ai.request.stream': true,
      'llm.task_type': 'summary',
      'sluice.cost.usd': 0.000194,
      'sluice.cost.source': 'table',
      'sluice.quality.score': 0.4,
      'sluice.quality.signals': ['truncated'],
      'sluice.latency.ms': 1240,
    })
    expect(summary!.severity).toBe('WARN 13')
  })

  test('reads the same if two spans tell it alike', async () => {
    const more = { 'error.type': 'x y', 'sluice.rate_limited': true }
    const span = { ...full, attributes: { ...(full.attributes as object), ...more } }
    const twin = { ...span, id: '00000000000000ab', parent: span.id! }
    const told: object[] = []
    for (const spans of [[span], [span, twin], [twin, span]]) {
      const it = await bench({}, { group })
      await it.send(...spans)
      await it.pass(6000)
      const summaries = it.records('summary')
      expect(summaries).toHaveLength(1)
      const { body, attributes, severity, span: id, message } = summaries[0]!
      told.push({ body, attributes, severity, id, time: message['timeUnixNano'], flags: message['flags'] })
    }
    expect(told[1]).toEqual(told[0])
    expect(told[2]).toEqual(told[0])
  })

  test('both have the span’s place and time, its resource and its scope', async () => {
    const it = await bench({}, { group })
    await it.send(full)
    await it.pass(6000)
    const records = it.records()
    expect(records.map(({ event }) => event)).toEqual(['sluice.gen_ai.summary', 'sluice.gen_ai.content'])
    for (const { message, trace: traceId, span, event, attributes } of records) {
      expect([traceId, span, message['flags']]).toEqual([trace(5), '00000000000000aa', 1])
      expect(message['timeUnixNano']).toBe(1_700_000_001_240_000_000n)
      expect(message['observedTimeUnixNano']).toBe(BigInt(it.host.clock.now_ms() - 1000) * 1_000_000n)
      expect(attributes['event_name']).toBe(event)
    }
    expect(records[1]!.severity).toBe('INFO 9')
    expect(records[1]!.body).toEqual(PROMPT)
    expect(records[1]!.attributes).toEqual({
      event_name: 'sluice.gen_ai.content',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o-mini',
    })
    const [spans] = requestOf(traceBatch([full], group))['resourceSpans'] as Message[]
    const [logs] = requestOf(it.next.batches[0]!)['resourceLogs'] as Message[]
    expect(logs!['resource']).toEqual(spans!['resource'])
    expect((logs!['scopeLogs'] as Message[])[0]!['scope']).toEqual((spans!['scopeSpans'] as Message[])[0]!['scope'])
  })

  test.each([
    [{}, 'INFO 9', 'chat m1 input_tokens=100 output_tokens=10 duration_ms=1000'],
    [{ 'error.type': 'timeout' }, 'ERROR 17', 'duration_ms=1000 error=timeout'],
    [{ 'error.type': 'x y', 'sluice.rate_limited': true }, 'WARN 13', 'error="x y" rate_limited=true'],
    [{ 'sluice.quality.score': 0.5 }, 'INFO 9', 'score=0.5'],
    [{ 'sluice.quality.score': 0.49, 'sluice.quality.signals': ['a', 'b'] }, 'WARN 13', 'score=0.49 signals=a,b'],
    [{ 'gen_ai.request.model': 'my "model"' }, 'INFO 9', 'chat model="my \\"model\\"" input'],
    [{ 'gen_ai.request.model': 'models/gemini' }, 'INFO 9', 'chat gemini input'],
    [{ 'gen_ai.usage.input_tokens': 'many' }, 'INFO 9', 'chat m1 output_tokens=10'],
    [{ 'gen_ai.response.id': 'x'.repeat(5000) }, 'INFO 9', 'chat m1'],
  ])('severity and line of %o', async (more, severity, part) => {
    const it = await bench()
    await it.send(call({ with: more as never }))
    await it.stop()
    const [summary] = it.records('summary')
    expect([summary!.severity, summary!.body]).toEqual([severity, expect.stringContaining(part)])
    expect(JSON.stringify(summary!.attributes).length).toBeLessThan(1600)
  })

  test('a call that ends before it begins has no duration; one with a failed status is an error', async () => {
    const it = await bench()
    await it.send(call({ start_ms: 2000, end_ms: 1000, status: { code: 2, message: 'secret' } }))
    await it.stop()
    const [summary] = it.records()
    expect([summary!.severity, summary!.body]).toEqual([
      'ERROR 17',
      'chat m1 input_tokens=100 output_tokens=10 error=unknown',
    ])
  })

  test('other spans are taken and make no record', async () => {
    const it = await bench()
    await it.send({}, { attributes: PROMPT }, call({ with: { 'gen_ai.operation.name': 'invoke_agent' } }))
    await it.stop()
    expect(it.next.asked).toBe(0)
    expect(it.account.balance()).toMatchObject({ entered: 3, delivered: 3 })
  })
})

describe.each([1, 2])('with %d shards', (shards) => {
  test('a call is written settle_after behind the last of its trace, at the latest settle_max behind the first', async () => {
    const it = await bench({ settle_after: '5s', settle_max: '12500ms' }, { shards })
    for (let second = 0; second < 12; second++) {
      await it.send(call({ trace: trace(1) }), ...(second === 0 ? [call({ trace: trace(2) })] : []))
      await it.pass(1000)
      expect(it.records().map((record) => record.trace)).toEqual(second < 4 ? [] : [trace(2)])
    }
    expect(it.host.meter.value('sluice_gen_ai_logs_calls_waiting')).toBe(12)
    await it.pass(1000)
    expect(it.records()).toHaveLength(13)
    expect(it.host.meter.value('sluice_gen_ai_logs_records', { kind: 'summary' })).toBe(13)
  })

  test('a span that comes again is a duplicate, before it was written and after', async () => {
    const it = await bench({}, { shards })
    const [one, two] = [call({ with: PROMPT }), call({ trace: trace(3) })]
    await it.send(one, two, one)
    await it.pass(20_000)
    await it.send(one, two)
    await it.pass(20_000)
    expect([it.records('summary').length, it.records('content').length]).toEqual([2, 1])
    expect(it.account.balance()).toMatchObject({ entered: 5, delivered: 2, duplicate: 3 })
  })

  test('what waits is written at shutdown', async () => {
    const it = await bench({}, { shards })
    for (let number = 1; number <= 50; number++) await it.send(call({ trace: trace(number), with: PROMPT }))
    await it.stop()
    await it.stop()
    expect(it.records()).toHaveLength(100)
    expect(it.behind.balance()).toMatchObject({ entered: 100, delivered: 100 })
    await expect(it.send(call())).rejects.toMatchObject({ reason: 'shutdown' })
  })

  test('calls without a valid trace id are written at once', async () => {
    const it = await bench({}, { shards })
    await it.send(...[1, 2, 3].map(() => call({ trace: '00'.repeat(16), id: '00000000000000aa' })))
    await it.pass(500)
    expect(it.records()).toHaveLength(3)
    expect(it.host.meter.value('sluice_gen_ai_logs_calls_waiting')).toBe(0)
  })
})

describe('calls that two spans report', () => {
  const outer = (more: object = {}) => call({ id: '00000000000000a0', ...more })
  const inner = (more: object = {}) =>
    call({ id: '00000000000000b0', parent: '00000000000000a0', start_ms: 1100, end_ms: 1900, ...more })

  test.each([
    ['together', false],
    ['the second after the first was written', true],
  ])('make one summary and one content: %s', async (_, late) => {
    for (const [first, second] of [
      [outer({ with: PROMPT }), inner({ with: PROMPT })],
      [inner({ with: PROMPT }), outer({ with: PROMPT })],
    ] as const) {
      const it = await bench()
      await it.send(first)
      if (late) await it.pass(10_000)
      await it.send(second)
      await it.pass(10_000)
      expect([it.records('summary').length, it.records('content').length]).toEqual([1, 1])
      expect(it.account.balance()).toMatchObject({ entered: 2, delivered: 2 })
      expect(it.host.meter.value('sluice_gen_ai_logs_calls_waiting')).toBe(0)
    }
  })

  test('facts are merged; place, time and labels are the outer one’s', async () => {
    const it = await bench()
    const unknown = { 'gen_ai.usage.input_tokens': 'unknown', 'gen_ai.usage.output_tokens': 'unknown' }
    await it.send(
      outer({ with: { ...unknown, 'gen_ai.provider.name': 'framework', 'sluice.cost.source': 'unknown_model' } }),
      inner({
        with: {
          'sluice.cost.usd': 0.5,
          'sluice.cost.source': 'table',
          'gen_ai.response.id': 'r9',
          'sluice.quality.score': 0.25,
          'sluice.quality.signals': ['refusal'],
          ...PROMPT,
        },
      }),
    )
    await it.pass(10_000)
    const [summary, content] = it.records()
    expect(summary!.attributes).toMatchObject({
      'gen_ai.provider.name': 'openai',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 10,
      'gen_ai.response.id': 'r9',
      'sluice.cost.usd': 0.5,
      'sluice.cost.source': 'table',
      'sluice.quality.score': 0.25,
      'sluice.quality.signals': ['refusal'],
      'sluice.latency.ms': 1000,
    })
    expect([summary!.span, content!.span]).toEqual(['00000000000000a0', '00000000000000a0'])
    expect(content!.body).toEqual(PROMPT)
  })

  test('cost and its source, score and its signals come from one span', async () => {
    const it = await bench()
    const facts = (source: string, cost: number, cached: object, score: number, signals: string[]) => ({
      with: {
        'sluice.cost.usd': cost,
        'sluice.cost.source': source,
        'sluice.quality.score': score,
        'sluice.quality.signals': signals,
        ...cached,
      },
    })
    const cached = { 'gen_ai.usage.cache_read.input_tokens': 3 }
    await it.send(outer(facts('table', 1, {}, 0.9, [])), inner(facts('reported', 2, cached, 0.1, ['empty'])))
    await it.pass(10_000)
    expect(it.records('summary')[0]!.attributes).toMatchObject({
      'sluice.cost.usd': 2,
      'sluice.cost.source': 'reported',
      'sluice.quality.score': 0.9,
      'sluice.quality.signals': [],
    })
  })

  test('a second report in another trace, which has the same response id, adds nothing', async () => {
    const it = await bench()
    const byId = { 'gen_ai.response.id': 'r', 'gen_ai.response.model': 'm', ...PROMPT }
    await it.send(call({ trace: trace(1), with: byId }))
    await it.pass(10_000)
    const other = { ...byId, 'sluice.dialect': 'openinference-sdk' }
    await it.send(call({ trace: trace(2), with: other }), call({ trace: trace(3), with: PROMPT }))
    await it.pass(10_000)
    expect(it.records('summary').map((record) => record.trace)).toEqual([trace(1), trace(3)])
    expect(it.records('content')).toHaveLength(2)
  })

  test('different response ids are two calls', async () => {
    const it = await bench()
    await it.send(outer({ with: { 'gen_ai.response.id': 'r' } }), inner({ with: { 'gen_ai.response.id': 's' } }))
    await it.pass(10_000)
    expect(it.records('summary')).toHaveLength(2)
  })
})

describe('when the next consumer has no room', () => {
  const many = (from: number, count: number, size = 100) =>
    Array.from({ length: count }, (_, at) =>
      call({ trace: trace(from + at), with: { 'gen_ai.input.messages': 'x'.repeat(size) } }),
    )

  test('records wait, and none is missing or doubled', async () => {
    const it = await bench()
    it.next.refuse(retryLater('queue_full', 'full', 700), 3)
    await it.send(...many(1, 20))
    await it.pass(5500)
    await it.send(...many(100, 20))
    expect(it.records()).toEqual([])
    expect(it.host.meter.value('sluice_gen_ai_logs_records_waiting')).toBe(40)
    await it.pass(20_000)
    expect(it.next.asked).toBe(5)
    expect(new Set(it.records().map(({ span, event }) => span + event)).size).toBe(80)
    expect(it.records()).toHaveLength(80)
    expect(it.host.meter.value('sluice_gen_ai_logs_records_waiting')).toBe(0)
  })

  test('over its bound the oldest records go, are counted, and senders do not notice', async () => {
    const it = await bench({ bytes_max: '4MiB' })
    it.next.refuse(retryLater('queue_full', 'full'))
    for (let at = 0; at < 40; at++) {
      await it.send(...many(1 + at * 10, 10, 20_000))
      await it.pass(6000)
      expect(it.host.meter.value('sluice_gen_ai_logs_bytes')).toBeLessThan((4 << 20) + 500_000)
    }
    it.next.refuse(undefined)
    await it.pass(60_000)
    const dropped = it.host.meter.value('sluice_gen_ai_logs_dropped', { reason: 'queue_full' })
    expect(dropped).toBeGreaterThan(100)
    expect(it.records().length + dropped).toBe(800)
    expect(it.account.balance()).toMatchObject({ delivered: 400, refused: 0 })
  })

  test('with when_full: refuse it refuses over its bound, keeps nothing of it, and takes it later', async () => {
    const it = await bench({ bytes_max: '4MiB', when_full: 'refuse' })
    it.next.refuse(retryLater('queue_full', 'full'))
    const batches = Array.from({ length: 40 }, (_, at) => many(1 + at * 10, 10, 20_000))
    const refused: SpanOptions[][] = []
    for (const batch of batches) {
      await it.send(...batch).catch((error: unknown) => {
        expect(error).toMatchObject({ retryable: true, reason: 'queue_full' })
        refused.push(batch)
      })
      await it.pass(6000)
      expect(it.host.meter.value('sluice_gen_ai_logs_bytes')).toBeLessThan((4 << 20) + 500_000)
    }
    expect(refused.length).toBeGreaterThan(20)
    await it.send({}, {})
    it.next.refuse(undefined)
    await it.pass(6000)
    for (const batch of refused) {
      await it.send(...batch)
      await it.pass(1000)
    }
    await it.pass(10_000)
    expect([it.records('summary').length, it.records('content').length]).toEqual([400, 400])
    expect(it.account.balance()).toMatchObject({ delivered: 402, duplicate: 0, refused: refused.length * 10 })
  })

  test('over half of bytes_max, and over calls_max, those that wait for longest are written early', async () => {
    const it = await bench({ bytes_max: '4MiB' })
    for (let at = 0; at < 50; at++) await it.send(...many(1 + at * 10, 10, 20_000))
    await it.pass(500)
    expect(it.records('summary').length).toBeGreaterThan(300)
    const few = await bench({ calls_max: 3 })
    await few.send(...many(1, 10))
    await few.pass(500)
    expect(few.records('summary')).toHaveLength(7)
  })

  test('what it will never take is dropped and counted', async () => {
    const it = await bench()
    it.next.refuse(new Refusal('export_failed', 'no', FOR_GOOD), 1)
    await it.send(...many(1, 3))
    await it.pass(6000)
    await it.send(...many(10, 2))
    await it.pass(6000)
    expect(it.records()).toHaveLength(4)
    expect(it.host.meter.value('sluice_gen_ai_logs_dropped', { reason: 'export_failed' })).toBe(6)
  })

  test('at shutdown it is asked again until the deadline, and what is left is counted', async () => {
    const it = await bench()
    it.next.refuse(retryLater('queue_full', 'full', 100), 2)
    await it.send(...many(1, 3))
    const stopped = it.stop()
    for (let step = 0; step < 10; step++) await it.pass(100)
    await stopped
    expect(it.records()).toHaveLength(6)
    for (const hinder of ['refuse', 'block'] as const) {
      const late = await bench()
      if (hinder === 'refuse') late.next.refuse(retryLater('queue_full', 'full'))
      else late.next.block()
      await late.send(...many(1, 3))
      const deadline = new AbortController()
      const stopping = late.connector.shutdown!(deadline.signal)
      await late.pass(100)
      deadline.abort()
      await stopping
      expect(late.host.meter.value('sluice_gen_ai_logs_dropped', { reason: 'shutdown' })).toBe(6)
    }
  })
})

test('records of different tenants and metadata are not mixed', async () => {
  const it = await bench()
  const of = (number: number) => traceBatch([call({ trace: trace(number) })])
  await it.feed(of(1), { tenant: 'a' })
  await it.feed(of(2), { tenant: 'b', metadata: new Map([['x-team', 'one']]) })
  await it.feed(of(3), { tenant: 'a' })
  await it.pass(10_000)
  expect(it.next.taken.map(({ batch, context }) => [context.tenant, context.metadata.size, batch.count])).toEqual([
    ['a', 0, 2],
    ['b', 1, 1],
  ])
})

test('batches are of about a megabyte', async () => {
  const it = await bench()
  for (let at = 0; at < 40; at++)
    await it.send(call({ trace: trace(at + 1), with: { 'gen_ai.input.messages': 'x'.repeat(100_000) } }))
  await it.pass(10_000)
  expect(it.next.batches.length).toBe(4)
  expect(Math.max(...it.next.batches.map(({ size_bytes }) => size_bytes))).toBeLessThan(1.2 * 2 ** 20)
})

test('times and content change in place, bounds do not', async () => {
  const it = await bench()
  const update = (config: object) => it.connector.update!(schema.parse(config))
  expect(await update({ calls_max: 5 })).toBe(false)
  expect(await update({ settle_after: '1s', content: false })).toBe(true)
  await it.send(call({ with: PROMPT }))
  await it.pass(1500)
  expect(it.records().map(({ event }) => event)).toEqual(['sluice.gen_ai.summary'])
})
