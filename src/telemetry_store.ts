/**
 * Stores of recent telemetry that can be asked: an exporter registers itself, the API asks. They know each other only
 * by this page.
 */
import type { Service, Services } from './self/services.ts'
import type { TraceBatch } from './telemetry/batch.ts'

/** Conditions, all of which must hold; what is undefined is no condition. */
export interface TraceQuery {
  /** Any service of the trace. */
  readonly service?: string | undefined
  /** Any model of the trace. */
  readonly model?: string | undefined
  /** A quality signal of any call, such as `refusal`. */
  readonly signal?: string | undefined
  readonly policy?: string | undefined
  /** Part of the reason for which it was kept, in whatever case. */
  readonly reason?: string | undefined
  /** Bounds of the trace's start, Unix milliseconds: from `since_ms` on, before `until_ms`. */
  readonly since_ms?: number | undefined
  readonly until_ms?: number | undefined
  readonly min_cost_usd?: number | undefined
  /** Upper bound of the lowest quality score. */
  readonly max_score?: number | undefined
  /** True: only traces with a failed span; false: only those without. */
  readonly failed?: boolean | undefined
  /** Only what comes after this trace in the order of the answer. */
  readonly before?: TraceCursor | undefined
  readonly limit: number
}

export interface TraceCursor {
  readonly start_ms: number
  /** 32 hexadecimal digits. */
  readonly trace_id: string
}

/** What is known of a trace without reading its spans. Numbers are undefined where nobody told them. */
export interface TraceSummary {
  /** 32 hexadecimal digits. */
  readonly trace_id: string
  /** Of the root, as far as it is known. */
  readonly service: string
  readonly root_name: string
  /** Unix milliseconds. */
  readonly start_ms: number
  readonly duration_ms: number
  readonly spans: number
  readonly models: readonly string[]
  readonly cost_usd: number | undefined
  readonly input_tokens: number | undefined
  readonly output_tokens: number | undefined
  /** The lowest of its calls, 0 (bad) to 1 (good). */
  readonly quality_score: number | undefined
  readonly quality_signals: readonly string[]
  readonly error: boolean
  /** Which sampling policy kept it, when in its life, and why; empty if no sampler was asked. */
  readonly policy: string
  readonly decision: string
  readonly reason: string
}

export interface LogQuery {
  readonly service?: string | undefined
  /** 32 hexadecimal digits. */
  readonly trace_id?: string | undefined
  /** Name of the event. */
  readonly event?: string | undefined
  /** From `since_ms` on, before `until_ms`. */
  readonly since_ms?: number | undefined
  readonly until_ms?: number | undefined
  /** Lowest severity number (OTLP: 1 to 24). */
  readonly severity_min?: number | undefined
  readonly limit: number
}

/** A log record as plain JSON. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds, UTC: sorts as text. */
  readonly time: string
  readonly severity: string
  readonly severity_number: number
  readonly service: string
  readonly event_name: string
  readonly trace_id: string
  readonly span_id: string
  readonly body: unknown
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface LogAnswer {
  /** Newest first. */
  readonly logs: readonly LogEntry[]
  /** True: so much would have had to be read that it stopped before it had seen all. */
  readonly truncated: boolean
}

export interface TelemetryStore {
  /** Of the component: `store`. */
  readonly id: string
  /** True while what was there at start is read: answers may lack old telemetry. */
  readonly loading: boolean
  /** Newest start first, then by id; at most `limit`. */
  traces(query: TraceQuery): readonly TraceSummary[]
  trace(trace_id: string): TraceSummary | undefined
  /** The spans of a trace, each once, in batches of moderate size. */
  spans(trace_id: string): AsyncIterable<TraceBatch>
  logs(query: LogQuery): Promise<LogAnswer>
}

/** The order of lists of traces: newest start first, then by id. */
export function compareTraces(a: TraceCursor, b: TraceCursor): number {
  return b.start_ms - a.start_ms || (a.trace_id < b.trace_id ? -1 : a.trace_id > b.trace_id ? 1 : 0)
}

const STORES: Service<Set<TelemetryStore>> = { make: () => new Set() }

/** The stores of the running daemon. */
export function sharedStores(host: Pick<Services, 'service'>): Set<TelemetryStore> {
  return host.service(STORES)
}
