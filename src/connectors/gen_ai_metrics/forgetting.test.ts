/** Above every bound, over hours: who has a series of its own, and what a Prometheus that reads all of it adds up. */
import { expect, test } from 'vitest'
import { attributesOf, itemsOf } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import type { MetricBatch } from '../../telemetry/batch.ts'
import { bench, call } from './gen_ai_metrics.fixture.ts'

const REQUESTS = 'llm_requests_total'
const MINUTE_MS = 60_000

let traces = 0
const named = (model: string, more: Record<string, string> = {}) =>
  call({ trace: (++traces).toString(16).padStart(32, '0'), with: { 'gen_ai.request.model': model, ...more } })

const busy = { settle_after: 0, settle_max: 0, metrics_flush_interval: '30s' }

interface Reading {
  value: number
  start: bigint
  increase: number
  isOver: boolean
}

/**
 * What all batches say, series by series, as `increase()` counts it: from the zero at which a series begins. A series
 * may go back only when it has ended, and then it says that it began later.
 */
function read(batches: readonly MetricBatch[], name: string): Map<string, Reading> {
  const series = new Map<string, Reading>()
  for (const batch of batches)
    for (const metric of itemsOf(batch).filter((one) => one['name'] === name))
      for (const point of ((metric['sum'] ?? metric['histogram']) as Message)['dataPoints'] as Message[]) {
        const key = JSON.stringify(attributesOf(point))
        const value = Number(point['asDouble'] ?? point['count'] ?? 0)
        const start = point['startTimeUnixNano'] as bigint
        const before = series.get(key)
        if (Number(point['flags'] ?? 0) === 1) {
          before!.isOver = true
          continue
        }
        if (before === undefined) {
          expect(value).toBe(0)
          series.set(key, { value, start, increase: 0, isOver: false })
          continue
        }
        if (before.start !== start) {
          expect([before.isOver, start > before.start, value]).toEqual([true, true, 0])
          Object.assign(before, { value: 0, start, isOver: false })
        }
        expect(value).toBeGreaterThanOrEqual(before.value)
        before.increase += value - before.value
        Object.assign(before, { value, isOver: false })
      }
  return series
}

/** What was added to the series with these labels. */
function increaseOf(readings: ReadonlyMap<string, Reading>, labels: Record<string, string> = {}): number {
  let total = 0
  for (const [key, { increase }] of readings) {
    const attributes = Object.fromEntries(JSON.parse(key) as [string, string][])
    if (Object.entries(labels).every(([label, text]) => attributes[label] === text)) total += increase
  }
  return total
}

const live = (readings: ReadonlyMap<string, Reading>) => [...readings.values()].filter(({ isOver }) => !isOver).length

test('models that were misspelt once make room for one that comes late and often', async () => {
  const it = await bench({ models_max: 5, ...busy })
  // One goes before it was ever shown.
  for (let typo = 0; typo < 5; typo++) await it.send(named(`gtp-${typo}`))
  for (let minute = 0; minute < 20; minute++) {
    for (let at = 0; at < 10; at++) await it.send(named('gpt-5'))
    await it.pass(MINUTE_MS)
  }
  await it.pass(MINUTE_MS)
  const requests = read(it.next.batches, REQUESTS)
  expect(increaseOf(requests)).toBe(205)
  expect(increaseOf(requests, { model: 'gpt-5' })).toBeGreaterThanOrEqual(190)
  expect(it.host.meter.value('sluice_gen_ai_metrics_labels_replaced')).toBe(1)
  // The one that went has ended, in every family.
  expect(live(requests)).toBe(4 + 1 + 1)
})

