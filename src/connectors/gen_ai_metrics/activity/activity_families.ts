/** The metrics of steps that are no model calls, of agents' runs, and of the time of traces. */

import type { Clock } from '../../../self/clock.ts'
import { type AgentRun, RUN_OUTCOMES, type RunOutcome } from '../../../steps/activity/agent_runs.ts'
import { VERDICTS } from '../../../steps/activity/step_report.ts'
import { COMPONENTS } from '../../../steps/activity/trace_time.ts'
import type { LeasedSeries } from '../families.ts'
import {
  COST_BOUNDS_USD,
  DURATION_BOUNDS_S,
  SCORE_BOUNDS,
  SEMCONV_DURATION_BOUNDS_S,
  SEMCONV_RUN_BOUNDS_S,
  SEMCONV_RUN_CALLS_BOUNDS,
} from '../series/bounds.ts'
import type { Histogram } from '../series/histogram.ts'
import type { CounterPoint, Lease } from '../series/metric_set.ts'
import { RECENT_MS, type RecentMean, RecentValue } from '../series/recent_mean.ts'

/** Of these there is a threshold at eight hops and at twenty steps. */
const DEPTH_BOUNDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32]
const STEPS_BOUNDS = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 200, 500, 1000]
const RUN_TOKENS_BOUNDS = [100, 1000, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1e6, 5e6, 1e7]
const RUN_COST_BOUNDS_USD = [...COST_BOUNDS_USD, 50, 100]
const DOCUMENTS_BOUNDS = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500]
/** Tools and retrievals may take far less than models. */
const WORK_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, ...DURATION_BOUNDS_S]

export const TOOL_POINTS = 4
export class ToolSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #clock: Clock
  readonly #ok: CounterPoint
  readonly #error: CounterPoint
  readonly #duration: Histogram
  readonly #semconvDuration: Histogram
  readonly #failures: RecentValue
  #inARow = 0
  #failed_ms = Number.NEGATIVE_INFINITY

  constructor(lease: Lease, tool: string, agent: string, clock: Clock) {
    this.lease = lease
    this.#clock = clock
    const calls = { name: 'llm_tool_calls_total', help: 'Tools executed' }
    this.#ok = lease.counter(calls, { tool, agent, outcome: 'ok' })
    this.#error = lease.counter(calls, { tool, agent, outcome: 'error' })
    const help = 'Duration of tools'
    this.#duration = lease.histogram({ name: 'llm_tool_duration_seconds', help }, WORK_BOUNDS_S, { tool })
    const semconv = { name: 'gen_ai.execute_tool.duration', help, unit: 's' }
    this.#semconvDuration = lease.histogram(semconv, SEMCONV_DURATION_BOUNDS_S, {
      'gen_ai.tool.name': tool,
    })
    const failures = {
      name: 'llm_tool_consecutive_failures',
      help: 'Failures of a tool in a row, the last of them less than five minutes ago',
    }
    this.#failures = lease.gauge(failures, { tool, agent }, () => new RecentValue(clock, 0))
  }

  count(failed: boolean, duration_s: number): void {
    ;(failed ? this.#error : this.#ok).add(1)
    this.#failures.set((this.#inARow = failed ? this.#before() + 1 : 0))
    if (!(duration_s >= 0)) return
    this.#duration.record(duration_s)
    this.#semconvDuration.record(duration_s)
  }

  #before(): number {
    const now_ms = this.#clock.monotonic_ms()
    const before = now_ms - this.#failed_ms < RECENT_MS ? this.#inARow : 0
    this.#failed_ms = now_ms
    return before
  }
}

export const RETRIEVAL_POINTS = 5
export class RetrievalSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #documents: Histogram
  readonly #empty: CounterPoint
  readonly #duration: Histogram
  readonly #score: RecentMean
  readonly #scores: Histogram

  constructor(lease: Lease, source: string) {
    this.lease = lease
    const labels = { source }
    const named = (name: string, help: string) => ({ name, help })
    const { documents, empty, duration, score, scores } = {
      documents: named('llm_retrieval_documents', 'Documents that a retrieval found'),
      empty: named('llm_retrieval_empty_total', 'Retrievals that found nothing'),
      duration: named('llm_retrieval_duration_seconds', 'Duration of retrievals'),
      score: named('llm_retrieval_score', 'Score of retrieved documents, mean of the last five minutes'),
      scores: named('llm_retrieval_score_distribution', 'Mean score of the documents of a retrieval'),
    }
    this.#documents = lease.histogram(documents, DOCUMENTS_BOUNDS, labels)
    this.#empty = lease.counter(empty, labels)
    this.#duration = lease.histogram(duration, WORK_BOUNDS_S, labels)
    this.#score = lease.recentMean(score, labels)
    this.#scores = lease.histogram(scores, SCORE_BOUNDS, labels)
  }

  /** What is NaN is not known. */
  count(documents: number, score: number, duration_s: number): void {
    if (documents >= 0) this.#documents.record(documents)
    if (documents === 0) this.#empty.add(1)
    if (duration_s >= 0) this.#duration.record(duration_s)
    if (!Number.isFinite(score)) return
    this.#score.record(score)
    this.#scores.record(score)
  }
}

