/** Conversations that are open: the list, and one of them. */
import type { Host } from '../../component.ts'
import type { HttpHead } from '../../net/http/http_exchange.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'
import { type Conversations, OPEN_CONVERSATIONS, type TalkColumn } from '../../steps/conversations/conversations.ts'
import type { ApiAnswer } from './api_answer.ts'
import { Parameters } from './parameters.ts'

export const CONVERSATION_PATH = '/api/conversations/'
const LISTED = 100
const LISTED_MAX = 1000
const SORTS = ['last', 'cost', 'turns'] as const
const COLUMN_OF = { last: 'last_ms', cost: 'cost_usd', turns: 'turns' } as const satisfies Record<string, TalkColumn>

interface Found {
  readonly of: Conversations
  readonly row: number
  readonly value: number
}

/** GET /api/conversations: those with most of what `sort` says first. */
export function listConversations(host: Host, { query }: HttpHead): ApiAnswer {
  const given = new Parameters(query, ['limit', 'sort', 'min_turns', 'min_cost_usd'])
  const limit = given.whole('limit', 1, LISTED_MAX) ?? LISTED
  const column = COLUMN_OF[given.choice('sort', SORTS) ?? 'last']
  const minTurns = given.number('min_turns', 0) ?? 0
  const minCost = given.number('min_cost_usd', 0) ?? 0
  const best: Found[] = []
  let matching = 0
  for (const of of host.service(OPEN_CONVERSATIONS))
    for (const row of of.all()) {
      if (of.get(row, 'calls') === 0) continue
      if (of.get(row, 'turns') < minTurns || of.get(row, 'cost_usd') < minCost) continue
      matching++
      insert(best, { of, row, value: of.get(row, column) }, limit)
    }
  return { status: 200, content: { conversations: best.map(({ of, row }) => entryOf(of, row)), matching } }
}

/** GET /api/conversations/{id} */
export function showConversation(host: Host, { path, query }: HttpHead): ApiAnswer {
  new Parameters(query, [])
  const id = decoded(path.slice(CONVERSATION_PATH.length))
  for (const of of host.service(OPEN_CONVERSATIONS)) {
    const row = of.find(id)
    if (row >= 0) return { status: 200, content: entryOf(of, row) }
  }
  throw new HttpFailure(404, 'no conversation with this id is open')
}

/** Keeps the `limit` largest, in order; of equal ones the first that came. Few of many get in, so most cost one comparison. */
function insert(best: Found[], found: Found, limit: number): void {
  if (best.length === limit && !(found.value > best.at(-1)!.value)) return
  let low = 0
  for (let high = best.length; low < high; ) {
    const middle = (low + high) >> 1
    if (best[middle]!.value >= found.value) low = middle + 1
    else high = middle
  }
  best.splice(low, 0, found)
  if (best.length > limit) best.pop()
}

function entryOf(of: Conversations, row: number): object {
  const scores = of.get(row, 'scores')
  return {
    id: of.id(row),
    turns: of.get(row, 'turns'),
    calls: of.get(row, 'calls'),
    tokens: of.get(row, 'tokens'),
    cost_usd: of.get(row, 'cost_usd'),
    first: timeOf(of.get(row, 'first_ms')),
    last: timeOf(of.get(row, 'last_ms')),
    score: scores === 0 ? null : of.get(row, 'scoresSum') / scores,
  }
}

function timeOf(time_ms: number): string | null {
  const date = new Date(time_ms)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new HttpFailure(400, 'found an id that is not URL-encoded, expected one that is')
  }
}
