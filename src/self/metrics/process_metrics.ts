/** Metrics about the process, by the Collector's names where it has them. */
import type { Clock } from '../clock.ts'
import type { ProcessMemory } from '../memory/process_memory.ts'
import { LoopLag } from './loop_lag.ts'
import type { SelfMetrics } from './registry.ts'

const QUANTILES = [0.5, 0.99, 1] as const

export interface ServiceIdentity {
  readonly name: string
  readonly version: string
  readonly instanceId: string
}

/** Registers them and starts watching the event loop. The returned function ends the watching. */
export function watchProcess(metrics: SelfMetrics, service: ServiceIdentity, clock: Clock): () => void {
  const started_ms = clock.monotonic_ms()
  metrics.counterOf(
    'otelcol_process_uptime',
    'Uptime of the process',
    {},
    () => (clock.monotonic_ms() - started_ms) / 1e3,
  )
  metrics.counterOf('otelcol_process_cpu_seconds', 'Total CPU user and system time in seconds', {}, cpu_seconds)
  metrics.gauge('otelcol_process_memory_rss', 'Total physical memory (resident set size), bytes', {}, () =>
    process.memoryUsage.rss(),
  )
  metrics.gauge(
    'otelcol_process_runtime_heap_alloc_bytes',
    'Bytes of heap objects in use',
    {},
    () => process.memoryUsage().heapUsed,
  )
  metrics.gauge(
    'sluice_build_info',
    'Always 1; the labels tell the version',
    { version: service.version, node_version: process.versions.node },
    () => 1,
  )
  metrics.gauge(
    'target_info',
    'Target metadata',
    { service_instance_id: service.instanceId, service_name: service.name, service_version: service.version },
    () => 1,
  )
  return watchEventLoop(metrics, clock)
}

/** Registers what the daemon keeps bytes for, against what it may take. */
export function watchMemory(metrics: SelfMetrics, memory: ProcessMemory): void {
  metrics.gauge('sluice_memory_limit_bytes', 'Memory that the process may take', {}, () => memory.limit_bytes)
  metrics.gauges(
    'sluice_memory_held_bytes',
    'Memory that is held for somebody: requests, waiting items, tables',
    'holder',
    () => memory.held(),
  )
}

function watchEventLoop(metrics: SelfMetrics, clock: Clock): () => void {
  const help = 'How late timers fired since the last scrape, by quantile (1 is the maximum)'
  const lag = new LoopLag(clock)
  for (const quantile of QUANTILES) {
    metrics.gauge('sluice_event_loop_lag_seconds', help, { quantile: String(quantile) }, () => {
      const seconds = lag.seconds(quantile)
      if (quantile === 1) lag.reset()
      return seconds
    })
  }
  return () => lag.close()
}

function cpu_seconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
