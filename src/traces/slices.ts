/** Long work on the event loop that nobody waits for, a slice of each round, one after the other. */
import type { Host } from '../component.ts'
import type { Clock } from '../self/clock.ts'

/** Of each round of the loop. */
export const SLICE_MS = 5

/** Does a piece of the work; false if nothing is left to do. */
export type Work = () => boolean

export class Slices {
  readonly #clock: Clock
  readonly #waiting: Work[] = []
  #isOpen = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins the work: now, or when what came before is done. */
  run(work: Work): void {
    this.#waiting.push(work)
    if (this.#isOpen) return
    this.#isOpen = true
    this.#slice()
  }

  readonly #slice = (): void => {
    const end_ms = this.#clock.monotonic_ms() + SLICE_MS
    for (let work = this.#waiting[0]; work !== undefined; work = this.#waiting[0]) {
      if (!work()) this.#waiting.shift()
      else if (this.#clock.monotonic_ms() >= end_ms) {
        setImmediate(this.#slice)
        return
      }
    }
    this.#isOpen = false
  }
}

/** The daemon's: all shards of all components share a slice. */
export function sharedSlices(host: Host): Slices {
  return host.shared('slices', () => new Slices(host.clock))
}
