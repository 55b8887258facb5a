/** The traces of the store, in memory: what lists show, and where their spans are. */
import { type Address, segmentOf } from '../../journal/journal.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { compareTraces, type TraceQuery, type TraceSummary } from '../../telemetry_store.ts'
import { KnownTraces, type TraceLimits } from './known_traces.ts'
import { NOT_SAMPLED, StoredTrace } from './stored_trace.ts'
import { TraceReader } from './trace_reader.ts'

/** So many traces are known of which nothing but log records is stored, */
export const EARLY_MAX = 10_000
/** in this share of the memory for all others. */
const EARLY_SHARE = 1 / 4

export class TraceIndex {
  readonly #traces: KnownTraces
  /** Traces of which only log records have told: their spans may follow. */
  readonly #early: KnownTraces
  readonly #reader = new TraceReader()

  /** `limits` is asked at each use. */
  constructor(limits: () => TraceLimits) {
    this.#traces = new KnownTraces(limits)
    this.#early = new KnownTraces(() => ({ traces_max: EARLY_MAX, bytes_max: limits().bytes_max * EARLY_SHARE }))
  }

  get count(): number {
    return this.#traces.count
  }

  /** Memory that it takes, about. */
  get size_bytes(): number {
    return this.#traces.size_bytes + this.#early.size_bytes
  }

  /** Traces forgotten because the limits were reached. */
  get evicted(): number {
    return this.#traces.evicted
  }

  /** The limits may have changed. */
  evict(): void {
    this.#traces.evict()
    this.#early.evict()
  }

  /** The batch was written at that address. */
  add(batch: TraceBatch, record: Address): void {
    this.#weighing((obtain) => this.#reader.read(batch, record, (key) => obtain(this.#obtain(key, record))))
  }

  /** What log records tell of model calls belongs to their traces, whichever is stored first. */
  addLogs(batch: LogBatch): void {
    this.#weighing((obtain) =>
      this.#reader.readRecords(batch, (key) => obtain(this.#traces.get(key) ?? this.#obtainEarly(key))),
    )
  }

  removeSegment(segment: number): void {
    const isThere = (record: Address) => segmentOf(record) !== segment
    for (const trace of this.#traces.all()) if (!trace.keepRecords(isThere)) this.#traces.delete(trace)
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
    for (const trace of this.#traces.all()) {
      if (!isWanted(trace)) continue
      found.push(trace)
      if (found.length > query.limit * 4 + 1000) found = newest(found, query.limit)
    }
    return newest(found, query.limit).map((trace) => trace.summary())
  }

  /** Each trace is weighed when the next one is obtained, the last one at the end. */
  #weighing(read: (obtain: (trace: StoredTrace) => StoredTrace) => void): void {
    let last: StoredTrace | undefined
    const weigh = () => {
      if (last === undefined) return
      this.#traces.weigh(last)
      this.#early.weigh(last)
    }
    read((trace) => {
      weigh()
      last = trace
      return trace
    })
    weigh()
    this.evict()
  }

  #obtain(key: string, record: Address): StoredTrace {
    const known = this.#traces.get(key)
    if (known !== undefined) return known
    const early = this.#early.get(key)
    if (early !== undefined) this.#early.delete(early)
    const trace = early ?? new StoredTrace(key, record)
    this.#traces.add(trace)
    return trace
  }

  #obtainEarly(key: string): StoredTrace {
    const known = this.#early.get(key)
    if (known !== undefined) return known
    const trace = new StoredTrace(key)
    this.#early.add(trace)
    return trace
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
