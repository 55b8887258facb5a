import { expect, test } from 'vitest'
import { anyBatch } from '../../test/support/otlp.ts'
import type { Context } from '../component.ts'
import { Way } from './edge.ts'

test('whoever waits until nothing is under way is told, however many wait and whenever they began to', async () => {
  const under: PromiseWithResolvers<void>[] = []
  const way = new Way<'traces'>({
    consume: () => {
      const one = Promise.withResolvers<void>()
      under.push(one)
      return one.promise
    },
  })
  const told: string[] = []
  const wait = (name: string) => way.idle().then(() => told.push(name))
  const send = () => way.consume(anyBatch('traces', 1), {} as Context)
  const sent = [send(), send()]
  const waiting = [wait('first'), wait('second')]
  under[0]!.resolve()
  await sent[0]
  waiting.push(wait('third'))
  expect(told).toEqual([])
  under[1]!.resolve()
  await sent[1]
  await Promise.all(waiting)
  expect(told).toEqual(['first', 'second', 'third'])
  const again = send()
  const later = wait('later')
  under[2]!.resolve()
  await again
  await later
  expect(told.at(-1)).toBe('later')
})
