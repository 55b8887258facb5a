/** From steps that have settled, and runs that are over, to their series. */
import { STEP_KINDS, STEP_SIGNALS, type StepKind } from '../../../gen_ai/step_fields.ts'
import type { Clock } from '../../../self/clock.ts'
import { type ActivityRows, type DidColumn, STEP_FAILED } from '../../../steps/activity/activity_rows.ts'
import type { AgentRun } from '../../../steps/activity/agent_runs.ts'
import type { ActivityListener } from '../../../steps/activity/trace_activities.ts'
import type { LeasedSeries } from '../families.ts'
import { EMPTY, LabelTexts, OTHER } from '../label_texts.ts'
import { Lease, type MetricSet } from '../series/metric_set.ts'
import { type SeriesKind, SeriesPlaces } from '../series/series_places.ts'
import {
  AGENT_POINTS,
  AgentSeries,
  GUARDRAIL_POINTS,
  GuardrailSeries,
  LOOPS,
  RETRIEVAL_POINTS,
  RetrievalSeries,
  TOOL_POINTS,
  ToolSeries,
  TraceTimeSeries,
} from './activity_families.ts'
import type { ConversationCounts, Turn } from './conversation_counts.ts'

/** Places of names are below this: keys of two of them are exact. */
const NAMES = 2 ** 18
const LOOP_BITS = LOOPS.map((loop) => 1 << STEP_SIGNALS.indexOf(loop))

export interface ActivityBounds {
  /** Names of tools, agents, sources and guardrails told apart. */
  readonly names_max: number
  /** Counters, histograms and gauges held. */
  readonly series_max: number
}

export class ActivityCounts implements ActivityListener {
  readonly names: LabelTexts
  readonly places: SeriesPlaces
  readonly #clock: Clock
  readonly #rows: () => ActivityRows
  readonly #set: MetricSet
  readonly #conversations: ConversationCounts
  readonly #tools: SeriesKind<ToolSeries>
  readonly #retrievals: SeriesKind<RetrievalSeries>
  readonly #guardrails: SeriesKind<GuardrailSeries>
  readonly #agents: SeriesKind<AgentSeries>
  #times: TraceTimeSeries | undefined

  constructor(
    set: MetricSet,
    { names_max, series_max }: ActivityBounds,
    clock: Clock,
    rows: () => ActivityRows,
    conversations: ConversationCounts,
  ) {
    this.#conversations = conversations
    this.#set = set
    this.#clock = clock
    this.#rows = rows
    this.names = new LabelTexts(names_max, clock)
    this.places = new SeriesPlaces(set, series_max, clock)
    this.#tools = this.places.newKind<ToolSeries>(TOOL_POINTS)
    this.#retrievals = this.places.newKind<RetrievalSeries>(RETRIEVAL_POINTS)
    this.#guardrails = this.places.newKind<GuardrailSeries>(GUARDRAIL_POINTS)
    this.#agents = this.places.newKind<AgentSeries>(AGENT_POINTS)
    this.names.onReplaced = (place) => this.places.endAll(({ models }) => models.includes(place))
  }

  intern(bytes: Uint8Array, start: number, end: number): number {
    return this.names.intern(bytes, start, end)
  }

  step(row: number, agent: number): void {
    const rows = this.#rows()
    const kind: StepKind = STEP_KINDS[rows.get(row, 'kind')]!
    const name = this.names.placeOf(rows.get(row, 'name'))
    const duration_s = (rows.get(row, 'end_ms') - rows.get(row, 'start_ms')) / 1000
    if (kind === 'tool') this.#toolOf(name, this.names.placeOf(agent)).count(rows.has(row, STEP_FAILED), duration_s)
    else if (kind === 'retrieval')
      this.#retrievalOf(name).count(rows.get(row, 'documents'), scoreOf(rows, row), duration_s)
    else if (kind === 'guardrail') this.#guardrailOf(name).count(rows.get(row, 'verdict'))
    const signals = rows.get(row, 'signals')
    for (const [loop, bit] of LOOP_BITS.entries())
      if ((signals & bit) !== 0) this.#agentOf(this.names.placeOf(agent)).countLoop(loop)
  }

  run(run: AgentRun): void {
    this.#agentOf(this.names.placeOf(run.agent)).count(run)
  }

  turn(calls: readonly number[], conversation: number, isFirst: boolean): void {
    this.#conversations.count(conversation, turnOf(this.#rows(), calls, isFirst))
  }

  time(times_s: readonly number[]): void {
    this.#times ??= new TraceTimeSeries(new Lease(this.#set))
    this.#times.count(times_s)
  }

  #toolOf(tool: number, agent: number): ToolSeries {
    const make = (name: number, of: number) => (lease: Lease) =>
      new ToolSeries(lease, this.names.text(name), this.names.text(of), this.#clock)
    return (
      find(this.#tools, tool * NAMES + agent, [tool, agent], make(tool, agent), tool === OTHER && agent === OTHER) ??
      find(this.#tools, OTHER * NAMES + OTHER, [], make(OTHER, OTHER), true)!
    )
  }

  #retrievalOf(source: number): RetrievalSeries {
    return this.#seriesOf(this.#retrievals, source, (lease, text) => new RetrievalSeries(lease, text))
  }

  #guardrailOf(guardrail: number): GuardrailSeries {
    return this.#seriesOf(this.#guardrails, guardrail, (lease, text) => new GuardrailSeries(lease, text))
  }

  #agentOf(agent: number): AgentSeries {
    return this.#seriesOf(this.#agents, agent, (lease, text) => new AgentSeries(lease, text))
  }

  /** Those of "other" where there is no room. */
  #seriesOf<T extends LeasedSeries>(kind: SeriesKind<T>, name: number, make: (lease: Lease, text: string) => T): T {
    const of = (place: number) => (lease: Lease) => make(lease, this.names.text(place))
    return find(kind, name, [name], of(name), name === OTHER) ?? find(kind, OTHER, [], of(OTHER), true)!
  }
}

function find<T extends LeasedSeries>(
  kind: SeriesKind<T>,
  key: number,
  models: readonly number[],
  make: (lease: Lease) => T,
  always: boolean,
): T | undefined {
  return kind.find(key) ?? kind.add(key, { models, errorType: EMPTY }, make, always)
}

function turnOf(rows: ActivityRows, calls: readonly number[], isNew: boolean): Turn {
  const values = (column: DidColumn) =>
    calls.map((row) => rows.get(row, column)).filter((value) => !Number.isNaN(value))
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0)
  const scores = values('score')
  const inputs = values('input')
  return {
    calls: calls.length,
    tokens: sum(values('tokens')),
    cost_usd: sum(values('cost_usd')),
    start_ms: values('start_ms').reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY),
    end_ms: values('end_ms').reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY),
    scores: scores.length,
    scoresSum: sum(scores),
    input: inputs.length === 0 ? Number.NaN : inputs.reduce((one, other) => Math.max(one, other)),
    isNew,
  }
}

/** Mean of the documents' scores; NaN where none is told. */
function scoreOf(rows: ActivityRows, row: number): number {
  const count = rows.get(row, 'scores')
  return count === 0 ? Number.NaN : rows.get(row, 'scoresSum') / count
}
