/** What a run of an agent adds up to: everything below it, also what agents below it did. */
import { STEP_KINDS } from '../../gen_ai/step_fields.ts'
import {
  type ActivityRows,
  CUT_OFF,
  MODEL,
  NOTHING_DONE,
  SAME_AS_ABOVE,
  STEP_FAILED,
  STOPPED_OUTSIDE,
} from './activity_rows.ts'
import { AGENT, type StepTree } from './step_tree.ts'

export const RUN_OUTCOMES = ['completed', 'failed', 'unfinished'] as const
export type RunOutcome = (typeof RUN_OUTCOMES)[number]
const TOOL = STEP_KINDS.indexOf('tool')

export interface AgentRun {
  /** Number of its name. */
  readonly agent: number
  outcome: RunOutcome
  /** NaN where its span is not there. */
  readonly duration_s: number
  /** Model calls, tools, retrievals, agents … below it. */
  steps: number
  calls: number
  tools: number
  /** From agent to agent, at most. */
  depth: number
  cost_usd: number
  tokens: number
}

/** The runs of a trace by the rows of their agents. */
export function runsOf(rows: ActivityRows, first: number, tree: StepTree): Map<number, AgentRun> {
  const runs = new Map<number, AgentRun>()
  const lastCalls = new Map<number, number>()
  for (let row = first; row !== NOTHING_DONE; row = rows.get(row, 'next'))
    if (rows.get(row, 'kind') === AGENT && !rows.has(row, SAME_AS_ABOVE)) runs.set(row, begun(rows, row))
  if (runs.size === 0) return runs
  for (let row = first; row !== NOTHING_DONE; row = rows.get(row, 'next')) {
    if (rows.has(row, SAME_AS_ABOVE)) continue
    let hops = rows.get(row, 'kind') === AGENT ? 1 : 0
    for (const above of tree.above(row)) {
      const run = runs.get(above)
      if (run === undefined) continue
      addTo(run, rows, row, hops++)
      const last = lastCalls.get(above)
      if (rows.get(row, 'kind') !== MODEL) continue
      if (last === undefined || rows.get(last, 'end_ms') <= rows.get(row, 'end_ms')) lastCalls.set(above, row)
    }
  }
  for (const [agent, call] of lastCalls)
    if (rows.has(call, CUT_OFF) && runs.get(agent)!.outcome === 'completed') runs.get(agent)!.outcome = 'unfinished'
  return runs
}

export function emptyRun(agent: number, outcome: RunOutcome, duration_s: number): AgentRun {
  return { agent, outcome, duration_s, steps: 0, calls: 0, tools: 0, depth: 0, cost_usd: 0, tokens: 0 }
}

function begun(rows: ActivityRows, row: number): AgentRun {
  const duration_s = (rows.get(row, 'end_ms') - rows.get(row, 'start_ms')) / 1000
  const failed = rows.has(row, STEP_FAILED) ? 'failed' : 'completed'
  return emptyRun(rows.get(row, 'name'), rows.has(row, STOPPED_OUTSIDE) ? 'unfinished' : failed, duration_s)
}

/** Adds what that row did; `hops`: from this run's agent down to it, over agents. */
export function addTo(run: AgentRun, rows: ActivityRows, row: number, hops: number): void {
  const kind = rows.get(row, 'kind')
  run.steps++
  if (kind === MODEL) run.calls++
  if (kind === TOOL) run.tools++
  run.depth = Math.max(run.depth, hops)
  run.cost_usd += rows.get(row, 'cost_usd')
  run.tokens += rows.get(row, 'tokens')
}
