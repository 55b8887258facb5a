import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { itemsOf, logBatch, type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import { collectGarbage, existingNow } from '../../self/memory/live_memory.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import { sharedStores } from '../../telemetry_store.ts'
import { store } from './index.ts'
import { cleanUp, created, newDirectory, started, traceId } from './store.fixture.ts'

afterEach(cleanUp)

const HOUR_MS = 3_600_000
const INDEX_BYTES = 100_000
const START_MS = 1_700_000_000_000

/** A span of the trace that ends with these digits. */
function span(trace: string, id: number, more: SpanOptions = {}): SpanOptions {
  return { trace: traceId(trace), id: id.toString(16).padStart(16, '0'), ...more }
}

function call(
  trace: string,
  id: number,
  attributes: Record<string, string | number | boolean | string[]>,
  more: SpanOptions = {},
) {
  return span(trace, id, {
    ...more,
    attributes: { 'sluice.dialect': 'semconv', 'gen_ai.operation.name': 'chat', ...attributes },
  })
}

const inServices = (service: string, spans: SpanOptions[]) =>
  traceBatch(spans, { resource: { 'service.name': service } })

describe('one batch', () => {
  it('of many traces keeps no more of them than traces_max, also while it is read', async () => {
    const { find, take, host } = await started({ traces_max: 100 })
    const many = Array.from({ length: 5000 }, (_, at) => span((at + 1).toString(16), 1))
    await take(traceBatch(many))
    expect(find()).toHaveLength(100)
    expect(host.meter.value('sluice_store_evicted')).toBe(4900)
  })

  it('of many traces keeps no more of them than fit into the memory for them', async () => {
    const { find, take, host } = await started()
    const index_bytes = () => host.meter.value('sluice_store_index_bytes')
    memoryOf(host).limit_bytes = INDEX_BYTES * 16
    const many = Array.from({ length: 5000 }, (_, at) => call((at + 1).toString(16), 1, {}))
    await take(traceBatch(many))
    expect(index_bytes()).toBeGreaterThan(INDEX_BYTES * 0.9)
    expect(index_bytes()).toBeLessThanOrEqual(INDEX_BYTES)
    expect(find({ limit: 5000 }).length).toBe(5000 - host.meter.value('sluice_store_evicted'))
    const large = Array.from({ length: 1000 }, (_, at) => call('a', at + 1, {}))
    await take(traceBatch(large))
    expect(find({ limit: 5000 }), 'the newest stays, whatever its size').toEqual(['a'])
  })

  it('of many traces takes about the memory that it says', async () => {
    const { take, host } = await started()
    const live_bytes = () => {
      collectGarbage()
      return existingNow().heap_bytes
    }
    const before_bytes = live_bytes()
    const eight = (trace: number) => Array.from({ length: 8 }, (_, at) => call(trace.toString(16), at + 1, {}))
    for (let lot = 0; lot < 50; lot++)
      await take(traceBatch(Array.from({ length: 100 }, (_, at) => eight(lot * 100 + at + 1)).flat()))
    const share = (live_bytes() - before_bytes) / host.meter.value('sluice_store_index_bytes')
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(1.4)
  })

  it('of a trace in very many services lists the first of them', async () => {
    const { store: made, take } = await started()
    for (let at = 0; at < 100; at++) await take(inServices(`service ${at}`, [span('a', at + 1)]))
    expect(made.traces({ limit: 1, service: 'service 3' })).toHaveLength(1)
    expect(made.traces({ limit: 1, service: 'service 99' })).toHaveLength(0)
    expect(made.trace(traceId('a'))?.spans).toBe(100)
  })
})

describe('a trace', () => {
  it('sums no tokens that are not believed', async () => {
    const { take, store: made } = await started()
    const usage = { 'gen_ai.usage.input_tokens': 1e15, 'gen_ai.usage.output_tokens': 7 }
    await take(traceBatch([call('a', 1, { ...usage, 'sluice.implausible': ['input_tokens'] })]))
    expect(made.trace(traceId('a'))).toMatchObject({ input_tokens: undefined, output_tokens: 7 })
  })

  it('is summed up', async () => {
    const { take, store: made } = await started()
    const parent = '0000000000000001'
    await take(
      inServices('shop', [
        span('a', 1, {
          name: 'GET /cart',
          start_ms: START_MS,
          end_ms: START_MS + 1250,
          status: { code: 2 },
          attributes: {
            'sluice.sampling.policy': 'slow',
            'sluice.sampling.decision': 'decided',
            'sluice.sampling.reason': 'took longer than 1s',
          },
        }),
        call(
          'a',
          2,
          {
            'gen_ai.request.model': 'models/gemini-2.5-pro',
            'gen_ai.usage.input_tokens': 100,
            'gen_ai.usage.output_tokens': 20,
            'sluice.cost.usd': 0.25,
            'sluice.quality.score': 0.4,
            'sluice.quality.signals': ['refusal', 'hedging'],
          },
          { parent, start_ms: START_MS + 10, end_ms: START_MS + 500 },
        ),
        call(
          'a',
          3,
          {
            'gen_ai.response.model': 'gpt-5-mini',
            'gen_ai.usage.input_tokens': 7,
            'sluice.cost.usd': 0.5,
            'sluice.quality.score': 0.9,
            'sluice.quality.signals': ['hedging'],
          },
          { parent, start_ms: START_MS + 600, end_ms: START_MS + 900 },
        ),
      ]),
    )
    expect(made.trace(traceId('a'))).toEqual({
      trace_id: traceId('a'),
      service: 'shop',
      root_name: 'GET /cart',
      start_ms: START_MS,
      duration_ms: 1250,
      spans: 3,
      models: ['gemini-2.5-pro', 'gpt-5-mini'],
      cost_usd: 0.75,
      input_tokens: 107,
      output_tokens: 20,
      quality_score: 0.4,
      quality_signals: ['refusal', 'hedging'],
      error: true,
      policy: 'slow',
      decision: 'decided',
      reason: 'took longer than 1s',
    })
  })

  it('without model calls has no numbers of any', async () => {
    const { take, store: made } = await started()
    // Not gen_ai's doing: these attributes are the sender's own.
    await take(traceBatch([span('a', 1, { attributes: { 'gen_ai.request.model': 'x', 'sluice.cost.usd': 1 } })]))
    expect(made.trace(traceId('a'))).toMatchObject({
      models: [],
      cost_usd: undefined,
      input_tokens: undefined,
      quality_score: undefined,
      policy: '',
    })
  })

  it('may come in several batches, and its spans several times', async () => {
    const { take, store: made } = await started()
    const parent = '0000000000000001'
    const child = span('a', 2, { parent, name: 'child', start_ms: START_MS + 5, end_ms: START_MS + 9 })
    const root = span('a', 1, { name: 'root', start_ms: START_MS, end_ms: START_MS + 20 })
    await take(inServices('back', [child]))
    expect(made.trace(traceId('a'))).toMatchObject({ root_name: 'child', service: 'back', spans: 1 })
    await take(inServices('front', [root, child]), inServices('front', [span('b', 1), root]))
    expect(made.trace(traceId('a'))).toMatchObject({ root_name: 'root', service: 'front', spans: 2, duration_ms: 20 })
    expect(await namesOf(made, 'a')).toEqual(['child', 'root'])
    expect(await namesOf(made, 'b')).toEqual(['span'])
    expect(made.traces({ limit: 9, service: 'back' })).toHaveLength(1)
  })

  it('counts a call once that two spans tell of', async () => {
    const { take, store: made } = await started()
    const numbers = { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 10 }
    await take(
      traceBatch([
        call('a', 1, { ...numbers, 'sluice.cost.usd': 1 }),
        call(
          'a',
          2,
          { ...numbers, 'gen_ai.usage.output_tokens': 5, 'sluice.cost.usd': 2 },
          { parent: '0000000000000001' },
        ),
        call('a', 3, { ...numbers, 'gen_ai.response.id': 'r', 'sluice.cost.usd': 4 }),
        call('a', 4, { ...numbers, 'gen_ai.response.id': 'r', 'sluice.cost.usd': 8 }),
        call('a', 5, { ...numbers, 'sluice.cost.usd': 16 }),
      ]),
    )
    expect(made.trace(traceId('a'))).toMatchObject({ cost_usd: 26, input_tokens: 30, output_tokens: 5, spans: 5 })
  })

  it('takes the cost that an emitter states, and nothing where a gateway answered from its cache', async () => {
    const { take, store: made } = await started()
    const numbers = { 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 10 }
    const inside = { parent: '0000000000000001' }
    const stated = { ...numbers, 'sluice.cost.usd': 7, 'sluice.cost.source': 'reported' }
    await take(traceBatch([call('a', 1, stated), call('a', 2, { ...numbers, 'sluice.cost.usd': 2 }, inside)]))
    expect(made.trace(traceId('a'))).toMatchObject({ cost_usd: 7 })
    const cached = { ...numbers, 'sluice.cost.usd': 0, 'sluice.answer_cached': true }
    await take(traceBatch([call('b', 1, { ...numbers, 'sluice.cost.usd': 2 }), call('b', 2, cached, inside)]))
    expect(made.trace(traceId('b'))).toMatchObject({ cost_usd: 0 })
  })

  it.each([100, 5000])('with %i calls adds up', async (count) => {
    const { take, store: made } = await started()
    const calls = Array.from({ length: count }, (_, at) => call('a', at + 1, { 'sluice.cost.usd': 0.01 }))
    await take(traceBatch([...calls, ...calls.slice(0, 50)]))
    expect(made.trace(traceId('a'))).toMatchObject({ spans: count, cost_usd: count / 100 })
  })

  it('of many spans is read back in pieces, in its own resources', async () => {
    const { take, store: made } = await started()
    const filling = { text: 'x'.repeat(100_000) }
    const spans = Array.from({ length: 30 }, (_, at) => span(at % 2 ? 'a' : 'b', at + 1, { attributes: filling }))
    await take(inServices('one', spans), inServices('two', [span('a', 99)]))
    const batches = await Array.fromAsync(made.spans(traceId('a')))
    expect(batches.map(({ count }) => count)).toEqual([6, 6, 3, 1])
    expect(JSON.stringify(itemsOf(batches[0]!)[0]!['name'])).toBe('"span"')
    expect(await Array.fromAsync(made.spans(traceId('c')))).toEqual([])
  })
})

describe('a query', () => {
  async function filled() {
    const made = await started()
    const at = (minutes: number) => ({ start_ms: START_MS + minutes * 60_000, end_ms: START_MS + minutes * 60_000 + 5 })
    await made.take(
      inServices('shop', [
        call('a1', 1, { 'gen_ai.request.model': 'small', 'sluice.cost.usd': 0.1 }, at(3)),
        call('a2', 1, { 'gen_ai.request.model': 'large', 'sluice.cost.usd': 2, 'sluice.quality.score': 0.2 }, at(1)),
      ]),
      inServices('search', [
        call('a3', 1, { 'gen_ai.request.model': 'small', 'sluice.quality.signals': ['refusal'] }, at(2)),
        span('a4', 1, {
          ...at(2),
          status: { code: 2 },
          attributes: { 'sluice.sampling.policy': 'errors', 'sluice.sampling.reason': 'Status ERROR' },
        }),
      ]),
    )
    return made
  }

  it.each([
    [{}, ['a1', 'a3', 'a4', 'a2']],
    [{ limit: 2 }, ['a1', 'a3']],
    [{ service: 'shop' }, ['a1', 'a2']],
    [{ service: 'sho' }, []],
    [{ model: 'small' }, ['a1', 'a3']],
    [{ signal: 'refusal' }, ['a3']],
    [{ policy: 'errors' }, ['a4']],
    [{ reason: 'status error' }, ['a4']],
    [{ failed: true }, ['a4']],
    [{ failed: false, model: 'large' }, ['a2']],
    [{ min_cost_usd: 0.1 }, ['a1', 'a2']],
    [{ min_cost_usd: 0.11 }, ['a2']],
    [{ max_score: 0.5 }, ['a2']],
    [{ since_ms: START_MS + 120_000 }, ['a1', 'a3', 'a4']],
    [{ until_ms: START_MS + 120_000 }, ['a2']],
    [{ before: { start_ms: START_MS + 180_000, trace_id: traceId('a1') } }, ['a3', 'a4', 'a2']],
    [{ before: { start_ms: START_MS + 120_000, trace_id: traceId('a3') } }, ['a4', 'a2']],
    [{ before: { start_ms: START_MS + 120_000, trace_id: traceId('a4') } }, ['a2']],
  ])('%j finds %j', async (query, expected) => {
    expect((await filled()).find(query)).toEqual(expected)
  })
})

describe('on the disk', () => {
  it('all is found again after a restart', async () => {
    const directory = newDirectory()
    const first = await started({ directory })
    const spans = Array.from({ length: 50 }, (_, at) =>
      span((at + 1).toString(16), 1, { start_ms: START_MS + at * 1000 }),
    )
    for (const one of spans) await first.take(inServices('shop', [one]))
    await first.take(logBatch([{ body: 'hello', trace: traceId('1') }]))
    await first.store.shutdown()
    const second = created({ directory })
    await second.store.start()
    expect(second.store.loading).toBe(true)
    await second.store.loaded()
    expect(second.store.loading).toBe(false)
    expect(second.find()).toEqual(first.find())
    expect(second.store.trace(traceId('5'))).toEqual(first.store.trace(traceId('5')))
    expect((await second.store.logs({ limit: 5 })).logs.map(({ body }) => body)).toEqual(['hello'])
  })

  it('what comes while old traces are read is not lost and not counted twice', async () => {
    const directory = newDirectory()
    const first = await started({ directory })
    const filling = { text: 'x'.repeat(100_000) }
    const old = Array.from({ length: 200 }, (_, at) => traceBatch([span(`a${at}`, 1, { attributes: filling })]))
    await Promise.all(old.map((batch) => first.take(batch)))
    await first.store.shutdown()
    const second = created({ directory, traces_max: 150 })
    await second.store.start()
    // Most of this is committed long before 20 MB are read.
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => second.take(traceBatch([span('b', at + 1), span(`b${at}`, 1)]))),
    )
    await second.store.loaded()
    await vi.waitFor(() => expect(second.store.trace(traceId('b'))).toMatchObject({ spans: 100 }))
    expect(second.find({ limit: 1000 })).toHaveLength(150)
    expect(second.find({ limit: 1000 }).filter((id) => id.startsWith('b'))).toHaveLength(101)
    expect(second.host.meter.value('sluice_store_evicted')).toBe(151)
  })

  it('the oldest go when there are too many bytes', async () => {
    const { take, find, host, store: made } = await started({ bytes_max: '1MiB' })
    for (let at = 1; at <= 40; at++) {
      const filling = { text: 'x'.repeat(50_000) }
      await take(traceBatch([span(`${at}`, 1, { start_ms: START_MS + at, attributes: filling })]))
      expect(host.meter.value('sluice_store_bytes')).toBeLessThanOrEqual(1 << 20)
    }
    expect(find().at(0)).toBe('40')
    expect(find()).toHaveLength(20)
    expect(host.meter.value('sluice_store_traces')).toBe(20)
    for (const id of find()) expect(await namesOf(made, id)).toEqual(['span'])
  })

  it('the oldest go when they are too old', async () => {
    const { take, find, host } = await started({ age_max: '24h' })
    await take(traceBatch([span('a', 1)]), logBatch([{}]))
    await host.clock.advance(2 * HOUR_MS)
    await take(traceBatch([span('b', 1), span('a', 2)]), traceBatch([span('c', 1)]))
    await host.clock.advance(23 * HOUR_MS)
    await vi.waitFor(() => expect(host.meter.value('sluice_store_segments')).toBe(2))
    expect(find()).toEqual(['a', 'b', 'c'])
    await host.clock.advance(24 * HOUR_MS)
    await vi.waitFor(() => expect(find()).toEqual([]))
  })

  it('a damaged record is counted and left out', async () => {
    const directory = newDirectory()
    const first = await started({ directory })
    for (const id of ['a', 'b', 'c']) await first.take(traceBatch([span(id, 1)]))
    await first.store.shutdown()
    const path = join(directory, readdirSync(directory).find((name) => name.endsWith('.journal'))!)
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    const second = await started({ directory })
    expect(second.find()).toEqual(['a', 'c'])
    expect(second.host.meter.value('sluice_store_damaged_records')).toBe(1)
  })
})

