/**
 * What happened in each trace: its steps and its settled calls, until everything is told. Steps are told when their trace has
 * settled, as calls are; runs of agents when their span has come and the trace is quiet; where the time went when the trace's root
 * has come too. A trace whose root does not come waits, for so long and as there is room; then runs of which only steps that name
 * them are known are told as unfinished.
 */
import { answersInWords, FINISH_REASONS } from '../../gen_ai/known_values.ts'
import { STEP_KINDS } from '../../gen_ai/step_fields.ts'
import type { Clock } from '../../self/clock.ts'
import { type CallRows, FAILED, INT, idOf, NUMBER } from '../call_rows.ts'
import {
  ActivityRows,
  CUT_OFF,
  DID,
  IN_CONVERSATION,
  IN_WORDS,
  MODEL,
  NOTHING_DONE,
  SAME_AS_ABOVE,
  STEP_FAILED,
  STEP_TOLD,
  STOPPED_OUTSIDE,
} from './activity_rows.ts'
import { type AgentRun, addTo, emptyRun, runsOf } from './agent_runs.ts'
import type { RecentRoots } from './recent_roots.ts'
import type { StepReport } from './step_report.ts'
import { AGENT, type LinksAbove, StepTree } from './step_tree.ts'
import { COMPONENTS, timesOf } from './trace_time.ts'

export interface ActivityListener {
  /** A number for the text in [start, end), 0 for none; equal texts, equal numbers. */
  intern(bytes: Uint8Array, start: number, end: number): number
  /** A step that is no call has settled. `agent`: number of the agent that it belongs to, 0 if none is known. */
  step(row: number, agent: number): void
  run(run: AgentRun): void
  /** What calls of a trace that have just settled are to a conversation. `isFirst`: it has none of this trace yet. */
  turn(calls: readonly number[], conversation: number, isFirst: boolean): void
  /** Seconds by position in COMPONENTS. */
  time(times_s: readonly number[]): void
}

export interface ActivityTimes {
  readonly settle_after: number
  readonly settle_max: number
  /** So long a trace waits for its agents' spans; milliseconds. */
  readonly unfinished_after: number
}

interface OpenTrace {
  readonly id: number
  first: number
  rows: number
  /** Steps that have not been told, and when the first of them came; reports of calls that have not settled. */
  untold: number
  untold_ms: number
  waiting: number
  last_ms: number
  /** Handle of the conversation that its steps name; NaN where they name several. Those that have a turn of it. */
  conversation: number
  readonly counted: Set<number>
}

const TRACE_BYTES = 300
/** What one trace does beyond that is told, but adds up to nothing. */
const TRACE_ROWS_MAX = 10_000
const LENGTH = 1 << FINISH_REASONS.indexOf('length')
const COMPONENT_OF = new Map<number, number>([
  [MODEL, COMPONENTS.indexOf('model')],
  [STEP_KINDS.indexOf('tool'), COMPONENTS.indexOf('tool')],
  [STEP_KINDS.indexOf('retrieval'), COMPONENTS.indexOf('retrieval')],
  [STEP_KINDS.indexOf('guardrail'), COMPONENTS.indexOf('guardrail')],
])

export class TraceActivities {
  readonly rows = new ActivityRows()
  /** Traces given up early to make room, and steps and calls that added up to nothing. */
  givenUp = 0
  leftOut = 0
  readonly #listener: ActivityListener
  readonly #clock: Clock
  readonly #bytes_max: () => number
  readonly #roots: RecentRoots
  readonly #tree: StepTree
  readonly #onRoot = (trace: number) => {
    if (this.#idle.has(trace)) this.#touch(trace)
  }
  /** With something to be told, and waiting for more; the latest used last. */
  readonly #busy = new Map<number, OpenTrace>()
  readonly #idle = new Map<number, OpenTrace>()

  constructor(listener: ActivityListener, links: LinksAbove, clock: Clock, bytes_max: () => number) {
    this.#listener = listener
    this.#clock = clock
    this.#bytes_max = bytes_max
    this.#roots = links.roots
    this.#tree = new StepTree(this.rows, links)
    this.#roots.listeners.add(this.#onRoot)
  }

  get traces(): number {
    return this.#busy.size + this.#idle.size
  }

  get size_bytes(): number {
    return this.rows.size_bytes + this.traces * TRACE_BYTES
  }

