/** What one trace has done so far, as far as loops are to be seen in it. */
import type { Loops } from './loop_bounds.ts'

/** So many different things of a trace are remembered; what comes then is not watched. */
const REMEMBERED_MAX = 256
/** Stands for a span above, of which handoffs have none in common. */
const HANDOFFS = -1

/** A run of an agent that has ended, and the turns below it: of these agents, by turns, so many deep. */
interface AgentRun {
  readonly agent: number
  readonly start: number
  readonly end: number
  readonly partner: number
  readonly depth: number
}

interface Turns {
  readonly last: number
  readonly before: number
  readonly count: number
}

/** Names and ids are hashes. Spans come when they end: what was called comes before its caller. */
export class TraceLoops {
  /** When something was last heard of it, monotonic. */
  seen_ms = 0
  /** Tool and arguments: weight of their executions. */
  readonly #calls = new Map<number, number>()
  /** Tool executions told of, by the id of the call; and the spans above them, with the tool. */
  readonly #callIds = new Set<number>()
  readonly #above = new Map<number, number>()
  #runs: AgentRun[] = []
  /** By the span above: agents that ran one after the other. */
  readonly #turns = new Map<number, Turns>()
  #lastTool = 0
  #sameTool = 0
  #isAgentLoopTold = false

  /** How much is remembered. */
  get size(): number {
    return this.#calls.size + this.#callIds.size + this.#above.size + this.#turns.size + this.#runs.length
  }

  /** Has this execution been told already, by a span below it, or under the same id? `callId`: 0 without one. */
  isToldTool(tool: number, span: number, parent: number, callId: number): boolean {
    const isTold = this.#above.get(span) === tool || (callId !== 0 && this.#callIds.has(callId))
    if (callId !== 0 && this.#callIds.size < REMEMBERED_MAX) this.#callIds.add(callId)
    if (this.#above.size < REMEMBERED_MAX) this.#above.set(parent, tool)
    return isTold
  }

  /**
   * True if by this execution the bound is reached. What failed counts half: it is tried again. `call`: of tool and arguments,
   * 0 where these are not told; then executions in a row count.
   */
  addTool(tool: number, call: number, failed: boolean, { same_call, same_tool }: Loops): boolean {
    const weight = failed ? 1 : 2
    const before = call !== 0 ? (this.#calls.get(call) ?? 0) : this.#lastTool === tool ? this.#sameTool : 0
    this.#lastTool = tool
    const bound = 2 * (call !== 0 ? same_call : same_tool)
    if (call === 0) this.#sameTool = before + weight
    else {
      this.#sameTool = 0
      if (this.#calls.has(call) || this.#calls.size < REMEMBERED_MAX) this.#calls.set(call, before + weight)
    }
    return before < bound && before + weight >= bound
  }

  /** True if by this run of an agent two have called each other, one within the other, or in turn, as often as the bounds say. */
  addAgent(agent: number, parent: number, start: number, end: number, loops: Loops): boolean {
    const run = this.#nested(agent, start, end)
    const inTurn = this.#inTurn(parent, agent)
    return this.#tellOnce(run.depth >= loops.agents_nested || inTurn >= loops.agents_in_turn)
  }

  addHandoff(agent: number, { agents_in_turn }: Loops): boolean {
    return this.#tellOnce(this.#inTurn(HANDOFFS, agent) >= agents_in_turn)
  }

  #tellOnce(isLoop: boolean): boolean {
    const tells = isLoop && !this.#isAgentLoopTold
    this.#isAgentLoopTold ||= isLoop
    return tells
  }

  /** Runs within this one, which it takes the place of. */
  #nested(agent: number, start: number, end: number): AgentRun {
    let run: AgentRun = { agent, start, end, partner: 0, depth: 1 }
    for (const below of this.#runs) {
      if (below.start < start || below.end > end) continue
      // The same run, told by two instrumentations.
      const isSame = below.agent === agent
      const depth = isSame ? below.depth : below.partner === agent ? below.depth + 1 : 2
      if (depth > run.depth) run = { ...run, depth, partner: isSame ? below.partner : below.agent }
    }
    this.#runs = this.#runs.filter((below) => below.start < start || below.end > end)
    if (this.#runs.length < REMEMBERED_MAX) this.#runs.push(run)
    return run
  }

  #inTurn(parent: number, agent: number): number {
    const known = this.#turns.get(parent)
    const turns =
      known === undefined
        ? { last: agent, before: 0, count: 1 }
        : known.last === agent
          ? known
          : { last: agent, before: known.last, count: known.before === agent ? known.count + 1 : 2 }
    if (known !== undefined || this.#turns.size < REMEMBERED_MAX) this.#turns.set(parent, turns)
    return turns.count
  }
}
