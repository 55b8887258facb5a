/** Runs the work of requests on the event loop in slices, so that everything which follows from it gets its turn as well. */
import type { Clock } from './clock.ts'
import type { Service, Services } from './services.ts'

/**
 * Work of requests in one round of the loop. Between two slices metrics are answered and exports go on. With much shorter
 * slices the same work takes a tenth more time.
 */
export const SLICE_MS = 25
/** At most so many rounds in a row go without work for the sake of new connections; after that these have to wait. */
const ROUNDS_WITHOUT_WORK = 20
/**
 * When everything else took at least this long in a round, there is probably more of it to come: long work is done in pieces,
 * one in each round.
 */
const BUSY_MS = 1
/** While there is, rounds without work follow, until everything else has had this many times as long as the last slice took. */
const REST_PER_SLICE = 1.5

interface Waiting {
  readonly begin: () => void
  readonly since_ms: number
  next: Waiting | undefined
}

/**
 * Without it, a round of the loop under overload would be the work of all requests that have come: a second in which no answer
 * of a backend is heard. Batches that were acknowledged would then wait for their exporter until its queue is full, and be
 * lost although the backend is well. Here new work is done in the order in which it came, and no faster than all that follows
 * from it, which while it is busy gets three fifths of the time.
 */
export class Turns {
  readonly #clock: Clock
  #first: Waiting | undefined
  #last: Waiting | undefined
  /** Is a slice under way, or will `#round` begin the next one? */
  #isOpen = false
  #began_ms = 0
  /** When the last slice, or round without work, was over; how long the last slice took; what everything else has taken since. */
  #left_ms = 0
  #slice_ms = 0
  #rest_ms = 0
  #hasNewcomer = false
  #roundsWithoutWork = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long the oldest has waited, in milliseconds; 0 if nobody waits. */
  get age_ms(): number {
    return this.#first === undefined ? 0 : this.#clock.monotonic_ms() - this.#first.since_ms
  }

  /** Does the work: now, or when its turn has come. `work` rejects, and does not throw, what goes wrong. */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#began_ms = this.#clock.monotonic_ms()
      this.#slice_ms = this.#rest_ms = 0
      this.#leave(this.#began_ms)
    } else if (this.#first !== undefined || this.#isOver()) {
      return new Promise((resolve, reject) => this.#append(() => void work().then(resolve, reject)))
    }
    return work()
  }

  /**
   * Somebody has connected. libuv takes up one connection a round: with long rounds the last of a thousand that come at
   * once would wait for half a minute. So the next rounds are without work while there are more.
   */
  welcome(): void {
    this.#hasNewcomer = true
  }

  #append(begin: () => void): void {
    const waiting: Waiting = { begin, since_ms: this.#clock.monotonic_ms(), next: undefined }
    if (this.#last === undefined) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
  }

  #isOver(): boolean {
    return this.#clock.monotonic_ms() - this.#began_ms >= SLICE_MS
  }

  readonly #round = (): void => {
    const now_ms = this.#clock.monotonic_ms()
    const passed_ms = now_ms - this.#left_ms
    this.#rest_ms += passed_ms
    if (this.#first === undefined) this.#isOpen = false
    else if (this.#hasNewcomer && this.#roundsWithoutWork < ROUNDS_WITHOUT_WORK) {
      this.#hasNewcomer = false
      this.#roundsWithoutWork++
      this.#leave(now_ms)
    } else if (passed_ms >= BUSY_MS && this.#rest_ms < this.#slice_ms * REST_PER_SLICE) this.#leave(now_ms)
    else {
      this.#roundsWithoutWork = this.#rest_ms = 0
      this.#began_ms = now_ms
      this.#next()
    }
  }

  #leave(now_ms: number): void {
    this.#left_ms = now_ms
    setImmediate(this.#round)
  }

  readonly #next = (): void => {
    const waiting = this.#first
    if (waiting === undefined || this.#isOver()) {
      const now_ms = this.#clock.monotonic_ms()
      this.#slice_ms = now_ms - this.#began_ms
      return this.#leave(now_ms)
    }
    this.#first = waiting.next
    if (this.#first === undefined) this.#last = undefined
    waiting.begin()
    // First everything that the work does without waiting for I/O: a tick asked for in a microtask comes after all of that.
    queueMicrotask(() => process.nextTick(this.#next))
  }
}

const TURNS: Service<Turns> = { make: ({ clock }) => new Turns(clock) }

/** The daemon's, by any host of its components. */
export function turnsOf(host: Pick<Services, 'service'>): Turns {
  return host.service(TURNS)
}
