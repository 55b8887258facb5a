import { expect, test } from 'vitest'
import { LoneCalls } from './lone_calls.ts'

function lone(calls_max: number) {
  const settled: number[] = []
  const removed: number[] = []
  const told = new Map<number, number>()
  const calls = {
    remove: (call: number) => void removed.push(call),
    takers: () => 1,
    told: (call: number) => told.get(call) ?? 0,
    addTold: (call: number, bits: number) => void told.set(call, bits),
  }
  return {
    calls: new LoneCalls(calls, { settle: ([call]) => void settled.push(call!) }, () => calls_max),
    settled,
    removed,
  }
}

test('each settles when it has waited, in order, and over many', () => {
  const { calls, settled, removed } = lone(10_000)
  for (let at = 0; at < 5000; at++) calls.add(at, at)
  calls.settle(2999, 1000)
  expect(settled).toEqual(Array.from({ length: 2000 }, (_, at) => at))
  calls.settle(2999, 1000)
  expect(removed).toEqual(settled)
  calls.close()
  expect(settled).toHaveLength(5000)
  expect(calls.settleOldest()).toBe(false)
})

test('over calls_max the longest waiting settles early', () => {
  const { calls, settled } = lone(3)
  for (let at = 0; at < 5; at++) calls.add(at, 0)
  expect(settled).toEqual([0, 1])
})
