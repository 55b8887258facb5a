import { totalmem } from 'node:os'
import type { MemoryLimiterConfig } from './config.ts'

/** What the limiter knows of memory. All in bytes. */
export interface Memory {
  /** Resident memory of the process: Buffers live outside of the JavaScript heap, so the heap's size says little. */
  resident(): number
  /** What there is: the cgroup's limit if it has one, otherwise the machine's memory. */
  total(): number
}

export const processMemory: Memory = {
  resident: () => process.memoryUsage.rss(),
  total: () => {
    // Reads memory.max of cgroup v2 and memory.limit_in_bytes of v1; without a limit it is 0 or larger than the machine.
    const limit_bytes = process.constrainedMemory()
    return limit_bytes > 0 ? Math.min(limit_bytes, totalmem()) : totalmem()
  },
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
