/** Traces and logs that a `store` exporter keeps: lists, and one trace. Several stores answer as one. */
import type { Host } from '../../component.ts'
import type { HttpHead } from '../../net/http/http_exchange.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import {
  compareTraces,
  type LogEntry,
  type LogQuery,
  sharedStores,
  type TelemetryStore,
  type TraceCursor,
  type TraceSummary,
} from '../../telemetry_store.ts'
import type { ApiAnswer } from './api_answer.ts'
import { Parameters, traceIdOf, unexpected } from './parameters.ts'

const LIMIT = 100
const LIMIT_MAX = 1000
/** What an answer with a trace has at most, in bytes. */
const TRACE_BYTES_MAX = 16 << 20

export const TRACE_PATH = '/api/traces/'

const TRACE_PARAMETERS = ['service', 'model', 'since', 'until', 'reason', 'policy', 'min_cost_usd', 'signal']
TRACE_PARAMETERS.push('status', 'max_score', 'limit', 'before')
const LOG_PARAMETERS = ['service', 'trace_id', 'event', 'since', 'until', 'limit', 'severity']

/** GET /api/traces: newest first. */
export function listTraces(host: Host, { query }: HttpHead): ApiAnswer {
  const stores = storesOf(host)
  const given = new Parameters(query, TRACE_PARAMETERS)
  const now_ms = host.clock.now_ms()
  const limit = given.whole('limit', 1, LIMIT_MAX) ?? LIMIT
  const status = given.choice('status', ['error', 'ok'])
  const wanted = {
    service: given.text('service'),
    model: given.text('model'),
    signal: given.text('signal'),
    policy: given.text('policy'),
    reason: given.text('reason'),
    since_ms: given.time('since', now_ms),
    until_ms: given.time('until', now_ms),
    min_cost_usd: given.number('min_cost_usd', 0),
    max_score: given.number('max_score', 0, 1),
    failed: status === undefined ? undefined : status === 'error',
    before: cursorOf(given.text('before')),
    // One more tells whether there is a next page.
    limit: limit + 1,
  }
  const found = withoutRepeats(stores.flatMap((store) => store.traces(wanted))).sort(compareTraces)
  const traces = found.slice(0, limit)
  const last = found.length > limit ? traces.at(-1) : undefined
  const next = last === undefined ? null : `${last.start_ms}_${last.trace_id}`
  return { status: 200, content: { traces: traces.map(shown), next, loading: isLoading(stores) } }
}

/** GET /api/traces/{id}: spans as OTLP/JSON, summary and logs. */
export async function showTrace(host: Host, { path, query }: HttpHead): Promise<ApiAnswer> {
  const stores = storesOf(host)
  new Parameters(query, [])
  const trace_id = traceIdOf(path.slice(TRACE_PATH.length))
  const summary = stores.map((store) => store.trace(trace_id)).find((one) => one !== undefined)
  if (summary === undefined) throw unknownTrace(stores)
  const { text, truncated } = await spansAsJson(stores, trace_id)
  const found = await logsOf(stores, { trace_id, limit: LIMIT_MAX })
  const logs = withinBytes(found.logs, TRACE_BYTES_MAX - text.length)
  const isCut = truncated || found.truncated || logs.length < found.logs.length
  const head = JSON.stringify({ summary: shown(summary), truncated: isCut, loading: isLoading(stores) })
  return { status: 200, text: `${head.slice(0, -1)},"trace":{"resourceSpans":[${text}]},"logs":[${logs.join(',')}]}` }
}

/** GET /api/logs: newest first. */
export async function listLogs(host: Host, { query }: HttpHead): Promise<ApiAnswer> {
  const stores = storesOf(host)
  const given = new Parameters(query, LOG_PARAMETERS)
  const now_ms = host.clock.now_ms()
  const { logs, truncated } = await logsOf(stores, {
    service: given.text('service'),
    trace_id: given.traceId('trace_id'),
    event: given.text('event'),
    since_ms: given.time('since', now_ms),
    until_ms: given.time('until', now_ms),
    severity_min: severityOf(given.text('severity')),
    limit: given.whole('limit', 1, LIMIT_MAX) ?? LIMIT,
  })
  return { status: 200, content: { logs, truncated, loading: isLoading(stores) } }
}

