/** Long work on the event loop that nobody waits for, a slice of each round, one after the other. */
import type { Clock } from '../self/clock.ts'
import type { Service, Services } from '../self/services.ts'

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
    while (this.#waiting.length > 0) {
      this.#piece(this.#waiting[0]!)
      if (this.#clock.monotonic_ms() < end_ms) continue
      setImmediate(this.#slice)
      return
    }
    this.#isOpen = false
  }

  /** Work that throws, a bug, is not gone on with; what waits behind it is. */
  #piece(work: Work): void {
    let isMore = false
    let isSound = false
    try {
      isMore = work()
      isSound = true
    } finally {
      if (!isMore) this.#waiting.shift()
      if (!isSound) setImmediate(this.#slice)
    }
  }
}

const SLICES: Service<Slices> = { make: ({ clock }) => new Slices(clock) }

/** The daemon's: all shards of all components share a slice. */
export function sharedSlices(host: Pick<Services, 'service'>): Slices {
  return host.service(SLICES)
}
