/** Long work in pieces, so that others run in between. */

/** How long a batch may keep the event loop before the others get their turn. */
const TURN_MS = 20

/** Of one piece of work: tells when it has taken long enough. */
export class LoopTurn {
  #since_ms = performance.now()

  over(): boolean {
    return performance.now() - this.#since_ms >= TURN_MS
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#since_ms = performance.now()
  }
}

/**
 * Where several do the same kind of work, one piece of one of them at a time: ten scrapes together hold the event loop no
 * longer than one, and one that does not come for its next piece keeps nobody waiting.
 */
export class LoopQueue {
  #last: Promise<void> = Promise.resolve()

  /** Each piece is made when its turn has come. Whoever stops asking ends the work. */
  async *inTurns<T>(pieces: Iterable<T>): AsyncGenerator<T> {
    const iterator = pieces[Symbol.iterator]()
    for (;;) {
      await this.#turn()
      const { value, done } = iterator.next()
      if (done) return
      yield value
    }
  }

  #turn(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#last
  }
}
