/** When garbage is worth a collection, and how large the process is without what it may use again. */
import type { Clock } from '../../self/clock.ts'
import type { Memory } from './memory.ts'

/** Less garbage than this is not worth a collection. */
const MIN_BYTES = 16 << 20
/** While data is refused, what was measured longer ago is measured again. */
const STALE_MS = 3_000
/** So near to the end of all memory it counts what is resident, whatever may be free in it. */
const END = 0.9

/**
 * Resident memory hardly falls when garbage goes: what was freed is used again. So the size that counts is what is
 * allocated, and beside it what is resident for other reasons (code, stacks, memory too scattered to be used again): the
 * difference between the two when garbage was collected last, just before.
 */
export class Garbage {
  readonly #clock: Clock
  #collected_ms = Number.NEGATIVE_INFINITY
  #left_bytes = 0
  #beside_bytes = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How large the process is, without what is free in it. */
  size_bytes(memory: Memory): number {
    const resident_bytes = memory.resident()
    if (resident_bytes > memory.total() * END) return resident_bytes
    return Math.min(resident_bytes, memory.collectable() + this.#beside_bytes)
  }

  /**
   * Collects if the last time is `interval_ms` ago and something was allocated since, or, as long as data is refused,
   * what lived may have become garbage.
   */
  collect(memory: Memory, interval_ms: number, refuses: boolean): void {
    const now_ms = this.#clock.monotonic_ms()
    const age_ms = now_ms - this.#collected_ms
    const isStale = refuses && age_ms >= STALE_MS
    const allocated_bytes = memory.collectable()
    if (age_ms < interval_ms || (allocated_bytes < this.#left_bytes + MIN_BYTES && !isStale)) return
    this.#collected_ms = now_ms
    this.#beside_bytes = memory.resident() - allocated_bytes
    memory.collect()
    this.#left_bytes = memory.collectable()
  }
}
