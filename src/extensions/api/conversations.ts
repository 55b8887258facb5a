/** What `gen_ai_metrics` knows of conversations that are going on. */
import type { Host } from '../../component.ts'
import type { HttpHead } from '../../net/http/http_exchange.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'
import { CONVERSATION_ORDERS, type Conversation } from '../../steps/conversations/conversation_table.ts'
import { sharedConversations } from '../../steps/conversations/shared_conversations.ts'
import type { ApiAnswer } from './api_answer.ts'
import { Parameters } from './parameters.ts'

export const CONVERSATION_PATH = '/api/conversations/'
const LISTED = 100
const LISTED_MAX = 1000

/** GET /api/conversations: the largest by `sort` first. */
export function listConversations(host: Host, { query }: HttpHead): ApiAnswer {
  const given = new Parameters(query, ['sort', 'limit', 'min_turns', 'min_cost_usd', 'since'])
  const found = sharedConversations(host).list({
    sort: given.choice('sort', CONVERSATION_ORDERS) ?? 'last',
    limit: given.whole('limit', 1, LISTED_MAX) ?? LISTED,
    min_turns: given.number('min_turns', 0) ?? 0,
    min_cost_usd: given.number('min_cost_usd', 0) ?? 0,
    since_ms: given.time('since', host.clock.now_ms()) ?? 0,
  })
  return { status: 200, content: { conversations: found.map(asJson) } }
}

/** GET /api/conversations/{id}. */
export function showConversation(host: Host, { path, query }: HttpHead): ApiAnswer {
  new Parameters(query, [])
  const found = sharedConversations(host).find(idIn(path))
  if (found === undefined) throw new HttpFailure(404, 'no conversation with this id is going on')
  return { status: 200, content: asJson(found) }
}

function idIn(path: string): string {
  try {
    return decodeURIComponent(path.slice(CONVERSATION_PATH.length))
  } catch {
    throw new HttpFailure(400, 'the id is no percent-encoded text')
  }
}

/** What is not known is null. */
function asJson(conversation: Conversation): object {
  const { id, turns, calls, failed, inputTokens, outputTokens, cost_usd, score, first_ms, last_ms } = conversation
  return {
    id,
    turns,
    calls,
    failed,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost_usd,
    quality_score: Number.isNaN(score) ? null : score,
    first: timeOf(first_ms),
    last: timeOf(last_ms),
    duration_ms: last_ms >= first_ms ? Math.round(last_ms - first_ms) : null,
  }
}

function timeOf(unix_ms: number): string | null {
  const time = new Date(unix_ms)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}