describe('a component', () => {
  it('delivers what is committed, and refuses before and after', async () => {
    const made = created()
    await expect(made.take(traceBatch([span('a', 1)]))).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
    await made.store.start()
    await made.take(traceBatch([span('a', 1), span('a', 2)]), traceBatch([]))
    expect(made.account.balance()).toMatchObject({ entered: 2, delivered: 2, held: { in_flight: 0 } })
    expect(made.host.meter.value('otelcol_exporter_sent_spans')).toBe(2)
    expect([...sharedStores(made.host)]).toEqual([made.store])
    await made.store.shutdown()
    expect([...sharedStores(made.host)]).toEqual([])
    await expect(made.take(traceBatch([span('a', 1)]))).rejects.toMatchObject({ reason: 'shutdown' })
  })

  it('refuses what is too large for it, for good', async () => {
    const { take, host, account } = await started({ bytes_max: '1MiB' })
    const large = traceBatch([span('a', 1, { attributes: { text: 'x'.repeat(1 << 20) } })])
    await expect(take(large)).rejects.toMatchObject({ reason: 'too_large', retryable: false })
    expect(account.balance()).toMatchObject({ entered: 0, refused: 1 })
    expect(host.statuses.at(-1)).toMatchObject({ state: 'recoverable' })
    await take(traceBatch([span('a', 1)]))
    expect(host.statuses.at(-1)).toMatchObject({ state: 'ok' })
  })

  it('gives back what it cannot write, and works when it can again', async () => {
    const directory = newDirectory()
    const { take, host, account, find } = await started({ directory })
    rmSync(directory, { recursive: true })
    await expect(take(traceBatch([span('a', 1)]))).rejects.toMatchObject({
      reason: 'export_failed',
      retryable: true,
      message: 'cannot write to the journal: ENOENT',
    })
    expect(account.balance()).toMatchObject({ entered: 0, refused: 1, held: { in_flight: 0 } })
    expect(host.statuses.at(-1)).toMatchObject({ state: 'recoverable' })
    mkdirSync(directory)
    await take(traceBatch([span('a', 1)]))
    expect(host.statuses.at(-1)).toMatchObject({ state: 'ok' })
    expect(find()).toEqual(['a'])
  })

  it('that cannot be used at the start drops and counts, and stores when it can', async () => {
    const directory = newDirectory()
    writeFileSync(directory, 'a file in its place')
    const { store, take, host, account, find } = await started({ directory })
    expect(host.statuses.at(-1)).toEqual({ state: 'recoverable', message: expect.stringContaining(directory) })
    await take(traceBatch([span('a', 1)]))
    expect(account.balance()).toMatchObject({ entered: 1, dropped: { store_unavailable: 1 }, held: { in_flight: 0 } })
    await host.clock.advance(30_000)
    expect(host.statuses).toHaveLength(1)
    rmSync(directory)
    // A try that is under way on the disk is not begun anew.
    await vi.waitFor(async () => {
      await host.clock.advance(30_000)
      expect(host.statuses.at(-1)!.state).toBe('ok')
    })
    await store.loaded()
    await take(traceBatch([span('b', 2)]))
    expect(find()).toEqual(['b'])
  })

  it('says at start that its directory is in use, so that a reload can stop the other one first', async () => {
    const directory = newDirectory()
    await started({ directory })
    await expect(started({ directory })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `${directory} is in use by this process: give each its own directory`,
    })
  })

  it('takes new limits in place, but no other directory', async () => {
    const directory = newDirectory()
    const { store: made, take, find } = await started({ directory })
    for (const id of ['a', 'b', 'c']) await take(traceBatch([span(id, 1)]))
    expect(await made.update(store.schema.parse({ directory, traces_max: 2 }))).toBe(true)
    expect(find()).toEqual(['b', 'c'])
    expect(await made.update(store.schema.parse({ directory: `${directory}2` }))).toBe(false)
  })

  it('shutdown works without start, and twice', async () => {
    const { store: made } = created()
    await made.shutdown()
    await made.shutdown()
    await expect(made.inputs.traces!.consume(traceBatch([]), {} as never)).rejects.toThrow('not open')
  })
})

async function namesOf(made: { spans(id: string): AsyncIterable<Parameters<typeof itemsOf>[0]> }, id: string) {
  const batches = await Array.fromAsync(made.spans(traceId(id)))
  return batches.flatMap((batch) => itemsOf(batch).map(({ name }) => name))
}
