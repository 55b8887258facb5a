/** The metrics of conversations. */
import type { Conversation, ConversationListener } from '../../../steps/conversations/conversation_table.ts'
import { COST_BOUNDS_USD, SCORE_BOUNDS } from '../series/bounds.ts'
import type { Histogram } from '../series/histogram.ts'
import { Lease, type MetricSet } from '../series/metric_set.ts'

const TURNS_BOUNDS = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 200]
const CONVERSATION_BOUNDS_S = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400]
const CONVERSATION_COST_BOUNDS_USD = [...COST_BOUNDS_USD, 50, 100]
const GROWTH_BOUNDS = [0, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
/** Values of the label `turn`, and the last turn of each. */
export const TURN_CLASSES = [
  ['1', 1],
  ['2-4', 4],
  ['5-9', 9],
  ['10-19', 19],
  ['20+', Number.POSITIVE_INFINITY],
] as const

export class ConversationSeries implements ConversationListener {
  readonly #turns: Histogram
  readonly #cost: Histogram
  readonly #duration: Histogram
  readonly #growth: Histogram
  readonly #quality: readonly Histogram[]

  /** `active`: how many conversations are going on. */
  constructor(set: MetricSet, active: () => number) {
    const lease = new Lease(set)
    const histogram = (name: string, help: string, bounds: readonly number[], labels = {}) =>
      lease.histogram({ name, help }, bounds, labels)
    lease.gauge({ name: 'llm_conversations_active', help: 'Conversations that are going on' }, {}, () => ({
      at: active,
    }))
    this.#turns = histogram('llm_conversation_turns', 'Turns of conversations that have ended', TURNS_BOUNDS)
    this.#cost = histogram(
      'llm_conversation_cost_usd',
      'Cost of conversations that have ended',
      CONVERSATION_COST_BOUNDS_USD,
    )
    const duration = 'From the first call to the end of the last one, of conversations that have ended'
    this.#duration = histogram('llm_conversation_duration_seconds', duration, CONVERSATION_BOUNDS_S)
    const growth = 'By how many input tokens a turn is larger than the turn before; 0 where it is smaller'
    this.#growth = histogram('llm_conversation_context_growth_tokens', growth, GROWTH_BOUNDS)
    this.#quality = TURN_CLASSES.map(([turn]) =>
      histogram('llm_quality_by_turn', 'Quality score of answers by turn of the conversation', SCORE_BOUNDS, { turn }),
    )
  }

  ended({ turns, cost_usd, first_ms, last_ms }: Conversation): void {
    this.#turns.record(turns)
    this.#cost.record(cost_usd)
    if (last_ms >= first_ms) this.#duration.record((last_ms - first_ms) / 1000)
  }

  judged(turn: number, score: number): void {
    this.#quality[TURN_CLASSES.findIndex(([, last]) => turn <= last)]!.record(score)
  }

  grown(tokens: number): void {
    this.#growth.record(Math.max(0, tokens))
  }
}
