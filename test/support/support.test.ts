import { expect, test } from 'vitest'
import { retryLater } from '../../src/refusal.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { bookedAccount } from './account.ts'
import { testHost } from './host.ts'
import { anyBatch, attributesOf, itemsOf, logBatch, metricBatch, traceBatch } from './otlp.ts'
import { Recorder } from './recorder.ts'

test('the batches are valid OTLP with the given number of items', () => {
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    const batch = anyBatch(signal, 3, { resource: { 'service.name': 'shop' }, scope: { name: 'lib' } })
    expect(batch.count).toBe(3)
    expect(receive(signal, batch.bytes).batch.count).toBe(3)
  }
})

test('attributes go in and come out, duplicates and all types included', () => {
  const given: [string, string | number | boolean | null | string[]][] = [
    ['a', 'x'],
    ['a', 'y'],
    ['b', 5],
    ['c', 1.5],
    ['d', true],
    ['e', ['p', 'q']],
    ['f', null],
  ]
  expect(attributesOf(itemsOf(traceBatch([{ attributes: given }]))[0])).toEqual(given)
  expect(attributesOf(itemsOf(logBatch([{ attributes: given }]))[0])).toEqual(given)
  expect(metricBatch([{ name: 'm', points: [{}, { attributes: given }] }]).count).toBe(2)
})

test('the recorder delivers what it takes, and a refused batch leaves the account', async () => {
  const account = bookedAccount('traces')
  const recorder = new Recorder<'traces'>()
  await account.feed(recorder, anyBatch('traces', 2))
  recorder.refuse(retryLater('queue_full', 'full'), 1)
  await expect(account.feed(recorder, anyBatch('traces', 3))).rejects.toThrow('full')
  await account.feed(recorder, anyBatch('traces', 3))
  expect(account.balance()).toMatchObject({ entered: 5, delivered: 5, refused: 3 })
  expect(account.discrepancy()).toBe(0)
  expect(recorder.count).toBe(5)
})

test('metrics can be read by name and labels; hosts can share', () => {
  const host = testHost({ id: 'batch' })
  host.meter.counter('hits', 'Hits.', { signal: 'traces' }).add(2)
  host.meter.counter('hits', 'Hits.', { signal: 'traces' }).add(1)
  host.meter.counter('hits', 'Hits.', { signal: 'logs' }).add(4)
  host.meter.histogram('size', 'Sizes.', [1, 2]).record(7)
  expect([host.meter.value('hits'), host.meter.value('hits', { signal: 'logs' })]).toEqual([7, 4])
  expect(host.meter.recorded('size')).toEqual([7])
  const other = testHost({ sharedWith: host })
  const service = { make: () => ({}) }
  expect(other.service(service)).toBe(host.service(service))
})