export const GUARDRAIL_POINTS = VERDICTS.length + 1
export class GuardrailSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #checks: readonly CounterPoint[]

  constructor(lease: Lease, guardrail: string) {
    this.lease = lease
    const checks = { name: 'llm_guardrail_checks_total', help: 'Checks by guardrails' }
    this.#checks = [...VERDICTS, 'unknown'].map((verdict) => lease.counter(checks, { guardrail, verdict }))
  }

  /** `verdict`: position in VERDICTS, -1 where it is not told. */
  count(verdict: number): void {
    this.#checks[verdict < 0 ? VERDICTS.length : verdict]!.add(1)
  }
}

/** Why `llm_agent_loops_total` counts. */
export const LOOPS = ['tool_loop', 'agent_loop'] as const

export const AGENT_POINTS = 3 + 1 + LOOPS.length + 7 + 3
export class AgentSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #runs: Readonly<Record<RunOutcome, CounterPoint>>
  readonly #cost: Readonly<Record<RunOutcome, Histogram>>
  readonly #unfinished: CounterPoint
  readonly #loops: readonly CounterPoint[]
  readonly #steps: Histogram
  readonly #depth: Histogram
  readonly #duration: Histogram
  readonly #semconvDuration: Histogram
  readonly #tokens: Histogram
  readonly #modelCalls: Histogram
  readonly #toolCalls: Histogram

  constructor(lease: Lease, agent: string) {
    this.lease = lease
    const histogram = (name: string, help: string, bounds: readonly number[]) =>
      lease.histogram({ name, help }, bounds, { agent })
    const byOutcome = <T>(make: (outcome: RunOutcome) => T) =>
      Object.fromEntries(RUN_OUTCOMES.map((outcome) => [outcome, make(outcome)])) as Record<RunOutcome, T>
    const runs = { name: 'llm_agent_runs_total', help: 'Runs of agents' }
    this.#runs = byOutcome((outcome) => lease.counter(runs, { agent, outcome }))
    const cost = {
      name: 'llm_agent_cost_usd',
      help: 'Cost of the model calls of a run, those of agents below it included',
    }
    this.#cost = byOutcome((outcome) => lease.histogram(cost, RUN_COST_BOUNDS_USD, { agent, outcome }))
    const unfinished = 'Runs that ended without a result: stopped by a bound, cancelled, cut off, or never told of'
    this.#unfinished = lease.counter({ name: 'llm_agent_unfinished_total', help: unfinished }, { agent })
    const loops = {
      name: 'llm_agent_loops_total',
      help: 'Loops: a tool with equal arguments, or agents that call each other',
    }
    this.#loops = LOOPS.map((kind) => lease.counter(loops, { agent, kind }))
    this.#steps = histogram('llm_agent_steps', 'Model calls, tools and other steps of a run', STEPS_BOUNDS)
    this.#depth = histogram('llm_agent_depth', 'From agent to agent below a run, at most', DEPTH_BOUNDS)
    this.#duration = histogram('llm_agent_duration_seconds', 'Duration of runs of agents', DURATION_BOUNDS_S)
    this.#tokens = histogram('llm_agent_tokens', 'Input and output tokens of a run', RUN_TOKENS_BOUNDS)
    const semconv = { name: 'gen_ai.invoke_agent.duration', help: 'Duration of runs of agents', unit: 's' }
    const named = { 'gen_ai.agent.name': agent }
    this.#semconvDuration = lease.histogram(semconv, SEMCONV_RUN_BOUNDS_S, named)
    const calls = (name: string, help: string, unit: string) =>
      lease.histogram({ name, help, unit }, SEMCONV_RUN_CALLS_BOUNDS, named)
    this.#modelCalls = calls('gen_ai.invoke_agent.inference_calls', 'Model calls of a run', '{inference_call}')
    this.#toolCalls = calls('gen_ai.invoke_agent.tool_calls', 'Tools executed in a run', '{tool_call}')
  }

  count({ outcome, steps, depth, duration_s, cost_usd, tokens, calls, tools }: AgentRun): void {
    this.#runs[outcome].add(1)
    if (outcome === 'unfinished') this.#unfinished.add(1)
    this.#cost[outcome].record(cost_usd)
    this.#steps.record(steps)
    this.#depth.record(depth)
    this.#tokens.record(tokens)
    this.#modelCalls.record(calls)
    this.#toolCalls.record(tools)
    if (!(duration_s >= 0)) return
    this.#duration.record(duration_s)
    this.#semconvDuration.record(duration_s)
  }

  /** `loop`: position in LOOPS. */
  countLoop(loop: number): void {
    this.#loops[loop]!.add(1)
  }
}

export class TraceTimeSeries {
  readonly #components: readonly Histogram[]

  constructor(lease: Lease) {
    const time = {
      name: 'llm_trace_time_seconds',
      help: 'Where the time of a trace with model calls or other steps went; each moment counts once',
    }
    this.#components = COMPONENTS.map((component) => lease.histogram(time, WORK_BOUNDS_S, { component }))
  }

  /** Seconds by position in COMPONENTS. */
  count(times_s: readonly number[]): void {
    for (const [component, time_s] of times_s.entries()) this.#components[component]!.record(time_s)
  }
}
