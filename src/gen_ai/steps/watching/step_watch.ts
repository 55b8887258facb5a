/** Watching over steps in the order in which they come: failures in a row, and loops. One for all `gen_ai` of a daemon. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../self/clock.ts'
import type { Counter, Meter } from '../../../self/metrics/meter.ts'
import type { Service } from '../../../self/services.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import { STEP_SIGNALS } from '../../step_fields.ts'
import type { Step } from '../step.ts'
import type { StepText } from '../step_fact_names.ts'
import type { Loops } from './loop_bounds.ts'
import { TraceLoops } from './trace_loops.ts'

/** Failures further apart are not in a row. */
const FAILURES_MS = 5 * 60_000
const FAILURES_SIGNAL = 3
/** Pairs of tool and agent whose failures are counted. */
const PAIRS_MAX = 10_000
/** Spans that are known again when they come again. */
const SPANS_MAX = 65_536
/** A trace of which nothing is heard for so long is forgotten, … */
const TRACE_MS = 10 * 60_000
/** … the oldest earlier, if there are more than these, or together they remember more than that. */
const TRACES_MAX = 10_000
const REMEMBERED_MAX = 500_000

/** What is found about one step. */
export interface StepFindings {
  /** How many times in a row the tool has failed, this time included; 0: it did not. */
  readonly consecutiveFailures: number
  /** Bits by the position in STEP_SIGNALS. */
  readonly signals: number
}

const [TOOL_LOOP, AGENT_LOOP, TOOL_FAILURES] = STEP_SIGNALS.map((_, at) => 1 << at) as [number, number, number]
const NOTHING: StepFindings = { consecutiveFailures: 0, signals: 0 }
const HANDOFF_TOOL = /^(?:transfer|handoff|hand_off|delegate)_to_(.+)$/i

