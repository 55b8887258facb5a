/** The JavaScript heap: how much of it lives, and collecting what does not. */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Watches full collections: what is left after one is what lives; garbage on top of it is nobody's. */
export class LiveHeap {
  readonly #observer: PerformanceObserver
  #live_bytes = used_bytes()

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      const isFull = list.getEntries().some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR)
      if (isFull) this.#live_bytes = used_bytes()
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** Bytes that lived at the last full collection, or that are there at all if that is less. */
  get bytes(): number {
    return Math.min(this.#live_bytes, used_bytes())
  }

  /** Collects everything, now. It takes about a millisecond for each megabyte that lives. */
  collect(): void {
    collector()
    this.#live_bytes = used_bytes()
  }

  close(): void {
    this.#observer.disconnect()
  }
}

function used_bytes(): number {
  return getHeapStatistics().used_heap_size
}

function kindOf(entry: object): number | undefined {
  return (entry as { detail?: { kind?: number } }).detail?.kind
}

let found: (() => void) | undefined

/** V8's own, which Node shows only to who asks for it at the start; a new context gets it any time. */
function collector(): void {
  if (found === undefined) {
    setFlagsFromString('--expose-gc')
    found = runInNewContext('gc') as () => void
  }
  found()
}
