/** The batches of logs in the store: which records may hold what is asked for. */
import { type Address, segmentOf } from '../../journal/journal.ts'
import { uint32 } from '../../otlp/cursor.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import type { LogQuery } from '../../telemetry_store.ts'
import { GroupServices } from './group_services.ts'
import { LogView } from './log_view.ts'
import { type List, NONE, SharedTexts } from './shared_texts.ts'

export interface StoredLogs {
  readonly record: Address
  /** Bounds of the times of its records. */
  from_ms: number
  until_ms: number
  severity_max: number
  /** Of these three, undefined: so many different ones that all may be in it. */
  services: List | undefined
  events: List | undefined
  /** 31 bits of each trace id that occurs. */
  traces: number[] | undefined
}

export interface LogLimits {
  /** So many batches, */
  readonly batches_max: number
  /** in about so much memory. */
  readonly bytes_max: number
}

const NAMES_MAX = 16
const TRACES_MAX = 8192
/** Memory of a batch beside its traces, and of one of these. */
const BATCH_BYTES = 300
const TRACE_BYTES = 8
/** They go in lots of this share: taking one off the front of a long list moves all others. */
const LOT = 0.01

export class LogIndex {
  /** Batches forgotten because the limits were reached. */
  evicted = 0
  /** Memory that it takes, about. */
  size_bytes = 0
  readonly #limits: () => LogLimits
  #batches: StoredLogs[] = []
  readonly #view = new LogView()
  readonly #services = new GroupServices()
  readonly #texts = new SharedTexts()

  /** `limits` is asked at each use. */
  constructor(limits: () => LogLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#batches.length
  }

  /** The batch was written at that address. */
  add(batch: LogBatch, record: Address): void {
    const logs: StoredLogs = {
      record,
      from_ms: Number.POSITIVE_INFINITY,
      until_ms: Number.NEGATIVE_INFINITY,
      severity_max: 0,
      services: NONE,
      events: NONE,
      traces: [],
    }
    const traces = new Set<number>()
    for (let item = 0; item < batch.items; item++) {
      this.#view.read(batch, item)
      this.#addRecord(logs, batch, traces)
    }
    this.#view.forget()
    this.#services.forget()
    logs.traces = traces.size > TRACES_MAX ? undefined : [...traces]
    this.#batches.push(logs)
    this.size_bytes += sizeOf(logs)
    this.evict()
  }

  /** The limits may have changed. */
  evict(): void {
    const { batches_max, bytes_max } = this.#limits()
    const { length } = this.#batches
    if (length <= batches_max * (1 + LOT) && this.size_bytes <= bytes_max * (1 + LOT)) return
    let excess = 0
    while (length - excess > batches_max || (length - excess > 1 && this.size_bytes > bytes_max))
      this.size_bytes -= sizeOf(this.#batches[excess++]!)
    this.#batches.splice(0, excess)
    this.evicted += excess
  }

  removeSegment(segment: number): void {
    this.#batches = this.#batches.filter(({ record }) => segmentOf(record) !== segment)
    this.size_bytes = this.#batches.reduce((sum, logs) => sum + sizeOf(logs), 0)
  }

  /** The batches that may hold records as the query wants them, those with the newest first. */
  candidates(query: LogQuery): StoredLogs[] {
    const { since_ms = Number.NEGATIVE_INFINITY, until_ms = Number.POSITIVE_INFINITY, severity_min = 0 } = query
    const { service, event, trace_id } = query
    const trace = trace_id === undefined ? undefined : traceNumber(Buffer.from(trace_id, 'hex'), 0)
    return this.#batches
      .filter(
        (logs) =>
          logs.until_ms >= since_ms &&
          logs.from_ms < until_ms &&
          logs.severity_max >= severity_min &&
          (service === undefined || logs.services === undefined || logs.services.includes(service)) &&
          (event === undefined || logs.events === undefined || logs.events.includes(event)) &&
          (trace === undefined || logs.traces === undefined || logs.traces.includes(trace)),
      )
      .sort((a, b) => b.until_ms - a.until_ms)
  }

  #addRecord(logs: StoredLogs, batch: LogBatch, traces: Set<number>): void {
    const view = this.#view
    logs.from_ms = Math.min(logs.from_ms, view.time_ms)
    logs.until_ms = Math.max(logs.until_ms, view.time_ms)
    logs.severity_max = Math.max(logs.severity_max, view.severity)
    if (logs.services !== undefined) {
      logs.services = this.#texts.add(logs.services, this.#services.nameOf(batch, view.scope))
      if (logs.services.length > NAMES_MAX) logs.services = undefined
    }
    if (view.traceId >= 0 && traces.size <= TRACES_MAX) traces.add(traceNumber(view.bytes, view.traceId))
    if (logs.events === undefined) return
    logs.events = this.#texts.add(logs.events, view.event)
    if (logs.events.length > NAMES_MAX) logs.events = undefined
  }
}

function sizeOf({ traces }: StoredLogs): number {
  return BATCH_BYTES + (traces?.length ?? 0) * TRACE_BYTES
}

function traceNumber(bytes: Uint8Array, at: number): number {
  return (uint32(bytes, at + 4) ^ uint32(bytes, at + 12)) >>> 1
}
