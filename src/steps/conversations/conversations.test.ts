import { describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { Conversations, NO_TALK } from './conversations.ts'

function bench(max: number) {
  const { clock } = testHost()
  const talks = new Conversations(max, clock)
  const ended: string[] = []
  talks.onEnded = (row) => ended.push(talks.id(row))
  const open = (id: string) => talks.open(Buffer.from(`<${id}>`), 1, Buffer.byteLength(id) + 1)
  return { clock, talks, ended, open }
}

describe('conversations', () => {
  test('are known by their id until nothing comes for a while', async () => {
    const { clock, talks, ended, open } = bench(10)
    const [a, b] = [open('a'), open('bé')]
    expect(open('a')).toBe(a)
    talks.add(talks.rowOf(a), 'turns', 1)
    expect(talks.get(talks.find('a'), 'turns')).toBe(1)
    expect([...talks.all()].map((row) => talks.id(row))).toEqual(['a', 'bé'])
    await clock.advance(60_000)
    open('a')
    await clock.advance(60_000)
    talks.expire(100_000)
    expect(ended).toEqual(['bé'])
    expect([talks.rowOf(b), talks.find('bé'), talks.count]).toEqual([-1, -1, 1])
    // The row has another one now.
    open('c')
    expect(talks.rowOf(b)).toBe(-1)
  })

  test('an empty id and one that is too long are none', () => {
    const { talks, open } = bench(10)
    expect([open(''), open('x'.repeat(129)), talks.refused, talks.count]).toEqual([NO_TALK, NO_TALK, 1, 0])
  })

  test('a hundred thousand at once, and beyond them the oldest are over', () => {
    const { talks, ended, open } = bench(100_000)
    for (let one = 0; one < 250_000; one++) open(`conversation ${one}`)
    expect([talks.count, talks.givenUp, ended[0], ended.length]).toEqual([100_000, 150_000, 'conversation 0', 150_000])
    expect(talks.size_bytes).toBeLessThan(48 << 20)
    expect(talks.find('conversation 149999')).toBe(-1)
    expect(talks.id(talks.find('conversation 150000'))).toBe('conversation 150000')
  })
})
