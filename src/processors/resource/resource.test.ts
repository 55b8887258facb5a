import { expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, attributesOf, batchOf, itemsOf, keyValues, requestOf } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Message } from '../../otlp/codec.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { schema } from './config.ts'
import { resource } from './index.ts'

async function apply<S extends Signal>(attributes: unknown[], batch: Batches[S]): Promise<Batches[S]> {
  const recorder = new Recorder<S>()
  const processor = resource.create(schema.parse({ attributes }), testHost(), batch.signal as S, recorder)
  await bookedAccount(batch.signal as S).feed(processor, batch)
  const result = recorder.batches[0]!
  expect(receive(batch.signal as S, result.bytes).batch.count).toBe(batch.count)
  return result
}

function resourcesOf(batch: Batches[Signal]): (Message | undefined)[] {
  return (Object.values(requestOf(batch))[0] as Message[]).map((group) => group['resource'] as Message | undefined)
}

const set = { action: 'upsert', key: 'env', value: 'prod' }

test.each(['traces', 'metrics', 'logs'] as const)('edits resources of %s and nothing else', async (signal) => {
  const batch = anyBatch(signal, 3, { resource: { 'service.name': 'shop', env: 'dev' }, scope: { name: 'lib' } })
  const result = await apply([set, { action: 'insert', key: 'team', value: 'a' }], batch)
  expect(attributesOf(resourcesOf(result)[0])).toEqual([
    ['service.name', 'shop'],
    ['env', 'prod'],
    ['team', 'a'],
  ])
  expect(itemsOf(result)).toEqual(itemsOf(batch))
})

test('adds a resource where there is none, and only where one is needed', async () => {
  const group = (resource?: Message) => ({ ...(resource && { resource }), scopeSpans: [{ spans: [{ name: 'a' }] }] })
  const batch = batchOf('traces', {
    resourceSpans: [group(), { ...group({ attributes: keyValues({ a: 1 }) }), schemaUrl: 'x' }, group()],
  })
  const result = await apply([set], batch)
  expect(resourcesOf(result).map((one) => attributesOf(one))).toEqual([
    [['env', 'prod']],
    [
      ['a', 1],
      ['env', 'prod'],
    ],
    [['env', 'prod']],
  ])
  expect(itemsOf(result)).toEqual(itemsOf(batch))
  expect(await apply([{ action: 'insert', key: 'a', from_attribute: 'none' }], batch)).toBe(batch)
  expect(await apply([{ action: 'delete', key: 'b' }], batch)).toBe(batch)
})

test('hash needs a key', () => {
  const attributes = [{ action: 'hash', key: 'user.id' }]
  expect(schema.safeParse({ attributes }).success).toBe(false)
  expect(schema.safeParse({ attributes, hash_key: 'sixteen characters' }).success).toBe(true)
})
