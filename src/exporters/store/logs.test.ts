import { afterEach, describe, expect, it } from 'vitest'
import { type LogOptions, logBatch } from '../../../test/support/otlp.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import { join } from '../../telemetry/batch.ts'
import type { LogQuery } from '../../telemetry_store.ts'
import { cleanUp, newDirectory, started, traceId } from './store.fixture.ts'

afterEach(cleanUp)

const START_MS = 1_700_000_000_000
const inService = (service: string, records: LogOptions[]) =>
  logBatch(records, { resource: { 'service.name': service } })

describe('one batch of logs', () => {
  it('of more traces than its index names is looked through for each of them', async () => {
    const { take, store } = await started()
    const records = Array.from({ length: 9000 }, (_, at) => ({ body: 'x', trace: traceId((at + 1).toString(16)) }))
    await take(inService('shop', records))
    for (const at of [1, 8999]) {
      expect((await store.logs({ limit: 10, trace_id: traceId(at.toString(16)) })).logs).toHaveLength(1)
    }
  })

  it('of more services than its index names is found for each of them', async () => {
    const { take, store } = await started()
    const batches = Array.from({ length: 40 }, (_, at) => inService(`service ${at}`, [{ body: 'x' }]))
    await take(join('logs', batches))
    for (const at of [0, 39]) expect((await store.logs({ limit: 10, service: `service ${at}` })).logs).toHaveLength(1)
  })
})

describe('logs', () => {
  it('are shown as plain JSON', async () => {
    const { take, store } = await started()
    await take(
      inService('shop', [
        {
          body: { text: 'done', parts: [1, 2.5, true, null], big: 2n ** 60n, raw: Buffer.from('abc') },
          severity: 18,
          event: 'sluice.gen_ai.summary',
          trace: traceId('a'),
          span: '00000000000000b1',
          attributes: [
            ['model', 'm'],
            ['__proto__', 'p'],
            ['model', 'second'],
          ],
          more: { timeUnixNano: 1_700_000_000_123_456_789n },
        },
      ]),
    )
    const [log] = (await store.logs({ limit: 1 })).logs
    expect(JSON.parse(JSON.stringify(log))).toEqual({
      time: '2023-11-14T22:13:20.123456789Z',
      severity: 'ERROR2',
      severity_number: 18,
      service: 'shop',
      event_name: 'sluice.gen_ai.summary',
      trace_id: traceId('a'),
      span_id: '00000000000000b1',
      body: { text: 'done', parts: [1, 2.5, true, null], big: '1152921504606846976', raw: 'YWJj' },
      attributes: Object.fromEntries([
        ['model', 'm'],
        ['__proto__', 'p'],
      ]),
    })
  })

  it('without time, name and the like are shown too', async () => {
    const { take, store } = await started()
    await take(
      logBatch([
        { more: { timeUnixNano: 0n, observedTimeUnixNano: 1_000_000_000n }, severityText: 'notice' },
        { more: { timeUnixNano: 0n }, attributes: { event_name: 'sluice.gen_ai.content' } },
      ]),
    )
    const { logs } = await store.logs({ limit: 5 })
    expect(logs).toMatchObject([
      { time: '1970-01-01T00:00:01.000000000Z', severity: 'notice', trace_id: '', body: null, event_name: '' },
      { time: '1970-01-01T00:00:00.000000000Z', severity: '', event_name: 'sluice.gen_ai.content' },
    ])
  })

  async function filled() {
    const made = await started()
    const at = (second: number, more: LogOptions = {}): LogOptions => ({
      body: `${second}`,
      time_ms: START_MS + second * 1000,
      ...more,
    })
    await made.take(
      inService('shop', [at(5, { severity: 9 }), at(1, { severity: 17, trace: traceId('a') })]),
      inService('search', [at(4, { event: 'e1', trace: traceId('b') }), at(2, { attributes: { 'event.name': 'e2' } })]),
      inService('shop', [at(3, { event: 'e1', trace: traceId('a') })]),
      // So many events in one batch that they are not told apart before it is read.
      logBatch(Array.from({ length: 40 }, (_, number) => at(-number - 1, { event: `many ${number}` }))),
    )
    return made
  }

  it.each<[Partial<LogQuery>, string[]]>([
    [{ limit: 6 }, ['5', '4', '3', '2', '1', '-1']],
    [{ limit: 2 }, ['5', '4']],
    [{ service: 'shop' }, ['5', '3', '1']],
    [{ service: 'none' }, []],
    [{ event: 'e1' }, ['4', '3']],
    [{ event: 'e2' }, ['2']],
    [{ event: 'many 30' }, ['-31']],
    [{ trace_id: traceId('a') }, ['3', '1']],
    [{ trace_id: traceId('c') }, []],
    [{ severity_min: 9 }, ['5', '1']],
    [{ severity_min: 10 }, ['1']],
    [{ since_ms: START_MS + 3000, until_ms: START_MS + 5000 }, ['4', '3']],
  ])('%j finds %j, newest first', async (query, expected) => {
    const { store } = await filled()
    const { logs, truncated } = await store.logs({ limit: 100, ...query })
    expect(logs.map(({ body }) => body)).toEqual(expected)
    expect(truncated).toBe(false)
  })

  it('go with their segment, and the oldest when there are too many', async () => {
    const { take, store, host } = await started({ traces_max: 3, directory: newDirectory() })
    for (let at = 0; at < 5; at++) await take(logBatch([{ body: `${at}`, time_ms: START_MS + at }]))
    expect((await store.logs({ limit: 9 })).logs.map(({ body }) => body)).toEqual(['4', '3', '2'])
    expect(host.meter.value('sluice_store_evicted')).toBe(2)
  })

  it('the oldest go when there is no memory to know of them', async () => {
    const { take, store, host } = await started()
    memoryOf(host).limit_bytes = 1000 * 32
    for (let at = 0; at < 5; at++) await take(logBatch([{ body: `${at}`, time_ms: START_MS + at }]))
    expect((await store.logs({ limit: 9 })).logs.map(({ body }) => body)).toEqual(['4', '3', '2'])
    expect(host.meter.value('sluice_store_index_bytes')).toBeLessThanOrEqual(1000)
  })

  it('stops when too much would have to be read, and says so', async () => {
    const { take, store } = await started()
    const filling = 'x'.repeat(17 << 20)
    for (let at = 0; at < 5; at++) await take(logBatch([{ body: filling, severity: at, time_ms: START_MS + at }]))
    expect(await store.logs({ limit: 1 })).toMatchObject({ truncated: false })
    const { logs, truncated } = await store.logs({ limit: 9 })
    expect([logs.length, truncated]).toEqual([4, true])
  })
})