function storesOf(host: Host): TelemetryStore[] {
  const stores = [...sharedStores(host)]
  if (stores.length > 0) return stores
  throw new HttpFailure(
    404,
    'nothing is stored: add the exporter `store` to a pipeline of traces or logs in the config',
  )
}

function isLoading(stores: readonly TelemetryStore[]): boolean {
  return stores.some(({ loading }) => loading)
}

function unknownTrace(stores: readonly TelemetryStore[]): HttpFailure {
  const hint = isLoading(stores)
    ? 'what was stored before the last start is still being read, ask again in a moment'
    : 'it may not have been kept, not be decided yet, or be older than what is stored; /api/logs?trace_id= may have its logs'
  return new HttpFailure(404, `no trace with this id is stored: ${hint}`)
}

function withoutRepeats(traces: readonly TraceSummary[]): TraceSummary[] {
  return [...new Map(traces.toReversed().map((trace) => [trace.trace_id, trace])).values()]
}

function shown({ start_ms, duration_ms, ...trace }: TraceSummary) {
  return {
    trace_id: trace.trace_id,
    service: trace.service,
    root_name: trace.root_name,
    start: new Date(Math.min(start_ms, 8.64e15)).toISOString(),
    duration_ms,
    spans: trace.spans,
    models: trace.models,
    cost_usd: trace.cost_usd ?? null,
    input_tokens: trace.input_tokens ?? null,
    output_tokens: trace.output_tokens ?? null,
    quality_score: trace.quality_score ?? null,
    quality_signals: trace.quality_signals,
    error: trace.error,
    policy: trace.policy,
    decision: trace.decision,
    reason: trace.reason,
  }
}

function cursorOf(text: string | undefined): TraceCursor | undefined {
  if (text === undefined) return undefined
  const [, start_ms, trace_id] = /^(\d+(?:\.\d+)?)_([0-9a-f]{32})$/.exec(text) ?? []
  if (trace_id === undefined) throw unexpected('before', text, '`next` of an earlier answer')
  return { start_ms: Number(start_ms), trace_id }
}

/** Lowest numbers of the ranges of severities (OpenTelemetry logs data model). */
const SEVERITIES: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

function severityOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = SEVERITIES[text.toLowerCase()] ?? (/^\d{1,2}$/.test(text) ? Number(text) : 0)
  if (number >= 1 && number <= 24) return number
  throw unexpected('severity', text, `${Object.keys(SEVERITIES).join(', ')}, or a number from 1 to 24`)
}

const OPENING = '{"resourceSpans":['
const CLOSING = ']}'

/** The elements of `resourceSpans`. Others get a turn between two batches. */
async function spansAsJson(
  stores: readonly TelemetryStore[],
  trace_id: string,
): Promise<{ text: string; truncated: boolean }> {
  const parts: string[] = []
  let left_bytes = TRACE_BYTES_MAX
  // A trace that two stores have is the same in both.
  const store = stores.find((one) => one.trace(trace_id) !== undefined)
  for await (const batch of store?.spans(trace_id) ?? []) {
    const json = protobufToJson('TracesRequest', batch.bytes)
    left_bytes -= json.length
    if (left_bytes < 0) return { text: parts.join(','), truncated: true }
    parts.push(json.toString('utf8', OPENING.length, json.length - CLOSING.length))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { text: parts.join(','), truncated: false }
}

async function logsOf(
  stores: readonly TelemetryStore[],
  query: LogQuery,
): Promise<{ logs: LogEntry[]; truncated: boolean }> {
  const answers = await Promise.all(stores.map((store) => store.logs(query)))
  const logs = answers.flatMap((answer) => answer.logs)
  if (answers.length > 1) logs.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0))
  return { logs: logs.slice(0, query.limit), truncated: answers.some((answer) => answer.truncated) }
}

/** As JSON texts, as many as have room. */
function withinBytes(logs: readonly LogEntry[], bytes_max: number): string[] {
  const texts: string[] = []
  let left_bytes = bytes_max
  for (const log of logs) {
    const text = JSON.stringify(log)
    left_bytes -= Buffer.byteLength(text)
    if (left_bytes < 0) break
    texts.push(text)
  }
  return texts
}
