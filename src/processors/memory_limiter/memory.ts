import { LiveHeap } from '../../self/heap.ts'
import { type ProcessMemory, total } from '../../self/memory.ts'
import type { MemoryLimiterConfig } from './config.ts'

/** What the limiter knows of memory. All in bytes. */
export interface Memory {
  /** What is held for somebody, and what lives on the JavaScript heap: what counts against the limit. */
  used(): number
  /** Resident memory of the process, garbage and free memory included: it hardly falls once taken. */
  resident(): number
  /** All that was ever allocated and is not collected: how much there could be to collect. */
  collectable(): number
  /** What there is: the cgroup's limit if it has one, otherwise the machine's memory. */
  total(): number
  /** Collects garbage. */
  collect(): void
  close(): void
}

/** Of this process. */
export function memoryOfProcess(memory: ProcessMemory): Memory {
  const heap = new LiveHeap()
  return {
    used: () => memory.held_bytes() + heap.bytes,
    resident: () => process.memoryUsage.rss(),
    collectable: () => {
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    },
    total,
    collect: () => heap.collect(),
    close: () => heap.close(),
  }
}

export interface Limits {
  readonly hard_bytes: number
  /** Refusing begins over it. */
  readonly soft_bytes: number
  /** Refusing ends at it: a little below, so that it does not change its mind at every check. */
  readonly resume_bytes: number
}

const MIB = 1 << 20
const DEFAULT_SPIKE = 0.2
const RESUME = 0.95

export function limitsOf(config: MemoryLimiterConfig, total_bytes: number): Limits {
  const share = (percentage: number | undefined) =>
    percentage === undefined ? undefined : (total_bytes * percentage) / 100
  const fixed = config.limit_mib !== undefined
  const hard_bytes = fixed ? config.limit_mib! * MIB : share(config.limit_percentage)!
  const given = fixed ? mebibytes(config.spike_limit_mib) : share(config.spike_limit_percentage)
  // The Collector's 0 means the default as well.
  const soft_bytes = hard_bytes - (given || hard_bytes * DEFAULT_SPIKE)
  return { hard_bytes, soft_bytes, resume_bytes: soft_bytes * RESUME }
}

function mebibytes(count: number | undefined): number | undefined {
  return count === undefined ? undefined : count * MIB
}
