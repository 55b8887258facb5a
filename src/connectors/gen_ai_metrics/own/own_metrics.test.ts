import { afterEach, expect, test } from 'vitest'
import { type BookedAccount, bookedAccount } from '../../../../test/support/account.ts'
import {
  batchOf,
  itemsOf,
  keyValues,
  metricBatch,
  type PlainAttributes,
  traceBatch,
} from '../../../../test/support/otlp.ts'
import { Recorder } from '../../../../test/support/recorder.ts'
import type { Consumer } from '../../../component.ts'
import { findings } from '../../../pipeline/ledger.ts'
import { retryLater } from '../../../refusal.ts'
import type { MetricBatch } from '../../../telemetry/batch.ts'
import { type Bench, bench, call } from '../gen_ai_metrics.fixture.ts'
import { SERVICES_MAX, UNKNOWN_WAIT_MS } from './known_services.ts'
import { NAMES_SHOWN_MAX } from './own_metrics.ts'

const SET_ASIDE = 'sluice_gen_ai_metrics_set_aside'

interface Own {
  readonly bench: Bench
  readonly account: BookedAccount<'metrics'>
  readonly next: Recorder<'metrics'>
  /** Hands metrics to what stands before the exporter. */
  feed(batch: MetricBatch): Promise<void>
  /** A call of that service. */
  call(service: PlainAttributes, more?: Parameters<typeof call>[0]): Promise<void>
}

let own: Own
afterEach(() => {
  expect(findings([own.account.balance()], true)).toEqual([])
  return own.bench.stop()
})

async function begin(config: object = {}): Promise<Own> {
  const made = await bench(config)
  const next = new Recorder<'metrics'>()
  const account = bookedAccount('metrics')
  const beside: Consumer<'metrics'> = made.connector.beside!(next)
  return {
    bench: made,
    account,
    next,
    feed: (batch) => account.feed(beside, batch),
    call: (resource, more) => made.account.feed(made.connector.inputs.traces!, traceBatch([call(more)], { resource })),
  }
}

const named = (name: string) => ({ 'service.name': name })
const namesOf = (batches: readonly MetricBatch[]) => batches.flatMap((batch) => itemsOf(batch).map(({ name }) => name))
const isOpen = async (promise: Promise<unknown>) => {
  const open = Symbol()
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(() => resolve(open)))])) === open
}

test('of several services and metrics in one request only what is told twice is taken out', async () => {
  own = await begin()
  await own.call(named('traced'))
  await own.bench.pass(UNKNOWN_WAIT_MS)
  const group = (service: string, ...names: string[]) => ({
    resource: { attributes: keyValues(named(service)) },
    scopeMetrics: [
      {
        metrics: names.map((name) => ({ name, gauge: { dataPoints: [{ asInt: 1n }, { asInt: 2n }] } })),
      },
    ],
  })
  const sent = own.feed(
    batchOf('metrics', {
      resourceMetrics: [
        group('traced', 'llm.requests', 'http.server.duration'),
        group('untraced', 'llm.requests', 'llm.cost.usd'),
        group('traced', 'gen_ai.client.token.usage'),
      ],
    }),
  )
  await own.bench.pass(UNKNOWN_WAIT_MS)
  await sent
  expect(namesOf(own.next.batches)).toEqual(['http.server.duration', 'llm.requests', 'llm.cost.usd'])
  expect(own.account.balance()).toMatchObject({ entered: 10, delivered: 6, dropped: { own_metrics: 4 } })
  const { meter } = own.bench.host
  expect(meter.value(SET_ASIDE, { service_name: 'traced', family: 'llm_requests_total' })).toBe(2)
  expect(meter.value(SET_ASIDE, { service_name: 'traced', family: 'gen_ai.client.token.usage' })).toBe(2)
  expect(meter.value(SET_ASIDE)).toBe(4)
})

test('what has nothing of it goes through as it is, at once', async () => {
  own = await begin()
  const batch = metricBatch([{ name: 'http.server.duration' }, { name: 'llm.hallucination.score' }])
  await own.feed(batch)
  expect(own.next.batches[0]).toBe(batch)
})

