/** What lives: how much is left after full collections, and collecting what is nobody's. */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes that exist, garbage among them. */
export interface Existing {
  readonly heap_bytes: number
  /** Outside of the heap: Buffers. */
  readonly external_bytes: number
}

/**
 * Watches full collections: what is left after one is what lives; garbage on top of it is nobody's. Buffers count where
 * nobody has registered them as held: those who did say at any time how much it is now.
 */
export class LiveMemory {
  readonly #observer: PerformanceObserver
  readonly #held: () => number
  readonly #existing: () => Existing
  #heap_bytes = 0
  #unregistered_bytes = 0

  /** `held`: what is registered, in bytes. */
  constructor(held: () => number, existing: () => Existing = existingNow) {
    this.#held = held
    this.#existing = existing
    this.measure()
    this.#observer = new PerformanceObserver((list) => {
      const isFull = list.getEntries().some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR)
      if (isFull) this.measure()
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** What is held now, and beside it what lived at the last full collection, or exists at all if that is less. */
  get bytes(): number {
    const held_bytes = this.#held()
    const { heap_bytes, external_bytes } = this.#existing()
    const beside_bytes = Math.max(0, external_bytes - held_bytes)
    return held_bytes + Math.min(this.#heap_bytes, heap_bytes) + Math.min(this.#unregistered_bytes, beside_bytes)
  }

  /** Collects everything, now. It takes about a millisecond for each megabyte that lives. */
  collect(): void {
    collectGarbage()
    this.measure()
  }

  /** After a full collection: what exists now lives. */
  measure(): void {
    settleFreed()
    const { heap_bytes, external_bytes } = this.#existing()
    this.#heap_bytes = heap_bytes
    this.#unregistered_bytes = Math.max(0, external_bytes - this.#held())
  }

  close(): void {
    this.#observer.disconnect()
  }
}

/** Of this process. */
export function existingNow(): Existing {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return { heap_bytes: used_heap_size, external_bytes: external_memory }
}

function kindOf(entry: object): number | undefined {
  return (entry as { detail?: { kind?: number } }).detail?.kind
}

/** A full collection of this thread. */
export function collectGarbage(): void {
  collector.collect()
  settleFreed()
}

/** V8 goes on counting Buffers that a collection has freed until the next one, which may be a small one: half a millisecond. */
function settleFreed(): void {
  collector.collect({ type: 'minor' })
}

type Collect = (options?: { type: 'minor' }) => void

/** V8's own function, which Node shows only to who asks at the start; a new context gets it any time. */
class Collector {
  #collect: Collect | undefined

  get collect(): Collect {
    if (this.#collect === undefined) {
      setFlagsFromString('--expose-gc')
      this.#collect = runInNewContext('gc') as Collect
    }
    return this.#collect
  }
}

const collector = new Collector()
