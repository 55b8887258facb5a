/** What steps add up to while their trace is under way: tools that fail in a row, and loops of tools and agents. */
import type { StepSignal } from '../../../gen_ai/step_fields.ts'

/** A step as it is watched. */
export interface WatchedStep {
  readonly kind: string
  readonly trace: string
  /** Of the span within its trace: told again, it counts once. */
  readonly span: string
  readonly tool: string
  /** Of an agent's run, who ran; of a handoff, who is handed over to; of a tool, whose it is. */
  readonly agent: string
  /** Of a tool's arguments; empty if they are not told. */
  readonly fingerprint: string
  readonly failed: boolean
  readonly start_ns: bigint
  readonly end_ns: bigint
}

/** What is to be written on the step. */
export interface Noticed {
  /** Failures in a row, this one included; 0 if it went well. */
  readonly failures: number
  /** Those whose bound this step has reached. */
  readonly signals: readonly StepSignal[]
}

export const WATCH = {
  /** Failures in a row that make a signal, and how far apart two of them may be. */
  failures: 3,
  failures_ms: 300_000,
  /** Successful calls of one tool with the same arguments in one trace: fewer happen when a state is looked up again. */
  sameCalls: 5,
  /** In a row, where arguments are not told: a tool for each line of a list is no loop yet. */
  sameTool: 20,
  /** Runs of two agents in turns: each within the next, or one after the other, as a writer and a critic work. */
  nestedTurns: 4,
  turns: 6,
  /** A trace of which nothing came for so long is forgotten. */
  trace_ms: 600_000,
  tracesMax: 5_000,
  toolsMax: 10_000,
  spansMax: 20_000,
  callsOfTraceMax: 50,
} as const

interface Failures {
  count: number
  last_ms: number
}

class WatchedTrace {
  last_ms = 0
  /** Calls by tool and arguments. */
  readonly calls = new Map<string, number>()
  tool = ''
  sameTool = 0
  /** The two agents that ran last, and how often in turns. */
  agent = ''
  agentBefore = ''
  turns = 0
  nestedTurns = 0
  start_ns = 0n
  end_ns = 0n
  /** Signals that were raised: one of a kind for a trace. */
  readonly raised = new Set<StepSignal>()
}

const NOTHING: Noticed = { failures: 0, signals: [] }

export class StepWatch {
  /** Each in the order in which they were last touched: the oldest go first. */
  readonly #failures = new Map<string, Failures>()
  readonly #traces = new Map<string, WatchedTrace>()
  readonly #seen = new Map<string, Noticed>()

  /** `now_ms`: monotonic, when it arrived. */
  notice(step: WatchedStep, now_ms: number): Noticed {
    const isTool = step.kind === 'tool'
    const isRun = step.kind === 'agent' || step.kind === 'handoff'
    if ((!isTool && !isRun) || step.trace === '' || step.span === '') return NOTHING
    const id = `${step.trace} ${step.span}`
    const known = this.#seen.get(id)
    if (known !== undefined) return known
    const trace = this.#traceOf(step.trace, now_ms)
    const signals: StepSignal[] = []
    const raise = (signal: StepSignal) => {
      if (!trace.raised.has(signal)) signals.push(signal)
      trace.raised.add(signal)
    }
    const failures = isTool ? this.#failuresOf(step, now_ms) : 0
    if (failures === WATCH.failures) signals.push('tool_failures')
    if (isTool && isSameAgain(trace, step)) raise('tool_loop')
    if (isRun && step.agent !== '' && areInTurns(trace, step)) raise('agent_loop')
    const noticed = failures === 0 && signals.length === 0 ? NOTHING : { failures, signals }
    keep(this.#seen, id, noticed, WATCH.spansMax)
    return noticed
  }

  #failuresOf({ tool, agent, failed }: WatchedStep, now_ms: number): number {
    const key = `${tool}\0${agent}`
    const before = this.#failures.get(key)
    this.#failures.delete(key)
    if (!failed) return 0
    const isInRow = before !== undefined && now_ms - before.last_ms <= WATCH.failures_ms
    const count = isInRow ? before.count + 1 : 1
    keep(this.#failures, key, { count, last_ms: now_ms }, WATCH.toolsMax)
    return count
  }

  #traceOf(id: string, now_ms: number): WatchedTrace {
    for (const [oldest, { last_ms }] of this.#traces) {
      if (now_ms - last_ms <= WATCH.trace_ms) break
      this.#traces.delete(oldest)
    }
    const trace = this.#traces.get(id) ?? new WatchedTrace()
    this.#traces.delete(id)
    trace.last_ms = now_ms
    keep(this.#traces, id, trace, WATCH.tracesMax)
    return trace
  }
}

/** Failed calls are tried again, and are no loop for that: their row is told as failures. */
function isSameAgain(trace: WatchedTrace, { tool, fingerprint, failed }: WatchedStep): boolean {
  trace.sameTool = tool === trace.tool ? trace.sameTool + 1 : 1
  trace.tool = tool
  if (failed) {
    trace.sameTool = 0
    return false
  }
  if (fingerprint === '') return trace.sameTool >= WATCH.sameTool
  const key = `${tool}\0${fingerprint}`
  const count = (trace.calls.get(key) ?? 0) + 1
  trace.calls.delete(key)
  keep(trace.calls, key, count, WATCH.callsOfTraceMax)
  return count >= WATCH.sameCalls
}

/** Runs arrive when they end: of nested ones the innermost first. */
function areInTurns(trace: WatchedTrace, { agent, start_ns, end_ns }: WatchedStep): boolean {
  const isTurn = agent !== trace.agent && (agent === trace.agentBefore || trace.turns < 2)
  const isAround = start_ns <= trace.start_ns && end_ns >= trace.end_ns
  if (isTurn) {
    trace.turns++
    trace.nestedTurns = isAround && trace.turns > 1 ? trace.nestedTurns + 1 : 1
  } else {
    // The run before may be the first of a new row, with this one as its second.
    trace.turns = agent === trace.agent ? 1 : 2
    trace.nestedTurns = agent !== trace.agent && isAround ? 2 : 1
  }
  trace.agentBefore = trace.agent
  trace.agent = agent
  trace.start_ns = start_ns
  trace.end_ns = end_ns
  return trace.turns >= WATCH.turns || trace.nestedTurns >= WATCH.nestedTurns
}

function keep<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  if (map.size >= max && !map.has(key)) map.delete(map.keys().next().value!)
  map.set(key, value)
}
