/** What is said when more waits than there is room for: a line when the first goes, and one when nothing waits any more. */
import type { Logger } from 'pino'

export class Overflow {
  readonly #log: Logger
  #dropped = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** So many items had to go, the oldest of what waited for `destination`. */
  dropped(items: number, destination: string, bytes_max: number): void {
    if (this.#dropped === 0 && items > 0)
      this.#log.error(
        { destination, bytes_max, reason: 'queue_full' },
        'what waits for a destination that does not take it has reached its bytes: the oldest is dropped and counted',
      )
    this.#dropped += items
  }

  /** Everything that waited has gone. */
  over(destination: string): void {
    if (this.#dropped === 0) return
    this.#log.warn({ destination, dropped_items: this.#dropped }, 'a destination has taken what still waited for it')
    this.#dropped = 0
  }
}
