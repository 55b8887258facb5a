import { existingNow, LiveMemory } from '../../self/memory/live_memory.ts'
import { type ProcessMemory, total } from '../../self/memory/process_memory.ts'
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
  const live = new LiveMemory(() => memory.held_bytes())
  return {
    used: () => live.bytes,
    resident: () => process.memoryUsage.rss(),
    collectable: () => {
      const { heap_bytes, external_bytes } = existingNow()
      return heap_bytes + external_bytes
    },
    total,
    collect: () => live.collect(),
    close: () => live.close(),
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
/**
 * Code, stacks, buffers of the system, garbage, and memory too scattered to be used again have to fit in beside the limit: a
 * third of what there is and a little more, and these bounds. With a larger share a container of 256 MiB has no room for what the
 * program itself keeps.
 */
const BESIDE = { share: 0.35, min_bytes: 96 * MIB, max_bytes: 208 * MIB }

export function limitsOf(config: MemoryLimiterConfig, total_bytes: number): Limits {
  const { hard_bytes, spike_bytes } = config.limit_mib === undefined ? shares(config, total_bytes) : fixed(config)
  // The Collector's 0 means the default as well.
  const soft_bytes = hard_bytes - (spike_bytes || hard_bytes * DEFAULT_SPIKE)
  return { hard_bytes, soft_bytes, resume_bytes: soft_bytes * RESUME }
}

interface Wanted {
  readonly hard_bytes: number
  readonly spike_bytes: number
}

function fixed({ limit_mib = 0, spike_limit_mib = 0 }: MemoryLimiterConfig): Wanted {
  return { hard_bytes: limit_mib * MIB, spike_bytes: spike_limit_mib * MIB }
}

/** A share of a small container would leave too little beside it; both are then less in the same proportion. */
function shares(
  { limit_percentage = 0, spike_limit_percentage = 0 }: MemoryLimiterConfig,
  total_bytes: number,
): Wanted {
  const wanted_bytes = (total_bytes * limit_percentage) / 100
  const hard_bytes = Math.max(wanted_bytes / 2, Math.min(wanted_bytes, total_bytes - besideOf(total_bytes)))
  return { hard_bytes, spike_bytes: (hard_bytes * spike_limit_percentage) / limit_percentage }
}

function besideOf(total_bytes: number): number {
  return Math.min(BESIDE.max_bytes, Math.max(BESIDE.min_bytes, total_bytes * BESIDE.share))
}