test('new names without end do not displace those that are used, and what is held stays bounded', async () => {
  const it = await bench({ models_max: 20, series_max: 1000, ...busy })
  const real = Array.from({ length: 15 }, (_, at) => `real-${at}`)
  for (let minute = 0; minute < 45; minute++) {
    await it.send(...real.flatMap((model) => [named(model), named(model)]))
    await it.send(
      ...Array.from({ length: 40 }, (_, at) => named(`new-${minute}-${at % 20}`, { 'error.type': `e${minute}-${at}` })),
    )
    await it.pass(MINUTE_MS)
  }
  await it.pass(MINUTE_MS)
  const requests = read(it.next.batches, REQUESTS)
  for (const model of real) expect([model, increaseOf(requests, { model })]).toEqual([model, 90])
  expect(increaseOf(requests)).toBe(45 * 70)
  expect(increaseOf(read(it.next.batches, 'llm_errors_total'))).toBe(45 * 40)
  expect(live(requests)).toBeLessThanOrEqual(20 * 1.25 + 1)
  expect(it.host.meter.value('sluice_gen_ai_metrics_exemplar_candidates')).toBeLessThan(20_000)
})

test('a table that is full of what nobody uses any more is no table for ever', async () => {
  const it = await bench({ models_max: 8, ...busy })
  for (let at = 0; at < 8; at++) await it.send(...Array.from({ length: 200 }, () => named(`old-${at}`)))
  await it.pass(60 * MINUTE_MS)
  for (let minute = 0; minute < 120; minute++) {
    await it.send(...Array.from({ length: 20 }, (_, at) => named(`new-${at % 4}`)), named('old-7'))
    await it.pass(MINUTE_MS)
  }
  await it.pass(MINUTE_MS)
  const requests = read(it.next.batches, REQUESTS)
  expect(increaseOf(requests)).toBe(8 * 200 + 120 * 21)
  for (let at = 0; at < 4; at++) expect(increaseOf(requests, { model: `new-${at}` })).toBeGreaterThan(400)
  expect(increaseOf(requests, { model: 'old-7' })).toBe(320)
})

test('a name that comes back begins anew, or where it was while it is still shown', async () => {
  const it = await bench({ models_max: 1, ...busy })
  const rounds = async (model: string, minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      await it.send(...Array.from({ length: 50 }, () => named(model)))
      await it.pass(MINUTE_MS)
    }
  }
  for (const [model, minutes] of [
    ['a', 3],
    ['b', 60],
    ['a', 60],
    ['b', 60],
  ] as const)
    await rounds(model, minutes)
  await it.pass(MINUTE_MS)
  const requests = read(it.next.batches, REQUESTS)
  expect(increaseOf(requests)).toBe(183 * 50)
  expect(it.host.meter.value('sluice_gen_ai_metrics_labels_replaced')).toBe(3)
  expect(increaseOf(requests, { model: 'a' })).toBeGreaterThan(1500)
  expect(increaseOf(requests, { model: 'b' })).toBeGreaterThan(4000)
})

test('series_max: a model that comes late and often gets series, totals stay true in every family', async () => {
  const it = await bench({ series_max: 100, ...busy })
  for (let at = 0; at < 60; at++) await it.send(named(`m${at}`, { 'error.type': `e${at}` }))
  await it.pass(MINUTE_MS)
  for (let minute = 0; minute < 30; minute++) {
    await it.send(
      ...Array.from({ length: 20 }, () =>
        named('late', { 'error.type': 'timeout', 'gen_ai.response.model': 'late-1' }),
      ),
    )
    await it.pass(MINUTE_MS)
  }
  await it.pass(MINUTE_MS)
  const requests = read(it.next.batches, REQUESTS)
  for (const name of [REQUESTS, 'llm_errors_total', 'llm_request_duration_seconds', 'gen_ai.client.operation.duration'])
    expect([name, increaseOf(read(it.next.batches, name))]).toEqual([name, 660])
  expect(increaseOf(requests, { model: 'late' })).toBeGreaterThan(400)
  expect(increaseOf(read(it.next.batches, 'llm_errors_total'), { error_type: 'timeout' })).toBeGreaterThan(400)
  expect(
    increaseOf(read(it.next.batches, 'gen_ai.client.operation.duration'), { 'gen_ai.response.model': 'late-1' }),
  ).toBeGreaterThan(300)
})
