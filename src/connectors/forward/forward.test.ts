import { expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import { Edge } from '../../pipeline/edge.ts'
import { retryLater } from '../../refusal.ts'
import { forward } from './index.ts'

test('passes batches on as they are, with one account before and one behind it', async () => {
  const recorder = new Recorder<'logs'>()
  const [before, behind] = [bookedAccount('logs'), bookedAccount('logs', 'forward → logs')]
  const { inputs } = forward.create({}, testHost(), { logs: new Edge(behind.book, recorder) })
  const batch = anyBatch('logs', 4)
  await before.feed(inputs.logs!, batch)
  expect(recorder.batches[0]).toBe(batch)
  recorder.refuse(retryLater('queue_full', 'full'))
  await expect(before.feed(inputs.logs!, batch)).rejects.toThrow('full')
  for (const account of [before, behind]) {
    expect(account.balance()).toMatchObject({ entered: 4, delivered: 4, refused: 4, held: { in_flight: 0 } })
  }
})

test('has inputs only for the signals that some pipeline takes from it', () => {
  const { inputs } = forward.create({}, testHost(), { traces: new Recorder<'traces'>() })
  expect(Object.keys(inputs)).toEqual(['traces'])
})
