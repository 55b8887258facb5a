import { memoryOf, type ProcessMemory } from '../self/memory/process_memory.ts'
import type { Service, Services } from '../self/services.ts'
import { TraceTable } from './trace_table.ts'

/** Traces that may wait at once, over all shards: beyond what memory allows, which is asked first. */
const TRACES_MAX = 1 << 25
/** Traces that nobody waits for any more, whose verdict still serves late spans, over all shards: so many, */
const REMEMBERED_MAX = 1_000_000
/** in at most this share of the process's memory, but always some. */
const REMEMBERED_SHARE = 1 / 16
const REMEMBERED_MIN = 1024

const TABLES: Service<readonly TraceTable[]> = {
  make(services) {
    const memory = memoryOf(services)
    const tables = Array.from({ length: services.shards }, () => tableOf(services.shards, memory))
    const sum = (read: (table: TraceTable) => number) => () => tables.reduce((total, table) => total + read(table), 0)
    const gauge = (name: string, help: string, read: (table: TraceTable) => number) =>
      services.meter.gauge(name, help, {}, sum(read))
    gauge('sluice_trace_table_traces', 'Traces of which something is known.', (table) => table.count)
    gauge('sluice_trace_table_evicted', 'Traces forgotten to make room.', (table) => table.evicted)
    gauge('sluice_trace_table_bytes', 'Memory for what is known of traces, in bytes.', (table) => table.size_bytes)
    memory.hold(
      'trace_tables',
      sum((table) => table.size_bytes),
    )
    return tables
  },
}

/** The daemon's trace tables, one a shard (`shardOf` tells which owns a trace). */
export function sharedTables(host: Pick<Services, 'service'>): readonly TraceTable[] {
  return host.service(TABLES)
}

function tableOf(shards: number, memory: ProcessMemory): TraceTable {
  const remembered = (): number => {
    const rows = Math.min(REMEMBERED_MAX, (memory.limit_bytes * REMEMBERED_SHARE) / table.row_bytes)
    return Math.ceil(Math.max(REMEMBERED_MIN, rows / shards))
  }
  const table: TraceTable = new TraceTable(Math.ceil(TRACES_MAX / shards), remembered)
  return table
}
