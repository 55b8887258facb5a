/** The traces of the store, in memory: what lists show, and where their spans are. */
import { type Address, segmentOf } from '../../journal/journal.ts'
import { compareTraces, type TraceQuery, type TraceSummary } from '../../journal/stores.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { NOT_SAMPLED, StoredTrace } from './stored_trace.ts'
import { TraceReader } from './trace_reader.ts'

/** So many traces are known of which nothing but log records is stored. */
export const EARLY_MAX = 10_000

export class TraceIndex {
  /** Traces forgotten because there were more than `traces_max`. */
  evicted = 0
  #traces_max: number
  /** In the order in which they came. */
  readonly #traces = new Map<string, StoredTrace>()
  /** Traces of which only log records have told: their spans may follow. In the order in which they came. */
  readonly #early = new Map<string, StoredTrace>()
  readonly #reader = new TraceReader()

  constructor(traces_max: number) {
    this.#traces_max = traces_max
  }

  get count(): number {
    return this.#traces.size
  }

  limit(traces_max: number): void {
    this.#traces_max = traces_max
    this.#evict()
  }

  /** The batch was written at that address. */
  add(batch: TraceBatch, record: Address): void {
    this.#reader.read(batch, record, (key) => this.#obtain(key, record))
    this.#evict()
  }

  /** What log records tell of model calls belongs to their traces, whichever is stored first. */
  addLogs(batch: LogBatch): void {
    this.#reader.readRecords(batch, (key) => this.#traces.get(key) ?? this.#obtainEarly(key))
  }

  removeSegment(segment: number): void {
    const isThere = (record: Address) => segmentOf(record) !== segment
    for (const [key, trace] of this.#traces) if (!trace.keepRecords(isThere)) this.#traces.delete(key)
  }

  /** The trace with that id of 32 hexadecimal digits. */
  find(trace_id: string): StoredTrace | undefined {
    return this.#traces.get(Buffer.from(trace_id, 'hex').toString('latin1'))
  }

  /** As `TelemetryStore.traces`. */
  list(query: TraceQuery): TraceSummary[] {
    const matches = matcherOf(query)
    const isWanted = (trace: StoredTrace) => matches(trace) && isBehind(trace, query)
    let found: StoredTrace[] = []
    for (const trace of this.#traces.values()) {
      if (!isWanted(trace)) continue
      found.push(trace)
      if (found.length > query.limit * 4 + 1000) found = newest(found, query.limit)
    }
    return newest(found, query.limit).map((trace) => trace.summary())
  }

  #obtain(key: string, record: Address): StoredTrace {
    let trace = this.#traces.get(key)
    if (trace !== undefined) return trace
    trace = this.#early.get(key) ?? new StoredTrace(key, record)
    this.#early.delete(key)
    this.#traces.set(key, trace)
    // One batch may have very many. In lots, as finding the oldest looks past those that are gone.
    if (this.#traces.size > this.#traces_max * 1.02 + 64) this.#evict()
    return trace
  }

  #obtainEarly(key: string): StoredTrace {
    let trace = this.#early.get(key)
    if (trace !== undefined) return trace
    this.#early.set(key, (trace = new StoredTrace(key)))
    if (this.#early.size > EARLY_MAX) this.#early.delete(this.#early.keys().next().value!)
    return trace
  }

  #evict(): void {
    for (const key of this.#traces.keys()) {
      if (this.#traces.size <= this.#traces_max) return
      this.#traces.delete(key)
      this.evicted++
    }
  }
}

function newest(traces: StoredTrace[], limit: number): StoredTrace[] {
  // Keys compare as ids do: one character is one byte.
  return traces.sort((a, b) => b.start_ms - a.start_ms || (a.key < b.key ? -1 : 1)).slice(0, limit)
}

function isBehind(trace: StoredTrace, { before }: TraceQuery): boolean {
  if (before === undefined) return true
  if (trace.start_ms !== before.start_ms) return trace.start_ms < before.start_ms
  return compareTraces(before, { start_ms: trace.start_ms, trace_id: trace.id }) < 0
}

function matcherOf(query: TraceQuery): (trace: StoredTrace) => boolean {
  const { since_ms = Number.NEGATIVE_INFINITY, until_ms = Number.POSITIVE_INFINITY, failed } = query
  const { service, model, signal, policy, min_cost_usd, max_score } = query
  const reason = query.reason?.toLowerCase()
  return (trace) => {
    if (trace.start_ms < since_ms || trace.start_ms >= until_ms) return false
    if (failed !== undefined && trace.failed !== failed) return false
    if (service !== undefined && !trace.services.includes(service)) return false
    if (model !== undefined && !trace.models.includes(model)) return false
    if (signal !== undefined && !trace.signals.includes(signal)) return false
    if (max_score !== undefined && !(trace.score <= max_score)) return false
    const sampling = trace.sampling ?? NOT_SAMPLED
    if (policy !== undefined && sampling.policy !== policy) return false
    if (reason !== undefined && !sampling.reason.toLowerCase().includes(reason)) return false
    return min_cost_usd === undefined || trace.totals.cost_usd >= min_cost_usd
  }
}
