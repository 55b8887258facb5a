import { afterEach, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { ConversationTable } from '../../steps/conversations/conversation_table.ts'
import { sharedConversations } from '../../steps/conversations/shared_conversations.ts'
import { schema } from './config.ts'
import { Api } from './index.ts'

let running: Api | undefined

afterEach(async () => {
  await running?.shutdown(AbortSignal.abort())
  running = undefined
})

async function started() {
  const host = testHost({ id: 'api' })
  running = new Api(schema.parse({ endpoint: '127.0.0.1:0' }), host)
  await running.start()
  const table = new ConversationTable({ ended: () => undefined, judged: () => undefined, grown: () => undefined })
  sharedConversations(host).tables.add(table)
  const say = (id: string, cost_usd: number, end_ms: number, trace: number) => {
    const bytes = Buffer.from(id)
    const times = { start_ms: end_ms - 1000, end_ms }
    const numbers = { input: 10, output: 1, cost_usd, score: Number.NaN }
    const key = table.hear(bytes, 0, bytes.length, trace, 0, 100)
    table.add(key, { trace, inWords: true, failed: false, ...times, ...numbers })
  }
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${running!.port}/api/conversations${path}`)
    return { status: answer.status, content: JSON.parse(await answer.text()) }
  }
  return { say, get }
}

const ids = ({ content }: { content: { conversations: { id: string }[] } }) => content.conversations.map(({ id }) => id)

test('lists conversations, sorted and filtered', async () => {
  const { say, get } = await started()
  expect(await get('')).toEqual({ status: 200, content: { conversations: [] } })
  say('a', 1, 5000, 1)
  say('b', 5, 4000, 2)
  say('c', 0.5, 3000, 3)
  say('c', 0.5, 3500, 4)
  expect(ids(await get(''))).toEqual(['a', 'b', 'c'])
  expect(ids(await get('?sort=cost&limit=1'))).toEqual(['b'])
  expect(ids(await get('?sort=turns&limit=1'))).toEqual(['c'])
  expect(ids(await get('?min_turns=2'))).toEqual(['c'])
  expect(ids(await get('?min_cost_usd=1&since=1970-01-01T00:00:05Z'))).toEqual(['a'])
  expect((await get('?sort=name')).status).toBe(400)
  expect((await get('?limit=0')).status).toBe(400)
  expect((await get('?model=m')).status).toBe(400)
})

test('shows one by its id', async () => {
  const { say, get } = await started()
  say('user/7 ü', 0.25, 5000, 1)
  expect(await get(`/${encodeURIComponent('user/7 ü')}`)).toEqual({
    status: 200,
    content: {
      ...{ id: 'user/7 ü', turns: 1, calls: 1, failed: 0, input_tokens: 10, output_tokens: 1, cost_usd: 0.25 },
      ...{ quality_score: null, first: '1970-01-01T00:00:04.000Z', last: '1970-01-01T00:00:05.000Z' },
      duration_ms: 1000,
    },
  })
  expect((await get('/other')).status).toBe(404)
  expect((await get('/%zz')).status).toBe(400)
})
