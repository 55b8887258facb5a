import { expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import type { HttpHead } from '../../net/http/http_exchange.ts'
import { Conversations, OPEN_CONVERSATIONS } from '../../steps/conversations/conversations.ts'
import { CONVERSATION_PATH, listConversations, showConversation } from './talks.ts'

function bench() {
  const host = testHost()
  const talks = new Conversations(100, host.clock)
  host.service(OPEN_CONVERSATIONS).add(talks)
  for (const [id, turns, cost] of [
    ['a b', 3, 0.5],
    ['c', 1, 2],
    ['d', 2, 1],
    ['unsaid', 0, 0],
  ] as const) {
    const row = talks.rowOf(talks.open(Buffer.from(id), 0, id.length))
    talks.set(row, 'turns', turns)
    talks.set(row, 'calls', turns)
    talks.set(row, 'cost_usd', cost)
    talks.set(row, 'first_ms', 1000)
    talks.set(row, 'last_ms', 1000 * turns)
  }
  const asked = (query: string) => ({ path: '/', query: new URLSearchParams(query) }) as unknown as HttpHead
  const ids = (query: string) => {
    const { content } = listConversations(host, asked(query)) as { content: { conversations: { id: string }[] } }
    return content.conversations.map(({ id }) => id)
  }
  const show = (id: string) => showConversation(host, { ...asked(''), path: CONVERSATION_PATH + id })
  return { ids, show }
}

test.each([
  ['', ['a b', 'd', 'c']],
  ['sort=cost', ['c', 'd', 'a b']],
  ['sort=turns&limit=2', ['a b', 'd']],
  ['min_turns=2', ['a b', 'd']],
  ['min_cost_usd=1&sort=cost&limit=1', ['c']],
])('conversations, %s', (query, expected) => {
  expect(bench().ids(query)).toEqual(expected)
})

test('what is wrong with a query is said', () => {
  expect(() => bench().ids('sort=name')).toThrow('last or cost or turns')
  expect(() => bench().ids('user=1')).toThrow('expected some of')
})

test('one by its id, as URLs write it', () => {
  const { show } = bench()
  expect(show('a%20b')).toMatchObject({
    content: { id: 'a b', turns: 3, cost_usd: 0.5, first: '1970-01-01T00:00:01.000Z', score: null },
  })
  expect(() => show('nobody')).toThrow('no conversation')
  expect(() => show('%')).toThrow('URL-encoded')
})