  /** `conversation`: handle of the one that the step names, 0 if it names none. */
  addStep(report: StepReport, conversation: number): void {
    const { rows } = this
    const trace = this.#touch(report.trace)
    nameConversation(trace, conversation)
    const row = this.#add(trace)
    if (row === NOTHING_DONE) return
    rows.set(row, 'kind', report.kind)
    rows.set(row, 'flags', (report.failed ? STEP_FAILED : 0) | (report.isStopped ? STOPPED_OUTSIDE : 0))
    rows.set(row, 'span', report.span)
    rows.set(row, 'parent', report.parent)
    rows.set(row, 'start_ms', report.start_ms)
    rows.set(row, 'end_ms', report.end_ms)
    rows.set(row, 'name', this.#listener.intern(report.bytes, report.nameStart, report.nameEnd))
    rows.set(row, 'agent', this.#listener.intern(report.bytes, report.agentStart, report.agentEnd))
    rows.set(row, 'callId', report.callId)
    rows.set(row, 'signals', report.signals)
    rows.set(row, 'verdict', report.verdict)
    rows.set(row, 'documents', report.documents)
    rows.set(row, 'scores', report.scores)
    rows.set(row, 'scoresSum', report.scoresSum)
    if (trace.untold++ === 0) trace.untold_ms = trace.last_ms
    this.#makeRoom()
  }

  /** A report of a call of that trace (`traceOf`) waits. */
  awaitCall(trace: number, conversation: number): void {
    if (trace === 0) return
    const open = this.#touch(trace)
    open.waiting++
    nameConversation(open, conversation)
    this.#makeRoom()
  }

  /** So many reports of calls of that trace have settled. */
  called(trace: number, reports: number): void {
    const open = this.#find(trace)
    if (open !== undefined) open.waiting = Math.max(0, open.waiting - reports)
  }

  /** A call, of which `row` says everything and `outer` where it stands. */
  addCall({ ints, numbers }: CallRows, call: number, outer: number, conversation: number): void {
    const { rows } = this
    const [int, place, number] = [call * INT.width, outer * INT.width, call * NUMBER.width]
    const trace = this.#find(ints[place + INT.trace]!)
    const row = trace === undefined ? NOTHING_DONE : this.#add(trace)
    if (trace === undefined || row === NOTHING_DONE) return
    rows.set(row, 'kind', MODEL)
    const failed = (ints[int + INT.flags]! & FAILED) !== 0 ? STEP_FAILED : 0
    const inWords = answersInWords(ints[int + INT.operation]!) ? IN_WORDS : 0
    rows.set(row, 'conversation', conversation)
    rows.set(row, 'input', numbers[number + NUMBER.input]!)
    rows.set(row, 'score', numbers[number + NUMBER.score]!)
    rows.set(
      row,
      'flags',
      STEP_TOLD | failed | inWords | ((ints[int + INT.finishReasons]! & LENGTH) !== 0 ? CUT_OFF : 0),
    )
    rows.set(row, 'span', idOf(ints[place + INT.spanHigh]!, ints[place + INT.spanLow]!))
    const parent = [ints[place + INT.parentHigh]!, ints[place + INT.parentLow]!] as const
    const isRoot = parent[0] === 0 && parent[1] === 0
    rows.set(row, 'parent', isRoot ? 0 : idOf(...parent))
    rows.set(row, 'start_ms', numbers[number + NUMBER.start_ms]!)
    rows.set(row, 'end_ms', numbers[number + NUMBER.end_ms]!)
    rows.set(row, 'cost_usd', numbers[number + NUMBER.cost_usd]! || 0)
    rows.set(row, 'tokens', (numbers[number + NUMBER.input]! || 0) + (numbers[number + NUMBER.output]! || 0))
  }

  /** Tells what has waited long enough. */
  tick({ settle_after, settle_max, unfinished_after }: ActivityTimes): void {
    const now_ms = this.#clock.monotonic_ms()
    for (const trace of this.#busy.values()) {
      if (now_ms - trace.last_ms >= settle_after && trace.waiting === 0) this.#settle(trace)
      else if (trace.untold > 0 && now_ms - trace.untold_ms >= settle_max) this.#tellSteps(trace)
    }
    for (const trace of this.#idle.values()) {
      if (now_ms - trace.last_ms < unfinished_after) break
      this.#finish(trace, true)
    }
  }

  /** Tells everything. */
  close(): void {
    for (const trace of [...this.#busy.values(), ...this.#idle.values()]) this.#finish(trace)
    this.#roots.listeners.delete(this.#onRoot)
  }

  #find(trace: number): OpenTrace | undefined {
    return this.#busy.get(trace) ?? this.#idle.get(trace)
  }

  #touch(id: number): OpenTrace {
    const open = this.#find(id) ?? newTrace(id)
    open.last_ms = this.#clock.monotonic_ms()
    this.#busy.delete(id)
    this.#idle.delete(id)
    this.#busy.set(id, open)
    return open
  }

  #add(trace: OpenTrace): number {
    if (trace.rows >= TRACE_ROWS_MAX) {
      this.leftOut++
      return NOTHING_DONE
    }
    trace.rows++
    const row = this.rows.add()
    this.rows.set(row, 'next', trace.first)
    trace.first = row
    return row
  }

  #makeRoom(): void {
    const most = this.#bytes_max()
    const held = () => this.rows.count * DID.width * 8 + this.traces * TRACE_BYTES
    while (held() > most && this.traces > 1) {
      this.givenUp++
      const [oldest] = this.#idle.size > 0 ? this.#idle.values() : this.#busy.values()
      this.#finish(oldest!)
    }
  }

  /** The trace is quiet: everything is told that can be. */
  #settle(trace: OpenTrace): void {
    this.#tellSteps(trace)
    this.#tellRuns(trace)
    this.#tellTurns(trace)
    if (this.#roots.has(trace.id) || trace.rows === 0) return this.#finish(trace)
    this.#busy.delete(trace.id)
    this.#idle.set(trace.id, trace)
  }

