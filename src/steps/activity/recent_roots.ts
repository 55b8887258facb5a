const PLACES = 1 << 16

/** Begin and end of spans without a parent that came lately, by trace: the latest of those that share a place. */
export class RecentRoots {
  /** Called with the trace when its root has come. */
  readonly listeners = new Set<(trace: number) => void>()
  readonly #traces = new Int32Array(PLACES)
  readonly #times = new Float64Array(PLACES * 2)

  /** `trace`: as `traceOf` says; times in Unix milliseconds. */
  add(trace: number, start_ms: number, end_ms: number): void {
    const place = placeOf(trace)
    this.#traces[place] = trace
    this.#times[place * 2] = start_ms
    this.#times[place * 2 + 1] = end_ms
    for (const tell of this.listeners) tell(trace)
  }

  has(trace: number): boolean {
    return this.#traces[placeOf(trace)] === trace
  }

  start_ms(trace: number): number {
    return this.#times[placeOf(trace) * 2]!
  }

  end_ms(trace: number): number {
    return this.#times[placeOf(trace) * 2 + 1]!
  }
}

function placeOf(trace: number): number {
  return (Math.imul(trace, 0x9e3779b1) >>> 16) & (PLACES - 1)
}
