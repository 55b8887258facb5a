/** Answers queries for log records: reads the records that may match, newest first, until there are enough. */

import { plainAttributes, plainOf } from '../../items/plain_value.ts'
import type { Journal } from '../../journal/journal.ts'
import { decode } from '../../otlp/codec.ts'
import { type LogBatch, trusted } from '../../telemetry/batch.ts'
import type { LogAnswer, LogEntry, LogQuery } from '../../telemetry_store.ts'
import { GroupServices } from './group_services.ts'
import type { LogIndex } from './log_index.ts'
import { LogView } from './log_view.ts'

/** Most that is read for one answer. */
const READ_BYTES_MAX = 64 << 20
/** How long others wait while records are looked through. */
const SLICE_MS = 10

interface Match {
  readonly time_ms: number
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly service: string
  readonly event: string
}

/** As `TelemetryStore.logs`. */
export async function findLogs(journal: Journal, index: LogIndex, query: LogQuery): Promise<LogAnswer> {
  const { limit } = query
  let matches: Match[] = []
  let read_bytes = 0
  let truncated = false
  let sliceStart_ms = performance.now()
  for (const { record: address, until_ms } of index.candidates(query)) {
    // What follows is older than what there is already.
    if (matches.length >= limit && until_ms < matches[limit - 1]!.time_ms) break
    truncated = read_bytes >= READ_BYTES_MAX
    if (truncated) break
    const record = await journal.read(address)
    if (record === undefined) continue
    read_bytes += record.payload.length
    for (const match of matchesIn(trusted('logs', record.payload), query)) matches.push(match)
    matches = matches.sort((a, b) => b.time_ms - a.time_ms).slice(0, limit)
    if (performance.now() - sliceStart_ms < SLICE_MS) continue
    await new Promise((resolve) => setImmediate(resolve))
    sliceStart_ms = performance.now()
  }
  return { logs: matches.map(entryOf), truncated }
}

function* matchesIn(batch: LogBatch, query: LogQuery): Generator<Match> {
  const { since_ms = Number.NEGATIVE_INFINITY, until_ms = Number.POSITIVE_INFINITY, severity_min = 0 } = query
  const id = query.trace_id === undefined ? undefined : Buffer.from(query.trace_id, 'hex')
  const view = new LogView()
  const services = new GroupServices()
  const { bytes } = batch
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    const { time_ms, traceId, start, end } = view
    if (time_ms < since_ms || time_ms >= until_ms || view.severity < severity_min) continue
    if (id !== undefined && (traceId < 0 || id.compare(bytes, traceId, traceId + 16) !== 0)) continue
    const service = services.nameOf(batch, view.scope)
    if (query.service !== undefined && service !== query.service) continue
    const { event } = view
    if (query.event === undefined || query.event === event) yield { time_ms, bytes, start, end, service, event }
  }
}

function entryOf({ bytes, start, end, service, event }: Match): LogEntry {
  const message = decode('LogRecord', bytes, start, end)
  const severity_number = (message['severityNumber'] ?? 0) as number
  const nanos = ((message['timeUnixNano'] || message['observedTimeUnixNano']) ?? 0n) as bigint
  const hex = (name: string) => ((message[name] ?? Buffer.alloc(0)) as Buffer).toString('hex')
  return {
    time: rfc3339(nanos),
    severity: ((message['severityText'] || severityName(severity_number)) ?? '') as string,
    severity_number,
    service,
    event_name: event,
    trace_id: hex('traceId'),
    span_id: hex('spanId'),
    body: plainOf(message['body']),
    attributes: plainAttributes(message['attributes']),
  }
}

/** Short names of the ranges of severity numbers (OpenTelemetry logs data model). */
const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const

function severityName(number: number): string {
  const name = SEVERITIES[Math.floor((number - 1) / 4)]
  if (name === undefined) return ''
  return (number - 1) % 4 === 0 ? name : `${name}${((number - 1) % 4) + 1}`
}

function rfc3339(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n)
  // Years beyond 9999 are no dates that anybody means.
  const text = seconds < 253_402_300_800 ? new Date(seconds * 1000).toISOString() : new Date(0).toISOString()
  return text.replace('.000Z', `.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`)
}
