import { describe, expect, test } from 'vitest'
import { type CallInConversation, ConversationTable } from './conversation_table.ts'

const said: CallInConversation = {
  ...{ trace: 1, inWords: true, failed: false, start_ms: 1000, end_ms: 2000 },
  ...{ input: 10, output: 1, cost_usd: 0.5, score: Number.NaN },
}
const all = { sort: 'last', limit: 100, min_turns: 0, min_cost_usd: 0, since_ms: 0 } as const

function told() {
  const grown: number[] = []
  const ended: string[] = []
  const judged: [number, number][] = []
  const table = new ConversationTable({
    ended: ({ id, turns }) => ended.push(`${id} ${turns}`),
    judged: (turn, score) => judged.push([turn, score]),
    grown: (tokens) => grown.push(tokens),
  })
  const hear = (id: string, now_ms = 0, trace = 0, most = 100_000) => {
    const bytes = Buffer.from(id)
    return table.hear(bytes, 0, bytes.length, trace, now_ms, most)
  }
  return { table, hear, grown, ended, judged }
}

describe('turns', () => {
  test.each<[string, number[], number]>([
    ['of one trace', [1, 1, 1], 1],
    ['of traces one after the other', [1, 2, 3], 3],
    ['of traces that overlap', [1, 2, 1, 2], 2],
    ['without a trace, each call is one', [0, 0], 2],
  ])('%s', (_name, traces, turns) => {
    const { table, hear } = told()
    const key = hear('c')
    for (const trace of traces) table.add(key, { ...said, trace })
    expect(table.find('c')).toMatchObject({ turns, calls: traces.length })
  })

  test('grow by the largest input of each; what is not known says nothing', () => {
    const { table, hear, grown } = told()
    const key = hear('c')
    for (const [trace, input] of [
      [1, 100],
      [1, 120],
      [2, 300],
      [3, Number.NaN],
      [4, 500],
      [5, 450],
    ] as const)
      table.add(key, { ...said, trace, input })
    table.endAll()
    expect(grown).toEqual([180, -50])
  })

  test('one trace is a turn of each conversation that its calls name', () => {
    const { table, hear } = told()
    for (const id of ['a', 'b', 'a', 'b']) table.add(hear(id, 0, 7), { ...said, trace: 7 })
    expect([table.find('a')?.turns, table.find('b')?.turns]).toEqual([1, 1])
  })
})

test('numbers that are not known add nothing, and times are the outermost that are told', () => {
  const { table, hear } = told()
  const key = hear('c')
  const { NaN: unknown } = Number
  table.add(key, { ...said, input: unknown, output: unknown, cost_usd: unknown, start_ms: unknown, end_ms: unknown })
  table.add(key, { ...said, failed: true, start_ms: 900, end_ms: 1500 })
  table.add(key, said)
  expect(table.find('c')).toEqual({
    ...{ id: 'c', turns: 1, calls: 3, failed: 1, inputTokens: 20, outputTokens: 2, cost_usd: 1, score: unknown },
    ...{ first_ms: 900, last_ms: 2000 },
  })
})

test('ends what has been quiet, a piece at a time', () => {
  const { table, hear, ended } = told()
  for (const [place, id] of ['a', 'b', 'c'].entries()) table.add(hear(id, place * 10), said)
  hear('a', 30)
  table.expire(35, 20, 1)
  expect(ended).toEqual(['b 1'])
  table.expire(45, 20, 100)
  expect(ended).toEqual(['b 1', 'c 1'])
  expect(table.count).toBe(1)
})

test('long ids are told apart by all of their bytes, and shown cut', () => {
  const { table, hear } = told()
  const long = 'x'.repeat(500)
  table.add(hear(`${long}1`), said)
  table.add(hear(`${long}2`), said)
  expect(table.count).toBe(2)
  expect(table.find(`${long}2`)?.id).toBe('x'.repeat(96))
})

test('lists the largest first, as many as are asked for', () => {
  const { table, hear } = told()
  for (let one = 0; one < 1000; one++)
    table.add(hear(`c${one}`), { ...said, cost_usd: (one * 7) % 1000, end_ms: 5000 + one })
  const list = (question: object) => table.list({ ...all, ...question }).map(({ id }) => id)
  expect(list({ limit: 3 })).toEqual(['c999', 'c998', 'c997'])
  expect(list({ sort: 'cost', limit: 2 })).toEqual(['c857', 'c714'])
  expect(list({ sort: 'turns', limit: 5 })).toHaveLength(5)
  expect(list({ sort: 'cost', min_cost_usd: 998 })).toEqual(['c857', 'c714'])
  expect(list({ min_turns: 2 })).toEqual([])
  expect(list({ since_ms: 5998 })).toEqual(['c999', 'c998'])
})

test('a hundred thousand take less than 42 MiB, however many more come', () => {
  const { table, hear } = told()
  for (let one = 0; one < 110_000; one++)
    table.add(hear(`conversation-${one}`, one, one + 1), { ...said, trace: one + 1 })
  expect([table.count, table.givenUp]).toEqual([100_000, 10_000])
  expect(table.find('conversation-9999')).toBeUndefined()
  expect(table.find('conversation-10000')?.calls).toBe(1)
  expect(table.size_bytes).toBeLessThan(42 * 2 ** 20)
  const begun = performance.now()
  expect(table.list({ ...all, sort: 'cost', limit: 1000 })).toHaveLength(1000)
  expect(performance.now() - begun).toBeLessThan(1000)
})