  /** Nothing more is awaited. */
  #finish(trace: OpenTrace, isOverdue = false): void {
    this.#tellSteps(trace)
    this.#tellRuns(trace)
    this.#tellTurns(trace)
    if (this.#roots.has(trace.id)) this.#tellTime(trace)
    else if (isOverdue) this.#tellUnfinished(trace)
    const { rows } = this
    for (let row = trace.first; row !== NOTHING_DONE; ) {
      const after = rows.get(row, 'next')
      rows.remove(row)
      row = after
    }
    this.#busy.delete(trace.id)
    this.#idle.delete(trace.id)
    this.#tree.clear()
  }

  #tellSteps(trace: OpenTrace): void {
    const { rows } = this
    this.#tree.build(trace.id, trace.first)
    if (trace.untold === 0) return
    trace.untold = 0
    // Rows are linked from the latest on; what came first is told first.
    const untold: number[] = []
    for (let row = trace.first; row !== NOTHING_DONE; row = rows.get(row, 'next'))
      if (!rows.has(row, STEP_TOLD) && rows.get(row, 'kind') !== AGENT) untold.push(row)
    for (const row of untold.reverse()) {
      rows.mark(row, STEP_TOLD)
      this.#listener.step(row, this.#agentOf(row))
    }
  }

  #agentOf(row: number): number {
    const named = this.rows.get(row, 'agent')
    if (named !== 0) return named
    const above = this.#tree.agentAbove(row)
    return above === NOTHING_DONE ? 0 : this.rows.get(above, 'name')
  }

  #tellRuns(trace: OpenTrace): void {
    const { rows } = this
    for (const [row, run] of runsOf(rows, trace.first, this.#tree)) {
      if (rows.has(row, STEP_TOLD)) continue
      rows.mark(row, STEP_TOLD)
      this.#listener.run(run)
      this.#listener.step(row, run.agent)
    }
  }

  /** A trace with a call in words is a turn of the conversation that the call names, else of the only one of the trace. */
  #tellTurns(trace: OpenTrace): void {
    const { rows } = this
    const only = trace.conversation || 0
    const calls = new Map<number, number[]>()
    for (let row = trace.first; row !== NOTHING_DONE; row = rows.get(row, 'next')) {
      if (rows.get(row, 'kind') !== MODEL || rows.has(row, IN_CONVERSATION)) continue
      const conversation = rows.get(row, 'conversation') || only
      if (conversation === 0) continue
      rows.mark(row, IN_CONVERSATION)
      const known = calls.get(conversation)
      if (known === undefined) calls.set(conversation, [row])
      else known.push(row)
    }
    for (const [conversation, list] of calls) {
      const isFirst = !trace.counted.has(conversation) && list.some((row) => rows.has(row, IN_WORDS))
      if (isFirst) trace.counted.add(conversation)
      this.#listener.turn(list, conversation, isFirst)
    }
  }

  /** One run for each agent that steps name, and that has no span. */
  #tellUnfinished(trace: OpenTrace): void {
    const { rows } = this
    const runs = new Map<number, AgentRun>()
    const come = new Set<number>()
    for (let row = trace.first; row !== NOTHING_DONE; row = rows.get(row, 'next'))
      if (rows.get(row, 'kind') === AGENT) come.add(rows.get(row, 'name'))
    for (let row = trace.first; row !== NOTHING_DONE; row = rows.get(row, 'next')) {
      const agent = rows.get(row, 'agent')
      if (agent === 0 || come.has(agent) || rows.has(row, SAME_AS_ABOVE)) continue
      if (!runs.has(agent)) runs.set(agent, emptyRun(agent, 'unfinished', Number.NaN))
      addTo(runs.get(agent)!, rows, row, 0)
    }
    for (const run of runs.values()) this.#listener.run(run)
  }

  #tellTime(trace: OpenTrace): void {
    const { rows } = this
    const work = []
    for (let row = trace.first; row !== NOTHING_DONE; row = rows.get(row, 'next')) {
      const component = COMPONENT_OF.get(rows.get(row, 'kind'))
      if (component === undefined) continue
      work.push({ component, start_ms: rows.get(row, 'start_ms'), end_ms: rows.get(row, 'end_ms') })
    }
    const [start_ms, end_ms] = [this.#roots.start_ms(trace.id), this.#roots.end_ms(trace.id)]
    if (end_ms >= start_ms && trace.rows > 0) this.#listener.time(timesOf(start_ms, end_ms, work))
  }
}

function newTrace(id: number): OpenTrace {
  const none = { first: NOTHING_DONE, rows: 0, untold: 0, untold_ms: 0, waiting: 0, last_ms: 0 }
  return { id, ...none, conversation: 0, counted: new Set() }
}

function nameConversation(trace: OpenTrace, conversation: number): void {
  if (conversation === 0 || trace.conversation === conversation) return
  trace.conversation = trace.conversation === 0 ? conversation : Number.NaN
}
