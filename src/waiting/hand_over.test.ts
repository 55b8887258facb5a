/** Handing on what waits, to a consumer that takes some, none, or never answers. */
import { describe, expect, test } from 'vitest'
import { testHost } from '../../test/support/host.ts'
import { anyBatch } from '../../test/support/otlp.ts'
import type { Batches } from '../component.ts'
import { notAccounted } from '../not_accounted.ts'
import { Refusal, retryLater } from '../refusal.ts'
import { HandOver, type KeptBatch, LATER } from './hand_over.ts'
import { KeptQueue } from './kept_queue.ts'

type Answer = 'take' | 'refuse' | 'never' | Error

/** Batches 0 … n−1 wait; `answer` says what becomes of the n-th attempt. */
function waiting(batches: number, answer: (attempt: number) => Answer) {
  const host = testHost()
  const queue = new KeptQueue<KeptBatch<'traces'>>()
  const numbers = new Map<unknown, number>()
  const [taken, lost, offered]: [number[], string[], number[]] = [[], [], []]
  for (let number = 0; number < batches; number++) {
    const batch = anyBatch('traces', 1) as Batches['traces']
    numbers.set(batch, number)
    queue.add({ batch, context: { account: notAccounted, metadata: new Map() } })
  }
  const next = {
    consume: async (batch: unknown) => {
      const is = answer(offered.length)
      offered.push(numbers.get(batch)!)
      if (is === 'never') await new Promise(() => undefined)
      if (is === 'refuse') throw retryLater('queue_full', 'full')
      if (is instanceof Error) throw is
    },
  }
  const handOver = new HandOver<KeptBatch<'traces'>>(next, host, {
    next: () => queue.offer(),
    refused: (kept) => queue.putBack(kept),
    taken: (kept) => {
      queue.gone(kept)
      taken.push(numbers.get(kept.batch)!)
    },
    lost: (kept, reason) => {
      queue.gone(kept)
      lost.push(`${numbers.get(kept.batch)} ${reason}`)
    },
  })
  return { handOver, queue, taken, lost, offered, clock: host.clock }
}

describe('handing on', () => {
  test('keeps the order through refusals, one attempt a second', async () => {
    const it = waiting(4, (attempt) => (attempt % 3 === 2 ? 'take' : 'refuse'))
    it.handOver.run()
    await it.clock.advance(0)
    await it.clock.advance(20_000)
    expect(it.taken).toEqual([0, 1, 2, 3])
    expect(it.offered).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    expect(it.queue.size_bytes).toBe(0)
  })

  test('a wait that is asked for is kept, up to half a minute', async () => {
    const it = waiting(1, () => retryLater('queue_full', 'full', 3_600_000))
    it.handOver.run()
    await it.clock.advance(0)
    await it.clock.advance(299_000)
    expect(it.offered).toHaveLength(10)
  })

  test('what is refused for good is lost alone', async () => {
    const it = waiting(3, (attempt) => (attempt === 1 ? new Refusal('too_large', 'no', { retryable: false }) : 'take'))
    it.handOver.run()
    await it.clock.advance(0)
    expect([it.taken, it.lost]).toEqual([[0, 2], ['1 too_large']])
  })

  test('while it waits for the next attempt, the oldest may be taken away', async () => {
    const it = waiting(3, (attempt) => (attempt === 0 ? 'refuse' : 'take'))
    it.handOver.run()
    await it.clock.advance(0)
    it.queue.drop()
    await it.clock.advance(1000)
    expect(it.taken).toEqual([1, 2])
    expect(it.queue.size_bytes).toBe(0)
  })

  test.each<[string, (attempt: number) => Answer, boolean[]]>([
    ['takes', () => 'take', [false, false, false]],
    ['refuses', () => 'refuse', [true, true, true]],
    ['never answers', () => 'never', [false, false, true]],
    ['takes at the second attempt', (attempt) => (attempt === 0 ? 'refuse' : 'take'), [true, false, false]],
  ])('a consumer that %s: held up or not', async (_, answer, expected) => {
    const it = waiting(2, answer)
    it.handOver.run()
    const seen: boolean[] = []
    for (const wait_ms of [0, 1000, 1000]) {
      await it.clock.advance(wait_ms)
      seen.push(it.handOver.isHeldUp)
    }
    expect(seen).toEqual(expected)
  })
})

describe('a stop', () => {
  test('goes on while something is taken now and then', async () => {
    const it = waiting(10, (attempt) => (attempt % 4 === 3 ? 'take' : 'refuse'))
    const finished = it.handOver.finish(new AbortController().signal)
    await it.clock.advance(0)
    await it.clock.advance(60_000)
    await finished
    expect([it.taken.length, it.lost]).toEqual([10, []])
  })

  test('ends for a consumer that takes nothing long before the deadline', async () => {
    const it = waiting(3, () => 'refuse')
    const finished = it.handOver.finish(new AbortController().signal)
    await it.clock.advance(6000)
    await finished
    expect(it.lost).toEqual(['0 shutdown', '1 shutdown', '2 shutdown'])
    expect(it.offered.length).toBeLessThan(8)
  })

  test('at the deadline what is not on offer is lost', async () => {
    const it = waiting(3, () => 'never')
    const deadline = new AbortController()
    it.handOver.run()
    const finished = it.handOver.finish(deadline.signal)
    await it.clock.advance(10_000)
    deadline.abort()
    await finished
    expect(it.lost).toEqual(['1 shutdown', '2 shutdown'])
  })
})

test('LATER: the rest of the loop has its turn before the next', async () => {
  const story: string[] = []
  const host = testHost()
  const answers = ['batch', LATER, 'batch', undefined] as const
  let asked = 0
  const kept = {
    batch: anyBatch('traces', 1) as Batches['traces'],
    context: { account: notAccounted, metadata: new Map() },
  }
  const next = { consume: async () => void story.push('taken') }
  const handOver = new HandOver<KeptBatch<'traces'>>(next, host, {
    next: () => {
      const answer = answers[asked++]
      return answer === 'batch' ? kept : answer
    },
    refused: () => undefined,
    taken: () => undefined,
    lost: () => undefined,
  })
  handOver.run()
  setImmediate(() => story.push('others'))
  await host.clock.advance(0)
  expect(story).toEqual(['taken', 'others', 'taken'])
})
