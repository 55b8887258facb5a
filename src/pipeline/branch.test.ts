/** A fan-out of branches that refuse at random: each gets what was acknowledged once, or it is counted. */
import { describe, expect, test } from 'vitest'
import { testHost } from '../../test/support/host.ts'
import { traceBatch } from '../../test/support/otlp.ts'
import type { Batches, Consumer, Context } from '../component.ts'
import { notAccounted } from '../not_accounted.ts'
import { Refusal, retryLater } from '../refusal.ts'
import type { FakeClock } from '../self/clock.ts'
import { heldBytes } from '../waiting/kept_queue.ts'
import { Branch } from './branch.ts'
import { CopyRoom } from './copies.ts'
import { FanOut, Split } from './edge.ts'
import { Book, findings } from './ledger.ts'

const SEEDS = 60
const context: Context = { account: notAccounted, metadata: new Map() }

/** xorshift, uniform in [0, 1). */
function randomOf(seed: number): () => number {
  let state = seed * 2654435761 + 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A destination that refuses as it likes, and knows what it has taken. */
class Backend implements Consumer<'traces'> {
  readonly taken: Batches['traces'][] = []
  chance = 0.5
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  async consume(batch: Batches['traces'], { account }: Context): Promise<void> {
    const chosen = this.#random()
    if (chosen < this.chance * 0.9) throw retryLater('queue_full', 'full', 100)
    if (chosen < this.chance) throw new Refusal('no', 'for good', { retryable: false })
    this.taken.push(batch)
    account.deliver(batch.count)
  }
}

function treeOf(random: () => number, bytes_max: number, when_full: 'drop_oldest' | 'refuse') {
  const host = testHost()
  const room = new CopyRoom(() => ({ bytes_max, when_full }))
  const books: Book[] = []
  const backends = [0, 1, 2, 3].map(() => new Backend(random))
  const branchTo = (next: Consumer<'traces'>): Branch<'traces'> => {
    const book = new Book(`branch ${books.length}`, 'traces')
    books.push(book)
    const branch = new Branch<'traces'>(book, { clock: host.clock, log: host.log, room })
    branch.point(next)
    return branch
  }
  const [a, b, c, d] = backends.map((backend) => branchTo(backend))
  const inner = branchTo(new FanOut(new Split([c!], [d!], room)))
  const entry = new Split([a!, inner], [b!], room)
  return { entry, room, books, backends, branches: [a!, b!, c!, d!, inner], clock: host.clock as FakeClock }
}

describe.each(['drop_oldest', 'refuse'] as const)('when_full: %s', (when_full) => {
  test.each(Array.from({ length: SEEDS }, (_, seed) => seed))('seed %i', async (seed) => {
    const random = randomOf(seed + 1)
    const one = traceBatch([{ attributes: { n: 1 } }])
    const bytes_max = Math.round(heldBytes({ batch: one, context }) * (4 + random() * 40))
    const { entry, room, books, backends, branches, clock } = treeOf(random, bytes_max, when_full)
    const acknowledged: Batches['traces'][] = []
    const refused: Batches['traces'][] = []
    for (let step = 0; step < 80; step++) {
      for (const backend of backends) if (random() < 0.1) backend.chance = random() < 0.5 ? 1 : random()
      const batch = traceBatch([{ attributes: { n: step } }])
      await entry.consume(batch, context).then(
        () => acknowledged.push(batch),
        () => refused.push(batch),
      )
      if (random() < 0.3) await clock.advance(random() * 1000)
      if (random() < 0.05) room.giveUp(random() * bytes_max)
      expect(findings(books.map((book) => book.balance()))).toEqual([])
      expect(room.size_bytes).toBeLessThanOrEqual(bytes_max)
    }
    for (const backend of backends) backend.chance = 0
    await clock.advance(300_000)
    expect(
      findings(
        books.map((book) => book.balance()),
        true,
      ),
    ).toEqual([])
    expect(room.size_bytes).toBe(0)
    for (const backend of backends) {
      expect(new Set(backend.taken).size, 'nothing twice').toBe(backend.taken.length)
      expect(backend.taken.filter((batch) => refused.includes(batch))).toEqual([])
    }
    for (const [at, branch] of branches.entries()) {
      const { entered, delivered, dropped } = branch.book.balance()
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      expect(entered).toBe(delivered + lost)
      if (at < 2 || at === 4)
        expect(entered, 'each gets all that was acknowledged, or it is counted').toBe(acknowledged.length)
      if (when_full === 'refuse') expect(dropped['queue_full'] ?? 0).toBe(0)
    }
  })
})