test('what is derived passes, here and of another process', async () => {
  own = await begin()
  await own.call(named('sluice'))
  await own.feed(
    metricBatch([{ name: 'llm_requests_total' }], { resource: named('sluice'), scope: { name: 'sluice' } }),
  )
  expect(own.next.count).toBe(1)
})

test('a namespace makes another service, and no name is a service too', async () => {
  own = await begin()
  await own.call({ 'service.name': 'a', 'service.namespace': 'one' })
  await own.call({})
  const send = (resource: PlainAttributes) => own.feed(metricBatch([{ name: 'llm.requests' }], { resource }))
  await send({ 'service.name': 'a', 'service.namespace': 'one', 'host.name': 'h' })
  await send({})
  expect(own.next.count).toBe(0)
  const other = send({ 'service.name': 'a', 'service.namespace': 'two' })
  await own.bench.pass(UNKNOWN_WAIT_MS)
  await other
  expect(own.next.count).toBe(1)
  expect(own.bench.host.meter.value(SET_ASIDE, { service_name: 'unknown' })).toBe(1)
})

test('an unknown service waits for its first call, however it comes, and no longer than it must', async () => {
  own = await begin()
  const send = () => own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named('a') }))
  const first = [send(), send()]
  await own.bench.pass(UNKNOWN_WAIT_MS - 1)
  expect(await Promise.all(first.map(isOpen))).toEqual([true, true])
  await own.bench.sendRecords()
  await own.call(named('a'))
  await Promise.all(first)
  expect(own.next.count).toBe(0)
  expect(own.account.balance()).toMatchObject({ dropped: { own_metrics: 2 } })
})

test('at the stop nothing waits any more', async () => {
  own = await begin()
  const sent = own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named('a') }))
  expect(await isOpen(sent)).toBe(true)
  await own.bench.stop()
  await sent
  expect(own.next.count).toBe(1)
})

test('what the exporter refuses is refused as a whole, and counted when it has been taken', async () => {
  own = await begin()
  await own.call(named('a'))
  own.next.refuse(retryLater('queue_full', 'full'), 1)
  const batch = metricBatch([{ name: 'llm.requests' }, { name: 'other' }], { resource: named('a') })
  await expect(own.feed(batch)).rejects.toThrow('full')
  expect(own.account.balance()).toMatchObject({ entered: 0, refused: 2, dropped: {} })
  expect(own.bench.host.meter.value(SET_ASIDE)).toBe(0)
  await own.feed(batch)
  expect(own.account.balance()).toMatchObject({ entered: 2, delivered: 1, dropped: { own_metrics: 1 } })
})

test('families that have passed stay the own ones, others are derived', async () => {
  own = await begin()
  const sent = own.feed(metricBatch([{ name: 'llm.tokens.input' }], { resource: named('a') }))
  await own.bench.pass(UNKNOWN_WAIT_MS)
  await sent
  await own.call(named('a'))
  await own.call(named('b'))
  await own.bench.pass(60_000)
  expect(own.bench.value('llm_requests_total')).toBe(2)
  expect(own.bench.value('llm_tokens_input_total')).toBe(100)
  expect(own.bench.value('llm_tokens_output_total')).toBe(20)
  await own.feed(metricBatch([{ name: 'llm.tokens.input' }, { name: 'llm.requests' }], { resource: named('a') }))
  expect(namesOf(own.next.batches)).toEqual(['llm.tokens.input', 'llm.tokens.input'])
})

test('a service that samples at the head tells itself, but what Sluice sampled is no sample of the sender', async () => {
  own = await begin()
  const sampled = { more: { traceState: 'ot=th:c' } }
  await own.call(named('a'), sampled)
  await own.call(named('b'), { ...sampled, with: { 'sluice.sampling.decision': 'decided' } })
  for (const service of ['a', 'b'])
    await own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named(service) }))
  expect(own.next.count).toBe(1)
  expect(own.bench.host.meter.value(SET_ASIDE, { service_name: 'b' })).toBe(1)
})

