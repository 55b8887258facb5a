import type { Host } from '../component.ts'
import { TraceTable } from './trace_table.ts'

/** Traces that the daemon knows at once, over all shards; held ones and those whose verdict still serves late spans. */
const TRACES_MAX = 1_000_000

/** The daemon's trace tables, one a shard (`shardOf` tells which owns a trace). */
export function sharedTables(host: Host): readonly TraceTable[] {
  return host.shared('trace_tables', () => {
    const tables = Array.from({ length: host.shards }, () => new TraceTable(Math.ceil(TRACES_MAX / host.shards)))
    const sum = (read: (table: TraceTable) => number) => () => tables.reduce((total, table) => total + read(table), 0)
    host.meter.gauge(
      'sluice_trace_table_traces',
      'Traces of which something is known.',
      {},
      sum((table) => table.count),
    )
    host.meter.gauge(
      'sluice_trace_table_evicted',
      'Traces forgotten to make room.',
      {},
      sum((table) => table.evicted),
    )
    host.meter.gauge(
      'sluice_trace_table_bytes',
      'Memory for what is known of traces, in bytes.',
      {},
      sum((table) => table.size_bytes),
    )
    return tables
  })
}
