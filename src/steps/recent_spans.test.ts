import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { hashTraceId } from '../traces/trace_id.ts'
import { RecentSpans } from './recent_spans.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test(`knows at least the last so many spans and at most twice as many, seed ${seed}`, () => {
  const random = new Random(seed)
  const recent = new RecentSpans(5000)
  const span = Buffer.alloc(24)
  const ids: Buffer[] = []
  const seen = (id: Buffer) => recent.seen(hashTraceId(id, 0), id, 16)
  for (let round = 0; round < 40_000; round++) {
    const id = Buffer.from(span)
    id.writeUInt32BE(random.below(2 ** 32), random.chance(50) ? 0 : 12)
    id.writeUInt32BE(round, random.chance(50) ? 16 : 20)
    if (seen(id)) throw new Error(`span ${round} is taken for another`)
    ids.push(id)
    if (random.chance(10)) expect(seen(ids.at(-1 - random.below(Math.min(4900, ids.length)))!)).toBe(true)
  }
  expect(ids.slice(0, 1000).filter(seen).length).toBe(0)
})

test('a span id of another trace is another span', () => {
  const recent = new RecentSpans(1000)
  const id = Buffer.from('0102030405060708', 'hex')
  for (let trace = 0; trace < 500; trace++) expect(recent.seen(trace * 7919, id, 0)).toBe(false)
  for (let trace = 0; trace < 500; trace++) expect(recent.seen(trace * 7919, id, 0)).toBe(true)
})
