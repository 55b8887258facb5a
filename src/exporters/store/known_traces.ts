import type { StoredTrace } from './stored_trace.ts'

export interface TraceLimits {
  /** So many traces, */
  readonly traces_max: number
  /** in about so much memory. */
  readonly bytes_max: number
}

/** Traces by key, in the order in which they came. When there are too many, or they take too much memory, the oldest go. */
export class KnownTraces {
  /** Traces that went to make room. */
  evicted = 0
  /** Memory that they take, about. */
  size_bytes = 0
  readonly #traces = new Map<string, StoredTrace>()
  readonly #limits: () => TraceLimits

  /** `limits` is asked at each use. */
  constructor(limits: () => TraceLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#traces.size
  }

  get(key: string): StoredTrace | undefined {
    return this.#traces.get(key)
  }

  all(): IterableIterator<StoredTrace> {
    return this.#traces.values()
  }

  add(trace: StoredTrace): void {
    this.#traces.set(trace.key, trace)
    this.size_bytes += trace.weighed_bytes = trace.size_bytes
    // One batch may have very many. In lots, as finding the oldest looks past those that are gone.
    if (this.#isOver(1.02, 64)) this.evict()
  }

  /** To be called when the trace, which need not be one of these, may have grown. */
  weigh(trace: StoredTrace): void {
    if (this.#traces.get(trace.key) !== trace) return
    this.size_bytes += trace.size_bytes - trace.weighed_bytes
    trace.weighed_bytes = trace.size_bytes
  }

  delete(trace: StoredTrace): void {
    if (this.#traces.delete(trace.key)) this.size_bytes -= trace.weighed_bytes
  }

  evict(): void {
    for (const trace of this.#traces.values()) {
      if (!this.#isOver()) return
      this.delete(trace)
      this.evicted++
    }
  }

  /** The newest stays, however large it is. */
  #isOver(times = 1, more_traces = 0): boolean {
    const { traces_max, bytes_max } = this.#limits()
    const { size } = this.#traces
    return size > traces_max * times + more_traces || (size > 1 && this.size_bytes > bytes_max * times)
  }
}