test('the mode changes in place', async () => {
  own = await begin({ own_metrics: 'keep' })
  await own.call(named('a'))
  const send = () => own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named('a') }))
  await send()
  const { genAiMetrics } = await import('../index.ts')
  const change = (own_metrics: string) => own.bench.connector.update!(genAiMetrics.schema.parse({ own_metrics }))
  expect(await change('auto')).toBe(true)
  await send()
  expect(await change('set_aside')).toBe(true)
  await send()
  expect([own.next.count, own.bench.host.meter.value(SET_ASIDE)]).toEqual([1, 2])
})

test('labels tell so many services apart, the others are one', async () => {
  own = await begin({ own_metrics: 'set_aside' })
  for (let at = 0; at < NAMES_SHOWN_MAX + 5; at++)
    await own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named(`s${at}`) }))
  const { meter } = own.bench.host
  expect(meter.value(SET_ASIDE, { service_name: `s${NAMES_SHOWN_MAX - 1}` })).toBe(1)
  expect(meter.value(SET_ASIDE, { service_name: 'other' })).toBe(5)
})

test('over the bound those that were seen last stay known', async () => {
  own = await begin()
  await own.call(named('first'))
  await own.call(named('second'))
  for (let at = 0; at < SERVICES_MAX - 1; at++) {
    if (at === SERVICES_MAX >> 1) await own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named('second') }))
    await own.call(named(`s${at}`), { id: (at + 4096).toString(16).padStart(16, '0') })
  }
  const send = (service: string) => own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named(service) }))
  await send('second')
  const forgotten = send('first')
  expect(await isOpen(forgotten)).toBe(true)
  await own.bench.pass(UNKNOWN_WAIT_MS)
  await forgotten
  expect(own.next.count).toBe(1)
})

test('so many services that sample have series of their own, the others count with all', async () => {
  own = await begin()
  for (let at = 0; at < 103; at++)
    await own.call(named(`s${at}`), { id: (at + 4096).toString(16).padStart(16, '0'), more: { traceState: 'ot=th:8' } })
  await own.bench.pass(60_000)
  expect(own.bench.value('llm_requests_total')).toBe(103)
  expect(own.bench.value('llm_requests_total', { service_name: 's99' })).toBe(1)
  expect(own.bench.value('llm_requests_total', { service_name: 's100' })).toBeUndefined()
})

test('series of a service that samples end at once when its own metrics come, and only those of that family', async () => {
  own = await begin()
  await own.call(named('a'), { more: { traceState: 'ot=th:8' } })
  await own.bench.pass(60_000)
  const labels = { service_name: 'a' }
  expect(own.bench.value('llm_tokens_input_total', labels)).toBe(100)
  await own.feed(metricBatch([{ name: 'llm.tokens.input' }], { resource: named('a') }))
  await own.bench.pass(0)
  const last = own.bench.next.batches.at(-1)!
  const flagsOf = (name: string) => {
    const metric = itemsOf(last).find((one) => one['name'] === name)!
    return (metric['sum'] as { dataPoints: { flags?: number }[] }).dataPoints.map(({ flags }) => flags)
  }
  expect(flagsOf('llm_tokens_input_total')).toEqual([1])
  expect(flagsOf('llm_tokens_output_total')).toEqual([undefined])
  await own.call(named('a'), { trace: 'ff'.repeat(16), more: { traceState: 'ot=th:8' } })
  await own.bench.pass(60_000)
  expect(own.bench.values('llm_tokens_input_total', labels)).toHaveLength(
    own.bench.values('llm_tokens_input_total').length,
  )
  expect(own.bench.value('llm_tokens_output_total', labels)).toBe(20)
})

test('what was counted of all spans stays counted, also if the service samples later', async () => {
  own = await begin()
  await own.call(named('a'), { trace: 'aa'.repeat(16), more: { traceState: 'ot=th:0' } })
  await own.call(named('a'), { trace: 'bb'.repeat(16), more: { traceState: 'ot=th:8' } })
  await own.feed(metricBatch([{ name: 'llm.requests' }], { resource: named('a') }))
  expect(own.next.count).toBe(0)
})
