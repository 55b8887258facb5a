/** What calls add up to by conversation, and the metrics of it. */
import type { Host } from '../../../component.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import { Conversations, OPEN_CONVERSATIONS } from '../../../steps/conversations/conversations.ts'
import { COST_BOUNDS_USD, SCORE_BOUNDS } from '../series/bounds.ts'
import type { Histogram } from '../series/histogram.ts'
import { Lease, type MetricSet } from '../series/metric_set.ts'

const TURN_BOUNDS = [1, 2, 3, 4, 6, 9, 12, 19, 30, 50, 100]
const TALK_COST_BOUNDS_USD = [...COST_BOUNDS_USD, 50, 100]
const TALK_DURATION_BOUNDS_S = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400]
const GROWTH_BOUNDS = [-10_000, -1000, 0, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000]
/** The last turn that each label stands for. */
const TURNS = [
  ['1', 1],
  ['2-4', 4],
  ['5-9', 9],
  ['10-19', 19],
  ['20+', Number.POSITIVE_INFINITY],
] as const

/** What a trace did for one conversation. Numbers are NaN where unknown. */
export interface Turn {
  calls: number
  tokens: number
  cost_usd: number
  start_ms: number
  end_ms: number
  scores: number
  scoresSum: number
  /** Input tokens of the call that had most. */
  input: number
  /** It has not been counted as a turn, and has a call in words. */
  isNew: boolean
}

export class ConversationCounts {
  readonly talks: Conversations
  readonly #set: MetricSet
  readonly #release: () => void
  #series: ReturnType<typeof seriesIn> | undefined

  constructor(set: MetricSet, max: number, host: Host) {
    this.#set = set
    this.talks = new Conversations(max, host.clock)
    this.talks.onEnded = (row) => this.#countEnded(row)
    const open = host.service(OPEN_CONVERSATIONS)
    open.add(this.talks)
    const letGo = memoryOf(host).hold('conversations', () => this.talks.size_bytes)
    this.#release = () => {
      letGo()
      open.delete(this.talks)
    }
  }

  /** `handle`: of `Conversations.open`. */
  count(handle: number, turn: Turn): void {
    const { talks } = this
    const row = talks.rowOf(handle)
    if (row < 0 || turn.calls === 0) return
    talks.add(row, 'calls', turn.calls)
    talks.add(row, 'tokens', turn.tokens)
    talks.add(row, 'cost_usd', turn.cost_usd)
    talks.set(row, 'first_ms', earlier(talks.get(row, 'first_ms'), turn.start_ms))
    talks.set(row, 'last_ms', -earlier(-talks.get(row, 'last_ms'), -turn.end_ms))
    talks.add(row, 'scores', turn.scores)
    talks.add(row, 'scoresSum', turn.scoresSum)
    if (turn.isNew) this.#countTurn(row, turn)
  }

  expire(expire_after_ms: number): void {
    this.talks.expire(expire_after_ms)
    this.#series?.active.set(this.talks.count)
  }

  /** All are over. */
  close(): void {
    this.talks.expire(Number.NEGATIVE_INFINITY)
    this.#release()
  }

  #countTurn(row: number, { scores, scoresSum, input }: Turn): void {
    const { talks } = this
    const series = this.#shown()
    talks.add(row, 'turns', 1)
    const turns = talks.get(row, 'turns')
    if (scores > 0) series.quality[TURNS.findIndex(([, last]) => turns <= last)]!.record(scoresSum / scores)
    const growth = input - talks.get(row, 'input')
    if (!Number.isNaN(growth)) series.growth.record(growth)
    talks.set(row, 'input', input)
    series.active.set(talks.count)
  }

  #countEnded(row: number): void {
    const { talks } = this
    if (talks.get(row, 'calls') === 0) return
    const { turns, cost, duration } = this.#shown()
    turns.record(talks.get(row, 'turns'))
    cost.record(talks.get(row, 'cost_usd'))
    const duration_s = (talks.get(row, 'last_ms') - talks.get(row, 'first_ms')) / 1000
    if (duration_s >= 0) duration.record(duration_s)
  }

  /** Nothing is shown before there is a conversation. */
  #shown(): ReturnType<typeof seriesIn> {
    return (this.#series ??= seriesIn(new Lease(this.#set)))
  }
}

/** A value that stays until the next one. */
class Standstill {
  #value = 0
  set(value: number): void {
    this.#value = value
  }
  at(): number {
    return this.#value
  }
}

function seriesIn(lease: Lease) {
  const histogram = (name: string, help: string, bounds: readonly number[], labels = {}): Histogram =>
    lease.histogram({ name, help }, bounds, labels)
  const quality = 'Score of the answers of a turn, by how many turns the conversation had had with it'
  const active = { name: 'llm_conversations_active', help: 'Conversations that are open' }
  return {
    turns: histogram('llm_conversation_turns', 'Turns of conversations that are over', TURN_BOUNDS),
    cost: histogram('llm_conversation_cost_usd', 'Cost of conversations that are over', TALK_COST_BOUNDS_USD),
    duration: histogram(
      'llm_conversation_duration_seconds',
      'From the first call to the last of conversations that are over',
      TALK_DURATION_BOUNDS_S,
    ),
    growth: histogram(
      'llm_conversation_context_growth_tokens',
      'Input tokens of a turn more than of the turn before',
      GROWTH_BOUNDS,
    ),
    quality: TURNS.map(([turn]) => histogram('llm_quality_by_turn', quality, SCORE_BOUNDS, { turn })),
    active: lease.gauge(active, {}, () => new Standstill()),
  }
}

/** Of two times, one of which may be NaN. */
function earlier(one: number, other: number): number {
  return Number.isNaN(one) || other < one ? other : one
}