export class StepWatch {
  /** Of fingerprints, for as long as the process lives. */
  readonly key = randomBytes(32)
  readonly #clock: Clock
  readonly #forgotten: Counter
  readonly #spans = new Map<number, StepFindings>()
  readonly #failures = new Map<number, { count: number; last_ms: number }>()
  readonly #traces = new Map<number, TraceLoops>()
  #remembered = 0

  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock
    this.#forgotten = meter.counter(
      'sluice_gen_ai_unwatched_traces',
      'Traces in which loops are looked for no more, because too many others came.',
    )
  }

  /** Takes the step that was read from the view. The same span again gets the same answer and counts nothing. */
  see(view: SpanView, step: Step, loops: Loops): StepFindings {
    if (view.isRecord) return this.#seeRecord(view, step, loops)
    if (view.spanId < 0 || view.traceId < 0) return NOTHING
    const { bytes, traceId, spanId } = view
    const trace = hash(bytes, traceId, traceId + 16, 1)
    const span = hash(bytes, spanId, spanId + 8, trace)
    const known = this.#spans.get(span)
    if (known !== undefined) return known
    const parent = view.parentId < 0 ? 0 : hash(bytes, view.parentId, view.parentId + 8, trace)
    return this.#remember(span, this.#judge(view, step, loops, trace, span, parent))
  }

  /** A record has no id of its own: its time and the id of the call stand for it, and its conversation for a trace. */
  #seeRecord(view: SpanView, step: Step, loops: Loops): StepFindings {
    const { bytes, traceId, endTime } = view
    const ofTrace = traceId < 0 ? 1 : hash(bytes, traceId, traceId + 16, 1)
    const trace = hashOf(step, 'conversationId', 5) || ofTrace
    const call = hashOf(step, 'toolCallId', trace) || hashOf(step, 'toolName', trace)
    const record = endTime < 0 ? call : hash(bytes, endTime, endTime + 8, call)
    return this.#spans.get(record) ?? this.#remember(record, this.#judge(view, step, loops, trace, record, 0))
  }

  #remember(span: number, found: StepFindings): StepFindings {
    this.#spans.set(span, found)
    if (this.#spans.size > SPANS_MAX) this.#spans.delete(first(this.#spans))
    return found
  }

  #judge(view: SpanView, step: Step, loops: Loops, trace: number, span: number, parent: number): StepFindings {
    if (step.kind !== 'tool' && step.kind !== 'agent' && step.kind !== 'handoff') return NOTHING
    const of = this.#trace(trace)
    const before = of.size
    const found =
      step.kind === 'tool' ? this.#tool(of, step, loops, span, parent) : agentIn(of, view, step, loops, parent)
    this.#remembered += of.size - before
    return found
  }

  #tool(of: TraceLoops, step: Step, loops: Loops, span: number, parent: number): StepFindings {
    const tool = hashOf(step, 'toolName', 2)
    if (tool === 0) return NOTHING
    if (of.isToldTool(tool, span, parent, hashOf(step, 'toolCallId', 3))) return NOTHING
    const told = Buffer.from(step.arguments)
    const call = told.length === 0 ? 0 : hash(told, 0, told.length, tool)
    let signals = of.addTool(tool, call, step.failed, loops) ? TOOL_LOOP : 0
    const handedTo = HANDOFF_TOOL.exec(step.text('toolName'))?.[1]
    if (handedTo !== undefined) {
      const agent = Buffer.from(handedTo)
      if (of.addHandoff(hash(agent, 0, agent.length, 4), loops)) signals |= AGENT_LOOP
    }
    const consecutiveFailures = this.#countFailure(hashOf(step, 'agentName', tool) || tool, step.failed)
    if (consecutiveFailures === FAILURES_SIGNAL) signals |= TOOL_FAILURES
    return signals === 0 && consecutiveFailures === 0 ? NOTHING : { consecutiveFailures, signals }
  }

  #countFailure(pair: number, failed: boolean): number {
    const now_ms = this.#clock.monotonic_ms()
    const known = this.#failures.get(pair)
    this.#failures.delete(pair)
    if (!failed) return 0
    const count = known === undefined || now_ms - known.last_ms > FAILURES_MS ? 1 : known.count + 1
    this.#failures.set(pair, { count, last_ms: now_ms })
    if (this.#failures.size > PAIRS_MAX) this.#failures.delete(first(this.#failures))
    return count
  }

  #trace(id: number): TraceLoops {
    const now_ms = this.#clock.monotonic_ms()
    const known = this.#traces.get(id)
    if (known !== undefined) this.#traces.delete(id)
    else this.#forget(now_ms)
    const trace = known ?? new TraceLoops()
    trace.seen_ms = now_ms
    this.#traces.set(id, trace)
    return trace
  }

  #forget(now_ms: number): void {
    for (const [id, trace] of this.#traces) {
      const isFull = this.#traces.size >= TRACES_MAX || this.#remembered >= REMEMBERED_MAX
      const isOld = now_ms - trace.seen_ms > TRACE_MS
      if (!isFull && !isOld) return
      if (!isOld) this.#forgotten.add(1)
      this.#traces.delete(id)
      this.#remembered -= trace.size
    }
  }
}

/** The watch of a daemon. */
export const STEP_WATCH: Service<StepWatch> = { make: ({ clock, meter }) => new StepWatch(clock, meter) }

function agentIn(of: TraceLoops, view: SpanView, step: Step, loops: Loops, parent: number): StepFindings {
  const agent = hashOf(step, step.kind === 'handoff' ? 'handoffTo' : 'agentName', 4)
  if (agent === 0) return NOTHING
  const isLoop =
    step.kind === 'handoff'
      ? of.addHandoff(agent, loops)
      : of.addAgent(agent, parent, timeAt(view, view.startTime), timeAt(view, view.endTime), loops)
  return isLoop ? { consecutiveFailures: 0, signals: AGENT_LOOP } : NOTHING
}

/** Tenths of microseconds, which a number holds exactly. */
function timeAt({ bytes }: SpanView, at: number): number {
  return at < 0 ? 0 : Number(bytes.readBigUInt64LE(at) / 100n)
}

/** 0 without the text. */
function hashOf(step: Step, text: StepText, seed: number): number {
  return step.has(text) ? hash(step.bytes, step.start(text), step.end(text), seed) : 0
}

/** 52 bits, never 0. */
function hash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let low = 0x811c9dc5 ^ seed
  let high = 0x9747b28c ^ Math.floor(seed / 0x100000000)
  for (let at = start; at < end; at++) {
    low = Math.imul(low ^ bytes[at]!, 0x01000193)
    high = Math.imul(high ^ bytes[at]!, 0x85ebca6b) ^ (low >>> 15)
  }
  return (high & 0xfffff) * 0x100000000 + (low >>> 0) + 1
}

function first(map: ReadonlyMap<number, unknown>): number {
  return map.keys().next().value!
}
