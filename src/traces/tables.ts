import type { Host } from '../component.ts'
import { memoryOf, type ProcessMemory } from '../self/memory.ts'
import { TraceTable } from './trace_table.ts'

/** Traces that may wait at once, over all shards: beyond what memory allows, which is asked first. */
const TRACES_MAX = 1 << 25
/** Traces that nobody waits for any more, whose verdict still serves late spans, over all shards: so many, */
const REMEMBERED_MAX = 1_000_000
/** in at most this share of the process's memory, but always some. */
const REMEMBERED_SHARE = 1 / 16
const REMEMBERED_MIN = 1024

/** The daemon's trace tables, one a shard (`shardOf` tells which owns a trace). */
export function sharedTables(host: Host): readonly TraceTable[] {
  return host.shared('trace_tables', () => {
    const memory = memoryOf(host)
    const tables = Array.from({ length: host.shards }, () => tableOf(host.shards, memory))
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
    memory.hold(
      'trace_tables',
      sum((table) => table.size_bytes),
    )
    return tables
  })
}

function tableOf(shards: number, memory: ProcessMemory): TraceTable {
  const remembered = (): number => {
    const rows = Math.min(REMEMBERED_MAX, (memory.limit_bytes * REMEMBERED_SHARE) / table.row_bytes)
    return Math.ceil(Math.max(REMEMBERED_MIN, rows / shards))
  }
  const table: TraceTable = new TraceTable(Math.ceil(TRACES_MAX / shards), remembered)
  return table
}
